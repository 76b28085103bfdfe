/* SPDX-License-Identifier: MIT */
/*
 * route_limits_priv.h — how many routes there may be, and what strangers can make us do through
 * them.
 */
#pragma once

#include <xfed/xmpp/stanza_queue.h>

struct xf_route;
struct xf_routing;

void xf_route_limits_init(struct xf_routing *routing);
void xf_route_limits_fini(struct xf_routing *routing);

/*
 * Would a route to the peer be for a stranger? `first`: what the cluster sends; NULL: an answer of
 * ours to the peer.
 */
bool xf_route_limits_is_for_stranger(const struct xf_routing *routing, struct xf_span peer,
                                     const struct xf_stanza *first);
/*
 * Take a place for the route. *out_evicted: another route lost its place for it, which is to give
 * way; else NULL.
 */
bool xf_route_limits_take(struct xf_route *route, bool for_stranger, struct xf_route **out_evicted);
void xf_route_limits_give(struct xf_route *route);
/* a stream, for which another one may end; its place is held until: */
bool xf_route_limits_may_open(struct xf_route *route);
void xf_route_limits_stream_ended(struct xf_route *route);

/*
 * May the stanza wait in that queue of the route? By the bounds of the peer, by what is left for
 * all queues, and for a stranger by what may wait for strangers.
 */
bool xf_route_limits_has_room(struct xf_route *route, const struct xf_stanza_queue *queue,
                              const struct xf_stanza *stanza);
/* Is more than one part in `part` of the peer's bounds used? */
bool xf_route_limits_is_above(const struct xf_route *route, const struct xf_stanza_queue *queue,
                              unsigned part);
void xf_route_limits_weigh(struct xf_route *route); /* what waits has changed */
