/* SPDX-License-Identifier: MIT */
/*
 * view.h — what an operator may see of the routes and their queues, and do to them. A view is made
 * for the call, and everything in it is borrowed until the call returns.
 */
#pragma once

#include <xfed/routing/routing.h>

struct xf_route_view {
    struct xf_span local, peer;
    const char *state;             /* idle, queue, send, bounce, probe: struct xf_route */
                                   /* by SIP: as in struct xf_simple_view */
    bool for_stranger;             /* made for answers to a stranger */
    struct xf_stanza_sum queued;   /* wait for a stream */
    struct xf_stanza_sum unproved; /* sent, and nothing proves yet that the peer has them */
    uint64_t oldest_ms;            /* how long the oldest of `queued` has waited */
    const char *cause;             /* in bounce and probe: a word, xf_cause_word; else NULL */
    const char *text;              /* ... in words for the sender */
    uint64_t retry_ms;             /* in bounce: until stanzas are taken again, at the latest */
    uint64_t taken, sent, bounced; /* stanzas since the route was made */
};

typedef void (*xf_route_view_fn)(void *owner, const struct xf_route_view *view);

/*
 * Show up to `most` routes, in the order in which they were made; `*at` is where that stands, and
 * starts with 0. False: those were the last ones.
 */
bool xf_routing_view(const struct xf_routing *routing, uint64_t *at, size_t most,
                     xf_route_view_fn show, void *owner);

/*
 * Try the peer now, although it failed a moment ago and whatever the cause was. Returns how many of
 * its routes were in back-off: one of them opens a stream, and the others follow when it is ready.
 * A SIP peer is connected to by the next message.
 */
size_t xf_routing_retry(struct xf_routing *routing, struct xf_span peer);

/*
 * Return what waits for the peer to its senders (remote-server-timeout). Returns how many stanzas
 * left the queues; those that may not be returned (errors, results) are dropped.
 */
size_t xf_routing_flush(struct xf_routing *routing, struct xf_span peer);
