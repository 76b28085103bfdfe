/* SPDX-License-Identifier: MIT */
/*
 * out_rider.c — lets the stanzas of a pair go over a stream that exists already, instead of a
 * stream of its own:
 *
 *   bidi       the peer opened a stream to us, made it go both ways (XEP-0288), and proved the pair
 *              on it; the pair's stanzas go back over it. The peer's identity is checked again, as
 *              on a stream that we open (xf_auth_refusal, outbound)
 *   multiplex  we have a stream to the same peer for another domain of ours; the pair asks on it
 *              with a db:result (XEP-0220 §2.6.1) and rides once that is valid. Otherwise, or when
 *              no answer comes, the pair gets a stream of its own, and that stream is not asked
 *              again
 *
 * A stream that can be resumed (XEP-0198 §5) carries its own pair alone. A pair changes to another
 * stream only while none of its stanzas is on the way: when it begins (xf_out_open), or after its
 * last stream has ended. Pairs with different peers do not share a stream of ours (XEP-0220
 * §2.6.2): only their addresses would say that it is the same server.
 */
#include "continuity_priv.h"
#include "out_priv.h"
#include "stream_log_priv.h"

/* ------------------------------------------------------------------ the seat */

static void on_seat_drained(struct xf_passenger *seat)
{
    struct xf_out *out = xf_out_of_seat(seat);
    if (out->events && out->state == XF_OUT_READY && out->events->drained)
        out->events->drained(out->owner);
}

/* No stanza of the pair has been sent yet: it gets a stream of its own. */
void xf_out_go_alone(struct xf_out *out)
{
    xf_carrier_leave(&out->seat);
    xf_timer_stop(&out->tick);
    out->method = XF_AUTH_NONE;
    xf_timer_start(out->s2s->env->timers, &out->deadline, out->settings->negotiate_ms);
    xf_out_fire(out, XF_OUT_ON_OPEN);
}

static void on_seat_ended(struct xf_passenger *seat, enum xf_cause cause, const char *text)
{
    struct xf_out *out = xf_out_of_seat(seat);
    if (out->state == XF_OUT_READY)
        xf_out_give_up(out, cause, XF_HELP_NONE, XF_STREAM_ERROR_NONE, text);
    else
        xf_out_go_alone(out);
}

/*
 * The pair goes on over another stream, so nothing of it is refused. A stream of ours that goes one
 * way ends politely: the peer reads what is on the way to it.
 */
static void on_seat_judged(struct xf_passenger *seat)
{
    struct xf_out *out = xf_out_of_seat(seat);
    bool goes_both_ways = out->is_bidi && out->state == XF_OUT_READY;
    struct xf_refusal refusal = xf_out_auth_refusal(out);
    if (!refusal.text && goes_both_ways)
        refusal.text = xf_out_bidi_refusal(out);
    if (refusal.text)
        xf_out_give_up(out, XF_CAUSE_STREAM, refusal.help,
                       goes_both_ways ? XF_STREAM_ERROR_RESET : XF_STREAM_ERROR_NONE, refusal.text);
}

const struct xf_passenger_ops xf_out_seat_ops = {
    .drained = on_seat_drained,
    .ended = on_seat_ended,
    .judged = on_seat_judged,
};

/* ------------------------------------------------------------------ a stream of ours as carrier */

static struct xf_out *out_of(const struct xf_carrier *carrier)
{
    return XF_CONTAINER((struct xf_carrier *)carrier, struct xf_out, carrier);
}

static bool is_open(const struct xf_carrier *carrier)
{
    return out_of(carrier)->state == XF_OUT_READY && !carrier->stream->is_ending;
}

static bool hears(const struct xf_carrier *carrier)
{
    return out_of(carrier)->is_bidi;
}

static struct xf_span peer_of(const struct xf_carrier *carrier)
{
    return xf_span_of(out_of(carrier)->peer);
}

static struct xf_verdict verdict_of(const struct xf_carrier *carrier, struct xf_span peer)
{
    (void)peer; /* a stream of ours goes to this peer only */
    return xf_out_verdict(out_of(carrier));
}

static enum xf_auth_method method_of(const struct xf_carrier *carrier, enum xf_auth_method own)
{
    (void)own; /* its pairs are authenticated as the stream is */
    return out_of(carrier)->method;
}

static struct xf_tls_basis basis_of(const struct xf_carrier *carrier)
{
    return xf_out_basis(out_of(carrier));
}

const struct xf_carrier_ops xf_out_carrier_ops = {
    .proof = &xf_proving_ops,
    .word = "multiplex",
    .is_open = is_open,
    .hears = hears,
    .peer = peer_of,
    .verdict = verdict_of,
    .method = method_of,
    .basis = basis_of,
};

/* Or is not known yet whether it can. */
static bool may_be_resumed(const struct xf_out *out)
{
    return out->carrier.proof.by == XF_PROOF_SM && (!out->carrier.sm.counts || out->sm_id);
}

/* Only its own pair can resume a stream: what others had on it would arrive twice. */
void xf_out_share(struct xf_out *out)
{
    if (out->settings->multiplex && out->peer_speaks_dialback && !may_be_resumed(out))
        xf_map_set(out->s2s->shared, xf_span_of(out->peer), out);
}

void xf_out_unshare(struct xf_out *out)
{
    if (xf_map_find(out->s2s->shared, xf_span_of(out->peer)) == out)
        xf_map_remove(out->s2s->shared, xf_span_of(out->peer));
}

/* ------------------------------------------------------------------ who can carry */

/*
 * The stream on which the peer proved the pair (XEP-0288 §2.2: only there may we send), if the
 * peer's identity on it is good enough to send to. NULL: none.
 */
static struct xf_carried_pair *find_pair(struct xf_s2s *s2s, struct xf_span local,
                                         struct xf_span peer)
{
    struct xf_pair_key text;
    struct xf_carried_pair *pair = xf_map_find(s2s->bidi_pairs, xf_pair_key(local, peer, &text));
    if (!pair || !pair->carrier->ops->is_open(pair->carrier) || s2s->is_draining)
        return NULL;
    if (pair->is_spare && xf_resumable_is_awaited(s2s, local, peer))
        return NULL;
    const struct xf_peer_settings *settings = xf_policy_peer(s2s->policy, peer);
    struct xf_verdict verdict = pair->carrier->ops->verdict(pair->carrier, peer);
    bool may = settings->bidi && xf_policy_may(s2s->policy, local, peer, XF_DIRECTION_OUT) &&
               xf_auth_may(settings, &verdict, pair->method, true) &&
               !xf_s2s_peer_is_behind(s2s, peer, false, &verdict, pair->method);
    return may ? pair : NULL;
}

/*
 * A stream of ours that broke comes first: only a further one of ours can resume it, and tell which
 * of the pair's stanzas the peer has. Two servers that dialled each other would otherwise each wait
 * for the other one.
 */
static struct xf_carried_pair *find_ride(struct xf_s2s *s2s, struct xf_span local,
                                         struct xf_span peer)
{
    return xf_resumption_find(s2s, local, peer) ? NULL : find_pair(s2s, local, peer);
}

void xf_out_could_not_resume(struct xf_out *out)
{
    if (xf_out_carries(out) && find_pair(out->s2s, xf_span_of(out->local), xf_span_of(out->peer)))
        xf_resumption_drop(out->s2s, out->local, out->peer);
}

bool xf_s2s_carries(struct xf_s2s *s2s, struct xf_span local, struct xf_span peer)
{
    return find_ride(s2s, local, peer) != NULL;
}

bool xf_out_rides_with_peer(const struct xf_out *out)
{
    return xf_out_is_rider(out) && out->seat.on->ops->is_of_peer;
}

/* A stream of ours to the same peer that takes further pairs; NULL: none. */
static struct xf_out *find_stream(const struct xf_out *out)
{
    struct xf_out *shared = xf_map_find(out->s2s->shared, xf_span_of(out->peer));
    if (!shared || !out->settings->multiplex || shared->stream.is_ending)
        return NULL;
    if (shared->is_bidi && xf_s2s_is_away(out->s2s, xf_span_of(out->local)))
        return NULL; /* the peer would send to it */
    struct xf_verdict verdict = xf_out_verdict(shared);
    return xf_auth_may(out->settings, &verdict, XF_AUTH_DIALBACK, true) ? shared : NULL;
}

/* ------------------------------------------------------------------ riders */

static void board(struct xf_out *out, struct xf_carried_pair *pair)
{
    out->method = pair->method;
    xf_carrier_sit(pair->carrier, &out->seat);
    xf_out_fire(out, XF_OUT_ON_CARRIED);
}

bool xf_out_ride(struct xf_out *out)
{
    struct xf_span local = xf_span_of(out->local), peer = xf_span_of(out->peer);
    bool will_resume = xf_resumption_find(out->s2s, local, peer);
    struct xf_carried_pair *pair = find_ride(out->s2s, local, peer);
    struct xf_out *shared = pair || will_resume ? NULL : find_stream(out);
    if (pair) {
        board(out, pair);
    } else if (shared) {
        out->method = XF_AUTH_DIALBACK;
        xf_carrier_sit(&shared->carrier, &out->seat);
        xf_out_fire(out, XF_OUT_ON_OFFER_SHARE);
    }
    if (pair || shared)
        return true;
    if (will_resume || !xf_resumable_is_awaited(out->s2s, local, peer))
        return false;
    xf_out_fire(out, XF_OUT_ON_AWAIT);
    return true;
}

/*
 * When the peer resumes its stream, the route gives this one up (xf_route_seen). If it does not, an
 * older stream of the peer may carry the pair.
 */
void xf_out_await(struct xf_out *out)
{
    xf_timer_start(out->s2s->env->timers, &out->deadline, XF_RESUME_AWAITED_MS);
}

void xf_out_stop_awaiting(struct xf_out *out)
{
    struct xf_carried_pair *pair =
        find_ride(out->s2s, xf_span_of(out->local), xf_span_of(out->peer));
    if (pair)
        board(out, pair);
    else
        xf_out_go_alone(out);
}

bool xf_s2s_may_resume(struct xf_s2s *s2s, struct xf_span local, struct xf_span peer)
{
    const struct xf_carried_pair *pair = find_pair(s2s, local, peer);
    return xf_resumption_find(s2s, local, peer) || xf_resumable_is_awaited(s2s, local, peer) ||
           (pair && pair->carrier->resumed_serial);
}

void xf_out_tell_resumed(struct xf_out *out)
{
    const struct xf_carrier *carrier = out->seat.on;
    if (carrier->resumed_serial)
        out->events->resumed(out->owner, carrier->resumed_serial, carrier->resumed_untold,
                             carrier->resumed_number);
}

/* `ready` must not be called before xf_out_open has returned. */
void xf_out_board(struct xf_out *out)
{
    xf_timer_start(out->s2s->env->timers, &out->tick, 0);
}

void xf_out_ask_carrier(struct xf_out *out)
{
    struct xf_out *carrier = XF_CONTAINER(out->seat.on, struct xf_out, carrier);
    uint64_t dialback_ms = out->s2s->settings.unauthenticated.dialback_ms;
    uint64_t candidate_ms = out->settings->candidate_ms;
    xf_dialback_send_key(&carrier->stream, &(struct xf_dialback_claim){
                                               .secret = &out->s2s->dialback_secret,
                                               .local = xf_span_of(out->local),
                                               .peer = xf_span_of(out->peer),
                                               .id = xf_span_of(carrier->peer_id),
                                           });
    /* Do not wait longer: the pair can have a stream of its own. */
    xf_timer_start(out->s2s->env->timers, &out->deadline,
                   dialback_ms < candidate_ms ? dialback_ms : candidate_ms);
}

void xf_out_become_rider(struct xf_out *out)
{
    struct xf_verdict verdict = out->seat.on->ops->verdict(out->seat.on, xf_span_of(out->peer));
    struct xf_refusal refusal = xf_auth_refusal(out->settings, &verdict, out->method, true);
    if (refusal.text) { /* every way into READY checks this, as xf_out_become_ready does */
        xf_out_give_up(out, XF_CAUSE_AUTH, refusal.help, XF_STREAM_ERROR_NONE, refusal.text);
        return;
    }
    struct xf_fall fall = xf_out_continuity_refusal(out);
    if (fall.refusal.text) {
        xf_out_give_up(out, fall.cause, fall.refusal.help, XF_STREAM_ERROR_NONE, fall.refusal.text);
        return;
    }
    if (!out->seat.on->ops->is_of_peer)
        xf_texts_add_new(&out_of(out->seat.on)->rider_locals, out->local);
    out->was_ready = true;
    out->counted = xf_counted_hold(out->s2s, xf_span_of(out->peer));
    out->ready_ms = out->seat.on->used_ms = out->seat.on->spoke_ms = out->s2s->env->clock->now_ms;
    xf_timer_stop(&out->deadline);
    xf_proving_begin(out->seat.on, out->settings, xf_span_of(out->peer), false);
    xf_out_log_up(out);
    xf_out_tell_resumed(out);
    out->events->ready(out->owner);
}

/* Not every server takes further pairs: do not ask on this stream again. */
void xf_out_ride_refused(struct xf_out *out, const char *why)
{
    xf_out_log(out, XF_LOG_INFO, "s2s.multiplex.refused", XF_STR("local", out->local),
               XF_STR("peer", out->peer), XF_STR("detail", why));
    xf_out_unshare(XF_CONTAINER(out->seat.on, struct xf_out, carrier));
    xf_out_go_alone(out);
}

bool xf_out_ride_answered(struct xf_out *carrier, const struct xf_dialback_names *names,
                          struct xf_span type, const char *why)
{
    XF_LIST_EACH (node, &carrier->carrier.passengers) {
        struct xf_out *out = xf_out_of_seat(XF_CONTAINER(node, struct xf_passenger, node));
        if (out->state != XF_OUT_ASKING || strcmp(names->to, out->local) != 0 ||
            strcmp(names->from, out->peer) != 0)
            continue;
        if (xf_span_is(type, "valid"))
            xf_out_fire(out, XF_OUT_ON_DIALBACK_OK);
        else
            xf_out_ride_refused(out, why);
        return true;
    }
    return false;
}
