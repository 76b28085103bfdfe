/* SPDX-License-Identifier: MIT */
/*
 * barrier.c — the answer to a server module's question whether it may forget what it has sent
 * (conf/prosody/mod_route_gateway.lua). Until then the module can give it to another gateway, if
 * this one is killed.
 *
 * A route settles its stanzas in the order in which they came. So it is enough to know how many it
 * had been given when the question came, and how many of all are still in its queue or unproved on
 * its stream. Only routes that had some then are looked at, every LOOK_MS. One that settles
 * nothing, since its peer is being dialled or hangs, would hold up the answer for the queue-time of
 * the peer; so the module is told after BARRIER_MS that we are alive, and asks again.
 *
 * What waits for an e-mail address (address_queue.c) was given to no route yet, and perhaps goes to
 * another one: first all of that must have gone, and only then the routes are counted.
 */
#include "barrier_priv.h"

#include "address_queue_priv.h"
#include "bounce_priv.h"
#include "links_priv.h"
#include "route_priv.h"
#include "routing_priv.h"
#include "sip_priv.h"

#include <xfed/base/alloc.h>
#include <xfed/s2s/s2s.h>

#define LOOK_MS    50
#define BARRIER_MS 5000

static uint64_t waiting_count(const struct xf_route *route)
{
    return route->queue.held.count + (route->out ? xf_out_unproved(route->out)->count : 0);
}

/* Messages that went to SIP (sip.c) and have no answer yet. They are settled in any order. */
static bool waits_for_sip(const struct xf_route *route)
{
    struct xf_route_view view = {0};
    if (!route->routing->sip || !(route->by_sip || route->learns))
        return false;
    route->routing->sip->view(route, &view);
    return view.queued.count + view.unproved.count > 0;
}

/* What an earlier process left (hand_over.c) waits too, and was not counted. */
static bool has_settled(const struct xf_route *route)
{
    uint64_t waiting = waiting_count(route);
    return (waiting == 0 || route->taken_count >= route->barrier.taken_count + waiting) &&
           !waits_for_sip(route);
}

/* Does a stanza that came before the question wait for an address? */
static bool is_mapping(const struct xf_route *route, uint64_t since_ms)
{
    const struct xf_address_queue *queue = route->address_queue_out;
    const struct xf_stanza_copy *oldest = queue ? xf_stanza_queue_front(&queue->stanzas) : NULL;
    return oldest && oldest->at_ms <= since_ms;
}

/* Look at the routes that have something to settle, or whose stanzas wait for an address. */
static void collect(struct xf_routing_link *link, bool maps)
{
    struct xf_barrier *barrier = &link->barrier;
    size_t cursor = 0;
    void *value = NULL;
    barrier->maps = maps;
    while (xf_map_next(link->routing->routes, &cursor, NULL, &value)) {
        struct xf_route *route = value;
        bool counts = maps ? is_mapping(route, barrier->since_ms)
                           : waiting_count(route) > 0 || waits_for_sip(route);
        if (route->link != link || !counts)
            continue;
        route->barrier.taken_count = route->taken_count;
        xf_list_push(&barrier->routes, &route->barrier.node);
    }
}

static void drop_settled(struct xf_barrier *barrier)
{
    XF_LIST_EACH_SAFE (node, &barrier->routes) {
        const struct xf_route *route = XF_CONTAINER(node, struct xf_route, barrier.node);
        if (barrier->maps ? !is_mapping(route, barrier->since_ms) : has_settled(route))
            xf_list_remove(node);
    }
}

static void answer(struct xf_routing_link *link, enum xf_stanza_error error, const char *text)
{
    struct xf_barrier *barrier = &link->barrier;
    struct xf_stanza_copy *copy = barrier->question;
    struct xf_stanza question;
    barrier->question = NULL;
    xf_stanza_copy_read(copy, &question);
    xf_bounce(link->routing, link, &question, error, text);
    xf_free(copy);
}

static void forget(struct xf_routing_link *link)
{
    struct xf_barrier *barrier = &link->barrier;
    xf_timer_stop(&barrier->timer);
    XF_LIST_EACH_SAFE (node, &barrier->routes)
        xf_list_remove(node);
    xf_free(barrier->question);
    barrier->question = NULL;
}

static void look(struct xf_routing_link *link)
{
    struct xf_barrier *barrier = &link->barrier;
    drop_settled(barrier);
    if (xf_list_is_empty(&barrier->routes) && barrier->maps)
        collect(link, false);
    if (xf_list_is_empty(&barrier->routes)) {
        answer(link, XF_STANZA_ERROR_SERVICE_UNAVAILABLE, NULL);
    } else if (xf_routing_now(link->routing) - barrier->since_ms >= BARRIER_MS) {
        answer(link, XF_STANZA_ERROR_RESOURCE_CONSTRAINT,
               "some stanzas still wait for their peers");
        forget(link);
    } else {
        xf_timer_start(link->routing->env->timers, &barrier->timer, LOOK_MS);
    }
}

static void on_timer(void *owner)
{
    look(owner);
}

void xf_barrier_init(struct xf_routing_link *link)
{
    xf_list_init(&link->barrier.routes);
    xf_timer_init(&link->barrier.timer, on_timer, link);
}

void xf_barrier_fini(struct xf_routing_link *link)
{
    forget(link);
}

void xf_barrier_ask(struct xf_routing_link *link, const struct xf_stanza *question)
{
    struct xf_routing *routing = link->routing;
    forget(link);
    xf_link_has_module(link->link);
    link->barrier.question = xf_stanza_copy_new(question, xf_routing_now(routing));
    link->barrier.since_ms = xf_routing_now(routing);
    collect(link, true);
    look(link);
}

void xf_barrier_leave(struct xf_route *route)
{
    xf_list_remove(&route->barrier.node);
}
