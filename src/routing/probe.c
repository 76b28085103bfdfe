/* SPDX-License-Identifier: MIT */
/*
 * probe.c — tries peers whose routes are in back-off in the background, so that stanzas pass again
 * soon after a peer is back.
 *
 * During back-off, stanzas to a dead peer are bounced at once instead of waiting in vain, and the
 * peer's host is spared our connections. But the back-off doubles, and so it may outlast a fault by
 * as long as the fault lasted. So while routes to a peer bounce and the cluster goes on sending to
 * that peer, one of the routes opens a stream every backoff-probe (2 s). Stanzas are still bounced
 * at once meanwhile. When the stream becomes ready, the route sends again and the peer's other
 * routes leave their back-off too; when it fails, nothing changes. After a refused connection, a
 * lost network or a DNS failure, the peer is reached within 2.5 s of the end of the fault.
 *
 *  - A failure that costs the peer a connection (TLS, silence, a stream that ends) doubles the
 *    wait, from the second one in a row, up to COSTLY_MAX_MS. A failed connect or look-up does not.
 *  - We do not try domains that do not exist in DNS, or peers that failed by certificate,
 *    authentication or policy. Such a fault does not pass by itself, and each try costs the peer a
 *    handshake. The success of another route does not end the back-off of these pairs either.
 *  - We do not try routes for answers to strangers (route_limits.c). They wait until their back-off
 *    is over.
 *  - A peer has at most one try at a time, however many of our domains write to it. A try begins
 *    only if a stanza was bounced since the last one. It takes at most 3 s for TCP and
 *    candidate-timeout in all, and skips addresses that refused another try a moment ago
 *    (xf_out_probe): an attacker can point any number of names at one victim. At most PROBES_MAX
 *    tries are under way, and PROBES_PER_WINDOW begin in a tenth of a second (WINDOW_MS); the
 *    others wait for their next turn. Those of named peers count apart: our users may write to any
 *    number of dead names.
 */
#include "probe_priv.h"

#include "route_limits_priv.h"
#include "route_priv.h"
#include "routing_priv.h"

#include <xfed/base/alloc.h>

#define PROBES_MAX        256
#define PROBES_PER_WINDOW 25
#define WINDOW_MS         100
#define COSTLY_MAX_MS     16000

/* A peer with routes in BOUNCE or PROBE. */
struct xf_failed_peer {
    struct xf_routing *routing;
    struct xf_span peer;          /* behind the struct */
    struct xf_node routes;        /* xf_route.failed_node, the longest untried first */
    struct xf_route *probing;     /* NULL: none */
    struct xf_probe_turns *turns; /* in which it counts */
    struct xf_timer timer;        /* until the next try; stopped if no route wants one */
    uint64_t wait_ms, next_ms;    /* between tries; when the next one may begin */
    bool was_costly;              /* the last failure was not a cheap one */
};

bool xf_probe_may_pass(enum xf_cause cause)
{
    return cause == XF_CAUSE_CONNECT || cause == XF_CAUSE_DNS_FAILED || cause == XF_CAUSE_TIMEOUT ||
           cause == XF_CAUSE_TLS || cause == XF_CAUSE_STREAM;
}

static bool is_cheap(enum xf_cause cause)
{
    return cause == XF_CAUSE_CONNECT || cause == XF_CAUSE_DNS_FAILED;
}

static uint64_t usual_ms(const struct xf_routing *routing)
{
    return routing->settings.backoff_probe_ms;
}

static void schedule(struct xf_failed_peer *failed)
{
    uint64_t now_ms = xf_routing_now(failed->routing);
    xf_timer_start(failed->routing->env->timers, &failed->timer,
                   failed->next_ms > now_ms ? failed->next_ms - now_ms : 0);
}

static void wait_again(struct xf_failed_peer *failed)
{
    failed->next_ms = xf_routing_now(failed->routing) + xf_rand_jitter_ms(failed->wait_ms);
}

static struct xf_probe_turns *turns_of(const struct xf_failed_peer *failed)
{
    struct xf_probes *probes = &failed->routing->probes;
    return xf_policy_names(failed->routing->policy, failed->peer) ? &probes->of_named
                                                                  : &probes->of_others;
}

/* May one more try begin now? If so, it is counted. */
static bool take_turn(const struct xf_failed_peer *failed)
{
    struct xf_probe_turns *turns = turns_of(failed);
    uint64_t now_ms = xf_routing_now(failed->routing);
    if (now_ms - turns->window_ms >= WINDOW_MS) {
        turns->window_ms = now_ms;
        turns->begun = 0;
    }
    if (failed->routing->is_draining || turns->count >= PROBES_MAX ||
        turns->begun >= PROBES_PER_WINDOW)
        return false;
    turns->begun++;
    return true;
}

static struct xf_route *wanted_route(const struct xf_failed_peer *failed)
{
    XF_LIST_EACH (node, &failed->routes) {
        struct xf_route *route = XF_CONTAINER(node, struct xf_route, failed_node);
        if (route->may && route->is_wanted && xf_probe_may_pass(route->cause))
            return route;
    }
    return NULL;
}

static void begin_try(struct xf_failed_peer *failed, struct xf_route *route)
{
    XF_LIST_EACH (node, &failed->routes)
        XF_CONTAINER(node, struct xf_route, failed_node)->is_wanted = false;
    xf_list_remove(&route->failed_node);
    xf_list_push(&failed->routes, &route->failed_node);
    failed->probing = route;
    failed->turns = turns_of(failed);
    failed->turns->count++;
    failed->routing->probes.events->due(route);
}

static void on_due(void *owner)
{
    struct xf_failed_peer *failed = owner;
    struct xf_route *route = wanted_route(failed);
    if (!route || failed->probing || usual_ms(failed->routing) == 0)
        return;
    wait_again(failed);
    if (take_turn(failed) && xf_route_limits_may_open(route))
        begin_try(failed, route);
    else
        schedule(failed);
}

static struct xf_failed_peer *new_failed_peer(struct xf_routing *routing, struct xf_span peer)
{
    struct xf_failed_peer *failed = xf_alloc(sizeof(*failed) + peer.len);
    memcpy(failed + 1, peer.ptr, peer.len);
    *failed = (struct xf_failed_peer){
        .routing = routing, .peer = {(char *)(failed + 1), peer.len}, .wait_ms = usual_ms(routing)};
    xf_list_init(&failed->routes);
    xf_timer_init(&failed->timer, on_due, failed);
    wait_again(failed);
    xf_map_set(routing->failed_peers, failed->peer, failed);
    return failed;
}

void xf_probes_init(struct xf_probes *probes, const struct xf_probe_events *events)
{
    *probes = (struct xf_probes){.events = events};
}

void xf_probe_begin(struct xf_route *route)
{
    struct xf_routing *routing = route->routing;
    if (usual_ms(routing) == 0 || route->for_stranger)
        return;
    route->failed_peer = xf_map_find(routing->failed_peers, route->peer);
    if (!route->failed_peer)
        route->failed_peer = new_failed_peer(routing, route->peer);
    xf_list_push(&route->failed_peer->routes, &route->failed_node);
}

void xf_probe_want(struct xf_route *route)
{
    struct xf_failed_peer *failed = route->failed_peer;
    route->is_wanted = true;
    if (failed && !failed->probing && !xf_timer_is_running(&failed->timer))
        schedule(failed);
}

static void stop_probing(struct xf_route *route)
{
    if (route->failed_peer->probing != route)
        return;
    route->failed_peer->probing = NULL;
    route->failed_peer->turns->count--;
}

void xf_probe_failed(struct xf_route *route)
{
    struct xf_failed_peer *failed = route->failed_peer;
    uint64_t usual = usual_ms(failed->routing),
             doubled = 2 * failed->wait_ms < COSTLY_MAX_MS ? 2 * failed->wait_ms : COSTLY_MAX_MS;
    bool is_costly = !is_cheap(route->cause);
    stop_probing(route);
    failed->wait_ms = is_costly && failed->was_costly && doubled > usual ? doubled : usual;
    failed->was_costly = is_costly;
    wait_again(failed);
    schedule(failed);
}

void xf_probe_end(struct xf_route *route)
{
    struct xf_failed_peer *failed = route->failed_peer;
    if (!failed)
        return;
    stop_probing(route);
    xf_list_remove(&route->failed_node);
    route->failed_peer = NULL;
    if (!xf_list_is_empty(&failed->routes))
        return;
    xf_timer_stop(&failed->timer);
    xf_map_remove(failed->routing->failed_peers, failed->peer);
    xf_free(failed);
}

static struct xf_route *allowed_route(const struct xf_failed_peer *failed)
{
    XF_LIST_EACH (node, &failed->routes) {
        struct xf_route *route = XF_CONTAINER(node, struct xf_route, failed_node);
        if (route->may)
            return route;
    }
    return NULL;
}

void xf_probe_now(struct xf_routing *routing, struct xf_span peer)
{
    struct xf_failed_peer *failed = xf_map_find(routing->failed_peers, peer);
    if (!failed || failed->probing || routing->is_draining)
        return;
    struct xf_route *route = allowed_route(failed);
    if (!route || !xf_route_limits_may_open(route))
        return;
    xf_timer_stop(&failed->timer);
    wait_again(failed);
    begin_try(failed, route);
}

/* `failed` is freed when its last route leaves; after that `node` must not be read. */
void xf_probe_well(struct xf_routing *routing, struct xf_span peer)
{
    struct xf_failed_peer *failed = xf_map_find(routing->failed_peers, peer);
    struct xf_node *node = failed ? failed->routes.next : NULL;
    while (node && node != &failed->routes) {
        struct xf_route *route = XF_CONTAINER(node, struct xf_route, failed_node);
        struct xf_node *next = node->next;
        bool is_last = next == &failed->routes;
        if (route->state == XF_ROUTE_BOUNCE && xf_probe_may_pass(route->cause))
            routing->probes.events->well(route);
        node = is_last ? NULL : next;
    }
}
