/* SPDX-License-Identifier: MIT */
/*
 * escape.c — writes character data and attribute values so that a parser reads the same characters.
 *
 * Clean runs are copied in one piece; a table says where they end. CR is always written as a
 * reference, tab and LF in values too: a parser would turn them into LF or spaces (XML 1.0
 * sections 2.11 and 3.3.3).
 */
#include "escape_priv.h"

#define ILLEGAL (XF_ESCAPE_TEXT | XF_ESCAPE_VALUE)
#define BOTH    (XF_ESCAPE_TEXT | XF_ESCAPE_VALUE)

/* clang-format off */
const uint8_t xf_escape_sets[256] = {
    [0x00] = ILLEGAL, [0x01] = ILLEGAL, [0x02] = ILLEGAL, [0x03] = ILLEGAL, [0x04] = ILLEGAL,
    [0x05] = ILLEGAL, [0x06] = ILLEGAL, [0x07] = ILLEGAL, [0x08] = ILLEGAL, [0x0B] = ILLEGAL,
    [0x0C] = ILLEGAL, [0x0E] = ILLEGAL, [0x0F] = ILLEGAL, [0x10] = ILLEGAL, [0x11] = ILLEGAL,
    [0x12] = ILLEGAL, [0x13] = ILLEGAL, [0x14] = ILLEGAL, [0x15] = ILLEGAL, [0x16] = ILLEGAL,
    [0x17] = ILLEGAL, [0x18] = ILLEGAL, [0x19] = ILLEGAL, [0x1A] = ILLEGAL, [0x1B] = ILLEGAL,
    [0x1C] = ILLEGAL, [0x1D] = ILLEGAL, [0x1E] = ILLEGAL, [0x1F] = ILLEGAL,
    ['\r'] = BOTH, ['&'] = BOTH, ['<'] = BOTH, ['>'] = BOTH,
    ['\t'] = XF_ESCAPE_VALUE, ['\n'] = XF_ESCAPE_VALUE, ['"'] = XF_ESCAPE_VALUE, ['\''] = XF_ESCAPE_VALUE,
};
/* clang-format on */

struct xf_span xf_escape_reference(char c)
{
    switch (c) {
    case '&':
        return XF_SPAN("&amp;");
    case '<':
        return XF_SPAN("&lt;");
    case '>':
        return XF_SPAN("&gt;");
    case '"':
        return XF_SPAN("&quot;");
    case '\'':
        return XF_SPAN("&apos;");
    case '\t':
        return XF_SPAN("&#9;");
    case '\n':
        return XF_SPAN("&#10;");
    case '\r':
        return XF_SPAN("&#13;");
    default:
        return XF_SPAN("\xEF\xBF\xBD");
    }
}

enum xf_err xf_escape_append(struct xf_buf *out, const char *text, size_t len, unsigned set)
{
    while (len) {
        size_t run = xf_escape_clean(text, len, set);

        if (xf_buf_try_append(out, text, run) != XF_ERR_OK)
            return XF_ERR_LIMIT;
        if (run == len)
            break;

        struct xf_span reference = xf_escape_reference(text[run]);
        if (xf_buf_try_append(out, reference.ptr, reference.len) != XF_ERR_OK)
            return XF_ERR_LIMIT;
        text += run + 1;
        len -= run + 1;
    }
    return XF_ERR_OK;
}

size_t xf_escape_len(struct xf_span text, unsigned set)
{
    size_t len = text.len;

    for (size_t i = 0; i < text.len; i++) {
        i += xf_escape_clean(text.ptr + i, text.len - i, set);
        if (i < text.len)
            len += xf_escape_reference(text.ptr[i]).len - 1;
    }
    return len;
}

char *xf_escape_into(char *out, struct xf_span text, unsigned set)
{
    for (size_t i = 0; i < text.len;) {
        size_t run = xf_escape_clean(text.ptr + i, text.len - i, set);

        memcpy(out, text.ptr + i, run);
        out += run;
        i += run;
        if (i == text.len)
            break;

        struct xf_span reference = xf_escape_reference(text.ptr[i++]);
        memcpy(out, reference.ptr, reference.len);
        out += reference.len;
    }
    return out;
}
