/* SPDX-License-Identifier: MIT */
/*
 * route_limits_priv.h — limits how many routes there are, and what strangers can make us do through
 * them.
 */
#pragma once

#include <xfed/xmpp/stanza_queue.h>

struct xf_route;
struct xf_routing;

void xf_route_limits_init(struct xf_routing *routing);
void xf_route_limits_fini(struct xf_routing *routing);

/*
 * Would a route to the peer be for a stranger? `first` is the stanza of the cluster that needs the
 * route; NULL: the route is needed for an answer of ours to the peer.
 */
bool xf_route_limits_is_for_stranger(const struct xf_routing *routing, struct xf_span peer,
                                     const struct xf_stanza *first);
/*
 * Take a place for the route. False: there is none. *out_evicted is the route that lost its place
 * to this one and has to give way; NULL: no route did.
 */
bool xf_route_limits_take(struct xf_route *route, bool for_stranger, struct xf_route **out_evicted);
void xf_route_limits_give(struct xf_route *route);
/*
 * The configuration names the peer, since a reload perhaps: what holds for strangers no longer
 * holds for the route, and no other stream may end its own.
 */
void xf_route_limits_named(struct xf_route *route);
/*
 * May the route open a stream? Another stream of the same kind may end to make room for it. The
 * stream holds its place until xf_route_limits_stream_ended. If true, open it at once.
 */
bool xf_route_limits_may_open(struct xf_route *route);
void xf_route_limits_stream_ended(struct xf_route *route);

/*
 * May the stanza wait in that queue of the route? That depends on the limits of the peer, on what
 * is left for all queues, and for a stranger also on what may wait for strangers.
 */
bool xf_route_limits_has_room(struct xf_route *route, const struct xf_stanza_queue *queue,
                              const struct xf_stanza *stanza);
/* The same, if so much of the queue were gone. */
bool xf_route_limits_could_have(struct xf_route *route, const struct xf_stanza_queue *queue,
                                const struct xf_stanza *stanza, const struct xf_stanza_sum *gone);
/* Does the queue use more than 1/`part` of the peer's limits? */
bool xf_route_limits_is_above(const struct xf_route *route, const struct xf_stanza_queue *queue,
                              unsigned part);
/*
 * May a stranger be kept so many bytes more, waiting or unproved? True for a route of our own.
 */
bool xf_route_limits_stranger_may_have(struct xf_route *route, size_t bytes);
void xf_route_limits_weigh(struct xf_route *route); /* call when what waits has changed */
