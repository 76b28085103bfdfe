/* SPDX-License-Identifier: MIT */
/*
 * sip_priv.h — what routing asks of its SIP side (sip.c). A build without SIP has none, and then no
 * domain belongs to SIP: the loader refuses such a configuration.
 */
#pragma once

#include <xfed/policy/policy.h>
#include <xfed/routing/view.h>

struct xf_route;
struct xf_routing;
struct xf_routing_link;

struct xf_sip_ops {
    /* As xf_route_send, for a route with by_sip. */
    void (*send)(struct xf_route *route, const struct xf_stanza *stanza);
    /* What became of a stanza of a SIP peer: the link has it, or it is not delivered. */
    void (*delivered)(struct xf_routing *routing, const struct xf_stanza *stanza);
    void (*refused)(struct xf_routing *routing, const struct xf_stanza *stanza,
                    enum xf_stanza_error error, const char *text);
    /* Was it answered with a failure meanwhile? Then it may come again. */
    bool (*is_over)(struct xf_routing *routing, const struct xf_stanza *stanza);
    void (*resume)(struct xf_routing *routing); /* the links take stanzas again */
    /* The peer was to get this stanza of ours, and does not for a reason that passes. */
    void (*missed)(struct xf_routing *routing, const struct xf_stanza *stanza);
    /* As xf_link_events.state. */
    void (*link_state)(struct xf_routing *routing, const struct xf_routing_link *link,
                       struct xf_span peer, bool is_up);
    void (*finish)(struct xf_routing *routing);
    /* The part of the view that is known on the SIP side, of a route with by_sip. */
    void (*view)(const struct xf_route *route, struct xf_route_view *view);
    /* As xf_simple_retry and xf_simple_flush. */
    bool (*retry)(struct xf_routing *routing, struct xf_span peer);
    size_t (*flush)(struct xf_routing *routing, struct xf_span peer);
};
