/* SPDX-License-Identifier: MIT */
/*
 * barrier_priv.h — answers a server module that asks whether everything it sent before is settled:
 * proved by the peer or, where nothing can be proved, written; or answered.
 */
#pragma once

#include <xfed/base/list.h>
#include <xfed/net/timer.h>
#include <xfed/xmpp/stanza.h>

struct xf_route;
struct xf_routing_link;
struct xf_stanza_copy;

/* Of a link; one question at a time. */
struct xf_barrier {
    struct xf_stanza_copy *question; /* NULL: none waits */
    struct xf_node routes;           /* those that still have stanzas of before: xf_route.barrier */
    struct xf_timer timer;
    uint64_t since_ms;
    bool maps; /* they have stanzas that wait for an address; the rest is looked at afterwards */
};

struct xf_route_barrier { /* of a route */
    struct xf_node node;
    uint64_t taken_count; /* how many stanzas the route was given when the question came */
};

void xf_barrier_init(struct xf_routing_link *link);
void xf_barrier_fini(struct xf_routing_link *link);

/*
 * Answer the question, an iq, when all that the cluster sent before it is settled
 * (service-unavailable), or say after BARRIER_MS that it is not yet (resource-constraint, a `wait`
 * error). A question that still waits is dropped.
 */
void xf_barrier_ask(struct xf_routing_link *link, const struct xf_stanza *question);
void xf_barrier_leave(struct xf_route *route); /* it is freed */
