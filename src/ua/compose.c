/* SPDX-License-Identifier: MIT */
/* compose.c — writes requests of ours, and headers. */
#include <limits.h>
#include <stdio.h>

#include "ua_priv.h"

#define MAX_FORWARDS 70 /* RFC 3261 section 8.1.1.6 */
#define TLS_PORT     5061
#define TCP_PORT     5060

bool xf_ua_is_host(const struct xf_ua *ua, struct xf_span host)
{
    return xf_span_eq_nocase(host, xf_span_of(ua->settings.host));
}

bool xf_ua_was_host(const struct xf_ua *ua, struct xf_span host)
{
    return xf_ua_is_host(ua, host) ||
           (ua->former_host && xf_span_eq_nocase(host, xf_span_of(ua->former_host)));
}

struct xf_span xf_ua_served(const struct xf_ua *ua, struct xf_span host,
                            char out[XF_DOMAIN_MAX + 1])
{
    if (xf_domain_prepare(host, out) != XF_ERR_OK || !xf_policy_served(ua->policy, xf_span_of(out)))
        return XF_SPAN_NONE;
    return xf_span_of(out);
}

bool xf_ua_read_kept(struct xf_ua *ua, char *bytes, size_t len)
{
    static const struct xf_sip_limits any = {
        .message_bytes = SIZE_MAX,
        .head_bytes = SIZE_MAX,
        .body_bytes = SIZE_MAX,
        .uri_bytes = SIZE_MAX,
        .headers = XF_SIP_HEADERS_MAX,
        .vias = UINT_MAX,
        .routes = UINT_MAX,
        .contacts = UINT_MAX,
    };
    struct xf_sip_error error;
    return xf_sip_parse(bytes, len, &any, &ua->kept, &error) == XF_ERR_OK;
}

static void write_via(const struct xf_ua *ua, struct xf_sip_writer *writer, bool is_clear,
                      bool has_alias, struct xf_span branch)
{
    unsigned port = is_clear ? ua->settings.tcp_port : ua->settings.port;
    char port_text[8] = "";
    if (port != (is_clear ? TCP_PORT : TLS_PORT))
        (void)snprintf(port_text, sizeof(port_text), ":%u", port);
    xf_sip_write_headerf(writer, XF_SIP_H_VIA, "SIP/2.0/%s %s%s;branch=%.*s%s",
                         is_clear ? "TCP" : "TLS", ua->settings.host, port_text,
                         XF_SPAN_ARGS(branch), has_alias ? ";alias" : "");
}

/* `route`: URIs, each ended by LF. */
static void write_routes(struct xf_sip_writer *writer, struct xf_span route)
{
    while (route.len) {
        const char *end = memchr(route.ptr, '\n', route.len);
        size_t len = end ? (size_t)(end - route.ptr) : route.len;
        xf_sip_write_headerf(writer, XF_SIP_H_ROUTE, "<%.*s>", (int)len, route.ptr);
        len += end != NULL;
        route = (struct xf_span){route.ptr + len, route.len - len};
    }
}

void xf_ua_write_headers(struct xf_sip_writer *writer, const struct xf_ua_header *headers,
                         size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (headers[i].id == XF_SIP_H_OTHER)
            xf_sip_write_other(writer, headers[i].name, headers[i].value);
        else
            xf_sip_write_header(writer, headers[i].id, headers[i].value);
    }
}

enum xf_err xf_ua_compose(struct xf_ua *ua, const struct xf_ua_request *request, bool is_clear,
                          bool has_alias, struct xf_span branch, struct xf_buf *out)
{
    struct xf_sip_writer writer;
    const char *method = xf_sip_method_text(request->method);
    unsigned forwards = request->max_forwards ? request->max_forwards : MAX_FORWARDS;
    xf_sip_write_request(&writer, out, xf_span_of(method), request->uri);
    write_via(ua, &writer, is_clear, has_alias, branch);
    xf_sip_write_headerf(&writer, XF_SIP_H_MAX_FORWARDS, "%u", forwards);
    write_routes(&writer, request->route);
    xf_sip_write_header(&writer, XF_SIP_H_FROM, request->from);
    xf_sip_write_header(&writer, XF_SIP_H_TO, request->to);
    xf_sip_write_header(&writer, XF_SIP_H_CALL_ID, request->call_id);
    xf_sip_write_headerf(&writer, XF_SIP_H_CSEQ, "%u %s", (unsigned)request->cseq, method);
    xf_sip_write_header(&writer, XF_SIP_H_CONTACT, request->contact);
    xf_ua_write_headers(&writer, request->headers, request->header_count);
    return xf_sip_write_end(&writer, request->body);
}

void xf_ua_write_allow(const struct xf_ua *ua, struct xf_sip_writer *writer)
{
    char text[256] = "";
    size_t len = 0;
    for (unsigned method = 0; method < XF_SIP_METHOD_COUNT; method++)
        if (ua->methods & 1u << method && method != XF_SIP_BENOTIFY)
            len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", len ? ", " : "",
                                    xf_sip_method_text(method));
    xf_sip_write_header(writer, XF_SIP_H_ALLOW, xf_span_of(text));
}
