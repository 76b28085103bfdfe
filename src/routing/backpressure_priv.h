/* SPDX-License-Identifier: MIT */
/* backpressure_priv.h — routes with full queues make us stop reading the cluster for a moment. */
#pragma once

#include <xfed/base/list.h>
#include <xfed/net/addr.h>
#include <xfed/net/timer.h>

struct xf_route;
struct xf_routing_link;

/*
 * How long a link was not read, less what the time since then has paid off; backpressure.c has the
 * unit.
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
    struct xf_node routes;       /* the routes for which it is paused (struct xf_route) */
    struct xf_timer timer;       /* runs during a pause */
    uint64_t began_ms, after_ms; /* when the pause began; when the next one may begin */
    struct xf_pause_budget budget;
    struct xf_pause_network networks[XF_PAUSE_NETWORKS_MAX];
};

/* The part of a route in the pauses of its link. */
struct xf_route_pause {
    struct xf_node node;              /* in link->pauses.routes */
    struct xf_pause_network *network; /* NULL: only this peer's stream is paused */
    uint64_t began_ms;
    uint64_t moved_ms; /* when the stream last took a stanza, or the queue got its first one */
};

void xf_backpressure_init(struct xf_routing_link *link);
void xf_backpressure_fini(struct xf_routing_link *link);
void xf_backpressure_pushed(struct xf_route *route);
void xf_backpressure_moved(struct xf_route *route);   /* the stream took a stanza */
void xf_backpressure_dropped(struct xf_route *route); /* stanzas left the queue in another way */
void xf_backpressure_leave(struct xf_route *route);   /* call before it moves to another link */
