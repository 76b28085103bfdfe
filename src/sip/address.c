/* SPDX-License-Identifier: MIT */
/*
 * address.c — name-addr and addr-spec (RFC 3261 section 20.10 and 25.1).
 *
 *     "A. G. Bell" <sip:agb@example.com;lr>;tag=a48s    name-addr: the URI's parameters are in <>
 *     sip:agb@example.com;tag=a48s                      addr-spec: all parameters are the header's
 *
 * An addr-spec ends at the first ";", "," or LWS, and holds no "?": a URI with one of these must be
 * in <>. Between a display name and "<" there may be nothing, as Microsoft's servers write it.
 */
#include <xfed/sip/uri.h>

#include "value_priv.h"

/* Behind the URI; the tag may be there once. */
static const char *take_address_params(struct xf_sip_cursor *c, struct xf_sip_address *address)
{
    const char *start = c->p, *wrong = NULL;
    struct xf_span name, value;

    while (xf_sip_next_param(c, &name, &value, &wrong)) {
        if (!XF_SIP_SAME(name, "tag"))
            continue;
        if (address->tag.ptr || value.len == 0 || xf_sip_is_quoted(value))
            return "a tag comes twice, is empty or in quotes";
        address->tag = value;
    }
    address->params = xf_sip_since(start, c);
    return wrong;
}

static const char *check_uri(struct xf_span text)
{
    struct xf_sip_uri uri;

    return xf_sip_uri_parse(text, &uri) == XF_ERR_OK ? NULL : "a URI is not well formed";
}

/* The cursor is at the "<". */
static const char *take_name_addr(struct xf_sip_cursor *c, struct xf_sip_address *address)
{
    const char *start = c->p + 1, *end = memchr(start, '>', (size_t)(c->end - start));

    if (!end)
        return "\"<\" without \">\"";
    address->uri = (struct xf_span){start, (size_t)(end - start)};
    c->p = end + 1;
    return check_uri(address->uri);
}

static const char *take_addr_spec(struct xf_sip_cursor *c, struct xf_sip_address *address)
{
    const char *start = c->p;

    while (c->p < c->end && !strchr(";, \t?<>\"", *c->p))
        c->p++;
    address->uri = xf_sip_since(start, c);
    if (xf_sip_at(c, '?'))
        return "a URI with \"?\" must be in <>";
    return check_uri(address->uri);
}

/* Tokens with LWS between them, as far as they go: a display name without quotes, or a scheme. */
static void skip_tokens(struct xf_sip_cursor *c)
{
    do
        xf_sip_skip_lws(c);
    while (xf_sip_take(c, XF_SIP_C_TOKEN).len > 0);
}

/* Text without the white space at its end. */
static struct xf_span trimmed(struct xf_span text)
{
    while (text.len > 0 && (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == '\t'))
        text.len--;
    return text;
}

static const char *take_name_and_uri(struct xf_sip_cursor *c, struct xf_sip_address *address)
{
    const char *start = c->p;

    if (xf_sip_at(c, '<'))
        return take_name_addr(c, address);
    if (xf_sip_at(c, '"')) {
        if (!xf_sip_skip_quoted(c))
            return "the quotes of a display name do not end";
        address->display = xf_sip_since(start, c);
        xf_sip_skip_lws(c);
        return xf_sip_at(c, '<') ? take_name_addr(c, address) : "no \"<\" behind a display name";
    }
    skip_tokens(c);
    if (xf_sip_at(c, '<')) {
        address->display = trimmed(xf_sip_since(start, c));
        return take_name_addr(c, address);
    }
    c->p = start;
    return take_addr_spec(c, address);
}

const char *xf_sip_take_address(struct xf_sip_cursor *c, struct xf_sip_address *out_address)
{
    *out_address = (struct xf_sip_address){0};
    xf_sip_skip_lws(c);

    const char *wrong = take_name_and_uri(c, out_address);
    return wrong ? wrong : take_address_params(c, out_address);
}
