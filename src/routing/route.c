/* SPDX-License-Identifier: MIT */
/*
 * route.c — the delivery state of one outbound pair.
 *
 * route_states.c has the table of its states. This file has the actions, turns what happens to the
 * stream into events, and decides what the end of a stream means (event_of_end).
 *
 * The first stanza opens a stream and waits in the queue. When the stream is ready, the queue is
 * flushed, and from then on each stanza goes straight into the stream. While the stream is
 * congested, stanzas wait in the queue again.
 *
 * Failures:
 *   - the stream never became ready: the queue is bounced, and so is each later stanza until the
 *     back-off is over or a stream that is tried meanwhile becomes ready (probe.c); what cannot be
 *     returned, such as the result of a request, waits for either if the fault may pass;
 *   - a ready stream ended: the queue goes into a new stream at once, unless several streams in a
 *     row ended soon after they were ready and had delivered nothing;
 *   - our stream failed, but the peer has a stream to us that carries the pair (XEP-0288): that one
 *     is taken;
 *   - the queue is full, or a stanza waits too long in it: that stanza is bounced. For one that
 *     cannot be returned, those that can make room.
 * Stanzas leave a queue in the order in which they came, whether they are sent or bounced.
 */
#include "route_priv.h"

#include "address_queue_priv.h"
#include "backpressure_priv.h"
#include "barrier_priv.h"
#include "bounce_priv.h"
#include "links_priv.h"
#include "probe_priv.h"
#include "repair_priv.h"
#include "route_back_priv.h"
#include "route_limits_priv.h"
#include "route_owner_priv.h"
#include "routing_priv.h"
#include "screen_priv.h"
#include "unreachable_priv.h"

#include <xfed/base/alloc.h>

#define FREE_MS          600000 /* a route that nobody uses is freed after this time */
#define QUICK_MS         5000   /* a stream that ends this soon after `ready` is a quick loss */
#define QUICK_LOSSES_MAX 2
#define ROOM_PART        8   /* at least 1/8 of a full queue makes room at once: spreads the cost */
#define NO_ROOM_MS       100 /* hardly any can be returned: so long nobody looks again */
#define FORGIVEN_MS      1000 /* after a reload, until streams are tried for what waits */
/* Such streams in a second are no loss when they delivered something: a connection may be bad. */
#define FORGIVEN_PER_S 2
/* A route that lost its place is freed after this time, once it has nothing to do. */
#define DISPLACED_MS 100

static const char too_many[] = "too many stanzas wait for this domain";
static const char owner_has_too_many[] = "too many domains of one owner are in use";

/* ------------------------------------------------------------------ the queue */

/* In states with a queue: for its oldest stanza, and in BOUNCE for the end of the back-off. */
static void arm(struct xf_route *route)
{
    const struct xf_stanza_copy *oldest = xf_stanza_queue_front(&route->queue);
    uint64_t due_ms = oldest ? oldest->at_ms + route->settings->queue_ms : UINT64_MAX,
             now_ms = xf_routing_now(route->routing);
    if (route->state == XF_ROUTE_BOUNCE && route->over_ms < due_ms)
        due_ms = route->over_ms;
    if (due_ms == UINT64_MAX) {
        xf_timer_stop(&route->timer);
        return;
    }
    xf_timer_start(route->routing->env->timers, &route->timer,
                   due_ms > now_ms ? due_ms - now_ms : 0);
}

static void drop(struct xf_route *route, struct xf_stanza_copy *copy)
{
    xf_stanza_queue_remove(&route->queue, copy);
    xf_route_limits_weigh(route);
    xf_journal_remove(route->routing->journal, copy);
    xf_free(copy);
}

/* What a lost join, leave or question of ours means is repaired when the peer is back. */
static bool is_repaired(const struct xf_route *route, const struct xf_stanza *stanza)
{
    return stanza->kind == XF_STANZA_PRESENCE && route->settings->repair_presence &&
           !route->by_sip &&
           (!stanza->type.ptr || xf_span_is(stanza->type, "unavailable") ||
            xf_repair_is_ours(stanza));
}

void xf_route_bounce(struct xf_route *route, const struct xf_stanza *stanza,
                     enum xf_stanza_error error, const char *text)
{
    route->bounced_count++;
    if (is_repaired(route, stanza))
        xf_repair_returned(route->routing, stanza);
    xf_bounce(route->routing, route->link, stanza, error, text);
}

static void bounce_copy(struct xf_route *route, struct xf_stanza_copy *copy,
                        enum xf_stanza_error error, const char *text)
{
    struct xf_stanza stanza;
    xf_stanza_copy_read(copy, &stanza);
    xf_route_bounce(route, &stanza, error, text);
    drop(route, copy);
}

/* When xfedd stops: the next process delivers them. */
static void leave_to_journal(struct xf_route *route)
{
    XF_STANZA_QUEUE_EACH (copy, &route->queue) {
        if (!xf_journal_keeps(route->routing->journal, copy))
            continue;
        xf_stanza_queue_remove(&route->queue, copy);
        xf_route_limits_weigh(route);
        xf_free(copy);
        route->routing->kept_count++;
    }
}

void xf_route_bounce_queue(struct xf_route *route, enum xf_stanza_error error, const char *text)
{
    if (route->routing->is_finished) {
        xf_route_hand_over(route);
        leave_to_journal(route);
    }
    while (!xf_stanza_queue_is_empty(&route->queue))
        bounce_copy(route, xf_stanza_queue_front(&route->queue), error, text);
    xf_backpressure_dropped(route);
}

/* Not what the peer may have (route_back.c). */
static bool may_make_room(const struct xf_stanza_copy *copy)
{
    struct xf_stanza stanza;
    xf_stanza_copy_read(copy, &stanza);
    return !copy->is_unproved && xf_stanza_may_bounce(&stanza);
}

/* Of what waits, the oldest that can be returned is; nothing where all of that is too little. */
static void make_room(struct xf_route *route, const struct xf_stanza *wanted)
{
    struct xf_stanza_sum could = {0};
    size_t least = route->queue.held.count / ROOM_PART + 1, count = 0;
    XF_STANZA_QUEUE_EACH (copy, &route->queue) {
        bool may = may_make_room(copy);
        could.bytes += may ? copy->bytes : 0;
        could.count += may;
    }
    if (could.count < least)
        route->no_room_ms = xf_routing_now(route->routing) + NO_ROOM_MS;
    if (!xf_route_limits_could_have(route, &route->queue, wanted, &could))
        return;
    XF_STANZA_QUEUE_EACH (copy, &route->queue) {
        if (count >= least && xf_route_limits_has_room(route, &route->queue, wanted))
            break;
        if (!may_make_room(copy))
            continue;
        bounce_copy(route, copy, XF_STANZA_ERROR_RESOURCE_CONSTRAINT, too_many);
        count++;
    }
    xf_backpressure_dropped(route);
}

/* It is copied before others are returned, which may need the buffer where it lies. */
static bool press_in(struct xf_route *route, const struct xf_stanza *stanza)
{
    uint64_t now_ms = xf_routing_now(route->routing);
    struct xf_stanza own;
    if (xf_stanza_may_bounce(stanza) || now_ms < route->no_room_ms)
        return false;
    struct xf_stanza_copy *copy = xf_stanza_copy_new(stanza, now_ms);
    xf_stanza_copy_read(copy, &own);
    make_room(route, &own);
    if (!xf_route_limits_has_room(route, &route->queue, &own)) {
        xf_free(copy);
        return false;
    }
    xf_stanza_queue_append(&route->queue, copy);
    xf_journal_add(route->routing->journal, copy, &own);
    return true;
}

static bool put_in(struct xf_route *route, const struct xf_stanza *stanza)
{
    if (!xf_route_limits_has_room(route, &route->queue, stanza))
        return press_in(route, stanza);
    xf_journal_add(route->routing->journal,
                   xf_stanza_queue_push(&route->queue, stanza, xf_routing_now(route->routing)),
                   stanza);
    return true;
}

static void push(struct xf_route *route, const struct xf_stanza *stanza)
{
    if (!put_in(route, stanza)) {
        xf_route_log_full(route, &route->queue.held);
        xf_route_bounce(route, stanza, XF_STANZA_ERROR_RESOURCE_CONSTRAINT, too_many);
        return;
    }
    xf_route_limits_weigh(route);
    if (route->queue.held.count == 1 || !xf_timer_is_running(&route->timer))
        arm(route);
    xf_backpressure_pushed(route);
}

static void bounce_too_large(struct xf_route *route, const struct xf_stanza *stanza)
{
    xf_route_bounce(route, stanza, XF_STANZA_ERROR_NOT_ACCEPTABLE,
                    "the stanza is larger than the domain accepts");
}

/* True when the queue is empty and the stream takes more. */
static bool flush(struct xf_route *route)
{
    struct xf_stanza_copy *copy;
    while ((copy = xf_stanza_queue_front(&route->queue)) && !xf_out_is_congested(route->out)) {
        struct xf_stanza stanza;
        xf_stanza_copy_read(copy, &stanza);
        uint64_t waited_ms = xf_routing_now(route->routing) - copy->at_ms;
        xf_stanza_queue_remove(&route->queue, copy);
        enum xf_err err = xf_out_send(route->out, &stanza, copy);
        if (err == XF_ERR_CLOSED) { /* the stream is ending: on_ended follows */
            xf_stanza_queue_put_back(&route->queue, copy);
            return false;
        }
        if (err == XF_ERR_OK) {
            route->sent_count++;
            xf_histogram_add(&route->routing->waited, waited_ms);
        } else {
            bounce_too_large(route, &stanza);
            xf_journal_remove(route->routing->journal, copy);
            xf_free(copy);
        }
        xf_route_limits_weigh(route);
        xf_backpressure_moved(route);
    }
    return xf_stanza_queue_is_empty(&route->queue) && !xf_out_is_congested(route->out);
}

/* ------------------------------------------------------------------ events of the stream */

static void on_ready(void *owner)
{
    struct xf_route *route = owner;
    route->ready_ms = xf_routing_now(route->routing);
    if (xf_out_rides_with_peer(route->out)) /* we have no stream open for it */
        xf_route_limits_stream_ended(route);
    if (route->state == XF_ROUTE_PROBE)
        xf_route_fire(route, XF_ROUTE_ON_WELL);
    xf_unreachable_clear(route->routing, route->peer);
    xf_probe_well(route->routing, route->peer);
    xf_route_settle_back(route);
    xf_repair_back(route->routing, route->local, route->peer);
    if (flush(route))
        xf_route_fire(route, XF_ROUTE_ON_FLUSHED);
    else
        arm(route);
}

static void on_drained(void *owner)
{
    struct xf_route *route = owner;
    if (route->state != XF_ROUTE_QUEUE || !xf_out_is_ready(route->out))
        return;
    if (flush(route))
        xf_route_fire(route, XF_ROUTE_ON_FLUSHED);
    else
        arm(route);
}

static void note_cause(struct xf_route *route, enum xf_cause cause, const char *text)
{
    route->cause = cause == XF_CAUSE_NONE ? XF_CAUSE_STREAM : cause;
    xf_free(route->text);
    route->text = xf_strdup(text);
}

static const struct xf_rate_limits forgiven_limits = {.stanzas = FORGIVEN_PER_S};

/* The peer may choose how little it takes of each stream: so not too often. */
static bool forgive(struct xf_route *route)
{
    xf_bucket_fill(&route->forgiven, &forgiven_limits, xf_routing_now(route->routing));
    if (xf_bucket_wait_ms(&route->forgiven, &forgiven_limits) > 0)
        return false;
    xf_bucket_take(&route->forgiven, &forgiven_limits, 0);
    return true;
}

/* A stream that was ready has ended: has the peer failed? */
static enum xf_route_event event_of_loss(struct xf_route *route, bool has_delivered)
{
    bool was_quick = xf_routing_now(route->routing) - route->ready_ms < QUICK_MS;
    if (was_quick && !(has_delivered && forgive(route))) {
        route->quick_losses++;
    } else {
        route->quick_losses = 0;
        route->backoff_ms = 0;
    }
    if (route->quick_losses >= QUICK_LOSSES_MAX)
        return XF_ROUTE_ON_FAILED;
    if (xf_stanza_queue_is_empty(&route->queue))
        return XF_ROUTE_ON_GONE;
    return xf_route_limits_may_open(route) ? XF_ROUTE_ON_LOST : XF_ROUTE_ON_REFUSED;
}

/* It cannot be returned, and the peer may be back in time. */
static bool may_wait(const struct xf_route *route, const struct xf_stanza *stanza)
{
    return !xf_stanza_may_bounce(stanza) && !is_repaired(route, stanza) &&
           xf_probe_may_pass(route->cause) && !route->routing->is_draining;
}

/* Does the queue have something that is kept when the others are bounced? */
static bool has_to_wait(const struct xf_route *route)
{
    XF_STANZA_QUEUE_EACH (copy, &route->queue) {
        struct xf_stanza stanza;
        xf_stanza_copy_read(copy, &stanza);
        if (may_wait(route, &stanza))
            return true;
    }
    return false;
}

static enum xf_route_event event_of_end(struct xf_route *route, bool was_ready, bool has_delivered,
                                        enum xf_cause cause)
{
    if (cause == XF_CAUSE_POLICY || cause == XF_CAUSE_SHUTDOWN || route->routing->is_finished)
        return XF_ROUTE_ON_REFUSED;
    if (cause == XF_CAUSE_IDLE) /* we closed it; stanzas that came just then go into a new one */
        return xf_stanza_queue_is_empty(&route->queue) ? XF_ROUTE_ON_GONE : XF_ROUTE_ON_LOST;
    if (was_ready)
        return event_of_loss(route, has_delivered);
    if (route->state == XF_ROUTE_PROBE)
        return XF_ROUTE_ON_FAILED;
    if (xf_s2s_carries(route->routing->s2s, route->local, route->peer))
        return xf_stanza_queue_is_empty(&route->queue) ? XF_ROUTE_ON_GONE : XF_ROUTE_ON_LOST;
    /*
     * A server that answered and ended the stream once may be restarting: the queue is bounced, but
     * the next stanza is not yet, unless something has to wait for a back-off to end.
     */
    if (cause == XF_CAUSE_STREAM && route->quick_losses++ == 0 && !has_to_wait(route))
        return XF_ROUTE_ON_REFUSED;
    return XF_ROUTE_ON_FAILED;
}

/* A ready stream has ended, and did not deliver this stanza. */
static void on_back(void *owner, struct xf_stanza_copy *copy)
{
    struct xf_route *route = owner;
    struct xf_stanza stanza;
    if (route->state == XF_ROUTE_SEND)
        xf_route_fire(route, XF_ROUTE_ON_BLOCKED);
    xf_stanza_copy_read(copy, &stanza);
    if (!copy->journal_entry)
        xf_journal_add(route->routing->journal, copy, &stanza);
    xf_stanza_queue_put_back(&route->queue, copy);
    xf_route_limits_weigh(route);
}

static void on_settled(void *owner)
{
    xf_route_limits_weigh(owner);
}

static void on_resumed(void *owner, uint64_t serial, uint64_t untold, uint64_t number)
{
    struct xf_route *route = owner;
    size_t before = route->queue.held.count;
    xf_route_know_back(route, serial, untold, number);
    route->has_resumed = route->has_resumed || route->queue.held.count < before;
}

static void on_proved(void *owner, struct xf_stanza_copy *copy)
{
    const struct xf_route *route = owner;
    xf_journal_remove(route->routing->journal, copy);
}

/* By what was learned since, the peer may belong to another protocol. */
static void follow_owner(struct xf_route *route)
{
    if (xf_routing_goes_by_sip(route->routing, route->peer) == route->by_sip)
        return;
    xf_route_judge(route);
    if (route->by_sip)
        xf_route_owner_is_sip(route);
}

static void on_ended(void *owner, bool was_ready, enum xf_cause cause, const char *text)
{
    struct xf_route *route = owner;
    if (route->told.serial) /* its stanzas are back only now */
        on_resumed(route, route->told.serial, route->told.untold, route->told.number);
    bool has_delivered = route->has_resumed || xf_out_has_proved(route->out);
    bool found_nobody = xf_out_found_nobody(route->out);
    route->out = NULL;
    route->has_resumed = false;
    route->told.serial = 0;
    if (route->routing->is_finished)
        xf_route_hand_over(route);
    if (route->routing->is_finished ||
        !xf_s2s_may_resume(route->routing->s2s, route->local, route->peer))
        xf_route_settle_back(route);
    note_cause(route, cause, text);
    if (route->learns) {
        follow_owner(route);
        xf_route_owner_ended(route, found_nobody);
    }
    xf_route_fire(route, event_of_end(route, was_ready, has_delivered, cause));
}

static const struct xf_out_events out_events = {
    .ready = on_ready,
    .drained = on_drained,
    .back = on_back,
    .settled = on_settled,
    .resumed = on_resumed,
    .proved = on_proved,
    .ended = on_ended,
};

/* ------------------------------------------------------------------ actions */

void xf_route_open_stream(struct xf_route *route)
{
    route->out = xf_out_open(route->routing->s2s, route->local, route->peer, route->for_stranger,
                             &out_events, route);
    arm(route);
}

void xf_route_rest(struct xf_route *route)
{
    xf_timer_start(route->routing->env->timers, &route->timer,
                   xf_place_is_held(&route->place) ? FREE_MS : DISPLACED_MS);
}

void xf_route_refuse(struct xf_route *route)
{
    xf_route_bounce_queue(route, xf_cause_stanza_error(route->cause), route->text);
    xf_route_rest(route);
}

static void bounce_by_cause(struct xf_route *route)
{
    XF_STANZA_QUEUE_EACH (copy, &route->queue) {
        struct xf_stanza stanza;
        xf_stanza_copy_read(copy, &stanza);
        if (!may_wait(route, &stanza))
            bounce_copy(route, copy, xf_cause_stanza_error(route->cause), route->text);
    }
    xf_backpressure_dropped(route);
}

static void log_failed(struct xf_route *route, uint64_t wait_ms)
{
    const char *reason = xf_cause_word(route->cause);
    if (route->turned)
        xf_route_log(route, XF_LOG_INFO, "routing.route.turned", XF_SPN("local", route->local),
                     XF_SPN("peer", route->peer), XF_WORD("reason", reason),
                     XF_STR("detail", route->text), XF_INT("ms", wait_ms));
    else
        xf_route_log(route, XF_LOG_INFO, "routing.route.failed", XF_SPN("local", route->local),
                     XF_SPN("peer", route->peer), XF_WORD("reason", reason),
                     XF_STR("detail", route->text), XF_INT("stanzas", route->queue.held.count),
                     XF_INT("ms", wait_ms));
}

void xf_route_back_off(struct xf_route *route)
{
    const struct xf_routing_settings *settings = &route->routing->settings;
    uint64_t min_ms = settings->backoff_min_ms, max_ms = settings->backoff_max_ms;
    uint64_t base_ms = route->backoff_ms > min_ms ? route->backoff_ms : min_ms;
    uint64_t wait_ms = xf_rand_jitter_ms(base_ms < max_ms ? base_ms : max_ms);
    route->backoff_ms = base_ms < max_ms / 2 ? 2 * base_ms : max_ms;
    log_failed(route, wait_ms);
    if (!route->turned)
        xf_unreachable_note(route);
    bounce_by_cause(route);
    route->over_ms = xf_routing_now(route->routing) + wait_ms;
    arm(route);
    xf_probe_begin(route);
    if (!xf_stanza_queue_is_empty(&route->queue))
        xf_probe_want(route);
    xf_repair_failed(route->routing, route->local, route->peer);
}

void xf_route_go_on_backing_off(struct xf_route *route)
{
    if (!route->turned)
        xf_unreachable_note(route);
    bounce_by_cause(route); /* which may be another one now */
    arm(route);
    xf_probe_failed(route);
    if (!xf_stanza_queue_is_empty(&route->queue))
        xf_probe_want(route);
}

void xf_route_start_probe(struct xf_route *route)
{
    route->out = xf_out_probe(route->routing->s2s, route->local, route->peer, &out_events, route);
    arm(route);
}

static void expire(struct xf_route *route)
{
    uint64_t now_ms = xf_routing_now(route->routing);
    struct xf_stanza_copy *oldest;
    while ((oldest = xf_stanza_queue_front(&route->queue)) &&
           oldest->at_ms + route->settings->queue_ms <= now_ms)
        bounce_copy(route, oldest, XF_STANZA_ERROR_REMOTE_SERVER_TIMEOUT,
                    "the domain could not be reached in time");
    xf_backpressure_dropped(route);
}

/* The back-off ends with one of these two events, unless something has waited for its end. */
static void end_back_off(struct xf_route *route, enum xf_route_event event)
{
    bool has_waited = !xf_stanza_queue_is_empty(&route->queue);
    if (has_waited && route->may && xf_route_limits_may_open(route)) {
        xf_route_fire(route, XF_ROUTE_ON_WAITED);
        return;
    }
    if (has_waited)
        xf_route_bounce_queue(route, XF_STANZA_ERROR_RESOURCE_CONSTRAINT, "too many domains wait");
    xf_route_fire(route, event);
}

/* While xfedd stops, nothing waits for a peer that has failed. */
void xf_route_drain(struct xf_route *route)
{
    if (route->state == XF_ROUTE_BOUNCE || route->state == XF_ROUTE_PROBE)
        bounce_by_cause(route);
}

/* ------------------------------------------------------------------ time */

static void on_timer(void *owner)
{
    struct xf_route *route = owner;
    if (route->state == XF_ROUTE_IDLE && xf_address_queue_is_empty(route->address_queue_out) &&
        xf_address_queue_is_empty(route->address_queue_in)) {
        xf_route_free(route);
        return;
    }
    if (route->state == XF_ROUTE_IDLE) {
        xf_route_rest(route);
        return;
    }
    expire(route);
    if (route->state == XF_ROUTE_BOUNCE && xf_routing_now(route->routing) >= route->over_ms)
        end_back_off(route, XF_ROUTE_ON_OVER);
    else
        arm(route);
}

/* ------------------------------------------------------------------ for the rest of routing */

static struct xf_route *look_up(const struct xf_routing *routing, struct xf_span local,
                                struct xf_span peer)
{
    XF_UNINITIALIZED struct xf_pair_key key;
    return xf_map_find(routing->routes, xf_pair_key(local, peer, &key));
}

struct xf_route *xf_route_find(struct xf_routing *routing, struct xf_span local,
                               struct xf_span peer)
{
    struct xf_route *last = routing->last;
    if (last && xf_span_eq(last->peer, peer) && xf_span_eq(last->local, local))
        return last;
    struct xf_route *route = look_up(routing, local, peer);
    if (route)
        routing->last = route;
    return route;
}

/*
 * A reload may have moved the served domain to another link. A route whose domain is no longer
 * served keeps its old link, over which its queue is bounced.
 */
static void follow(struct xf_route *route)
{
    struct xf_routing_link *link = xf_routing_link_serving(route->routing, route->local);
    if (!link || link == route->link)
        return;
    xf_backpressure_leave(route);
    route->link = link;
}

void xf_route_judge(struct xf_route *route)
{
    struct xf_policy *policy = route->routing->policy;
    follow(route);
    route->settings = xf_policy_peer(policy, route->peer);
    route->by_sip = xf_routing_goes_by_sip(route->routing, route->peer);
    route->learns = xf_policy_learns(policy, route->peer);
    route->turned = route->turned && route->learns;
    route->may = xf_place_is_held(&route->place) &&
                 xf_routing_is_served_by(route->routing, route->link, route->local) &&
                 xf_routing_may(route->routing, route->local, route->peer, XF_DIRECTION_OUT);
    route->is_watched =
        xf_screen_watches(route->routing, route->local, route->peer, XF_DIRECTION_OUT);
    if (xf_policy_names(policy, route->peer))
        xf_route_limits_named(route);
    if (route->state != XF_ROUTE_IDLE && route->state != XF_ROUTE_SEND)
        arm(route);
}

void xf_route_forgive(struct xf_route *route)
{
    route->backoff_ms = 0;
    route->quick_losses = 0;
    if (route->state != XF_ROUTE_BOUNCE)
        return;
    if (xf_stanza_queue_is_empty(&route->queue)) {
        xf_route_fire(route, XF_ROUTE_ON_OVER);
        return;
    }
    /* Results wait, perhaps for many peers: do not open all their streams at once. */
    route->over_ms = xf_routing_now(route->routing) + xf_rand_below(FORGIVEN_MS);
    arm(route);
}

void xf_route_sift(struct xf_route *route)
{
    XF_STANZA_QUEUE_EACH (copy, &route->queue) {
        struct xf_stanza stanza;
        struct xf_ruling ruling;
        xf_stanza_copy_read(copy, &stanza);
        if (xf_screen_still_passes(route->routing, &stanza, &ruling))
            continue;
        xf_bounce_refused(route->routing, route->link, &stanza, &ruling);
        route->bounced_count++;
        drop(route, copy);
    }
    xf_backpressure_dropped(route);
    if (route->state != XF_ROUTE_IDLE && route->state != XF_ROUTE_SEND)
        arm(route);
}

static struct xf_route *new_route(struct xf_routing *routing, struct xf_routing_link *link,
                                  struct xf_span local, struct xf_span peer)
{
    struct xf_pair_key key;
    size_t key_len = xf_pair_key(local, peer, &key).len;
    struct xf_route *route = xf_alloc(sizeof(*route) + key_len);
    char *text = (char *)(route + 1);
    memcpy(text, key.text, key_len);
    route->key = (struct xf_span){text, key_len};
    route->local = (struct xf_span){text, local.len};
    route->peer = (struct xf_span){text + local.len + 1, peer.len};
    route->routing = routing;
    route->link = link;
    xf_stanza_queue_init(&route->queue, &routing->queued);
    xf_timer_init(&route->timer, on_timer, route);
    xf_bucket_begin(&route->forgiven, &forgiven_limits, xf_routing_now(routing));
    (void)xf_map_set(routing->routes, route->key, route); /* the pair had none */
    route->number = ++routing->last_number;
    xf_list_push(&routing->all, &route->node);
    routing->route_counts[route->counted_as]++;
    return route;
}

/* Another route took the place of this one. */
static void give_way(struct xf_route *route)
{
    const char *text = owner_has_too_many;
    xf_log(XF_LOG_DEBUG, "routing.route.displaced", XF_SPN("local", route->local),
           XF_SPN("peer", route->peer));
    xf_route_limits_give(route);
    route->may = false;
    xf_address_queue_bounce(route->address_queue_out, XF_STANZA_ERROR_RESOURCE_CONSTRAINT, text);
    xf_route_bounce_queue(route, XF_STANZA_ERROR_RESOURCE_CONSTRAINT, text);
    if (route->out)
        xf_out_close(route->out);
    else if (route->state == XF_ROUTE_BOUNCE)
        xf_route_fire(route, XF_ROUTE_ON_OVER);
    else
        xf_route_rest(route);
}

/* False: there are too many routes. */
static bool take_place(struct xf_route *route, bool for_stranger)
{
    struct xf_route *evicted = NULL;
    bool has_place = xf_route_limits_take(route, for_stranger, &evicted);
    if (evicted)
        give_way(evicted);
    return has_place;
}

struct xf_route *xf_route_get(struct xf_routing *routing, struct xf_routing_link *link,
                              struct xf_span local, struct xf_span peer, bool for_stranger)
{
    struct xf_route *route = xf_route_find(routing, local, peer);
    bool is_new = !route;
    if (route && xf_place_is_held(&route->place))
        return route;
    if (is_new)
        route = new_route(routing, link, local, peer);
    if (!take_place(route, for_stranger)) {
        if (is_new)
            xf_route_free(route);
        return NULL;
    }
    xf_route_judge(route);
    if (is_new)
        xf_route_rest(route);
    routing->last = route;
    return route;
}

void xf_route_free(struct xf_route *route)
{
    struct xf_routing *routing = route->routing;
    xf_require(!route->out && xf_stanza_queue_is_empty(&route->queue));
    xf_probe_end(route);
    xf_barrier_leave(route);
    xf_timer_stop(&route->timer);
    (void)xf_map_remove(routing->routes, route->key);
    xf_list_remove(&route->node);
    routing->route_counts[route->counted_as]--;
    if (routing->last == route)
        routing->last = NULL;
    if (routing->last_shown == route)
        routing->last_shown = NULL;
    xf_address_queue_free(&route->address_queue_out);
    xf_address_queue_free(&route->address_queue_in);
    xf_route_limits_give(route);
    xf_free(route->text);
    xf_free(route);
}

static void bounce_full(struct xf_route *route, const struct xf_stanza *stanza)
{
    xf_route_bounce(route, stanza, XF_STANZA_ERROR_RESOURCE_CONSTRAINT, too_many);
}

/* What a stranger does not acknowledge is kept too, and takes room that others may need. */
static bool may_send(struct xf_route *route)
{
    return !route->for_stranger || xf_route_limits_stranger_may_have(route, 0);
}

static void send_now(struct xf_route *route, const struct xf_stanza *stanza)
{
    if (__builtin_expect(!may_send(route), 0)) {
        bounce_full(route, stanza);
        return;
    }
    /* Asked before sending, not after: other routes may share the stream. */
    enum xf_err err =
        xf_out_is_congested(route->out) ? XF_ERR_CLOSED : xf_out_send(route->out, stanza, NULL);
    if (__builtin_expect(err == XF_ERR_OK, 1)) {
        route->sent_count++;
        if (__builtin_expect(route->for_stranger, 0))
            xf_route_limits_weigh(route);
        return;
    }
    if (err == XF_ERR_LIMIT) {
        bounce_too_large(route, stanza);
        return;
    }
    xf_route_fire(route, XF_ROUTE_ON_BLOCKED);
    push(route, stanza);
}

bool xf_route_delivers(const struct xf_route *route)
{
    const struct xf_routing *routing = route->routing;
    if (routing->is_finished)
        return false;
    if (route->by_sip)
        return true;
    if (route->state == XF_ROUTE_IDLE)
        return xf_s2s_carries(routing->s2s, route->local, route->peer);
    return route->out && xf_out_is_ready(route->out);
}

void xf_route_send(struct xf_route *route, const struct xf_stanza *stanza)
{
    route->taken_count++;
    if (__builtin_expect(route->learns, 0))
        follow_owner(route);
    if (__builtin_expect(route->by_sip, 0)) {
        route->routing->sip->send(route, stanza);
        return;
    }
    switch (route->state) {
    case XF_ROUTE_SEND:
        send_now(route, stanza);
        return;
    case XF_ROUTE_BOUNCE:
    case XF_ROUTE_PROBE:
        if (xf_route_owner_turns(route, stanza)) {
            route->routing->sip->send(route, stanza);
            return;
        }
        if (may_wait(route, stanza))
            push(route, stanza);
        else
            xf_route_bounce(route, stanza, xf_cause_stanza_error(route->cause), route->text);
        xf_probe_want(route);
        return;
    case XF_ROUTE_IDLE:
        if (!xf_route_limits_may_open(route)) {
            xf_route_bounce(route, stanza, XF_STANZA_ERROR_RESOURCE_CONSTRAINT,
                            route->for_stranger ? "too many domains of one owner are answered"
                                                : owner_has_too_many);
            return;
        }
        xf_route_fire(route, XF_ROUTE_ON_STANZA);
        push(route, stanza);
        return;
    case XF_ROUTE_QUEUE:
        push(route, stanza);
        return;
    }
}

void xf_route_seen(struct xf_route *route)
{
    route->quick_losses = 0;
    route->backoff_ms = 0;
    xf_unreachable_clear(route->routing, route->peer);
    if (route->state == XF_ROUTE_BOUNCE) {
        end_back_off(route, XF_ROUTE_ON_SEEN);
        return;
    }
    bool may_change = (route->state == XF_ROUTE_QUEUE || route->state == XF_ROUTE_PROBE) &&
                      xf_s2s_carries(route->routing->s2s, route->local, route->peer);
    if (!may_change || !xf_out_abandon(route->out))
        return;
    route->out = NULL;
    if (route->state == XF_ROUTE_PROBE)
        end_back_off(route, XF_ROUTE_ON_SEEN);
    else
        xf_route_fire(route, XF_ROUTE_ON_SEEN);
}

void xf_route_resumed(struct xf_route *route, uint64_t serial, uint64_t untold, uint64_t number)
{
    on_resumed(route, serial, untold, number);
    route->told.serial = serial;
    route->told.untold = untold;
    route->told.number = number;
    xf_backpressure_dropped(route);
    if (route->state != XF_ROUTE_IDLE && route->state != XF_ROUTE_SEND)
        arm(route);
}

static void on_probe_due(struct xf_route *route)
{
    xf_route_fire(route, XF_ROUTE_ON_DUE);
}

const struct xf_probe_events xf_route_probe_events = {
    .due = on_probe_due,
    .well = xf_route_seen,
};
