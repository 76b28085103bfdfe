/* SPDX-License-Identifier: MIT */
/*
 * inbound.c — takes an authenticated stanza of a peer to the link of the served domain.
 *
 * The verdict of policy and the link are remembered for the last pair, because stanzas come in
 * runs. A stanza that the link does not take is answered (answer_peer.c).
 */
#include "inbound_priv.h"

#include "address_queue_priv.h"
#include "answer_peer_priv.h"
#include "answers_priv.h"
#include "links_priv.h"
#include "mail_priv.h"
#include "repair_priv.h"
#include "route_limits_priv.h"
#include "route_priv.h"
#include "routing_priv.h"
#include "screen_priv.h"

static void look_up(struct xf_routing *routing, struct xf_span local, struct xf_span peer)
{
    struct xf_admission *last = &routing->last_in;
    const struct xf_served_settings *served = xf_policy_served(routing->policy, local);
    last->link = served ? xf_routing_link_of(routing, served->link) : NULL;
    last->by_sip = xf_routing_goes_by_sip(routing, peer);
    last->may = last->link && xf_routing_may(routing, local, peer, XF_DIRECTION_IN);
    last->is_watched = xf_screen_watches(routing, local, peer, XF_DIRECTION_IN);
    last->repairs =
        last->may && !last->by_sip && xf_policy_peer(routing->policy, peer)->repair_presence;
    const struct xf_route *route = xf_route_find(routing, local, peer);
    last->is_mapped =
        last->may && ((routing->mailmap && xf_policy_peer(routing->policy, peer)->mail) ||
                      (route && !xf_address_queue_is_empty(route->address_queue_in)));
    (void)xf_pair_key(local, peer, &last->key);
    if (xf_policy_learns(routing->policy, peer)) /* the next stanza may be judged otherwise */
        last->key.len = 0;
}

static void admit(struct xf_routing *routing, const struct xf_stanza *stanza)
{
    if (!xf_pair_key_is(&routing->last_in.key, stanza->to.domain, stanza->from.domain))
        look_up(routing, stanza->to.domain, stanza->from.domain);
}

/* What becomes of a stanza that is not delivered, and was answered if that is possible. */
static enum xf_s2s_taken undelivered(const struct xf_routing *routing,
                                     const struct xf_stanza *stanza, bool goes_on)
{
    return goes_on && xf_answer_peer_is_late(routing, stanza) ? XF_S2S_LEFT : XF_S2S_TAKEN;
}

static enum xf_s2s_taken refuse(struct xf_routing *routing, const struct xf_stanza *stanza,
                                bool goes_on, enum xf_stanza_error error, const char *text)
{
    xf_answer_peer(routing, stanza, error, text);
    return undelivered(routing, stanza, goes_on);
}

/* False: policy refused the stanza, and it was answered if policy wants that. */
static bool passes(struct xf_routing *routing, struct xf_stanza *stanza, bool goes_on,
                   enum xf_s2s_taken *out_taken, const char **out_text)
{
    struct xf_ruling ruling;
    if (xf_screen_passes(routing, stanza, XF_DIRECTION_IN, &ruling))
        return true;
    /* Every request of SIP needs an answer, also where nothing is said otherwise. */
    bool by_sip = routing->last_in.by_sip;
    *out_text = ruling.text;
    *out_taken = ruling.answer == XF_DENIAL_VIOLATION && !by_sip ? XF_S2S_REFUSED : XF_S2S_TAKEN;
    if (ruling.answer == XF_DENIAL_ERROR || by_sip)
        *out_taken = refuse(routing, stanza, goes_on, XF_STANZA_ERROR_NOT_ALLOWED, ruling.text);
    return false;
}

static enum xf_s2s_taken deliver(struct xf_routing *routing, struct xf_stanza *stanza, bool goes_on,
                                 const char **out_text)
{
    enum xf_s2s_taken taken = XF_S2S_TAKEN;
    const struct xf_admission *last = &routing->last_in;
    if (__builtin_expect(last->is_watched, 0) &&
        !passes(routing, stanza, goes_on, &taken, out_text))
        return taken;
    if (!last->may) /* the domain has no link any more */
        return refuse(routing, stanza, goes_on, XF_STANZA_ERROR_NOT_ALLOWED,
                      "communication with this domain is not allowed");
    struct xf_link *link = last->link->link;
    /* What came by SIP does not wait in the hold (sip.c). */
    enum xf_err err = last->by_sip && !xf_link_takes(link, stanza->from.domain)
                          ? XF_ERR_CLOSED
                          : xf_link_send(link, stanza);
    if (err == XF_ERR_LIMIT)
        taken = refuse(routing, stanza, goes_on, XF_STANZA_ERROR_NOT_ACCEPTABLE,
                       "the stanza is too large");
    else if (err != XF_ERR_OK && routing->is_finished && !last->by_sip)
        return XF_S2S_LEFT; /* no answer goes out any more */
    else if (err != XF_ERR_OK)
        xf_answer_peer(routing, stanza, XF_STANZA_ERROR_REMOTE_SERVER_TIMEOUT,
                       "the domain cannot be reached now");
    else if (last->by_sip)
        routing->sip->delivered(routing, stanza);
    else if (stanza->kind == XF_STANZA_PRESENCE && last->repairs)
        xf_repair_saw(routing, stanza);
    return taken == XF_S2S_TAKEN && xf_link_is_full(link, stanza->from.domain) ? XF_S2S_FULL
                                                                               : taken;
}

static bool go(struct xf_route *route, struct xf_stanza *stanza, struct xf_span *out_later)
{
    struct xf_routing *routing = route->routing;
    char shown[XF_JID_MAX + 1];
    const char *text = NULL;
    bool is_refused = false;
    if (!xf_mail_map_in(route, stanza, shown, &is_refused, out_later))
        return false;
    admit(routing, stanza);
    bool is_over = routing->last_in.by_sip && routing->sip->is_over(routing, stanza);
    if (!is_refused && !is_over)
        /* the stanza has left its stream: it can neither pause nor end that any more */
        (void)deliver(routing, stanza, false, &text);
    return true;
}

static void answer(struct xf_route *route, const struct xf_stanza *stanza,
                   enum xf_stanza_error error, const char *text)
{
    xf_answer_peer(route->routing, stanza, error, text);
}

static void resume(struct xf_routing *routing)
{
    if (routing->s2s && !routing->is_finished)
        xf_s2s_resume_inbound(routing->s2s);
    if (routing->sip)
        routing->sip->resume(routing);
}

static void on_relieved(struct xf_route *route)
{
    resume(route->routing);
}

static const struct xf_address_queue_ops queue_ops = {
    .go = go,
    .answer = answer,
    .relieved = on_relieved,
};

/*
 * Deliver a stanza of a peer that knows our users by their e-mail addresses. Once nothing can be
 * answered any more, it waits for an address only where the next process will not get it.
 */
static enum xf_s2s_taken map(struct xf_routing *routing, struct xf_stanza *stanza, bool goes_on,
                             const char **out_text)
{
    char shown[XF_JID_MAX + 1];
    bool is_refused = false;
    struct xf_span address = XF_SPAN_NONE;
    struct xf_route *route =
        xf_route_get(routing, routing->last_in.link, stanza->to.domain, stanza->from.domain,
                     xf_route_limits_is_for_stranger(routing, stanza->from.domain, NULL));
    if (!route)
        return refuse(routing, stanza, goes_on, XF_STANZA_ERROR_RESOURCE_CONSTRAINT,
                      "too many domains are in use");
    if (!xf_address_queue_is_empty(route->address_queue_in))
        xf_mail_ask_in(routing, stanza);
    else if (xf_mail_map_in(route, stanza, shown, &is_refused, &address))
        return is_refused ? undelivered(routing, stanza, goes_on)
                          : deliver(routing, stanza, goes_on, out_text);
    if (routing->is_finished && goes_on)
        return XF_S2S_LEFT;
    if (routing->returns_unmapped && !routing->is_finished) {
        xf_answer_peer(routing, stanza, XF_STANZA_ERROR_REMOTE_SERVER_TIMEOUT,
                       "the gateway is shutting down");
        return XF_S2S_TAKEN;
    }
    stanza->shown_to = XF_SPAN_NONE; /* the address is mapped when the stanza's turn comes */
    if (!xf_address_queue_push(&route->address_queue_in, route, &queue_ops, stanza, address))
        xf_answer_peer(routing, stanza, XF_STANZA_ERROR_RESOURCE_CONSTRAINT,
                       "too many stanzas wait for this domain");
    return xf_address_queue_is_long(route->address_queue_in) ? XF_S2S_FULL : XF_S2S_TAKEN;
}

static enum xf_s2s_taken take(struct xf_routing *routing, struct xf_stanza *stanza, bool goes_on,
                              const char **out_text)
{
    return __builtin_expect(routing->last_in.is_mapped, 0)
               ? map(routing, stanza, goes_on, out_text)
               : deliver(routing, stanza, goes_on, out_text);
}

static enum xf_s2s_taken on_stanza(void *owner, struct xf_stanza *stanza, bool goes_on,
                                   const char **out_text)
{
    struct xf_routing *routing = owner;
    admit(routing, stanza);
    if (__builtin_expect(routing->last_in.by_sip, 0)) { /* s2s ends such a stream already */
        *out_text = "the domain belongs to SIP";
        return XF_S2S_REFUSED;
    }
    return take(routing, stanza, goes_on, out_text);
}

enum xf_s2s_taken xf_inbound_take(struct xf_routing *routing, struct xf_stanza *stanza)
{
    const char *text;
    admit(routing, stanza);
    return take(routing, stanza, false, &text);
}

static enum xf_s2s_taken on_malformed(void *owner, const struct xf_stanza *stanza, bool goes_on)
{
    xf_answer_peer_malformed(owner, stanza);
    return undelivered(owner, stanza, goes_on);
}

static void on_peer_seen(void *owner, struct xf_span local, struct xf_span peer)
{
    struct xf_route *route = xf_route_find(owner, local, peer);
    if (route)
        xf_route_seen(route);
    xf_repair_back(owner, local, peer);
}

static void on_resumed(void *owner, struct xf_span local, struct xf_span peer, uint64_t serial,
                       uint64_t untold, uint64_t number)
{
    struct xf_route *route = xf_route_find(owner, local, peer);
    if (route)
        xf_route_resumed(route, serial, untold, number);
}

static bool knows(void *owner, struct xf_span local, struct xf_span peer)
{
    const struct xf_route *route = xf_route_find(owner, local, peer);
    return route && !route->for_stranger && xf_place_is_held(&route->place);
}

const struct xf_s2s_events xf_routing_s2s_events = {
    .stanza = on_stanza,
    .malformed = on_malformed,
    .peer_seen = on_peer_seen,
    .resumed = on_resumed,
    .is_away = xf_routing_is_away,
    .knows = knows,
};

void xf_routing_expired(void *owner, struct xf_link *link, struct xf_stanza *stanza)
{
    if (xf_span_is(stanza->type, "error"))
        xf_answers_lost(xf_routing_link_around(owner, link));
    xf_answer_peer(owner, stanza, XF_STANZA_ERROR_REMOTE_SERVER_TIMEOUT,
                   "the domain cannot be reached now");
}

void xf_routing_returned(void *owner, struct xf_link *link, struct xf_stanza *stanza,
                         enum xf_stanza_error error)
{
    (void)link;
    xf_answer_peer(owner, stanza, error, NULL);
}

void xf_routing_link_drained(void *owner, struct xf_link *link)
{
    struct xf_routing *routing = owner;
    xf_answers_go_on(xf_routing_link_around(routing, link));
    resume(routing);
}

void xf_routing_link_state(void *owner, struct xf_link *link, struct xf_span peer, bool is_up)
{
    struct xf_routing *routing = owner;
    if (routing->sip)
        routing->sip->link_state(routing, xf_routing_link_around(routing, link), peer, is_up);
}
