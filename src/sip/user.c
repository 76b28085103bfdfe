/* SPDX-License-Identifier: MIT */
/* user.c — user parts and parameters of URIs: decoded to text, and text encoded as one. */
#include <xfed/base/draft.h>
#include <xfed/base/utf8.h>

#include "uri_priv.h"

#define FIRST_PRINTABLE 0x20
#define DEL             0x7f

/* Decode into the room behind `out`, and commit nothing. */
static size_t unescape(struct xf_span value, char *room)
{
    size_t len = 0;

    for (const char *p = value.ptr; p < value.ptr + value.len; p++) {
        if (*p == '%') {
            room[len++] = (char)xf_sip_escaped_byte(p);
            p += 2;
        } else {
            room[len++] = *p;
        }
    }
    return len;
}

static bool has_control(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] < FIRST_PRINTABLE || text[i] == DEL)
            return true;
    }
    return false;
}

static enum xf_err decode(struct xf_span value, unsigned classes, struct xf_buf *out)
{
    struct xf_sip_cursor c = xf_sip_cursor(value);
    struct xf_span text;

    if (value.len == 0 || !xf_sip_take_escaped(&c, classes, &text) || !xf_sip_at_end(&c))
        return XF_ERR_BAD_VALUE;

    /* The decoded text is never longer. */
    char *room = xf_buf_reserve(out, value.len);
    if (!room)
        return XF_ERR_LIMIT;
    size_t len = unescape(value, room);
    if (has_control(room, len) || !xf_utf8_valid(room, len))
        return XF_ERR_BAD_VALUE;
    xf_buf_commit(out, len);
    return XF_ERR_OK;
}

/* "=" in the value of a parameter is read, and not written (RFC 3261 section 25.1, paramchar). */
static bool is_plain(char c, unsigned classes)
{
    return xf_sip_is(c, classes) && !(classes == XF_SIP_C_PARAM && c == '=');
}

static enum xf_err encode(struct xf_span text, unsigned classes, struct xf_buf *out)
{
    static const char digits[] = "0123456789ABCDEF";
    struct xf_draft draft = xf_draft_begin(out);

    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];

        if (is_plain(text.ptr[i], classes))
            xf_draft_append(&draft, text.ptr + i, 1);
        else
            xf_draft_append(&draft, (char[]){'%', digits[byte >> 4], digits[byte & 0xf]}, 3);
    }
    return xf_draft_end(&draft);
}

enum xf_err xf_sip_user_decode(struct xf_span user, struct xf_buf *out)
{
    return decode(user, XF_SIP_C_USER, out);
}

enum xf_err xf_sip_user_encode(struct xf_span text, struct xf_buf *out)
{
    return encode(text, XF_SIP_C_USER, out);
}

enum xf_err xf_sip_param_decode(struct xf_span value, struct xf_buf *out)
{
    return decode(value, XF_SIP_C_PARAM, out);
}

enum xf_err xf_sip_param_encode(struct xf_span text, struct xf_buf *out)
{
    return encode(text, XF_SIP_C_PARAM, out);
}
