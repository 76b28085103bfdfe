/* SPDX-License-Identifier: MIT */
/*
 * probe.c — peers whose routes are in back-off are tried in the background, so that stanzas pass
 * again soon after the peer is back.
 *
 * Back-off spares the stanzas to a dead peer a useless wait, and its host our connects. But it
 * doubles, and so may outlast a fault by as long as the fault lasted. So while routes of a peer
 * bounce and the cluster goes on sending to it, one of them opens a stream every backoff-probe (2
 * s). Stanzas are still bounced at once meanwhile. When the stream is ready the route sends again,
 * and the peer's other routes leave their back-off too; when it fails nothing changes. A peer whose
 * fault was a refused connect, a lost network or DNS is reached within 2.5 s of the fault's end.
 *
 *  - From the second in a row, failures that cost the peer a conn (TLS, silence, a stream that
 *    ends) double the wait, up to COSTLY_MAX_MS; a failed connect or look-up does not.
 *  - Not tried: domains that DNS says do not exist, and peers that failed by certificate,
 *    authentication or policy. That does not pass by itself, and each try costs them a handshake.
 *    Another route's success says nothing about these pairs either.
 *  - Not tried: routes for answers to strangers (route_limits.c). They wait until the back-off is
 *    over.
 *  - There is one try at a time for a peer, whatever the number of our domains. It needs a stanza
 *    since the last one, takes at most 3 s for TCP and candidate-timeout in all, and skips
 *    addresses that refused another try a moment ago (xf_out_probe): names are free, and may all
 *    point at one victim. At most PROBES_MAX are under way, and PROBES_PER_WINDOW begin in a tenth
 *    of a second; the others wait for their next turn.
 */
#include "probe_priv.h"

#include "route_priv.h"
#include "routing_priv.h"

#include <xfed/base/alloc.h>

#define PROBES_MAX        256
#define PROBES_PER_WINDOW 25
#define WINDOW_MS         100
#define COSTLY_MAX_MS     16000

/* A peer with routes in BOUNCE or PROBE. */
struct xf_ailing {
    struct xf_routing *routing;
    struct xf_span peer;       /* behind the struct */
    struct xf_node routes;     /* xf_route.ailing_node, the longest untried first */
    struct xf_route *probing;  /* NULL: none */
    struct xf_timer timer;     /* until the next try; stopped while nothing is wanted */
    uint64_t wait_ms, next_ms; /* between tries; when the next one may begin */
    bool was_costly;           /* the last one */
};

/* Is it a fault of the server, which may pass by itself and which all pairs share? */
static bool is_of_server(enum xf_cause cause)
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

static void schedule(struct xf_ailing *ailing)
{
    uint64_t now_ms = xf_routing_now(ailing->routing);
    xf_timer_start(ailing->routing->env->timers, &ailing->timer,
                   ailing->next_ms > now_ms ? ailing->next_ms - now_ms : 0);
}

static void wait_again(struct xf_ailing *ailing)
{
    ailing->next_ms = xf_routing_now(ailing->routing) + xf_rand_jitter_ms(ailing->wait_ms);
}

/* May one more begin now? */
static bool take_turn(struct xf_routing *routing)
{
    uint64_t now_ms = xf_routing_now(routing);
    if (now_ms - routing->probes.window_ms >= WINDOW_MS) {
        routing->probes.window_ms = now_ms;
        routing->probes.begun = 0;
    }
    if (routing->is_draining || routing->probes.count >= PROBES_MAX ||
        routing->probes.begun >= PROBES_PER_WINDOW)
        return false;
    routing->probes.begun++;
    return true;
}

static struct xf_route *wanted_route(const struct xf_ailing *ailing)
{
    XF_LIST_EACH (node, &ailing->routes) {
        struct xf_route *route = XF_CONTAINER(node, struct xf_route, ailing_node);
        if (route->is_wanted && is_of_server(route->cause))
            return route;
    }
    return NULL;
}

static void on_due(void *owner)
{
    struct xf_ailing *ailing = owner;
    struct xf_route *route = wanted_route(ailing);
    if (!route || ailing->probing || usual_ms(ailing->routing) == 0)
        return;
    wait_again(ailing);
    if (!take_turn(ailing->routing)) {
        schedule(ailing);
        return;
    }
    XF_LIST_EACH (node, &ailing->routes)
        XF_CONTAINER(node, struct xf_route, ailing_node)->is_wanted = false;
    xf_list_remove(&route->ailing_node);
    xf_list_push(&ailing->routes, &route->ailing_node);
    ailing->probing = route;
    ailing->routing->probes.count++;
    ailing->routing->probes.events->due(route);
}

static struct xf_ailing *new_ailing(struct xf_routing *routing, struct xf_span peer)
{
    struct xf_ailing *ailing = xf_alloc(sizeof(*ailing) + peer.len);
    memcpy(ailing + 1, peer.ptr, peer.len);
    *ailing = (struct xf_ailing){
        .routing = routing, .peer = {(char *)(ailing + 1), peer.len}, .wait_ms = usual_ms(routing)};
    xf_list_init(&ailing->routes);
    xf_timer_init(&ailing->timer, on_due, ailing);
    wait_again(ailing);
    xf_map_set(routing->ailing, ailing->peer, ailing);
    return ailing;
}

void xf_probes_init(struct xf_probes *probes, const struct xf_probe_events *events)
{
    *probes = (struct xf_probes){.events = events};
}

void xf_probe_begin(struct xf_route *route)
{
    struct xf_routing *routing = route->routing;
    if (usual_ms(routing) == 0 || route->is_theirs)
        return;
    route->ailing = xf_map_find(routing->ailing, route->peer);
    if (!route->ailing)
        route->ailing = new_ailing(routing, route->peer);
    xf_list_push(&route->ailing->routes, &route->ailing_node);
}

void xf_probe_want(struct xf_route *route)
{
    struct xf_ailing *ailing = route->ailing;
    route->is_wanted = true;
    if (ailing && !ailing->probing && !xf_timer_is_running(&ailing->timer))
        schedule(ailing);
}

static void stop_probing(struct xf_route *route)
{
    if (route->ailing->probing != route)
        return;
    route->ailing->probing = NULL;
    route->routing->probes.count--;
}

void xf_probe_failed(struct xf_route *route)
{
    struct xf_ailing *ailing = route->ailing;
    uint64_t usual = usual_ms(ailing->routing),
             doubled = 2 * ailing->wait_ms < COSTLY_MAX_MS ? 2 * ailing->wait_ms : COSTLY_MAX_MS;
    bool is_costly = !is_cheap(route->cause);
    stop_probing(route);
    ailing->wait_ms = is_costly && ailing->was_costly && doubled > usual ? doubled : usual;
    ailing->was_costly = is_costly;
    wait_again(ailing);
    schedule(ailing);
}

void xf_probe_end(struct xf_route *route)
{
    struct xf_ailing *ailing = route->ailing;
    if (!ailing)
        return;
    stop_probing(route);
    xf_list_remove(&route->ailing_node);
    route->ailing = NULL;
    if (!xf_list_is_empty(&ailing->routes))
        return;
    xf_timer_stop(&ailing->timer);
    xf_map_remove(ailing->routing->ailing, ailing->peer);
    xf_free(ailing);
}

/* The ailing one is gone when its last route leaves. */
void xf_probe_well(struct xf_routing *routing, struct xf_span peer)
{
    struct xf_ailing *ailing = xf_map_find(routing->ailing, peer);
    struct xf_node *node = ailing ? ailing->routes.next : NULL;
    while (node && node != &ailing->routes) {
        struct xf_route *route = XF_CONTAINER(node, struct xf_route, ailing_node);
        struct xf_node *next = node->next;
        bool is_last = next == &ailing->routes;
        if (route->state == XF_ROUTE_BOUNCE && is_of_server(route->cause))
            routing->probes.events->well(route);
        node = is_last ? NULL : next;
    }
}
