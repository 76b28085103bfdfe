/* SPDX-License-Identifier: MIT */
/* probe_priv.h — tries peers in back-off in the background. */
#pragma once

#include <stdint.h>
#include <xfed/base/span.h>
#include <xfed/s2s/s2s.h>

struct xf_route;
struct xf_routing;

/* What probe.c counts. */
struct xf_probe_turns {
    unsigned count; /* tries under way */
    unsigned begun; /* tries begun since window_ms */
    uint64_t window_ms;
};

struct xf_probes {
    const struct xf_probe_events *events;
    struct xf_probe_turns of_named, of_others;
};

/* Events for a route. */
struct xf_probe_events {
    /* In BOUNCE: try a stream; later the route calls xf_probe_failed or xf_probe_end. */
    void (*due)(struct xf_route *route);
    void (*well)(struct xf_route *route); /* in BOUNCE: a stream of another route is ready */
};

/* Is it a fault of the server, which may pass by itself and which all pairs share? */
bool xf_probe_may_pass(enum xf_cause cause);

void xf_probes_init(struct xf_probes *probes, const struct xf_probe_events *events);
void xf_probe_begin(struct xf_route *route);  /* the route is in BOUNCE now */
void xf_probe_want(struct xf_route *route);   /* a stanza was bounced, or waits */
void xf_probe_failed(struct xf_route *route); /* route->cause says why */
/* The route leaves BOUNCE or PROBE. Does nothing if it has left already. */
void xf_probe_end(struct xf_route *route);
/* An operator wants to know now: try one route in BOUNCE, whatever the cause and whoever sends. */
void xf_probe_now(struct xf_routing *routing, struct xf_span peer);
/* A stream to the peer is ready: the back-off of the peer's other routes is over. */
void xf_probe_well(struct xf_routing *routing, struct xf_span peer);
