/* SPDX-License-Identifier: MIT */
/*
 * backpressure.c — makes the cluster wait a little when a stream takes less than the cluster sends.
 *
 * A route pauses its link once its queue is more than half full (in bytes or in stanzas), until the
 * queue is less than a quarter full. While any route pauses the link, the link is not read. That
 * makes everybody on the link wait, so:
 *
 *   - only a route with a ready stream pauses its link. A stream that is still being made takes
 *     nothing, however long the others wait: stanzas that come meanwhile are queued, or bounced if
 *     the queue has no room for them;
 *   - a pause lasts PAUSE_MS at most, and then the link is read for at least as long;
 *   - a route whose queue has not moved for STALL_MS does not pause its link;
 *   - a link has a budget of pauses: BUDGET_MS at once, and one part in BUDGET_PART of the time in
 *     the long run. A peer can have as many names as it likes, so each network of peers has half of
 *     that budget, however many names it has.
 *
 * With names = per-peer a route pauses only the component stream of its peer. Nobody else waits for
 * that one, and there is no budget.
 */
#include "backpressure_priv.h"

#include "links_priv.h"
#include "route_limits_priv.h"
#include "route_priv.h"
#include "routing_priv.h"

#define PAUSE_MS    50
#define STALL_MS    500
#define BUDGET_MS   1000
#define BUDGET_PART 200 /* 1/200 of the time, in the long run */

/* ------------------------------------------------------------------ budgets */

static void pay_off(struct xf_pause_budget *budget, uint64_t now_ms)
{
    uint64_t passed_ms = now_ms - budget->at_ms;
    budget->debt = budget->debt > passed_ms ? budget->debt - passed_ms : 0;
    budget->at_ms = now_ms;
}

/* `shares`: the budget is the link's budget divided by this number. */
static bool has_budget(struct xf_pause_budget *budget, unsigned shares, uint64_t now_ms)
{
    pay_off(budget, now_ms);
    return budget->debt + (uint64_t)PAUSE_MS * BUDGET_PART * shares <=
           (uint64_t)BUDGET_MS * BUDGET_PART;
}

static void charge(struct xf_pause_budget *budget, unsigned shares, uint64_t paused_ms,
                   uint64_t now_ms)
{
    pay_off(budget, now_ms);
    budget->debt += paused_ms * BUDGET_PART * shares;
}

/*
 * The entry of a network. A new network takes the entry of the network that owes least, among the
 * networks for which the link is not paused now. NULL: the link is paused for all of them.
 */
static struct xf_pause_network *find_network(struct xf_link_pauses *pauses, const char *text,
                                             uint64_t now_ms)
{
    struct xf_pause_network *least = NULL;
    for (size_t i = 0; i < XF_ARRAY_LEN(pauses->networks); i++) {
        struct xf_pause_network *network = &pauses->networks[i];
        if (strcmp(network->text, text) == 0)
            return network;
        pay_off(&network->budget, now_ms);
        if (network->count == 0 && (!least || network->budget.debt < least->budget.debt))
            least = network;
    }
    if (least) {
        *least = (struct xf_pause_network){.budget.at_ms = now_ms};
        memcpy(least->text, text, sizeof(least->text));
    }
    return least;
}

/* The network whose budget pays for a pause by this route; NULL: no pause is allowed now. */
static struct xf_pause_network *may_pause(const struct xf_route *route, uint64_t now_ms)
{
    struct xf_link_pauses *pauses = &route->link->pauses;
    char text[XF_ADDR_TEXT_BYTES] = "";
    if (now_ms < pauses->after_ms || !has_budget(&pauses->budget, 1, now_ms))
        return NULL;
    xf_addr_network_text(xf_out_addr(route->out), text);
    struct xf_pause_network *network = find_network(pauses, text, now_ms);
    return network && has_budget(&network->budget, 2, now_ms) ? network : NULL;
}

/* ------------------------------------------------------------------ pauses */

static bool is_above(const struct xf_route *route, unsigned part)
{
    return xf_route_limits_is_above(route, &route->queue, part);
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

static void pause_link(struct xf_route *route, struct xf_pause_network *network, uint64_t now_ms)
{
    struct xf_link_pauses *pauses = &route->link->pauses;
    bool is_first = xf_list_is_empty(&pauses->routes);
    xf_list_push(&pauses->routes, &route->pause.node);
    route->pause.began_ms = now_ms;
    route->pause.network = network;
    if (network)
        network->count++;
    if (is_first) {
        pauses->began_ms = now_ms;
        xf_timer_start(route->routing->env->timers, &pauses->timer, PAUSE_MS);
    }
    if (is_first || !network)
        set_paused(route, true);
}

static void resume_link(struct xf_route *route)
{
    struct xf_link_pauses *pauses = &route->link->pauses;
    struct xf_pause_network *network = route->pause.network;
    uint64_t now_ms = xf_routing_now(route->routing);
    if (!xf_list_is_linked(&route->pause.node))
        return;
    xf_list_remove(&route->pause.node);
    if (!network) {
        set_paused(route, false);
        return;
    }
    network->count--;
    charge(&network->budget, 2, now_ms - route->pause.began_ms, now_ms);
    if (!xf_list_is_empty(&pauses->routes))
        return;
    uint64_t paused_ms = now_ms - pauses->began_ms;
    charge(&pauses->budget, 1, paused_ms, now_ms);
    pauses->after_ms = now_ms + paused_ms;
    set_paused(route, false);
}

static bool is_stalled(const struct xf_route *route, uint64_t now_ms)
{
    return now_ms - route->pause.moved_ms >= STALL_MS;
}

static void on_timer(void *owner)
{
    struct xf_routing_link *link = owner;
    uint64_t now_ms = xf_routing_now(link->routing);
    XF_LIST_EACH_SAFE (node, &link->pauses.routes) {
        struct xf_route *route = XF_CONTAINER(node, struct xf_route, pause.node);
        if (route->pause.network || is_stalled(route, now_ms))
            resume_link(route);
    }
    if (!xf_list_is_empty(&link->pauses.routes))
        xf_timer_start(link->routing->env->timers, &link->pauses.timer, PAUSE_MS);
}

void xf_backpressure_init(struct xf_routing_link *link)
{
    xf_list_init(&link->pauses.routes);
    xf_timer_init(&link->pauses.timer, on_timer, link);
}

void xf_backpressure_fini(struct xf_routing_link *link)
{
    xf_timer_stop(&link->pauses.timer);
}

void xf_backpressure_pushed(struct xf_route *route)
{
    uint64_t now_ms = xf_routing_now(route->routing);
    if (route->queue.held.count == 1)
        route->pause.moved_ms = now_ms;
    if (!is_above(route, 2) || xf_list_is_linked(&route->pause.node) || !route->out ||
        !xf_out_is_ready(route->out) || is_stalled(route, now_ms))
        return;
    bool is_alone = xf_link_is_per_peer(route->link->link);
    struct xf_pause_network *network = is_alone ? NULL : may_pause(route, now_ms);
    if (network || is_alone)
        pause_link(route, network, now_ms);
}

void xf_backpressure_moved(struct xf_route *route)
{
    route->pause.moved_ms = xf_routing_now(route->routing);
    xf_backpressure_dropped(route);
}

void xf_backpressure_dropped(struct xf_route *route)
{
    if (!is_above(route, 4))
        resume_link(route);
}

void xf_backpressure_leave(struct xf_route *route)
{
    resume_link(route);
}
