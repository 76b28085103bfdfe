/* SPDX-License-Identifier: MIT */
/* backpressure_priv.h — full queues of routes stop the reading of the cluster for a moment. */
#pragma once

#include <xfed/base/list.h>
#include <xfed/net/addr.h>
#include <xfed/net/timer.h>

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
struct xf_pause_network {
    char text[XF_ADDR_TEXT_BYTES];
    struct xf_pause_budget budget;
    size_t count; /* of routes for which the link is paused now */
};

#define XF_PAUSE_NETWORKS_MAX 16

/* The pauses of a link. */
struct xf_link_pauses {
    struct xf_node routes;       /* struct xf_route for which it is paused */
    struct xf_timer timer;       /* runs meanwhile */
    uint64_t began_ms, after_ms; /* the pause began; the next one may begin */
    struct xf_pause_budget budget;
    struct xf_pause_network networks[XF_PAUSE_NETWORKS_MAX];
};

/* A route that the link is paused for, or may be. */
struct xf_route_pause {
    struct xf_node node;              /* in link->pauses.routes */
    struct xf_pause_network *network; /* NULL: only this peer's stream is paused */
    uint64_t began_ms;
    uint64_t moved_ms; /* when the queue last moved, or began */
};

void xf_backpressure_init(struct xf_routing_link *link);
void xf_backpressure_fini(struct xf_routing_link *link);
void xf_backpressure_pushed(struct xf_route *route);
void xf_backpressure_moved(struct xf_route *route);   /* the stream took something */
void xf_backpressure_dropped(struct xf_route *route); /* the queue became shorter otherwise */
void xf_backpressure_leave(struct xf_route *route);   /* before it moves to another link */
