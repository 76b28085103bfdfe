/* SPDX-License-Identifier: MIT */
/*
 * mail_addresses.c — e-mail addresses in place of JIDs, for peers with mail = yes. This file
 * replaces the addresses of the stanza itself, mail_payload.c the addresses within its payload.
 *
 * Out: the bare JID in `from` becomes the user's address, the resource stays, and the stanza goes
 * over the route of the pair (mail domain, peer). In: an address in `to` becomes the user's JID.
 * The stanza keeps the addresses that it came with; shown_from and shown_to say what is written in
 * their place. So policy judges users by JID, bounces go to the sender, and an error for a peer
 * comes from the address that the peer used.
 *
 * Until the mailmap has answered, the stanza waits in the queue of its pair (address_queue.c).
 * Where nobody can say the address now (directory { unknown }), the stanza is returned. We
 * cannot send in the name of a mail domain that is not served over the user's own link: the JID
 * stays, and the log says so once for each domain.
 */
#include "mail_priv.h"

#include "address_queue_priv.h"
#include "answer_peer_priv.h"
#include "bounce_priv.h"
#include "links_priv.h"
#include "rare_priv.h"
#include "requests_by_jid_priv.h"
#include "route_priv.h"
#include "routing_priv.h"

#include <xfed/base/alloc.h>

#define STRANGERS_MAX 64 /* domains that were named in the log */

static struct xf_span domain_of(struct xf_span bare)
{
    const char *at = memchr(bare.ptr, '@', bare.len);
    return at ? (struct xf_span){at + 1, (size_t)(bare.ptr + bare.len - at - 1)} : bare;
}

static struct xf_span with_resource(char out[XF_JID_MAX + 1], struct xf_span bare,
                                    struct xf_span resource)
{
    size_t len = bare.len;
    memcpy(out, bare.ptr, len);
    if (resource.ptr) {
        out[len++] = '/';
        memcpy(out + len, resource.ptr, resource.len);
        len += resource.len;
    }
    return (struct xf_span){out, len};
}

static void name_stranger(struct xf_routing *routing, const struct xf_routing_link *link,
                          struct xf_span domain, struct xf_span user)
{
    if (!routing->strangers)
        routing->strangers = xf_map_new();
    if (xf_map_count(routing->strangers) >= STRANGERS_MAX ||
        xf_map_find(routing->strangers, domain))
        return;
    (void)xf_map_set(routing->strangers, domain, routing);
    /* bounded: each domain once, STRANGERS_MAX in all */
    xf_log(XF_LOG_WARN, "routing.address.unserved", XF_SPN("local", domain), XF_SPN("user", user),
           XF_STR("link", link->title), XF_HELP(XF_HELP_ADDRESS_UNSERVED));
}

/* Only a JID with a local part can have an e-mail address. */
static bool is_user(const struct xf_jid *jid)
{
    return jid->local.ptr != NULL;
}

/* ------------------------------------------------------------------ out */

static bool is_answer(const struct xf_stanza *stanza)
{
    return xf_span_is(stanza->type, "result") || xf_span_is(stanza->type, "error");
}

/*
 * The route of the pair (`domain` of the user's address, peer). If that domain is not served over
 * the link of `route`, *out_is_shown becomes false and `route` is returned. NULL: there are too
 * many routes.
 */
static struct xf_route *shown_route(struct xf_route *route, struct xf_span domain,
                                    struct xf_span user, bool *out_is_shown)
{
    struct xf_routing *routing = route->routing;
    struct xf_route *last = routing->last_shown;
    if (xf_span_eq(domain, route->local))
        return route;
    if (last && last->may && last->link == route->link && xf_span_eq(last->peer, route->peer) &&
        xf_span_eq(last->local, domain))
        return last;
    if (!xf_routing_is_served_by(routing, route->link, domain)) {
        name_stranger(routing, route->link, domain, user);
        *out_is_shown = false;
        return route;
    }
    routing->last_shown =
        xf_route_get(routing, route->link, domain, route->peer, route->for_stranger);
    routing->last = route; /* the next stanza will be looked up by that pair again */
    return routing->last_shown;
}

struct xf_route *xf_mail_route(struct xf_route *route, const struct xf_stanza *stanza)
{
    struct xf_routing *routing = route->routing;
    struct xf_span user = xf_jid_bare(&stanza->from), mail;
    if (!route->settings->mail || !routing->mailmap || !is_user(&stanza->from) ||
        xf_mailmap_mail_of(routing->mailmap, user, &mail) != XF_MAILMAP_FOUND ||
        !xf_routing_is_served_by(routing, route->link, domain_of(mail)))
        return route;
    return xf_route_find(routing, domain_of(mail), route->peer);
}

/* The peer does not get it, for a reason that passes. */
static void give_back(struct xf_route *route, const struct xf_stanza *stanza,
                      enum xf_stanza_error error, const char *text)
{
    struct xf_routing *routing = route->routing;
    if (routing->sip)
        routing->sip->missed(routing, stanza);
    xf_bounce(routing, route->link, stanza, error, text);
}

/* The peer would see a JID that it must not see. */
static void return_unknown(struct xf_route *route, const struct xf_stanza *stanza)
{
    struct xf_routing *routing = route->routing;
    unsigned suppressed = 0;
    if (xf_rare_is_due(&routing->nameless, xf_routing_now(routing), &suppressed))
        /* bounded: xf_rare */
        xf_log(XF_LOG_WARN, "routing.address.unknown", XF_SPN("local", stanza->from.domain),
               XF_SPN("peer", route->peer), XF_SPN("user", xf_jid_bare(&stanza->from)),
               XF_INT("suppressed", suppressed), XF_HELP(XF_HELP_ADDRESS_UNKNOWN));
    give_back(route, stanza, XF_STANZA_ERROR_REMOTE_SERVER_TIMEOUT,
              "the directory of e-mail addresses cannot be reached");
}

static bool go(struct xf_route *route, struct xf_stanza *stanza, struct xf_span *out_later)
{
    struct xf_routing *routing = route->routing;
    struct xf_span user = xf_jid_bare(&stanza->from), mail;
    char shown[XF_JID_MAX + 1];
    bool is_shown = route->settings->mail && routing->mailmap;
    if (is_shown && is_answer(stanza) &&
        xf_requests_take(routing, stanza->to.full, user, stanza->id))
        is_shown = false;
    enum xf_mailmap_answer answer = is_shown && is_user(&stanza->from)
                                        ? xf_mailmap_mail_of(routing->mailmap, user, &mail)
                                        : XF_MAILMAP_NONE;
    struct xf_span payload = stanza->payload;
    enum xf_mailmap_answer within =
        is_shown ? xf_mail_payload_out(routing, stanza, out_later) : XF_MAILMAP_NONE;
    if (within == XF_MAILMAP_LATER)
        return false;
    if (answer == XF_MAILMAP_LATER || answer == XF_MAILMAP_UNKNOWN || within == XF_MAILMAP_UNKNOWN)
        /* restore it: a replaced address, looked up again, may be another user's JID */
        stanza->payload = payload;
    if (answer == XF_MAILMAP_LATER && within != XF_MAILMAP_UNKNOWN) {
        *out_later = user;
        return false;
    }
    if (answer == XF_MAILMAP_UNKNOWN || within == XF_MAILMAP_UNKNOWN) {
        return_unknown(route, stanza);
        return true;
    }
    is_shown = answer == XF_MAILMAP_FOUND;
    struct xf_route *to = is_shown ? shown_route(route, domain_of(mail), user, &is_shown) : route;
    if (is_shown)
        stanza->shown_from = with_resource(shown, mail, stanza->from.resource);
    if (to)
        xf_route_send(to, stanza);
    else
        give_back(route, stanza, XF_STANZA_ERROR_RESOURCE_CONSTRAINT,
                  "too many domains are in use");
    return true;
}

static const struct xf_address_queue_ops queue_ops = {.go = go, .answer = give_back};

void xf_mail_out(struct xf_route *route, struct xf_stanza *stanza)
{
    struct xf_span address = XF_SPAN_NONE;
    bool has_queue = !xf_address_queue_is_empty(route->address_queue_out);
    if (has_queue && route->routing->mailmap && is_user(&stanza->from))
        /* ask now: the address is needed when the queue moves */
        (void)xf_mailmap_mail_of(route->routing->mailmap, xf_jid_bare(&stanza->from), &address);
    if (!has_queue && go(route, stanza, &address))
        return;
    if (!xf_address_queue_push(&route->address_queue_out, route, &queue_ops, stanza, address))
        give_back(route, stanza, XF_STANZA_ERROR_RESOURCE_CONSTRAINT,
                  "too many stanzas wait for this domain");
}

/* ------------------------------------------------------------------ in */

static void note_refused(struct xf_routing *routing, const struct xf_stanza *stanza,
                         const char *reason)
{
    unsigned suppressed = 0;
    if (xf_rare_is_due(&routing->unknown, xf_routing_now(routing), &suppressed))
        /* bounded: xf_rare */
        xf_log(XF_LOG_INFO, "routing.address.refused", XF_SPN("local", stanza->to.domain),
               XF_SPN("peer", stanza->from.domain), XF_WORD("reason", reason),
               XF_SPN("to", xf_jid_bare(&stanza->to)), XF_INT("suppressed", suppressed));
}

static void refuse(struct xf_routing *routing, const struct xf_stanza *stanza, const char *reason,
                   enum xf_stanza_error error)
{
    note_refused(routing, stanza, reason);
    xf_answer_peer(routing, stanza, error, NULL);
}

/*
 * The peer wrote to the JID of a user whom it should know by an e-mail address. False: the stanza
 * was dropped or answered.
 */
static bool may_use_jid(struct xf_routing *routing, const struct xf_peer_settings *settings,
                        const struct xf_stanza *stanza)
{
    if (settings->jid_use == XF_JID_USE_ACCEPT) {
        if (xf_stanza_may_bounce(stanza))
            xf_requests_note(routing, stanza->from.full, xf_jid_bare(&stanza->to), stanza->id);
        return true;
    }
    if (settings->jid_use == XF_JID_USE_BOUNCE)
        refuse(routing, stanza, "jid", XF_STANZA_ERROR_ITEM_NOT_FOUND);
    else
        note_refused(routing, stanza, "jid");
    return false;
}

enum mapped { MAPPED, LATER, REFUSED };

/* is_unknown: nobody can say whether somebody has this e-mail address. */
static enum mapped map_other(struct xf_route *route, const struct xf_stanza *stanza,
                             struct xf_span address, bool is_unknown)
{
    struct xf_routing *routing = route->routing;
    const struct xf_served_settings *served;
    struct xf_span mail;
    switch (xf_mailmap_mail_of(routing->mailmap, address, &mail)) {
    case XF_MAILMAP_LATER:
        return LATER;
    case XF_MAILMAP_FOUND:
        return !xf_routing_is_served_by(routing, route->link, domain_of(mail)) ||
                       may_use_jid(routing, route->settings, stanza)
                   ? MAPPED
                   : REFUSED;
    case XF_MAILMAP_UNKNOWN:
        refuse(routing, stanza, "away", XF_STANZA_ERROR_REMOTE_SERVER_TIMEOUT);
        return REFUSED;
    case XF_MAILMAP_NONE:
        break;
    }
    served = xf_policy_served(routing->policy, stanza->to.domain);
    if (!served || !served->mail_only)
        return MAPPED;
    if (is_unknown)
        refuse(routing, stanza, "away", XF_STANZA_ERROR_REMOTE_SERVER_TIMEOUT);
    else
        refuse(routing, stanza, "unknown", XF_STANZA_ERROR_ITEM_NOT_FOUND);
    return REFUSED;
}

static enum mapped map_to(struct xf_route *route, struct xf_stanza *stanza,
                          char shown[XF_JID_MAX + 1])
{
    struct xf_span address = xf_jid_bare(&stanza->to), jid;
    enum xf_mailmap_answer answer = xf_mailmap_jid_of(route->routing->mailmap, address, &jid);
    switch (answer) {
    case XF_MAILMAP_LATER:
        return LATER;
    case XF_MAILMAP_FOUND:
        if (!xf_routing_is_served_by(route->routing, route->link, domain_of(jid))) {
            name_stranger(route->routing, route->link, domain_of(jid), jid);
            return map_other(route, stanza, address, false);
        }
        stanza->shown_to = with_resource(shown, jid, stanza->to.resource);
        return MAPPED;
    case XF_MAILMAP_UNKNOWN:
    case XF_MAILMAP_NONE:
        break;
    }
    return map_other(route, stanza, address, answer == XF_MAILMAP_UNKNOWN);
}

static void on_parting_known(void *owner)
{
    const struct xf_routing *routing = owner;
    routing->sip->resume(owner);
}

/* One of those that wait is enough: then all are tried again. */
static void wait_for_parting(struct xf_routing *routing, struct xf_span address)
{
    if (xf_list_is_linked(&routing->parting.node))
        return;
    routing->parting = (struct xf_mailmap_wait){.done = on_parting_known, .owner = routing};
    xf_mailmap_wait(routing->mailmap, address, &routing->parting);
}

bool xf_mail_map_parting(struct xf_routing *routing, const struct xf_routing_link *link,
                         struct xf_stanza *stanza)
{
    struct xf_span jid;
    if (!routing->mailmap || !is_user(&stanza->to) ||
        !xf_policy_peer(routing->policy, stanza->from.domain)->mail)
        return true;
    enum xf_mailmap_answer answer =
        xf_mailmap_jid_of(routing->mailmap, xf_jid_bare(&stanza->to), &jid);
    if (answer == XF_MAILMAP_FOUND && xf_routing_is_served_by(routing, link, domain_of(jid)))
        stanza->shown_to = jid;
    if (answer == XF_MAILMAP_LATER)
        wait_for_parting(routing, xf_jid_bare(&stanza->to));
    return answer != XF_MAILMAP_LATER;
}

void xf_mail_ask_in(struct xf_routing *routing, const struct xf_stanza *stanza)
{
    struct xf_span ignored;
    if (routing->mailmap && is_user(&stanza->to))
        (void)xf_mailmap_jid_of(routing->mailmap, xf_jid_bare(&stanza->to), &ignored);
}

bool xf_mail_map_in(struct xf_route *route, struct xf_stanza *stanza, char shown[XF_JID_MAX + 1],
                    bool *out_is_refused, struct xf_span *out_later)
{
    *out_is_refused = false;
    if (!route->settings->mail || !route->routing->mailmap)
        return true;
    enum mapped mapped = is_user(&stanza->to) ? map_to(route, stanza, shown) : MAPPED;
    *out_is_refused = mapped == REFUSED;
    if (mapped == LATER)
        *out_later = xf_jid_bare(&stanza->to);
    if (mapped == REFUSED)
        return true;
    struct xf_span payload = stanza->payload;
    bool is_known = xf_mail_payload_in(route->routing, stanza, out_later) != XF_MAILMAP_LATER &&
                    mapped == MAPPED;
    if (!is_known)
        stanza->payload = payload; /* restored as in go() */
    return is_known;
}
