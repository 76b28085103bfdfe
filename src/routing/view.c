/* SPDX-License-Identifier: MIT */
/* view.c — what an operator may see of the routes, and do to them. */
#include <xfed/routing/view.h>

#include <xfed/s2s/view.h>

#include "probe_priv.h"
#include "route_priv.h"
#include "routing_priv.h"

static const char *const states[] = {XF_ROUTE_STATE_MAP(XF_MACHINE_WORD)};

static struct xf_route *route_of(struct xf_node *node)
{
    return XF_CONTAINER(node, struct xf_route, node);
}

static void view_route(const struct xf_route *route, struct xf_route_view *view)
{
    uint64_t now_ms = xf_routing_now(route->routing);
    bool failed = route->state == XF_ROUTE_BOUNCE || route->state == XF_ROUTE_PROBE;
    const struct xf_stanza_copy *oldest = xf_stanza_queue_front(&route->queue);
    *view = (struct xf_route_view){
        .local = route->local,
        .peer = route->peer,
        .state = states[route->state],
        .for_stranger = route->for_stranger,
        .queued = route->queue.held,
        .oldest_ms = oldest ? now_ms - oldest->at_ms : 0,
        .cause = failed ? xf_cause_word(route->cause) : NULL,
        .text = failed ? route->text : NULL,
        .retry_ms = failed && route->over_ms > now_ms ? route->over_ms - now_ms : 0,
        .taken = route->taken_count,
        .sent = route->sent_count,
        .bounced = route->bounced_count,
    };
    if (route->out)
        view->unproved = *xf_out_unproved(route->out);
    if (route->by_sip)
        route->routing->sip->view(route, view);
}

bool xf_routing_view(const struct xf_routing *routing, uint64_t *at, size_t most,
                     xf_route_view_fn show, void *owner)
{
    size_t shown = 0;
    XF_LIST_EACH (node, &routing->all) {
        const struct xf_route *route = route_of(node);
        struct xf_route_view view;
        if (route->number <= *at)
            continue;
        if (shown++ == most)
            return true;
        view_route(route, &view);
        show(owner, &view);
        *at = route->number;
    }
    return false;
}

/* ------------------------------------------------------------------ acts */

size_t xf_routing_retry(struct xf_routing *routing, struct xf_span peer)
{
    size_t failed = 0;
    bool by_sip = routing->sip && routing->sip->retry(routing, peer);
    xf_s2s_forgive(routing->s2s, peer);
    XF_LIST_EACH (node, &routing->all) {
        struct xf_route *route = route_of(node);
        bool is_failed = route->state == XF_ROUTE_BOUNCE || route->state == XF_ROUTE_PROBE;
        if (!xf_span_eq(route->peer, peer))
            continue;
        failed += is_failed || (route->by_sip && by_sip);
        if (!is_failed)
            continue;
        if (!route->failed_peer) /* nobody tries it in the background: the next stanza does */
            xf_route_forgive(route);
    }
    xf_probe_now(routing, peer);
    return failed;
}

size_t xf_routing_flush(struct xf_routing *routing, struct xf_span peer)
{
    size_t flushed = routing->sip ? routing->sip->flush(routing, peer) : 0;
    XF_LIST_EACH (node, &routing->all) {
        struct xf_route *route = route_of(node);
        if (!xf_span_eq(route->peer, peer))
            continue;
        flushed += route->queue.held.count;
        xf_route_bounce_queue(route, XF_STANZA_ERROR_REMOTE_SERVER_TIMEOUT,
                              "the domain could not be reached in time");
    }
    return flushed;
}
