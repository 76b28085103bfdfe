/* SPDX-License-Identifier: MIT */
/*
 * text.c — converts what people write in files and directories to prepared bare JIDs.
 *
 * An e-mail address becomes a JID: its local part is escaped where it must be (XEP-0106), then
 * everything is prepared, which also makes it lower case. Local parts of mail are case-sensitive in
 * theory (RFC 5321 section 2.4) and nowhere in practice. A backslash is not escaped, so that a JID
 * that is already escaped does not change.
 */
#include "mailmap_priv.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <xfed/base/alloc.h>
#include <xfed/base/log.h>
#include <xfed/base/utf8.h>

#define VALUE_MAX 1023 /* a longer value is not an address */

static const char escaped[] = " \"&'/:<>";

static struct xf_span without_scheme(struct xf_span value)
{
    static const char *const schemes[] = {"sip:", "smtp:", "xmpp:", "mailto:"};
    for (size_t i = 0; i < XF_ARRAY_LEN(schemes); i++) {
        size_t len = strlen(schemes[i]);
        if (value.len > len &&
            xf_span_eq_nocase((struct xf_span){value.ptr, len}, xf_span_of(schemes[i])))
            return (struct xf_span){value.ptr + len, value.len - len};
    }
    return value;
}

static size_t escape(struct xf_span local, char *out)
{
    static const char digits[] = "0123456789abcdef";
    size_t len = 0;
    for (size_t i = 0; i < local.len; i++) {
        unsigned char c = (unsigned char)local.ptr[i];
        if (!memchr(escaped, c, sizeof(escaped) - 1)) {
            out[len++] = (char)c;
            continue;
        }
        out[len++] = '\\';
        out[len++] = digits[c >> 4];
        out[len++] = digits[c & 15];
    }
    return len;
}

bool xf_bare_make(struct xf_span value, struct xf_span domain, struct xf_bare *out)
{
    char raw[4 * VALUE_MAX + 2];
    struct xf_jid jid;
    value = without_scheme(value);
    if (value.len == 0 || value.len > VALUE_MAX || memchr(value.ptr, '\0', value.len) ||
        !xf_utf8_valid(value.ptr, value.len))
        return false;
    const char *at = memrchr(value.ptr, '@', value.len);
    struct xf_span local = at ? (struct xf_span){value.ptr, (size_t)(at - value.ptr)} : value;
    if (at)
        domain = (struct xf_span){at + 1, value.len - local.len - 1};
    if (local.len == 0 || domain.len == 0 || domain.len > VALUE_MAX)
        return false;
    size_t len = escape(local, raw);
    raw[len++] = '@';
    memcpy(raw + len, domain.ptr, domain.len);
    len += domain.len;
    if (xf_jid_prepare((struct xf_span){raw, len}, out->bytes, &jid) != XF_ERR_OK ||
        !jid.local.ptr || jid.resource.ptr)
        return false;
    if (jid.full.ptr != out->bytes)
        memcpy(out->bytes, jid.full.ptr, jid.full.len);
    out->text = (struct xf_span){out->bytes, jid.full.len};
    return true;
}

static int hex_value(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

struct xf_span xf_bare_unescape(struct xf_span local, char *out)
{
    size_t len = 0;
    for (size_t i = 0; i < local.len; i++) {
        int high = i + 2 < local.len ? hex_value(local.ptr[i + 1]) : -1,
            low = high >= 0 ? hex_value(local.ptr[i + 2]) : -1;
        char c = low >= 0 ? (char)(16 * high + low) : '\0';
        if (local.ptr[i] == '\\' && c && memchr(escaped, c, sizeof(escaped) - 1)) {
            out[len++] = c;
            i += 2;
        } else {
            out[len++] = local.ptr[i];
        }
    }
    return (struct xf_span){out, len};
}

/* ------------------------------------------------------------------ notes */

void xf_note(struct xf_notes *notes, const char *fmt, ...)
{
    char text[1024];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (notes->count < XF_NOTES_MAX)
        notes->line[notes->count] = xf_strdup(text);
    notes->count++;
}

void xf_notes_release(struct xf_notes *notes)
{
    for (size_t i = 0; i < notes->count && i < XF_NOTES_MAX; i++)
        xf_free(notes->line[i]);
    *notes = (struct xf_notes){0};
}

void xf_notes_log(struct xf_notes *notes)
{
    for (size_t i = 0; i < notes->count && i < XF_NOTES_MAX; i++)
        xf_log(XF_LOG_WARN, "identity.user.ambiguous", XF_STR("detail", notes->line[i]));
    if (notes->count > XF_NOTES_MAX)
        xf_log(XF_LOG_WARN, "identity.user.ambiguous", XF_STR("detail", "there are more"),
               XF_INT("suppressed", notes->count - XF_NOTES_MAX));
    xf_notes_release(notes);
}
