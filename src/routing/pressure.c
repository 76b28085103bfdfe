/* SPDX-License-Identifier: MIT */
/*
 * pressure.c — when a route's queue fills faster than its stream takes it, the cluster has to wait.
 *
 * A route presses once its queue is more than half full (bytes or stanzas), until it is less than a quarter full; while any
 * route presses, the link it belongs to is not read. One dead peer must not stop the others: a pressing route whose stream
 * took nothing for STALL_MS lets go, and presses again only after its stream took something. Only pressing routes are ever
 * walked.
 */
#include "routing_priv.h"

#define STALL_MS 500
#define LOOK_MS 250

static bool is_above(const struct xf_route *route, unsigned part)
{
    const struct xf_line *line = route->line_out;
    size_t bytes = route->queued_bytes + (line ? line->bytes : 0), count = route->queued_count + (line ? line->count : 0);
    return bytes * part > route->settings->queue_bytes || count * part > route->settings->queue_stanzas;
}

static void press(struct xf_route *route)
{
    struct xf_routing *routing = route->routing;
    xf_list_push(&routing->pressing, &route->pressing);
    route->moved_ms = xf_routing_now(routing);
    if (!xf_timer_is_running(&routing->pressure))
        xf_timer_start(routing->env->timers, &routing->pressure, LOOK_MS);
    if (route->link->pressing++ > 0)
        return;
    xf_log(XF_LOG_DEBUG, "routing.link.paused", XF_STR("link", route->link->title), XF_SPN("peer", route->peer));
    xf_link_pause(route->link->link, true);
}

static void let_go(struct xf_route *route)
{
    if (!xf_list_is_linked(&route->pressing))
        return;
    xf_list_remove(&route->pressing);
    if (--route->link->pressing > 0)
        return;
    xf_log(XF_LOG_DEBUG, "routing.link.resumed", XF_STR("link", route->link->title), XF_SPN("peer", route->peer));
    xf_link_pause(route->link->link, false);
}

static void on_look(void *owner)
{
    struct xf_routing *routing = owner;
    uint64_t now_ms = xf_routing_now(routing);
    XF_LIST_EACH_SAFE(node, &routing->pressing)
    {
        struct xf_route *route = XF_CONTAINER(node, struct xf_route, pressing);
        if (now_ms - route->moved_ms < STALL_MS)
            continue;
        route->is_stalled = true;
        let_go(route);
    }
    if (!xf_list_is_empty(&routing->pressing))
        xf_timer_start(routing->env->timers, &routing->pressure, LOOK_MS);
}

void xf_pressure_init(struct xf_routing *routing)
{
    xf_list_init(&routing->pressing);
    xf_timer_init(&routing->pressure, on_look, routing);
}

void xf_pressure_pushed(struct xf_route *route)
{
    if (!route->is_stalled && !xf_list_is_linked(&route->pressing) && is_above(route, 2))
        press(route);
}

void xf_pressure_moved(struct xf_route *route)
{
    route->moved_ms = xf_routing_now(route->routing);
    route->is_stalled = false;
    xf_pressure_dropped(route);
}

void xf_pressure_dropped(struct xf_route *route)
{
    if (!is_above(route, 4))
        let_go(route);
}

void xf_pressure_leave(struct xf_route *route)
{
    let_go(route);
}
