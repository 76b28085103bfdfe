/* SPDX-License-Identifier: MIT */
/*
 * outbound.c — takes a stanza of the cluster to its route.
 *
 * In the usual case both addresses are valid, the route of the pair exists and policy lets the
 * stanza pass; that costs one hash. admit() handles everything else: the loop guard, policy, a new
 * route. The loop guard demands that `from` is served over this very link and that `to` is not
 * served here. A stanza to a served domain that the cluster could not deliver itself returns to the
 * cluster only as an error; if it is an error stanza already, it is dropped.
 *
 * While draining, a stanza for which there is no stream is left to the journal, or answered.
 *
 * A stanza that cannot be answered safely is dropped; the log has one line a second about that.
 */
#include "outbound_priv.h"

#include "barrier_priv.h"
#include "bounce_priv.h"
#include "inbound_priv.h"
#include "links_priv.h"
#include "mail_priv.h"
#include "rare_priv.h"
#include "repair_priv.h"
#include "route_limits_priv.h"
#include "route_priv.h"
#include "routing_priv.h"
#include "screen_priv.h"

static void log_refused(struct xf_routing *routing, const struct xf_routing_link *link,
                        const struct xf_stanza *stanza, const char *reason)
{
    unsigned suppressed = 0;
    if (!xf_rare_is_due(&routing->refused, xf_routing_now(routing), &suppressed))
        return;
    /* bounded: xf_rare */
    xf_log(XF_LOG_WARN, "routing.stanza.refused", XF_STR("link", link->title),
           XF_WORD("reason", reason),
           XF_SPN("from", stanza->from.full.ptr ? stanza->from.domain : stanza->raw_from),
           XF_SPN("to", stanza->to.full.ptr ? stanza->to.domain : stanza->raw_to),
           XF_INT("suppressed", suppressed));
}

static void refuse_to(struct xf_routing *routing, struct xf_routing_link *link,
                      struct xf_stanza *stanza)
{
    log_refused(routing, link, stanza, stanza->raw_to.ptr ? "malformed-to" : "no-to");
    stanza->to = (struct xf_jid){0};
    if (xf_routing_is_served_by(routing, link, stanza->from.domain))
        xf_bounce(routing, link, stanza, XF_STANZA_ERROR_JID_MALFORMED, "the address is not valid");
}

/*
 * The cluster's server accepts `from` as a JID, and we do not. The user is told if its domain is
 * served over this link.
 */
static void refuse_from(struct xf_routing *routing, struct xf_routing_link *link,
                        struct xf_stanza *stanza)
{
    char domain[XF_DOMAIN_MAX + 1];
    log_refused(routing, link, stanza, "malformed-from");
    if (xf_jid_named_domain(stanza->raw_from, domain) != XF_ERR_OK ||
        !xf_routing_is_served_by(routing, link, xf_span_of(domain)))
        return;
    stanza->from = (struct xf_jid){.full = xf_span_of(domain), .domain = xf_span_of(domain)};
    if (!stanza->raw_to.ptr ||
        xf_jid_prepare(stanza->raw_to, routing->scratch.to, &stanza->to) != XF_ERR_OK)
        stanza->to = (struct xf_jid){0};
    xf_bounce_malformed_from(routing, link, stanza);
}

/* False: the stanza does not have two valid addresses, and was dropped or answered. */
static bool address(struct xf_routing *routing, struct xf_routing_link *link,
                    struct xf_stanza *stanza)
{
    bool is_from = false;
    enum xf_err err = xf_stanza_address(stanza, &routing->scratch, &is_from);
    if (__builtin_expect(err == XF_ERR_OK && stanza->from.full.ptr && stanza->to.full.ptr, 1))
        return true;
    if (err != XF_ERR_OK && is_from)
        refuse_from(routing, link, stanza);
    else if (!stanza->from.full.ptr)
        log_refused(routing, link, stanza, "no-from");
    else
        refuse_to(routing, link, stanza);
    return false;
}

/* Is it a component's own name? No user has an address there, and DNS does not know it. */
static bool is_gateway(const struct xf_routing *routing, struct xf_span domain)
{
    XF_LIST_EACH (node, &routing->links) {
        const struct xf_routing_link *link = XF_CONTAINER(node, struct xf_routing_link, node);
        if (xf_link_has_name(link->link, domain))
            return true;
    }
    return false;
}

/* A server module asks the component in its own name about what it sent before (barrier.c). */
static bool is_question_to_us(const struct xf_routing_link *link, const struct xf_stanza *stanza)
{
    const char *name = xf_link_name(link->link);
    return stanza->kind == XF_STANZA_IQ && xf_span_is(stanza->to.full, name) &&
           xf_span_is(stanza->from.full, name);
}

/* False: policy refused the stanza, and it was answered if policy wants that. */
static bool passes(struct xf_routing *routing, struct xf_routing_link *link,
                   struct xf_stanza *stanza)
{
    struct xf_ruling ruling;
    if (xf_screen_passes(routing, stanza, XF_DIRECTION_OUT, &ruling))
        return true;
    if (routing->sip && ruling.rule == XF_RULE_HOURS)
        routing->sip->missed(routing, stanza);
    xf_bounce_refused(routing, link, stanza, &ruling);
    return false;
}

/* NULL: the stanza was dropped or answered. */
static struct xf_route *admit(struct xf_routing *routing, struct xf_routing_link *link,
                              struct xf_stanza *stanza)
{
    struct xf_span local = stanza->from.domain, peer = stanza->to.domain;
    if (is_question_to_us(link, stanza)) {
        xf_barrier_ask(link, stanza);
        return NULL;
    }
    if (!xf_routing_is_served_by(routing, link, local)) {
        log_refused(routing, link, stanza, "foreign-from");
        return NULL;
    }
    if (xf_policy_served(routing->policy, peer)) {
        log_refused(routing, link, stanza, "loop");
        xf_bounce(routing, link, stanza, XF_STANZA_ERROR_REMOTE_SERVER_NOT_FOUND,
                  "the domain is hosted here but cannot be reached");
        return NULL;
    }
    if (is_gateway(routing, peer)) {
        xf_bounce(routing, link, stanza, XF_STANZA_ERROR_SERVICE_UNAVAILABLE, NULL);
        return NULL;
    }
    if (!xf_routing_may(routing, local, peer, XF_DIRECTION_OUT)) {
        (void)passes(routing, link, stanza);
        return NULL;
    }
    struct xf_route *route = xf_route_get(routing, link, local, peer,
                                          xf_route_limits_is_for_stranger(routing, peer, stanza));
    if (!route)
        xf_bounce(routing, link, stanza, XF_STANZA_ERROR_RESOURCE_CONSTRAINT,
                  "too many domains are in use");
    return route;
}

static void on_stanza(void *owner, struct xf_link *from, struct xf_stanza *stanza)
{
    struct xf_routing *routing = owner;
    struct xf_routing_link *link = xf_routing_link_around(routing, from);
    if (address(routing, link, stanza))
        xf_outbound_carry(routing, link, stanza);
}

/*
 * While draining: is there no stream for the stanza? What cannot come back to its sender, such as
 * the result of a request, may still open one while the queues drain.
 */
static bool is_too_late(const struct xf_routing *routing, struct xf_route *route,
                        const struct xf_stanza *stanza)
{
    if (!routing->is_draining)
        return false;
    const struct xf_route *by = xf_mail_route(route, stanza);
    return !(by && xf_route_delivers(by)) && (routing->is_finished || xf_stanza_may_bounce(stanza));
}

/* ... then the journal keeps it, or it comes back. */
static void put_off(struct xf_routing *routing, struct xf_routing_link *link,
                    const struct xf_stanza *stanza)
{
    if (xf_journal_keep(routing->journal, stanza))
        routing->kept_count++;
    else
        xf_bounce(routing, link, stanza, XF_STANZA_ERROR_REMOTE_SERVER_TIMEOUT,
                  "the gateway is shutting down");
}

void xf_outbound_carry(struct xf_routing *routing, struct xf_routing_link *link,
                       struct xf_stanza *stanza)
{
    struct xf_route *route = xf_route_find(routing, stanza->from.domain, stanza->to.domain);
    if (!route || !route->may || route->link != link)
        route = admit(routing, link, stanza);
    if (!route)
        return;
    if (__builtin_expect(route->is_watched, 0) && !passes(routing, link, stanza))
        return;
    if (stanza->kind == XF_STANZA_PRESENCE && route->settings->repair_presence && !route->by_sip)
        xf_repair_sent(routing, stanza);
    if (__builtin_expect(is_too_late(routing, route, stanza), 0))
        put_off(routing, link, stanza);
    else if (__builtin_expect(route->settings->mail || route->address_queue_out, 0))
        xf_mail_out(route, stanza);
    else
        xf_route_send(route, stanza);
}

const struct xf_link_events xf_routing_link_events = {
    .stanza = on_stanza,
    .expired = xf_routing_expired,
    .returned = xf_routing_returned,
    .drained = xf_routing_link_drained,
    .state = xf_routing_link_state,
    .refuses = xf_routing_link_refuses,
};

static enum xf_repair_way way_to(struct xf_routing *routing, struct xf_span local,
                                 struct xf_span peer)
{
    const struct xf_route *route = xf_route_find(routing, local, peer);
    if (route && xf_route_delivers(route))
        return XF_REPAIR_OPEN;
    return route && route->state != XF_ROUTE_IDLE ? XF_REPAIR_BUSY : XF_REPAIR_CLOSED;
}

const struct xf_repair_ops xf_outbound_repair_ops = {.way = way_to, .carry = xf_outbound_carry};
