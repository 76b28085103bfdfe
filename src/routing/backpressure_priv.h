/* SPDX-License-Identifier: MIT */
/* backpressure_priv.h — full queues of routes stop the reading of the cluster for a moment. */
#pragma once

#include <xfed/net/addr.h>

struct xf_route;
struct xf_routing_link;

/*
 * How long a link was not read, less what reading it since has earned; the unit is in
 * backpressure.c.
 */
struct xf_pause_budget {
    uint64_t debt, at_ms;
};

/* A network for whose peers a link is or was paused. */
struct xf_pressing_network {
    char network[XF_ADDR_TEXT_BYTES];
    struct xf_pause_budget ration;
    size_t pressing; /* routes that do now */
};

void xf_backpressure_init(struct xf_routing_link *link);
void xf_backpressure_pushed(struct xf_route *route);
void xf_backpressure_moved(struct xf_route *route);   /* the stream took something */
void xf_backpressure_dropped(struct xf_route *route); /* the queue became shorter otherwise */
void xf_backpressure_leave(struct xf_route *route);   /* before it moves to another link */
