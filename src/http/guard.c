/* SPDX-License-Identifier: MIT */
/*
 * guard.c — requests that are refused whatever they ask for. Pure. Test:
 * tests/unit/http/test_guard.c.
 *
 * A page of a stranger that runs in an operator's browser can send requests here. It cannot read
 * the answers, unless its own name leads to this machine (DNS rebinding): then Host has that name.
 * So Host must be localhost, the address that the client connected to, or a name that the
 * configuration has; an address cannot be rebound. Browsers also say which site asks.
 */
#include "http_priv.h"

#include <strings.h>

/* "name:80" or "name" */
static bool is_name(const char *host, const char *name)
{
    size_t len = strlen(name);
    if (strncasecmp(host, name, len) != 0)
        return false;
    const char *port = host + len;
    return *port == '\0' || (*port == ':' && strspn(port + 1, "0123456789") == strlen(port + 1));
}

static bool is_address(const char *host, const struct xf_addr *local)
{
    struct xf_addr addr;
    char text[XF_ADDR_TEXT_BYTES], local_text[XF_ADDR_TEXT_BYTES];
    if (xf_addr_parse(xf_span_of(host), 80, &addr) != XF_ERR_OK)
        return false;
    xf_addr_host_text(&addr, text);
    xf_addr_host_text(local, local_text);
    return strcmp(text, local_text) == 0;
}

static bool is_host(const char *host, const struct xf_addr *local, const struct xf_texts *hosts)
{
    if (is_name(host, "localhost") || is_address(host, local))
        return true;
    for (size_t i = 0; i < hosts->count; i++)
        if (is_name(host, hosts->item[i]))
            return true;
    return false;
}

/* Without the header it is no browser, or one that asks on its own. */
static bool is_own_origin(const char *origin, const char *host)
{
    return !origin || (strncasecmp(origin, "http://", 7) == 0 && strcasecmp(origin + 7, host) == 0);
}

static bool is_own_site(const char *site)
{
    return !site || strcasecmp(site, "same-origin") == 0 || strcasecmp(site, "none") == 0;
}

/* A body is read only where its length is known, and short. */
static unsigned form_refusal(const struct xf_http_heads *heads)
{
    static const char form[] = "application/x-www-form-urlencoded";
    uint64_t bytes;
    if (heads->coding || !heads->length)
        return MHD_HTTP_LENGTH_REQUIRED;
    if (!xf_span_number(xf_span_of(heads->length), XF_HTTP_FORM_MAX, &bytes))
        return MHD_HTTP_CONTENT_TOO_LARGE;
    if (!heads->type || strncasecmp(heads->type, form, strlen(form)) != 0)
        return MHD_HTTP_UNSUPPORTED_MEDIA_TYPE;
    return 0;
}

unsigned xf_http_guard(const struct xf_http_heads *heads, const struct xf_addr *local,
                       const struct xf_texts *hosts)
{
    if (heads->host_count != 1 || !heads->host)
        return MHD_HTTP_BAD_REQUEST;
    if (!is_host(heads->host, local, hosts))
        return MHD_HTTP_MISDIRECTED_REQUEST;
    if (!is_own_origin(heads->origin, heads->host) || !is_own_site(heads->fetch_site))
        return MHD_HTTP_FORBIDDEN;
    if (heads->takes_form && strcmp(heads->method, "POST") == 0)
        return form_refusal(heads);
    if (strcmp(heads->method, "GET") != 0 && strcmp(heads->method, "HEAD") != 0)
        return MHD_HTTP_METHOD_NOT_ALLOWED;
    return heads->length || heads->coding ? MHD_HTTP_CONTENT_TOO_LARGE : 0;
}
