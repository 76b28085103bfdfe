/* SPDX-License-Identifier: MIT */
/*
 * fuzz_page.c — any bytes as the page of a partner's operator. What must hold: it is refused, with
 * a reason and nothing written; or each line that it becomes has one of the forms below, so that it
 * opens no section but those of the partner, and sets nothing but what it may.
 */
#include "fuzz.h"

#include <stdio.h>
#include <string.h>

#include <xfed/setup/setup.h>
#include <xfed/xmpp/jid.h>

#define NAME       "p.example"
#define MOST_BYTES (1u << 20)
#define HEX_OF_PIN 64

/* Take `text` from the front; false: it is not there. */
static bool take(struct xf_span *left, const char *text)
{
    size_t len = strlen(text);
    if (left->len < len || memcmp(left->ptr, text, len) != 0)
        return false;
    *left = (struct xf_span){left->ptr + len, left->len - len};
    return true;
}

/* As many of these characters as there are; false: none. */
static bool take_of(struct xf_span *left, const char *characters, size_t *out_len)
{
    for (*out_len = 0; left->len > 0 && left->ptr[0] && strchr(characters, left->ptr[0]);) {
        *left = (struct xf_span){left->ptr + 1, left->len - 1};
        ++*out_len;
    }
    return *out_len > 0;
}

/* peer "DOMAIN" { of the partner, prepared */
static bool is_peer(struct xf_span line)
{
    char prepared[XF_DOMAIN_MAX + 1];
    if (!take(&line, "peer \"") || !xf_span_ends_with(line, XF_SPAN("\" {")))
        return false;
    line.len -= strlen("\" {");
    return !memchr(line.ptr, '"', line.len) && xf_domain_prepare(line, prepared) == XF_ERR_OK &&
           xf_span_is(line, prepared) &&
           (xf_span_is(line, NAME) || xf_span_ends_with(line, XF_SPAN("." NAME)));
}

/* {"PREFIX...", ...} of these characters; `len`: each has as many, 0: any number. */
static bool is_list(struct xf_span line, const char *prefix, const char *characters, size_t len)
{
    size_t got;
    const char *before = "{\"";
    for (; take(&line, before); before = ", \"")
        if (!take(&line, prefix) || !take_of(&line, characters, &got) || (len && got != len) ||
            !take(&line, "\""))
            return false;
    return xf_span_is(line, "}");
}

static bool is_good(struct xf_span line)
{
    if (xf_span_is(line,
                   "    # Their page has no key: this section demands no certificate. Ask them "
                   "before you use it."))
        return true;
    if (xf_span_is(line, "}") || xf_span_is(line, "    tls         = required") ||
        xf_span_is(line, "    certificate = required"))
        return true;
    if (take(&line, "    pins        = "))
        return is_list(line, "sha256:", "0123456789abcdef", HEX_OF_PIN);
    if (take(&line, "    route       = "))
        return is_list(line, "", "0123456789abcdefABCDEF.:[]", 0);
    return is_peer(line);
}

static void check_lines(struct xf_span left)
{
    xf_require(take(&left, "# From the page of " NAME ", read by xfedctl partner.\n"));
    while (left.len > 0) {
        const char *end = memchr(left.ptr, '\n', left.len);
        xf_require(end && is_good((struct xf_span){left.ptr, (size_t)(end - left.ptr)}));
        left.len -= (size_t)(end + 1 - left.ptr);
        left.ptr = end + 1;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct xf_error err = {0};
    struct xf_buf out;
    FILE *page = len ? fmemopen((void *)(uintptr_t)bytes, len, "r") : NULL;
    if (!page)
        return 0;
    xf_buf_init(&out, MOST_BYTES);
    if (xf_setup_read_page(page, NAME, true, &out, &err) == XF_ERR_OK)
        check_lines(xf_buf_span(&out));
    else
        xf_require(out.len == 0 && *err.detail);
    xf_buf_release(&out);
    fclose(page);
    return 0;
}
