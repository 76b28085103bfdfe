/* SPDX-License-Identifier: MIT */
/*
 * name.c — names of the DNS as text and on the wire.
 *
 * ldns reads presentation format, with its escapes and raw UTF-8; names from the network never take
 * that path. Here a name is checked byte by byte against the letters, digits and hyphen of RFC 952
 * and the underscore of RFC 2782, in both directions.
 */
#include "name_priv.h"

#include <xfed/xmpp/jid.h>

#define LABEL_MAX 63 /* RFC 1035 §2.3.4 */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

bool xf_dns_name_prepare(struct xf_span text, char out[XF_DNS_NAME_MAX + 1])
{
    size_t label_len = 0;

    if (text.len > 0 && text.ptr[text.len - 1] == '.')
        text.len--;
    if (text.len == 0 || text.len > XF_DNS_NAME_TEXT_MAX)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = lower(text.ptr[i]);

        if (c == '.' ? label_len == 0 : (!is_name_byte(c) || label_len == LABEL_MAX))
            return false;
        label_len = c == '.' ? 0 : label_len + 1;
        out[i] = c;
    }
    out[text.len] = '\0';
    return label_len > 0;
}

bool xf_dns_name_of_domain(struct xf_span domain, char out[XF_DNS_NAME_MAX + 1])
{
    char ascii[XF_DOMAIN_ASCII_MAX + 1];

    return xf_domain_to_ascii(domain, ascii) == XF_ERR_OK &&
           xf_dns_name_prepare(xf_span_of(ascii), out);
}

size_t xf_dns_name_to_wire(const char *name, uint8_t out[XF_DNS_NAME_WIRE_MAX])
{
    char checked[XF_DNS_NAME_MAX + 1];
    size_t count_at = 0, len = 1;

    if (*name == '\0') {
        out[0] = 0;
        return 1;
    }
    if (!xf_dns_name_prepare(xf_span_of(name), checked))
        return 0;
    out[0] = 0;
    for (const char *c = checked; *c; c++) {
        if (*c == '.') {
            count_at = len;
            out[len++] = 0;
        } else {
            out[count_at]++;
            out[len++] = (uint8_t)*c;
        }
    }
    out[len++] = 0;
    return len;
}

/* One label of `count` bytes behind a dot (but for the first). */
static bool append_label(const uint8_t *label, size_t count, char *out, size_t *out_len)
{
    if (*out_len + 1 + count > XF_DNS_NAME_TEXT_MAX + 1)
        return false;
    if (*out_len > 0)
        out[(*out_len)++] = '.';
    for (size_t i = 0; i < count; i++) {
        char c = lower((char)label[i]);

        if (!is_name_byte(c))
            return false;
        out[(*out_len)++] = c;
    }
    return true;
}

bool xf_dns_name_from_wire(const uint8_t *wire, size_t len, char out[XF_DNS_NAME_MAX + 1])
{
    size_t at = 0, out_len = 0;

    while (at < len && wire[at] != 0) {
        size_t count = wire[at];

        if (count > LABEL_MAX || count >= len - at ||
            !append_label(wire + at + 1, count, out, &out_len)) {
            out[0] = '\0'; /* no half of a name */
            return false;
        }
        at += 1 + count;
    }
    out[at < len ? out_len : 0] = '\0';
    return at < len;
}
