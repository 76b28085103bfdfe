/* SPDX-License-Identifier: MIT */
/* query.c — application/x-www-form-urlencoded, as in forms and behind a question mark. */
#include <ctype.h>

#include <xfed/base/utf8.h>

#include "page_priv.h"

static int digit(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* False: it does not fit, or is no text. */
static bool decode(struct xf_span value, char *out, size_t out_bytes)
{
    size_t len = 0;
    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i] == '+' ? ' ' : value.ptr[i];
        if (c == '%') {
            if (value.len - i < 3 || !isxdigit((unsigned char)value.ptr[i + 1]) ||
                !isxdigit((unsigned char)value.ptr[i + 2]))
                return false;
            c = (char)(digit(value.ptr[i + 1]) * 16 + digit(value.ptr[i + 2]));
            i += 2;
        }
        if (c == '\0' || len + 1 >= out_bytes)
            return false;
        out[len++] = c;
    }
    out[len] = '\0';
    return xf_utf8_valid(out, len);
}

bool xf_query_get(struct xf_span query, const char *name, char *out, size_t out_bytes)
{
    size_t name_len = strlen(name);
    *out = '\0';
    while (query.len > 0) {
        const char *end = memchr(query.ptr, '&', query.len);
        size_t len = end ? (size_t)(end - query.ptr) : query.len;
        if (len > name_len && query.ptr[name_len] == '=' &&
            memcmp(query.ptr, name, name_len) == 0) {
            struct xf_span value = {query.ptr + name_len + 1, len - name_len - 1};
            bool is_good = decode(value, out, out_bytes);
            if (!is_good)
                *out = '\0';
            return is_good;
        }
        len += end != NULL;
        query = (struct xf_span){query.ptr + len, query.len - len};
    }
    return false;
}
