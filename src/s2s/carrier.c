/* SPDX-License-Identifier: MIT */
/*
 * carrier.c — pairs whose stanzas go over a stream that is there already, instead of one of their
 * own.
 *
 * Each stream that stanzas may leave on has a carrier: a ready outgoing stream, and an accepted one
 * that goes both ways (XEP-0288). Every xf_out sits on a carrier once it is READY: on that of its
 * own stream, or as a rider on another's:
 *
 *   bidi       the peer opened a stream to us, made it go both ways, and proved the pair on it; the
 *              pair's stanzas go back over it. Our own demands on who the peer is are asked again,
 *              as for a stream that we open (xf_auth_refusal, outbound)
 *   multiplex  we have a stream to the same peer from another domain of ours; the pair asks on it
 *              with a db:result (XEP-0220 §2.6.1) and rides once that is valid. Else, and when no
 *              answer comes, it goes alone, and the stream is not asked again
 *
 * A pair changes its stream only while none of its stanzas is on the way: when it begins
 * (xf_out_open), or when its last one ended. Other target domains are never piggybacked (XEP-0220
 * §2.6.2): that would rest on addresses alone.
 */
#include "s2s_priv.h"

#include <xfed/base/alloc.h>
#include <xfed/xmpp/pair.h>

void xf_carrier_init(struct xf_carrier *carrier, struct xf_stream *stream, struct xf_in *in,
                     struct xf_out *out)
{
    *carrier = (struct xf_carrier){.stream = stream, .in = in, .out = out};
    xf_list_init(&carrier->passengers);
}

void xf_carrier_sit(struct xf_carrier *carrier, struct xf_out *out)
{
    out->on = carrier;
    xf_list_push(&carrier->passengers, &out->seat);
}

void xf_carrier_leave(struct xf_out *out)
{
    xf_list_remove(&out->seat);
    out->on = NULL;
}

static struct xf_out *passenger_of(struct xf_node *node)
{
    return XF_CONTAINER(node, struct xf_out, seat);
}

static bool is_rider(const struct xf_out *out)
{
    return out->on && out->on != &out->carrier;
}

const char *xf_carrier_word(const struct xf_out *out)
{
    return !is_rider(out) ? NULL : out->on->in ? "bidi" : "multiplex";
}

struct xf_verdict xf_carrier_verdict(const struct xf_carrier *carrier, struct xf_span peer)
{
    return carrier->in ? xf_in_verdict(carrier->in, peer) : xf_out_verdict(carrier->out);
}

bool xf_carrier_has(const struct xf_carrier *carrier, struct xf_span local)
{
    XF_LIST_EACH (node, &carrier->passengers) {
        const struct xf_out *out = passenger_of(node);
        if (out->state == XF_OUT_READY && xf_span_is(local, out->local))
            return true;
    }
    return false;
}

/* There is room again. Who was told first this time is the last next time. */
void xf_carrier_drained(struct xf_carrier *carrier)
{
    XF_LIST_EACH_SAFE (node, &carrier->passengers) {
        struct xf_out *out = passenger_of(node);
        if (out->events && out->state == XF_OUT_READY && out->events->drained)
            out->events->drained(out->owner);
    }
    struct xf_node *first = carrier->passengers.next;
    if (first == &carrier->passengers)
        return;
    xf_list_remove(first);
    xf_list_push(&carrier->passengers, first);
}

/*
 * Twice in vain, and there is still time (XEP-0478: after so long without traffic the peer may end
 * the stream).
 */
static uint64_t peer_patience_ms(const struct xf_carrier *carrier)
{
    return carrier->limits.idle_ms / 3;
}

void xf_carrier_keep_alive(struct xf_carrier *carrier, uint64_t ping_ms)
{
    uint64_t now_ms = carrier->stream->env->clock->now_ms, patience_ms = peer_patience_ms(carrier);
    if (patience_ms && (!ping_ms || patience_ms < ping_ms))
        ping_ms = patience_ms;
    if (!ping_ms || now_ms - carrier->spoke_ms < ping_ms)
        return;
    xf_stream_send(carrier->stream, " "); /* RFC 6120 §4.6.1; a dead peer makes TCP give up */
    carrier->spoke_ms = now_ms;
}

uint64_t xf_carrier_tick_ms(const struct xf_carrier *carrier, uint64_t usual_ms)
{
    uint64_t patience_ms = peer_patience_ms(carrier);
    return patience_ms && patience_ms < usual_ms ? patience_ms : usual_ms;
}

/* Nothing of it is on the way yet. */
static void go_alone(struct xf_out *out)
{
    xf_carrier_leave(out);
    xf_timer_stop(&out->tick);
    out->method = XF_AUTH_NONE;
    xf_timer_start(out->s2s->env->timers, &out->deadline, out->settings->negotiate_ms);
    xf_out_fire(out, XF_OUT_ON_OPEN);
}

void xf_carrier_ended(struct xf_carrier *carrier, enum xf_cause cause, const char *text)
{
    XF_LIST_EACH_SAFE (node, &carrier->passengers) {
        struct xf_out *out = passenger_of(node);
        if (out->state == XF_OUT_READY)
            xf_out_give_up(out, cause, XF_STREAM_ERROR_NONE, text);
        else
            go_alone(out);
    }
}

/* ------------------------------------------------------------------ who can carry */

void xf_carry_offer_pair(struct xf_pair *pair)
{
    struct xf_pair_key text;
    struct xf_span key = xf_pair_key(xf_span_of(pair->local), xf_span_of(pair->peer), &text);
    if (pair->in->is_bidi)
        xf_map_set(pair->in->s2s->bidi_pairs, key, pair); /* the youngest stream of several */
}

void xf_carry_forget_pair(struct xf_pair *pair)
{
    struct xf_pair_key text;
    struct xf_map *pairs = pair->in->s2s->bidi_pairs;
    struct xf_span key = xf_pair_key(xf_span_of(pair->local), xf_span_of(pair->peer), &text);
    if (xf_map_find(pairs, key) == pair)
        xf_map_remove(pairs, key);
}

/*
 * The stream on which the peer proved the pair (XEP-0288 §2.2: only those may be sent), if it is
 * good enough for sending too. Not between SASL's success and the next header.
 */
static struct xf_pair *find_pair(struct xf_s2s *s2s, struct xf_span local, struct xf_span peer)
{
    struct xf_pair_key text;
    struct xf_pair *pair = xf_map_find(s2s->bidi_pairs, xf_pair_key(local, peer, &text));
    if (!pair || !pair->in->is_open || pair->in->stream.is_ending || s2s->is_draining)
        return NULL;
    const struct xf_peer_settings *settings = xf_policy_peer(s2s->policy, peer);
    struct xf_verdict verdict = xf_in_verdict(pair->in, peer);
    bool may = settings->bidi && xf_policy_may(s2s->policy, local, peer, XF_DIRECTION_OUT) &&
               !xf_auth_refusal(settings, &verdict, pair->method, true) &&
               !xf_s2s_peer_is_behind(s2s, pair->peer, false, &verdict, pair->method);
    return may ? pair : NULL;
}

bool xf_s2s_carries(struct xf_s2s *s2s, struct xf_span local, struct xf_span peer)
{
    return find_pair(s2s, local, peer) != NULL;
}

void xf_carry_offer_stream(struct xf_out *out)
{
    if (out->settings->multiplex && out->peer_speaks_dialback)
        xf_map_set(out->s2s->shared, xf_span_of(out->peer), out);
}

void xf_carry_forget_stream(struct xf_out *out)
{
    if (xf_map_find(out->s2s->shared, xf_span_of(out->peer)) == out)
        xf_map_remove(out->s2s->shared, xf_span_of(out->peer));
}

static struct xf_out *find_stream(const struct xf_out *out)
{
    struct xf_out *shared = xf_map_find(out->s2s->shared, xf_span_of(out->peer));
    if (!shared || !out->settings->multiplex || shared->stream.is_ending)
        return NULL;
    struct xf_verdict verdict = xf_out_verdict(shared);
    return xf_auth_refusal(out->settings, &verdict, XF_AUTH_DIALBACK, true) ? NULL : shared;
}

/* ------------------------------------------------------------------ riders */

bool xf_carry(struct xf_out *out)
{
    struct xf_pair *pair = find_pair(out->s2s, xf_span_of(out->local), xf_span_of(out->peer));
    struct xf_out *shared = pair ? NULL : find_stream(out);
    if (pair) {
        out->method = pair->method;
        xf_carrier_sit(&pair->in->carrier, out);
        xf_out_fire(out, XF_OUT_ON_CARRIED);
    } else if (shared) {
        out->method = XF_AUTH_DIALBACK;
        xf_carrier_sit(&shared->carrier, out);
        xf_out_fire(out, XF_OUT_ON_OFFER_SHARE);
    }
    return pair || shared;
}

/* `ready` comes never from within xf_out_open. */
void xf_out_board(struct xf_out *out)
{
    xf_timer_start(out->s2s->env->timers, &out->tick, 0);
}

void xf_out_ask_carrier(struct xf_out *out)
{
    uint64_t dialback_ms = xf_s2s_conf(out->s2s)->unauthenticated.dialback_ms,
             candidate_ms = out->settings->candidate_ms;
    xf_out_send_result(out, out->on->out);
    /* there is another way: a stream of its own */
    xf_timer_start(out->s2s->env->timers, &out->deadline,
                   dialback_ms < candidate_ms ? dialback_ms : candidate_ms);
}

void xf_out_become_rider(struct xf_out *out)
{
    struct xf_verdict verdict = xf_carrier_verdict(out->on, xf_span_of(out->peer));
    const char *refusal = xf_auth_refusal(out->settings, &verdict, out->method, true);
    if (refusal) { /* the gate of every way into READY, as in xf_out_become_ready */
        xf_out_give_up(out, XF_CAUSE_AUTH, XF_STREAM_ERROR_NONE, refusal);
        return;
    }
    struct xf_fall fall = xf_out_continuity_refusal(out);
    if (fall.text) {
        xf_out_give_up(out, fall.cause, XF_STREAM_ERROR_NONE, fall.text);
        return;
    }
    out->was_ready = true;
    out->ready_ms = out->on->used_ms = out->on->spoke_ms = out->s2s->env->clock->now_ms;
    xf_timer_stop(&out->deadline);
    xf_out_log_up(out);
    out->events->ready(out->owner);
}

/* Not every server takes further pairs: the stream is not asked again. */
void xf_carry_refused(struct xf_out *out, const char *why)
{
    xf_out_log(out, XF_LOG_INFO, "s2s.multiplex.refused", XF_STR("local", out->local),
               XF_STR("peer", out->peer), XF_STR("detail", why));
    xf_carry_forget_stream(out->on->out);
    go_alone(out);
}

bool xf_carry_answered(struct xf_out *carrier, const struct xf_dialback_names *names,
                       struct xf_span type, const char *why)
{
    XF_LIST_EACH (node, &carrier->carrier.passengers) {
        struct xf_out *out = passenger_of(node);
        if (out->state != XF_OUT_ASKING || strcmp(names->to, out->local) != 0 ||
            strcmp(names->from, out->peer) != 0)
            continue;
        if (xf_span_is(type, "valid"))
            xf_out_fire(out, XF_OUT_ON_DIALBACK_OK);
        else
            xf_carry_refused(out, why);
        return true;
    }
    return false;
}
