/* SPDX-License-Identifier: MIT */
/*
 * answer_peer.c — answers a peer's stanza that is not delivered, over the outbound route of the
 * pair and within the limits of that route.
 *
 * A peer that is reached by SIP gets the answer to its request instead. Otherwise the answer goes
 * out like any other stanza. It is an error stanza, and so it is never answered in
 * turn.
 */
#include "answer_peer_priv.h"

#include "bounce_priv.h"
#include "links_priv.h"
#include "route_limits_priv.h"
#include "route_priv.h"
#include "routing_priv.h"

bool xf_answer_peer_is_late(const struct xf_routing *routing, const struct xf_stanza *stanza)
{
    return routing->is_finished && xf_stanza_may_bounce(stanza) &&
           !xf_routing_goes_by_sip(routing, stanza->from.domain);
}

static void answer(struct xf_routing *routing, const struct xf_stanza *stanza,
                   enum xf_stanza_error error, const char *text, struct xf_span shown_from,
                   struct xf_span shown_to)
{
    struct xf_span local = stanza->to.domain, peer = stanza->from.domain;
    if (xf_routing_goes_by_sip(routing, peer)) { /* the answer to its request */
        routing->sip->refused(routing, stanza, error, text);
        return;
    }
    const struct xf_served_settings *served = xf_policy_served(routing->policy, local);
    if (routing->is_finished || !served || !xf_stanza_may_bounce(stanza) ||
        !xf_policy_may(routing->policy, local, peer, XF_DIRECTION_OUT))
        return;
    struct xf_routing_link *link = xf_routing_link_of(routing, served->link);
    struct xf_route *route =
        link ? xf_route_get(routing, link, local, peer,
                            xf_route_limits_is_for_stranger(routing, peer, NULL))
             : NULL;
    struct xf_stanza reply;
    struct xf_buf payload;
    if (!route)
        return;
    xf_buf_init(&payload, XF_BOUNCE_BYTES);
    xf_log(XF_LOG_DEBUG, "routing.stanza.returned", XF_SPN("local", local), XF_SPN("peer", peer),
           XF_WORD("reason", xf_stanza_error_name(error)), XF_STR("detail", text));
    xf_bounce_make(&payload, stanza, &stanza->to, error, XF_SPAN_NONE, text, &reply);
    reply.shown_from = shown_from;
    reply.shown_to = shown_to;
    xf_route_send(route, &reply);
    xf_buf_release(&payload);
}

void xf_answer_peer(struct xf_routing *routing, const struct xf_stanza *stanza,
                    enum xf_stanza_error error, const char *text)
{
    answer(routing, stanza, error, text, XF_SPAN_NONE, XF_SPAN_NONE);
}

void xf_answer_peer_malformed(struct xf_routing *routing, const struct xf_stanza *stanza)
{
    bool is_from = stanza->shown_from.ptr != NULL;
    if (is_from && xf_bounce_would_remove(stanza))
        return;
    answer(routing, stanza, XF_STANZA_ERROR_JID_MALFORMED, "the address is not valid",
           xf_address_as_written(stanza->shown_to), xf_address_as_written(stanza->shown_from));
}
