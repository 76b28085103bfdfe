/* SPDX-License-Identifier: MIT */
/*
 * counts.h — what the routing counts, for metrics and status: values only. Counters only grow; all
 * others say what is now.
 */
#pragma once

#include <xfed/base/histogram.h>
#include <xfed/policy/policy.h>
#include <xfed/s2s/s2s.h>
#include <xfed/xmpp/stanza_queue.h>

struct xf_routing;

#define XF_ROUTE_STATES 5

struct xf_routing_counts {
    /* Now. */
    struct {
        const char *state; /* a word */
        size_t count;
    } routes[XF_ROUTE_STATES];
    struct xf_stanza_sum queued;  /* stanzas that wait for peers, or to be proved */
    struct xf_stanza_sum answers; /* error stanzas that wait for the cluster */
    size_t queued_max_bytes;
    size_t unreachable; /* peers: see xf_routing_each_unreachable */

    struct xf_histogram waited; /* how long stanzas waited that had to wait in a queue */
    /* Stanzas that policy refused, and that passed in a dry run; from peers: [true]. */
    uint64_t refused[2][XF_RULES], passed_dry[2][XF_RULES];
};
void xf_routing_count(struct xf_routing *routing, struct xf_routing_counts *out);

/*
 * Peers to which our users wrote, and that could not be reached since: `for_ms` since the first
 * failure. A peer is forgotten when it is reached, when nobody has tried it for a quarter of an
 * hour, and when more than 1024 newer ones have failed.
 */
typedef void (*xf_unreachable_fn)(void *owner, struct xf_span peer, uint64_t for_ms,
                                  enum xf_cause cause);
void xf_routing_each_unreachable(struct xf_routing *routing, xf_unreachable_fn each, void *owner);
