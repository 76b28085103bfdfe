/* SPDX-License-Identifier: MIT */
/*
 * hand_over.c — streams that can be resumed (XEP-0198 §5) go on in the next process, and so do
 * their stanzas that are not proved (xfed/journal/sessions.h).
 *
 * At the end these stanzas come back to the queues of their routes, as from any stream that broke,
 * and are set aside until all streams are over. Then they go to the file, with the sessions.
 *
 * At the start they go back into queues, as if their stream had just broken. Its next stream
 * resumes it and says which of them the peer has; or it does not, and then they are sent again or
 * returned (route_back.c). Policy is asked anew.
 */
#include "hand_over_priv.h"

#include "bounce_priv.h"
#include "links_priv.h"
#include "replay_priv.h"
#include "route_back_priv.h"
#include "route_limits_priv.h"
#include "route_priv.h"
#include "routing_priv.h"
#include "screen_priv.h"

#include <xfed/base/alloc.h>
#include <xfed/journal/sessions.h>
#include <xfed/stream/resend.h>

#define AGE_MAX_S (1000LL * 86400) /* what is older is so old */

/* ------------------------------------------------------------------ at the end */

static void return_copy(struct xf_routing *routing, const struct xf_stanza_copy *copy)
{
    struct xf_stanza stanza;
    xf_stanza_copy_read(copy, &stanza);
    struct xf_routing_link *link = xf_routing_link_serving(routing, stanza.from.domain);
    if (link)
        xf_bounce(routing, link, &stanza, XF_STANZA_ERROR_REMOTE_SERVER_TIMEOUT,
                  "the gateway is shutting down");
}

/* It is not in the file with its session: as any stanza that waits at the end. */
static void give_up(struct xf_routing *routing, struct xf_stanza_copy *copy)
{
    if (xf_journal_keeps(routing->journal, copy)) {
        routing->kept_count++;
        return;
    }
    return_copy(routing, copy);
    xf_journal_remove(routing->journal, copy);
}

static void add_session(void *owner, const struct xf_session *session)
{
    xf_handover_session(owner, session);
}

/*
 * Is its session still there, which is written now? It is that of the domain by which the peer
 * knows the sender, perhaps of an e-mail address.
 */
static bool is_kept(struct xf_routing *routing, const struct xf_stanza_copy *copy)
{
    struct xf_stanza stanza;
    char domain[XF_DOMAIN_MAX + 1];
    xf_stanza_copy_read(copy, &stanza);
    if (xf_s2s_hands_over(routing->s2s, stanza.from.domain, stanza.to.domain, copy->serial))
        return true;
    return stanza.shown_from.ptr && xf_jid_named_domain(stanza.shown_from, domain) == XF_ERR_OK &&
           xf_s2s_hands_over(routing->s2s, xf_span_of(domain), stanza.to.domain, copy->serial);
}

static bool write_all(struct xf_routing *routing)
{
    struct xf_handover *handover = xf_handover_begin(routing->journal);
    if (!handover)
        return false;
    xf_s2s_each_session(routing->s2s, add_session, handover);
    XF_STANZA_QUEUE_EACH (copy, &routing->handed)
        if (!is_kept(routing, copy) ||
            !xf_handover_stanza(handover, copy->serial, xf_resend_came_s(routing->env, copy->at_ms),
                                copy))
            copy->serial = 0;
    return xf_handover_end(&handover);
}

void xf_hand_over_end(struct xf_routing *routing)
{
    struct xf_stanza_copy *copy;
    if (!routing->hands_over)
        return;
    bool is_written = write_all(routing);
    while ((copy = xf_stanza_queue_front(&routing->handed))) {
        xf_stanza_queue_remove(&routing->handed, copy);
        if (is_written && copy->serial)
            xf_journal_remove(routing->journal, copy);
        else
            give_up(routing, copy);
        xf_free(copy);
    }
}

/* ------------------------------------------------------------------ at the start */

static void on_session(void *owner, const struct xf_session *session)
{
    struct xf_routing *routing = owner;
    routing->restored_serial = xf_s2s_restore(routing->s2s, session);
}

/* False: it was answered, where that is allowed. */
static bool passes(struct xf_route *route, struct xf_stanza *stanza)
{
    struct xf_ruling ruling;
    if (!route->may)
        xf_route_bounce(route, stanza, XF_STANZA_ERROR_NOT_ALLOWED,
                        "communication with this domain is not allowed");
    else if (!route->is_watched || xf_screen_still_passes(route->routing, stanza, &ruling))
        return true;
    else
        xf_bounce_refused(route->routing, route->link, stanza, &ruling);
    return false;
}

static uint64_t age_ms_of(const struct xf_routing *routing, int64_t came_s)
{
    int64_t now_s = routing->env->unix_s(routing->env);
    if (came_s <= now_s - AGE_MAX_S)
        return 1000 * (uint64_t)AGE_MAX_S;
    return came_s < now_s ? 1000 * (uint64_t)(now_s - came_s) : 0;
}

/*
 * Where nobody can say any more whether the peer has it, it waits no longer than in a queue, or a
 * message in the journal: presence of some time ago says nothing of now.
 */
static bool is_too_old(const struct xf_route *route, const struct xf_session_stanza *info)
{
    bool may_be_known = route->routing->restored_serial && info->is_unproved;
    uint64_t max_ms = info->age_max_ms ? info->age_max_ms : route->settings->queue_ms;
    return !may_be_known && age_ms_of(route->routing, info->came_s) > max_ms;
}

/* However long the restart took: half of the time to wait is left for the stream to be resumed. */
static uint64_t when_it_came(const struct xf_route *route, int64_t came_s)
{
    uint64_t now_ms = xf_routing_now(route->routing), half_ms = route->settings->queue_ms / 2;
    uint64_t age_ms = age_ms_of(route->routing, came_s);
    if (age_ms > half_ms)
        age_ms = half_ms;
    return age_ms < now_ms ? now_ms - age_ms : 0;
}

static void on_stanza(void *owner, const struct xf_session *session,
                      const struct xf_session_stanza *info, struct xf_stanza *stanza)
{
    struct xf_routing *routing = owner;
    struct xf_routing_link *link = xf_routing_link_serving(routing, session->local);
    if (!link || !xf_routing_is_served_by(routing, link, stanza->from.domain)) {
        xf_replay_log_lost(routing, stanza);
        return;
    }
    struct xf_route *route =
        xf_route_get(routing, link, session->local, session->peer,
                     xf_route_limits_is_for_stranger(routing, session->peer, stanza));
    if (!route)
        xf_bounce(routing, link, stanza, XF_STANZA_ERROR_RESOURCE_CONSTRAINT,
                  "too many domains are in use");
    else if (!passes(route, stanza))
        return;
    else if (is_too_old(route, info))
        xf_route_bounce(route, stanza, XF_STANZA_ERROR_REMOTE_SERVER_TIMEOUT,
                        "the domain could not be reached in time");
    else
        xf_route_restore(route, stanza,
                         &(struct xf_route_origin){.serial = routing->restored_serial,
                                                   .number = info->number,
                                                   .at_ms = when_it_came(route, info->came_s),
                                                   .is_unproved = info->is_unproved});
}

static const struct xf_sessions_events events = {.session = on_session, .stanza = on_stanza};

/*
 * A peer waits for a stream that it writes on too. Nobody of ours asks for it now: to a stranger it
 * is one of the streams for answers. Where there is a route, it has stanzas and opens it anyway, or
 * has returned them.
 */
static void resume_at_once(void *owner, const struct xf_session *session)
{
    struct xf_routing *routing = owner;
    struct xf_routing_link *link = xf_routing_link_serving(routing, session->local);
    if (!link || !session->is_ours || !session->both_ways ||
        xf_route_find(routing, session->local, session->peer))
        return;
    bool is_for_stranger = xf_route_limits_is_for_stranger(routing, session->peer, NULL);
    struct xf_route *route =
        xf_route_get(routing, link, session->local, session->peer, is_for_stranger);
    if (route && route->may && xf_route_limits_may_open(route))
        xf_route_fire(route, XF_ROUTE_ON_STANZA);
    else if (route)
        xf_route_free(route); /* our user may be the first to write */
}

void xf_hand_over_begin(struct xf_routing *routing)
{
    xf_sessions_load(routing->journal, &events, routing);
    xf_s2s_each_session(routing->s2s, resume_at_once, routing);
}
