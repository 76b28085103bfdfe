/* SPDX-License-Identifier: MIT */
/*
 * sip.c — peers that are reached by SIP. Their pairs have routes as others, for the place, the
 * policy and the e-mail addresses; but the route opens no stream and queues nothing: simple takes
 * the stanza, and says what became of it.
 *
 * A stanza of such a peer waits for the link on the SIP side (XF_SIMPLE_LATER), not in the link's
 * hold: as long as it does, its sender still gets an answer, and what was answered with a failure
 * is never delivered.
 */
#include "sip_priv.h"

#include "bounce_priv.h"
#include "filling_priv.h"
#include "inbound_priv.h"
#include "links_priv.h"
#include "mail_priv.h"
#include "route_priv.h"
#include "routing_priv.h"
#include "unreachable_priv.h"

#include <xfed/base/clock.h>
#include <xfed/history/history.h>
#include <xfed/routing/sip.h>
#include <xfed/xmpp/owner.h>

/* ------------------------------------------------------------------ out */

static void send_by_sip(struct xf_route *route, const struct xf_stanza *stanza)
{
    enum xf_stanza_error error;
    const char *text;
    bool is_taken = xf_simple_take(route->routing->simple, stanza, &error, &text);
    if (!is_taken && error == XF_STANZA_ERROR_RESOURCE_CONSTRAINT &&
        stanza->kind == XF_STANZA_MESSAGE)
        xf_route_log_full(route, &route->routing->queued);
    if (!is_taken)
        xf_route_bounce(route, stanza, error, text);
    xf_filling_note(route->routing);
}

static void on_delivered(void *owner, const struct xf_stanza *stanza)
{
    struct xf_routing *routing = owner;
    struct xf_route *route = xf_route_find(routing, stanza->from.domain, stanza->to.domain);
    if (route)
        route->sent_count++;
    xf_filling_note(routing);
}

/*
 * Was it given to simple because XMPP found nobody, who may be back? Then that there is nobody by
 * SIP either does not make it final.
 */
static bool is_for_now(const struct xf_route *route, enum xf_stanza_error error)
{
    bool is_turned =
        route->turned && (route->state == XF_ROUTE_BOUNCE || route->state == XF_ROUTE_PROBE);
    return is_turned && error == XF_STANZA_ERROR_REMOTE_SERVER_NOT_FOUND;
}

/* A reload may have taken the domain from all links: then nobody can be told. */
static void on_bounced(void *owner, const struct xf_stanza *stanza, enum xf_stanza_error error,
                       struct xf_span address, const char *text)
{
    struct xf_routing *routing = owner;
    struct xf_route *route = xf_route_find(routing, stanza->from.domain, stanza->to.domain);
    struct xf_routing_link *link = xf_routing_link_serving(routing, stanza->from.domain);
    if (route)
        route->bounced_count++;
    if (route && is_for_now(route, error)) {
        error = xf_cause_stanza_error(route->cause);
        text = route->text;
    }
    if (link)
        xf_bounce_to(routing, link, stanza, error, address, text);
    xf_filling_note(routing);
}

/*
 * What was learned first stays: a peer that authenticated by XMPP does not come here, since simple
 * does not admit it, but for what was under way.
 */
static void on_peer_seen(void *owner, struct xf_span local, struct xf_span peer)
{
    struct xf_routing *routing = owner;
    enum xf_protocol known = xf_policy_protocol(routing->policy, peer);
    if (!routing->history || known == XF_PROTOCOL_XMPP)
        return;
    xf_history_own(routing->history, peer, XF_HISTORY_OWNER_SIP, xf_unix_s());
    if (known == XF_PROTOCOL_SIP)
        return;
    bool is_named = xf_policy_names(routing->policy, peer);
    xf_log(xf_lines_level(routing->env, is_named ? XF_LINES_NAMED : XF_LINES_PEERS,
                          xf_domain_owner(peer), XF_LOG_INFO, "routing.peer.learned"),
           "routing.peer.learned", XF_SPN("local", local), XF_SPN("peer", peer),
           XF_WORD("protocol", xf_protocol_word(XF_PROTOCOL_SIP)));
    xf_unreachable_clear(routing, peer);
}

static size_t room(void *owner)
{
    return xf_routing_room(owner, 0);
}

/* ------------------------------------------------------------------ in */

static enum xf_simple_taken on_stanza(void *owner, struct xf_stanza *stanza, uint64_t *out_wait_ms)
{
    static const enum xf_simple_taken taken[] = {
        [XF_S2S_TAKEN] = XF_SIMPLE_TAKEN,
        [XF_S2S_FULL] = XF_SIMPLE_FULL,
        [XF_S2S_REFUSED] = XF_SIMPLE_TAKEN,
        [XF_S2S_LEFT] = XF_SIMPLE_TAKEN,
    };
    struct xf_routing *routing = owner;
    const struct xf_routing_link *link = xf_routing_link_serving(routing, stanza->to.domain);
    if (!xf_routing_goes_by_sip(routing, stanza->from.domain)) { /* a reload turned SIP off */
        xf_simple_refused(routing->simple, stanza, XF_STANZA_ERROR_NOT_ALLOWED, "SIP is off");
        return XF_SIMPLE_TAKEN;
    }
    if (link && !xf_link_takes(link->link, stanza->from.domain)) {
        *out_wait_ms = xf_link_wait_ms(link->link, stanza->from.domain);
        return XF_SIMPLE_LATER;
    }
    return taken[xf_inbound_take(routing, stanza)];
}

/* Policy is not asked. A domain that no link serves any more has nobody to be told. */
static bool on_parted(void *owner, struct xf_stanza *stanza)
{
    struct xf_routing *routing = owner;
    const struct xf_routing_link *link = xf_routing_link_serving(routing, stanza->to.domain);
    if (!link)
        return true;
    return xf_link_takes(link->link, stanza->from.domain) &&
           xf_mail_map_parting(routing, link, stanza) &&
           xf_link_send(link->link, stanza) == XF_ERR_OK;
}

const struct xf_simple_events xf_routing_simple_events = {
    .stanza = on_stanza,
    .parted = on_parted,
    .delivered = on_delivered,
    .bounced = on_bounced,
    .peer_seen = on_peer_seen,
    .room = room,
};

static void delivered(struct xf_routing *routing, const struct xf_stanza *stanza)
{
    xf_simple_delivered(routing->simple, stanza->id);
}

static void refused(struct xf_routing *routing, const struct xf_stanza *stanza,
                    enum xf_stanza_error error, const char *text)
{
    xf_simple_refused(routing->simple, stanza, error, text);
}

static bool is_over(struct xf_routing *routing, const struct xf_stanza *stanza)
{
    return xf_simple_is_answered(routing->simple, stanza);
}

static void resume(struct xf_routing *routing)
{
    xf_simple_resume(routing->simple);
}

static void missed(struct xf_routing *routing, const struct xf_stanza *stanza)
{
    if (stanza->kind == XF_STANZA_PRESENCE)
        xf_simple_missed(routing->simple, stanza->to.domain);
}

static void link_state(struct xf_routing *routing, const struct xf_routing_link *link,
                       struct xf_span peer, bool is_up)
{
    xf_simple_link_state(routing->simple, xf_span_of(link->title), peer, is_up);
}

static void finish(struct xf_routing *routing)
{
    xf_simple_finish(routing->simple);
}

/* ------------------------------------------------------------------ for operators */

static void view(const struct xf_route *route, struct xf_route_view *view)
{
    struct xf_simple_view by_sip;
    xf_simple_view(route->routing->simple, route->local, route->peer, &by_sip);
    view->state = by_sip.state;
    view->queued = by_sip.queued;
    view->unproved = by_sip.sent;
    view->cause = by_sip.cause;
    view->text = by_sip.text;
    view->retry_ms = by_sip.retry_ms;
}

static bool retry(struct xf_routing *routing, struct xf_span peer)
{
    return xf_simple_retry(routing->simple, peer);
}

static size_t flush(struct xf_routing *routing, struct xf_span peer)
{
    return xf_simple_flush(routing->simple, peer);
}

static const struct xf_sip_ops ops = {
    .send = send_by_sip,
    .delivered = delivered,
    .refused = refused,
    .is_over = is_over,
    .resume = resume,
    .missed = missed,
    .link_state = link_state,
    .finish = finish,
    .view = view,
    .retry = retry,
    .flush = flush,
};

void xf_routing_attach_simple(struct xf_routing *routing, struct xf_simple *simple,
                              struct xf_history *history)
{
    routing->simple = simple;
    routing->history = history;
    routing->sip = &ops;
}
