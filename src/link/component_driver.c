/* SPDX-License-Identifier: MIT */
/*
 * component_driver.c — XEP-0114, Jabber Component Protocol: header, proof of the shared secret
 * (§3), then stanzas as they are.
 *
 * XEP-0114 has no STARTTLS. With tls = required TLS begins with the first byte, as at stunnel and
 * the like in front of the server.
 */
#include "component_driver_priv.h"

#include <xfed/base/crypto.h>
#include <xfed/xml/writer.h>
#include <xfed/xmpp/ns.h>

/* clang-format off */
static const struct xf_leg_error errors[] = {
    {XF_STREAM_ERROR_CONFLICT, {"conflict", XF_HELP_LINK_CONFLICT, "another component is connected with this name"}},
    {XF_STREAM_ERROR_NOT_AUTHORIZED, {"not-authorized", XF_HELP_LINK_SECRET, "the server does not accept the secret"}},
    {XF_STREAM_ERROR_HOST_UNKNOWN, {"host-unknown", XF_HELP_LINK_HOST_UNKNOWN, "the server knows no component of this name"}},
    {XF_STREAM_ERROR_INVALID_NAMESPACE, {"invalid-namespace", XF_HELP_LINK_WRONG_PORT, "the port is not for components"}},
    {XF_STREAM_ERROR_SYSTEM_SHUTDOWN, {"system-shutdown", XF_HELP_NONE, "the server shuts down"}},
};
/* clang-format on */

static void send_header(struct xf_leg *leg)
{
    struct xf_stream_header header = {.to = xf_span_of(leg->name)};
    xf_stream_send_header(&leg->stream, &header);
    xf_leg_await(leg);
}

static bool wants_tls(const struct xf_link_settings *settings)
{
    return settings->tls == XF_LINK_TLS_REQUIRED ||
           (settings->tls == XF_LINK_TLS_AUTO && *settings->ca_file);
}

static void begin(struct xf_leg *leg)
{
    if (wants_tls(leg->settings))
        xf_leg_start_tls(leg);
    else
        send_header(leg);
}

static void prove(struct xf_leg *leg, const struct xf_header *header)
{
    if (header->id.len == 0) { /* Prosody: an error follows, which says more */
        leg->guess = (struct xf_leg_ending){"no-stream-id", XF_HELP_LINK_WRONG_PORT,
                                            "the server's header has no id"};
        return;
    }
    struct xf_span parts[] = {header->id, xf_span_of(leg->settings->secret)};
    char digest[XF_SHA1_HEX_BYTES + 1];
    xf_sha1_hex(parts, XF_ARRAY_LEN(parts), digest);
    xf_stream_send(&leg->stream, "<handshake>");
    xf_stream_send(&leg->stream, digest);
    xf_stream_send(&leg->stream, "</handshake>");
    xf_leg_await(leg);
}

static bool on_element(struct xf_leg *leg, const struct xf_elem *elem)
{
    if (leg->state != XF_LEG_NEGOTIATING || !xf_elem_is(elem, XF_NS_COMPONENT, "handshake"))
        return false;
    if (leg->guess.reason) /* it accepts what we have not sent */
        xf_leg_refuse(leg, leg->guess.reason, leg->guess.help, leg->guess.detail);
    else
        xf_leg_accept(leg);
    return true;
}

/* A sign for the server's module conf/prosody/mod_route_gateway.lua; others send it back to us. */
static void leave(struct xf_leg *leg)
{
    if (leg->settings->per_peer)
        return;
    struct xf_draft draft = xf_stream_draft(&leg->stream);
    xf_draft_str(&draft, "<presence type='unavailable'");
    xf_xml_attr(&draft, "from", xf_span_of(leg->name));
    xf_xml_attr(&draft, "to", xf_span_of(leg->name));
    xf_draft_str(&draft, "/>");
    xf_stream_send_draft(&leg->stream, &draft);
}

static enum xf_err send_stanza(struct xf_leg *leg, const struct xf_stanza *stanza)
{
    return xf_stream_send_stanza(&leg->stream, stanza);
}

const struct xf_leg_driver xf_component_driver = {
    .size = sizeof(struct xf_leg),
    .content_ns = XF_NS_COMPONENT,
    .errors = errors,
    .error_count = XF_ARRAY_LEN(errors),
    .connected = begin,
    .header = prove,
    .secured = send_header,
    .element = on_element,
    .send = send_stanza,
    .leave = leave,
};
