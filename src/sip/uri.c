/* SPDX-License-Identifier: MIT */
/*
 * uri.c — splits a URI where RFC 3261 section 25.1 does, and checks each part's characters.
 *
 *     sip: user : password @ host : port ;parameters ?headers
 *
 * A user may hold ";", "?" and "/", but nothing behind the host may hold "@": so we read user and
 * password as far as they go, and unless an "@" follows, there is none, and reading begins again
 * with the host. Each byte is read at most twice, whatever the text.
 */
#include <xfed/sip/uri.h>

#include <arpa/inet.h>

#include "uri_priv.h"

/* clang-format off */
static const struct {
    const char *text;
    size_t len;
} schemes[] = {
    {"", 0},
#define X(name, text) {text, sizeof(text) - 1},
    XF_SIP_SCHEME_MAP(X)
#undef X
};
/* clang-format on */

static enum xf_sip_scheme scheme_of(struct xf_span name)
{
    for (size_t i = 1; i < XF_ARRAY_LEN(schemes); i++) {
        if (xf_sip_same(name, schemes[i].text, schemes[i].len))
            return (enum xf_sip_scheme)i;
    }
    return XF_SIP_SCHEME_OTHER;
}

/* RFC 2396 section 3.1. The cursor is left behind the ":". */
static bool take_scheme(struct xf_sip_cursor *c, struct xf_span *out_name)
{
    const char *start = c->p;

    while (c->p < c->end && (xf_sip_is(*c->p, XF_SIP_C_HOST) || *c->p == '+') && *c->p != '_')
        c->p++;
    *out_name = xf_sip_since(start, c);
    if (out_name->len == 0 || xf_sip_is(*start, XF_SIP_C_DIGIT) || !xf_sip_at(c, ':') ||
        *start == '+' || *start == '-' || *start == '.')
        return false;
    c->p++;
    return true;
}

/* User and password, if an "@" ends them; else the cursor stays. False: a bad escape. */
static bool take_userinfo(struct xf_sip_cursor *c, struct xf_sip_uri *uri)
{
    struct xf_sip_cursor at = *c;
    struct xf_span user, password = XF_SPAN_NONE;

    if (!xf_sip_take_escaped(&at, XF_SIP_C_USER, &user))
        return false;
    if (xf_sip_at(&at, ':')) {
        at.p++;
        if (!xf_sip_take_escaped(&at, XF_SIP_C_PASS, &password))
            return false;
    }
    if (!xf_sip_at(&at, '@') || user.len == 0) /* no host begins with "@" or ":" */
        return true;
    at.p++;
    uri->user = user;
    uri->password = password;
    *c = at;
    return true;
}

static bool is_address(int family, struct xf_span text)
{
    char copy[INET6_ADDRSTRLEN];
    struct in6_addr address;

    if (text.len >= sizeof(copy))
        return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    return inet_pton(family, copy, &address) == 1;
}

/* Labels of RFC 3261's hostname, or an IPv4 address: what ends in digits only must be one. */
static bool is_host(struct xf_span host)
{
    const char *end = host.ptr + host.len, *label = host.ptr;
    bool is_number = false;

    if (host.len == 0 || host.len > XF_SIP_HOST_MAX)
        return false;
    for (const char *p = host.ptr; label < end; label = ++p) {
        is_number = true;
        for (; p < end && *p != '.'; p++)
            is_number = is_number && xf_sip_is(*p, XF_SIP_C_DIGIT);
        if (p == label || *label == '-' || p[-1] == '-')
            return false;
        if (p == end)
            break;
    }
    return !is_number || is_address(AF_INET, host);
}

bool xf_sip_take_host(struct xf_sip_cursor *c, struct xf_span *out_host, bool *out_is_ipv6)
{
    *out_is_ipv6 = xf_sip_at(c, '[');
    if (!*out_is_ipv6) {
        *out_host = xf_sip_take(c, XF_SIP_C_HOST);
        return is_host(*out_host);
    }

    const char *start = ++c->p;
    while (c->p < c->end && (xf_sip_is(*c->p, XF_SIP_C_HEX) || *c->p == ':' || *c->p == '.'))
        c->p++;
    *out_host = xf_sip_since(start, c);
    if (!xf_sip_at(c, ']'))
        return false;
    c->p++;
    return is_address(AF_INET6, *out_host);
}

bool xf_sip_take_port(struct xf_sip_cursor *c, uint16_t *out_port)
{
    struct xf_span digits = xf_sip_take(c, XF_SIP_C_DIGIT);
    uint64_t port;

    if (!xf_span_number(digits, UINT16_MAX, &port) || port == 0)
        return false;
    *out_port = (uint16_t)port;
    return true;
}

/* "name" or "name=value", neither of them empty. Base64 in a value may end with "=". */
static bool is_param(struct xf_span text)
{
    const char *equals = memchr(text.ptr, '=', text.len);

    return text.len > 0 && equals != text.ptr && equals != text.ptr + text.len - 1;
}

static bool take_params(struct xf_sip_cursor *c, struct xf_span *out_params)
{
    const char *start = c->p;
    struct xf_span text;

    for (unsigned count = 0; xf_sip_at(c, ';'); count++) {
        c->p++;
        if (count == XF_SIP_URI_PARTS_MAX || !xf_sip_take_escaped(c, XF_SIP_C_PARAM, &text) ||
            !is_param(text))
            return false;
    }
    *out_params = xf_sip_since(start, c);
    return true;
}

/* "name=value" and more of them behind "&". */
static bool take_headers(struct xf_sip_cursor *c, struct xf_span *out_headers)
{
    unsigned count = 1;

    if (!xf_sip_take_escaped(c, XF_SIP_C_HEADER, out_headers) || out_headers->len == 0)
        return false;
    for (size_t i = 0; i < out_headers->len; i++)
        count += out_headers->ptr[i] == '&';
    return count <= XF_SIP_URI_PARTS_MAX;
}

static bool take_sip(struct xf_sip_cursor *c, struct xf_sip_uri *uri)
{
    if (!take_userinfo(c, uri) || !xf_sip_take_host(c, &uri->host, &uri->is_ipv6))
        return false;
    if (xf_sip_at(c, ':')) {
        c->p++;
        if (!xf_sip_take_port(c, &uri->port))
            return false;
    }
    if (!take_params(c, &uri->params))
        return false;
    if (xf_sip_at(c, '?')) {
        c->p++;
        if (!take_headers(c, &uri->headers))
            return false;
    }
    return xf_sip_at_end(c);
}

enum xf_err xf_sip_uri_parse(struct xf_span text, struct xf_sip_uri *out_uri)
{
    struct xf_sip_cursor c = xf_sip_cursor(text);
    struct xf_sip_uri uri = {.text = text};
    struct xf_span any;

    if (text.len == 0 || !take_scheme(&c, &uri.scheme_name))
        return XF_ERR_BAD_VALUE;
    uri.scheme = scheme_of(uri.scheme_name);
    uri.opaque = (struct xf_span){c.p, (size_t)(c.end - c.p)};
    if (uri.opaque.len == 0)
        return XF_ERR_BAD_VALUE;
    if (xf_sip_uri_is_sip(&uri)
            ? !take_sip(&c, &uri)
            : !xf_sip_take_escaped(&c, XF_SIP_C_URI, &any) || !xf_sip_at_end(&c))
        return XF_ERR_BAD_VALUE;
    *out_uri = uri;
    return XF_ERR_OK;
}

bool xf_sip_uri_next_param(struct xf_span *params, struct xf_span *out_name,
                           struct xf_span *out_value)
{
    if (params->len == 0)
        return false;

    const char *start = params->ptr + 1, *end = params->ptr + params->len;
    const char *stop = memchr(start, ';', (size_t)(end - start));
    stop = stop ? stop : end;
    const char *equals = memchr(start, '=', (size_t)(stop - start));

    *out_name = (struct xf_span){start, (size_t)((equals ? equals : stop) - start)};
    *out_value = equals ? (struct xf_span){equals + 1, (size_t)(stop - equals) - 1} : XF_SPAN_NONE;
    *params = (struct xf_span){stop, (size_t)(end - stop)};
    return true;
}

bool xf_sip_uri_param(const struct xf_sip_uri *uri, const char *name, struct xf_span *out_value)
{
    struct xf_span rest = uri->params, found, value;

    *out_value = XF_SPAN_NONE;
    while (xf_sip_uri_next_param(&rest, &found, &value)) {
        if (xf_span_eq_nocase(found, xf_span_of(name))) {
            *out_value = value;
            return true;
        }
    }
    return false;
}
