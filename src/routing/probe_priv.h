/* SPDX-License-Identifier: MIT */
/* probe_priv.h — peers in back-off are tried in the background. */
#pragma once

#include <stdint.h>
#include <xfed/base/span.h>

struct xf_route;
struct xf_routing;

/* What probe.c counts. */
struct xf_probes {
    const struct xf_probe_events *events;
    unsigned count; /* under way */
    unsigned begun; /* since window_ms */
    uint64_t window_ms;
};

/* What is told to a route. */
struct xf_probe_events {
    /* in BOUNCE: try a stream; xf_probe_failed or end follows */
    void (*due)(struct xf_route *route);
    void (*well)(struct xf_route *route); /* in BOUNCE: a stream of another route is ready */
};

void xf_probes_init(struct xf_probes *probes, const struct xf_probe_events *events);
void xf_probe_begin(struct xf_route *route);  /* it is in BOUNCE */
void xf_probe_want(struct xf_route *route);   /* a stanza was bounced */
void xf_probe_failed(struct xf_route *route); /* route->cause says why */
/* it leaves BOUNCE or PROBE; nothing when it has left */
void xf_probe_end(struct xf_route *route);
/* a stream to the peer is ready: the others' back-off is over */
void xf_probe_well(struct xf_routing *routing, struct xf_span peer);
