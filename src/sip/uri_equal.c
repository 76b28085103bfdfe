/* SPDX-License-Identifier: MIT */
/*
 * uri_equal.c — are two URIs the same (RFC 3261 section 19.1.4)?
 *
 * Characters are compared one at a time: an escape stands for its character, unless that is
 * reserved, where it is another one than the bare character. Parameters and headers have no order,
 * so each of one URI is looked for in the other; xf_sip_uri_parse bounds how many there are.
 */
#include "uri_priv.h"

#define RESERVED 0x100 /* an escape of a reserved character is none of the 256 */

static unsigned hex_value(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)(xf_sip_lower(c) - 'a') + 10;
}

unsigned char xf_sip_escaped_byte(const char *escape)
{
    return (unsigned char)(hex_value(escape[1]) << 4 | hex_value(escape[2]));
}

static bool is_reserved(unsigned char byte)
{
    return byte != '\0' && strchr(";/?:@&=+$,", byte);
}

static unsigned next_char(struct xf_sip_cursor *c)
{
    unsigned char byte = (unsigned char)*c->p;

    if (byte != '%') {
        c->p++;
        return byte;
    }
    byte = xf_sip_escaped_byte(c->p);
    c->p += 3;
    return is_reserved(byte) ? byte | RESERVED : byte;
}

static unsigned folded(unsigned c)
{
    return c < 0x80 ? (unsigned char)xf_sip_lower((char)c) : c;
}

static bool text_equals(struct xf_span a, struct xf_span b, bool with_case)
{
    struct xf_sip_cursor left = xf_sip_cursor(a), right = xf_sip_cursor(b);

    if (!a.ptr || !b.ptr)
        return !a.ptr && !b.ptr;
    while (!xf_sip_at_end(&left) && !xf_sip_at_end(&right)) {
        unsigned one = next_char(&left), other = next_char(&right);
        if (with_case ? one != other : folded(one) != folded(other))
            return false;
    }
    return xf_sip_at_end(&left) && xf_sip_at_end(&right);
}

static bool must_be_in_both(struct xf_span name)
{
    static const struct xf_span names[] = {XF_SPAN_INIT("maddr"), XF_SPAN_INIT("method"),
                                           XF_SPAN_INIT("transport"), XF_SPAN_INIT("ttl"),
                                           XF_SPAN_INIT("user")};

    for (size_t i = 0; i < XF_ARRAY_LEN(names); i++) {
        if (text_equals(name, names[i], false))
            return true;
    }
    return false;
}

/*
 * Does `params` have one with this name, and with this value too? A name may come twice ("lr;lr" of
 * Microsoft's servers): one of them must do.
 */
static void look_for(struct xf_span params, struct xf_span name, struct xf_span value,
                     bool *out_has_name, bool *out_has_both)
{
    struct xf_span other_name, other_value;

    *out_has_name = *out_has_both = false;
    while (!*out_has_both && xf_sip_uri_next_param(&params, &other_name, &other_value)) {
        if (!text_equals(name, other_name, false))
            continue;
        *out_has_name = true;
        *out_has_both = text_equals(value, other_value, false);
    }
}

/* Does nothing in `a` speak against `b`? */
static bool params_agree(struct xf_span a, struct xf_span b)
{
    struct xf_span name, value;
    bool has_name, has_both;

    while (xf_sip_uri_next_param(&a, &name, &value)) {
        look_for(b, name, value, &has_name, &has_both);
        if (has_name ? !has_both : must_be_in_both(name))
            return false;
    }
    return true;
}

static bool next_header(struct xf_span *headers, struct xf_span *out_header)
{
    if (headers->len == 0)
        return false;

    const char *stop = memchr(headers->ptr, '&', headers->len);
    size_t len = stop ? (size_t)(stop - headers->ptr) : headers->len, taken = len + (stop ? 1 : 0);

    *out_header = (struct xf_span){headers->ptr, len};
    *headers = (struct xf_span){headers->ptr + taken, headers->len - taken};
    return true;
}

static size_t count_equal(struct xf_span headers, struct xf_span wanted)
{
    struct xf_span header;
    size_t count = 0;

    while (next_header(&headers, &header))
        count += text_equals(header, wanted, false);
    return count;
}

/* Is each header of `a` as often in `b`? */
static bool headers_agree(struct xf_span a, struct xf_span b)
{
    struct xf_span rest = a, header;

    while (next_header(&rest, &header)) {
        if (count_equal(a, header) != count_equal(b, header))
            return false;
    }
    return true;
}

bool xf_sip_uri_equal(const struct xf_sip_uri *a, const struct xf_sip_uri *b)
{
    if (a->scheme != b->scheme)
        return false;
    if (!xf_sip_uri_is_sip(a))
        return xf_span_eq_nocase(a->scheme_name, b->scheme_name) &&
               xf_span_eq(a->opaque, b->opaque);
    return text_equals(a->user, b->user, true) && text_equals(a->password, b->password, true) &&
           xf_span_eq_nocase(a->host, b->host) && a->port == b->port &&
           params_agree(a->params, b->params) && params_agree(b->params, a->params) &&
           headers_agree(a->headers, b->headers) && headers_agree(b->headers, a->headers);
}
