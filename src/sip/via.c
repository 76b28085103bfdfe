/* SPDX-License-Identifier: MIT */
/*
 * via.c — one value of Via (RFC 3261 section 20.42, RFC 3581, RFC 5923).
 *
 *     SIP / 2.0 / TLS  host : port ;branch=z9hG4bK... ;rport ;received=192.0.2.1
 *
 * The version is not compared: a message of another one is refused for its start line, and its Via
 * is needed for the answer that says so. A branch may be missing (RFC 2543). Of parameters those in
 * front of the first mistake are kept, for the same reason (RFC 4475 section 3.1.2.1).
 */
#include "uri_priv.h"
#include "value_priv.h"

static const char *take_protocol(struct xf_sip_cursor *c, struct xf_span *out_transport)
{
    struct xf_span name = xf_sip_take(c, XF_SIP_C_TOKEN);

    if (!XF_SIP_SAME(name, "sip") || !xf_sip_skip_mark(c, '/') ||
        xf_sip_take(c, XF_SIP_C_TOKEN).len == 0 || !xf_sip_skip_mark(c, '/'))
        return "Via does not begin with \"SIP/2.0/\"";
    *out_transport = xf_sip_take(c, XF_SIP_C_TOKEN);
    return NULL;
}

static const char *take_sent_by(struct xf_sip_cursor *c, struct xf_sip_via *via)
{
    const char *start = c->p;
    bool is_ipv6;

    xf_sip_skip_lws(c);
    if (c->p == start)
        return "Via has no transport, or no space behind it";
    if (!xf_sip_take_host(c, &via->host, &is_ipv6))
        return "Via has no host";
    xf_sip_skip_lws(c);
    if (xf_sip_skip_mark(c, ':') && !xf_sip_take_port(c, &via->port))
        return "a port of Via is not one";
    return NULL;
}

/* Set what may come once. */
static const char *set_once(struct xf_span *slot, struct xf_span value)
{
    if (slot->ptr || value.len == 0)
        return "a parameter of Via comes twice, or is empty";
    *slot = value;
    return NULL;
}

static const char *set_rport(struct xf_sip_via *via, struct xf_span value)
{
    uint64_t port = 0;

    if (via->has_rport || (value.ptr && !xf_span_number(value, UINT16_MAX, &port)))
        return "rport of Via comes twice, or is not a port";
    via->has_rport = true;
    via->rport = (uint16_t)port;
    return NULL;
}

static const char *set_param(struct xf_sip_via *via, struct xf_span name, struct xf_span value)
{
    if (XF_SIP_SAME(name, "branch"))
        return set_once(&via->branch, value);
    if (XF_SIP_SAME(name, "received"))
        return set_once(&via->received, value);
    if (XF_SIP_SAME(name, "maddr"))
        return set_once(&via->maddr, value);
    if (XF_SIP_SAME(name, "rport"))
        return set_rport(via, value);
    if (XF_SIP_SAME(name, "alias"))
        via->has_alias = true;
    return NULL;
}

const char *xf_sip_take_via(struct xf_sip_cursor *c, struct xf_sip_via *out_via)
{
    struct xf_span name, value;
    const char *wrong;

    *out_via = (struct xf_sip_via){0};
    xf_sip_skip_lws(c);
    if ((wrong = take_protocol(c, &out_via->transport)) || (wrong = take_sent_by(c, out_via)))
        return wrong;

    const char *start = c->p;
    out_via->params = xf_sip_since(start, c);
    while (xf_sip_next_param(c, &name, &value, &wrong)) {
        wrong = set_param(out_via, name, value);
        if (wrong)
            return wrong;
        out_via->params = xf_sip_since(start, c);
    }
    return wrong;
}
