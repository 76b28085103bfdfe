/* SPDX-License-Identifier: MIT */
/*
 * backpressure.c — when a stream takes less than the cluster sends, the cluster has to wait a
 * little.
 *
 * A route presses once its queue is more than half full (bytes or stanzas), until it is less than a
 * quarter full; while any route presses, the link it belongs to is not read. That makes everybody
 * on the link wait, so:
 *
 *   - only a ready stream presses. One that is still being made takes nothing, however long the
 *     others wait: its queue has room for what comes meanwhile, and what does not fit is bounced;
 *   - a pause lasts PAUSE_MS at most, and the link is then read for as long as it was not;
 *   - a queue that did not move for STALL_MS does not press;
 *   - a link has a ration of pauses: BUDGET_MS at once, and one part in BUDGET_PART of the time in
 *     the long run. Peers' names are free, so each network of peers has half of that, however many
 *     names it has.
 *
 * With names = per-peer only the pressing peer's own stream of the cluster is not read. Nobody else
 * waits for it then, and there is no ration.
 */
#include "backpressure_priv.h"

#include "links_priv.h"
#include "route_priv.h"
#include "routing_priv.h"

#define PAUSE_MS    50
#define STALL_MS    500
#define BUDGET_MS   1000
#define BUDGET_PART 200 /* 1/200 of the time, in the long run */

/* ------------------------------------------------------------------ rations */

static void pay_off(struct xf_pause_budget *ration, uint64_t now_ms)
{
    uint64_t passed_ms = now_ms - ration->at_ms;
    ration->debt = ration->debt > passed_ms ? ration->debt - passed_ms : 0;
    ration->at_ms = now_ms;
}

/* `shares`: the ration is the link's, divided by so many. */
static bool has_ration(struct xf_pause_budget *ration, unsigned shares, uint64_t now_ms)
{
    pay_off(ration, now_ms);
    return ration->debt + (uint64_t)PAUSE_MS * BUDGET_PART * shares <=
           (uint64_t)BUDGET_MS * BUDGET_PART;
}

static void charge(struct xf_pause_budget *ration, unsigned shares, uint64_t paused_ms,
                   uint64_t now_ms)
{
    pay_off(ration, now_ms);
    ration->debt += paused_ms * BUDGET_PART * shares;
}

/*
 * The entry of a network; a new network takes that of the one that owes least. NULL: all entries
 * press.
 */
static struct xf_pressing_network *find_presser(struct xf_routing_link *link, const char *network,
                                                uint64_t now_ms)
{
    struct xf_pressing_network *least = NULL;
    for (size_t i = 0; i < XF_ARRAY_LEN(link->pressers); i++) {
        struct xf_pressing_network *presser = &link->pressers[i];
        if (strcmp(presser->network, network) == 0)
            return presser;
        pay_off(&presser->ration, now_ms);
        if (presser->pressing == 0 && (!least || presser->ration.debt < least->ration.debt))
            least = presser;
    }
    if (least) {
        *least = (struct xf_pressing_network){.ration.at_ms = now_ms};
        memcpy(least->network, network, sizeof(least->network));
    }
    return least;
}

/* NULL: the link cannot be paused for the route now. */
static struct xf_pressing_network *grant(const struct xf_route *route, uint64_t now_ms)
{
    struct xf_routing_link *link = route->link;
    char network[XF_ADDR_TEXT_BYTES] = "";
    if (now_ms < link->rested_ms || !has_ration(&link->ration, 1, now_ms))
        return NULL;
    xf_addr_network_text(xf_out_addr(route->out), network);
    struct xf_pressing_network *presser = find_presser(link, network, now_ms);
    return presser && has_ration(&presser->ration, 2, now_ms) ? presser : NULL;
}

/* ------------------------------------------------------------------ pressing */

static bool is_above(const struct xf_route *route, unsigned part)
{
    const struct xf_peer_settings *settings = route->settings;
    return route->queue.held.bytes * part > settings->queue_bytes ||
           route->queue.held.count * part > settings->queue_stanzas;
}

static void set_paused(struct xf_route *route, bool paused)
{
    if (paused)
        xf_log(XF_LOG_DEBUG, "routing.link.paused", XF_STR("link", route->link->title),
               XF_SPN("peer", route->peer));
    else
        xf_log(XF_LOG_DEBUG, "routing.link.resumed", XF_STR("link", route->link->title),
               XF_SPN("peer", route->peer));
    xf_link_pause(route->link->link, route->peer, paused);
}

static void press(struct xf_route *route, struct xf_pressing_network *presser, uint64_t now_ms)
{
    struct xf_routing_link *link = route->link;
    bool is_first = xf_list_is_empty(&link->pressing);
    xf_list_push(&link->pressing, &route->pressing);
    route->pressed_ms = now_ms;
    route->presser = presser;
    if (presser)
        presser->pressing++;
    if (is_first) {
        link->paused_ms = now_ms;
        xf_timer_start(route->routing->env->timers, &link->look, PAUSE_MS);
    }
    if (is_first || !presser)
        set_paused(route, true);
}

static void let_go(struct xf_route *route)
{
    struct xf_routing_link *link = route->link;
    uint64_t now_ms = xf_routing_now(route->routing);
    if (!xf_list_is_linked(&route->pressing))
        return;
    xf_list_remove(&route->pressing);
    if (!route->presser) {
        set_paused(route, false);
        return;
    }
    route->presser->pressing--;
    charge(&route->presser->ration, 2, now_ms - route->pressed_ms, now_ms);
    if (!xf_list_is_empty(&link->pressing))
        return;
    uint64_t paused_ms = now_ms - link->paused_ms;
    charge(&link->ration, 1, paused_ms, now_ms);
    link->rested_ms = now_ms + paused_ms;
    set_paused(route, false);
}

static bool is_stalled(const struct xf_route *route, uint64_t now_ms)
{
    return now_ms - route->moved_ms >= STALL_MS;
}

static void on_look(void *owner)
{
    struct xf_routing_link *link = owner;
    uint64_t now_ms = xf_routing_now(link->routing);
    XF_LIST_EACH_SAFE (node, &link->pressing) {
        struct xf_route *route = XF_CONTAINER(node, struct xf_route, pressing);
        if (route->presser || is_stalled(route, now_ms))
            let_go(route);
    }
    if (!xf_list_is_empty(&link->pressing))
        xf_timer_start(link->routing->env->timers, &link->look, PAUSE_MS);
}

void xf_backpressure_init(struct xf_routing_link *link)
{
    xf_list_init(&link->pressing);
    xf_timer_init(&link->look, on_look, link);
}

void xf_backpressure_pushed(struct xf_route *route)
{
    uint64_t now_ms = xf_routing_now(route->routing);
    if (route->queue.held.count == 1)
        route->moved_ms = now_ms;
    if (!is_above(route, 2) || xf_list_is_linked(&route->pressing) ||
        !xf_out_is_ready(route->out) || is_stalled(route, now_ms))
        return;
    bool is_alone = xf_link_is_per_peer(route->link->link);
    struct xf_pressing_network *presser = is_alone ? NULL : grant(route, now_ms);
    if (presser || is_alone)
        press(route, presser, now_ms);
}

void xf_backpressure_moved(struct xf_route *route)
{
    route->moved_ms = xf_routing_now(route->routing);
    xf_backpressure_dropped(route);
}

void xf_backpressure_dropped(struct xf_route *route)
{
    if (!is_above(route, 4))
        let_go(route);
}

void xf_backpressure_leave(struct xf_route *route)
{
    let_go(route);
}
