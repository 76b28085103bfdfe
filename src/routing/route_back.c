/* SPDX-License-Identifier: MIT */
/*
 * route_back.c — decides about stanzas that went out on a stream which ended before they were
 * proved (setting `resend`).
 *
 * Nobody can say whether the peer has them. Sent again, a stanza may arrive twice; returned to its
 * sender, it may have arrived all the same. A message that arrives twice is the lesser evil, and
 * its clients recognise it by its id and by the time stamp (XEP-0203). A request that is carried
 * out twice may do harm, and its sender can ask again. Whoever receives a second result or error
 * ignores it, and none of these may be answered: they are sent again in any case.
 */
#include "route_back_priv.h"

#include "delay_priv.h"
#include "route_priv.h"
#include "routing_priv.h"

#include <xfed/base/alloc.h>
#include <xfed/journal/journal.h>

static bool may_resend(const struct xf_route *route, const struct xf_stanza *stanza)
{
    enum xf_resend resend = route->settings->resend;
    if (!xf_stanza_may_bounce(stanza) || resend == XF_RESEND_ALL)
        return true;
    return resend == XF_RESEND_MESSAGES && stanza->kind != XF_STANZA_IQ;
}

static int64_t came_s(const struct xf_routing *routing, const struct xf_stanza_copy *copy)
{
    uint64_t ago_ms = xf_routing_now(routing) - copy->at_ms;
    return routing->env->unix_s(routing->env) - (int64_t)(ago_ms / 1000);
}

/* The copy to send; NULL: it was returned. Takes over the old one. */
static struct xf_stanza_copy *settle(struct xf_route *route, struct xf_stanza_copy *copy)
{
    struct xf_routing *routing = route->routing;
    struct xf_stanza stanza;
    struct xf_stanza_copy *again = NULL;
    xf_stanza_copy_read(copy, &stanza);
    if (may_resend(route, &stanza)) {
        if (stanza.kind == XF_STANZA_MESSAGE)
            xf_delay_stamp(&stanza, came_s(routing, copy), &routing->rewritten);
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
}
