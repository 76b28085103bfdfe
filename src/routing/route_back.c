/* SPDX-License-Identifier: MIT */
/*
 * route_back.c — decides about stanzas that went out on a stream which ended before they were
 * proved (setting `resend`; xfed/stream/resend.h).
 */
#include "route_back_priv.h"

#include "route_limits_priv.h"
#include "route_priv.h"
#include "routing_priv.h"

#include <xfed/base/alloc.h>
#include <xfed/journal/journal.h>
#include <xfed/stream/delay.h>
#include <xfed/stream/resend.h>

/* The copy to send; NULL: it was returned. Takes over the old one. */
static struct xf_stanza_copy *settle(struct xf_route *route, struct xf_stanza_copy *copy)
{
    struct xf_routing *routing = route->routing;
    struct xf_stanza stanza;
    struct xf_stanza_copy *again = NULL;
    xf_stanza_copy_read(copy, &stanza);
    if (xf_resend_may(route->settings->resend, &stanza)) {
        xf_delay_stamp(&stanza, route->local, xf_resend_came_s(routing->env, copy->at_ms),
                       &routing->rewritten);
        again = xf_stanza_copy_new(&stanza, copy->at_ms);
        xf_journal_add(routing->journal, again, &stanza);
    } else {
        xf_route_bounce(route, &stanza, XF_STANZA_ERROR_REMOTE_SERVER_TIMEOUT,
                        "the connection broke before the domain confirmed this");
    }
    xf_journal_remove(routing->journal, copy);
    xf_free(copy);
    return again;
}

void xf_route_settle_back(struct xf_route *route)
{
    struct xf_stanza_queue settled;
    struct xf_stanza_copy *copy;
    xf_stanza_queue_init(&settled, NULL);
    while ((copy = xf_stanza_queue_front(&route->queue)) && copy->is_unproved) {
        xf_stanza_queue_remove(&route->queue, copy);
        copy = settle(route, copy);
        if (copy)
            xf_stanza_queue_append(&settled, copy);
    }
    while ((copy = xf_stanza_queue_back(&settled))) {
        xf_stanza_queue_remove(&settled, copy);
        xf_stanza_queue_put_back(&route->queue, copy);
    }
    xf_route_limits_weigh(route);
}

void xf_route_know_back(struct xf_route *route, uint64_t serial, uint64_t untold, uint64_t number)
{
    XF_STANZA_QUEUE_EACH (copy, &route->queue) {
        if (!copy->is_unproved || copy->serial != serial || copy->number <= untold)
            continue;
        copy->is_unproved = false;
        if (copy->number > number)
            continue;
        xf_stanza_queue_remove(&route->queue, copy);
        xf_journal_remove(route->routing->journal, copy);
        xf_free(copy);
    }
    xf_route_limits_weigh(route);
}

void xf_route_restore(struct xf_route *route, const struct xf_stanza *stanza,
                      const struct xf_route_origin *origin)
{
    if (!xf_route_limits_has_room(route, &route->queue, stanza) ||
        (route->state == XF_ROUTE_IDLE && !xf_route_limits_may_open(route))) {
        xf_route_bounce(route, stanza, XF_STANZA_ERROR_RESOURCE_CONSTRAINT,
                        "too many stanzas wait for this domain");
        return;
    }
    struct xf_stanza_copy *copy = xf_stanza_queue_push(&route->queue, stanza, origin->at_ms);
    copy->serial = origin->serial;
    copy->number = origin->number;
    copy->is_unproved = origin->is_unproved;
    xf_journal_add(route->routing->journal, copy, stanza);
    xf_route_limits_weigh(route);
    if (route->state == XF_ROUTE_IDLE)
        xf_route_fire(route, XF_ROUTE_ON_STANZA);
}

void xf_route_hand_over(struct xf_route *route)
{
    struct xf_routing *routing = route->routing;
    if (!routing->hands_over || routing->has_ended)
        return;
    XF_STANZA_QUEUE_EACH (copy, &route->queue) {
        if (!xf_s2s_hands_over(routing->s2s, route->local, route->peer, copy->serial))
            continue;
        xf_stanza_queue_remove(&route->queue, copy);
        xf_stanza_queue_append(&routing->handed, copy);
    }
    xf_route_limits_weigh(route);
}
