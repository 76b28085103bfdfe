/* SPDX-License-Identifier: MIT */
/*
 * route_owner.c — routes to peers with protocol = auto. Policy says by which protocol such a peer
 * authenticated last (xf_policy_protocol), and stanzas go by that one alone. While it does not
 * know:
 *
 *   XMPP finds nobody    what waits goes to simple, in its order, and so do further stanzas until
 *                        the back-off is over: then XMPP is tried again. Requests and results
 *                        (iq), which SIP does not carry, come back or wait as for any peer
 *   XMPP ends otherwise  as for any peer. A domain that has an XMPP server must not be reached by
 *                        another protocol because somebody disturbs its streams: a certificate, TLS
 *                        or an authentication that fails, a stream error, SERVFAIL
 *
 * Either protocol that succeeds is remembered (the history of peers), so that this ends with the
 * first answer. What was handed to simple stays there: it is delivered or returned once, whatever
 * becomes known meanwhile. Nobody probes in the background meanwhile, since nothing is bounced.
 */
#include "route_owner_priv.h"

#include "backpressure_priv.h"
#include "route_limits_priv.h"
#include "route_priv.h"
#include "routing_priv.h"

#include <xfed/base/alloc.h>
#include <xfed/journal/journal.h>

bool xf_route_owner_turns(const struct xf_route *route, const struct xf_stanza *stanza)
{
    return route->turned && stanza->kind != XF_STANZA_IQ;
}

/* But not what a stream may have delivered: only XMPP can tell. */
static void hand_over_queue(struct xf_route *route)
{
    XF_STANZA_QUEUE_EACH (copy, &route->queue) {
        struct xf_stanza stanza;
        xf_stanza_copy_read(copy, &stanza);
        if (copy->is_unproved || (!route->by_sip && !xf_route_owner_turns(route, &stanza)))
            continue;
        xf_stanza_queue_remove(&route->queue, copy); /* its room is for simple now */
        xf_route_limits_weigh(route);
        route->routing->sip->send(route, &stanza);
        xf_journal_remove(route->routing->journal, copy);
        xf_free(copy);
    }
    xf_backpressure_dropped(route);
}

void xf_route_owner_is_sip(struct xf_route *route)
{
    hand_over_queue(route);
    if (route->out)
        xf_out_close(route->out);
}

/* Policy may know by now, or there is nothing else to try. */
static bool may_turn(const struct xf_route *route)
{
    const struct xf_routing *routing = route->routing;
    return routing->sip && !routing->is_draining && !routing->is_finished &&
           xf_policy_protocol(routing->policy, route->peer) == XF_PROTOCOL_AUTO &&
           xf_policy_may_by_sip(routing->policy, route->local, route->peer, XF_DIRECTION_OUT);
}

void xf_route_owner_ended(struct xf_route *route, bool found_nobody)
{
    route->turned = !route->by_sip && found_nobody && may_turn(route);
    if (route->turned)
        hand_over_queue(route);
}
