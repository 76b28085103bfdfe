/* SPDX-License-Identifier: MIT */
/*
 * out_ready.c — into READY, where stanzas may be sent, and out of it.
 *
 * The end has two halves, which may come in either order: `ended` is called (once, from a timer, so
 * never inside a call on the stream), and the conn closes. `ended` waits for the conn while stanzas
 * of the pair are not proved, since only then it is known which of them come back. The xf_out is
 * freed after both (out.c).
 */
#include "continuity_priv.h"
#include "out_priv.h"
#include "stream_log_priv.h"

void xf_out_listen(struct xf_out *out)
{
    struct xf_reader_limits limits = out->is_bidi ? xf_s2s_limits_after(out->s2s, out->settings)
                                                  : xf_s2s_limits_before(out->s2s);
    if (out->counted)
        return;
    xf_stream_relax(&out->stream, &limits);
    out->counted = xf_counted_hold(out->s2s, xf_span_of(out->peer));
    xf_counted_note_tls(out->counted, out->stream.conn->tls);
}

/* Set the limits, the carrier and the timers of a ready stream. */
static void settle_in(struct xf_out *out)
{
    xf_out_listen(out);
    out->was_ready = true;
    xf_carrier_sit(&out->carrier, &out->seat);
    out->ready_ms = out->carrier.used_ms = out->carrier.spoke_ms = out->s2s->env->clock->now_ms;
    xf_timer_stop(&out->deadline);
    xf_timer_stop(&out->patience);
    if (out->purpose == XF_OUT_VERIFY && xf_out_has_more(out))
        /* The server may not answer questions: another address is asked then. */
        xf_dial_uncount(out->dial);
    else
        xf_out_settle(out);
    xf_timer_start(out->s2s->env->timers, &out->tick,
                   xf_carrier_tick_ms(&out->carrier, XF_OUT_TICK_MS));
    xf_recheck_authenticated(&out->carrier);
}

/* The state says READY already: end at once, and try no further address. */
static void refuse(struct xf_out *out, enum xf_cause cause, enum xf_stream_error error,
                   const struct xf_refusal *why)
{
    xf_dial_free(&out->dial);
    xf_out_give_up(out, cause, why->help, error, why->text);
}

void xf_out_become_ready(struct xf_out *out)
{
    struct xf_verdict verdict = xf_out_verdict(out);
    struct xf_refusal refusal = xf_auth_refusal(out->settings, &verdict, out->method, true);
    if (refusal.text) { /* offer_for checked this, and every way into READY checks it again */
        refuse(out, XF_CAUSE_AUTH, XF_STREAM_ERROR_NOT_AUTHORIZED, &refusal);
        return;
    }
    struct xf_fall fall = {0};
    if (out->purpose != XF_OUT_LOOK) /* we are not among the peers that are remembered */
        fall = xf_out_continuity_refusal(out);
    if (fall.refusal.text) {
        refuse(out, fall.cause, XF_STREAM_ERROR_POLICY_VIOLATION, &fall.refusal);
        return;
    }
    settle_in(out);
    xf_out_log_up(out);
    xf_s2s_peer_reached(out->s2s, out->peer);
    if (out->purpose != XF_OUT_VERIFY && !out->is_bidi)
        xf_stream_expect_quiet(&out->stream);
    if (xf_out_carries(out)) {
        xf_proving_begin(&out->carrier, out->settings, xf_span_of(out->peer), out->features.sm);
        xf_out_share(out);
    }
    if (out->state != XF_OUT_READY) /* what it had to say first did not fit */
        return;
    if (xf_out_carries(out))
        xf_out_tell_resumed(out);
    out->events->ready(out->owner);
}

void xf_out_say_ended(struct xf_out *out)
{
    xf_timer_stop(&out->deadline);
    xf_timer_stop(&out->patience);
    xf_timer_stop(&out->tick);
    xf_discovery_cancel(&out->discovery);
    xf_out_blame(out);
    xf_dial_free(&out->dial);
    if (out->verify_events)
        out->verify_events->ending(out->owner, out->cause, out->text);
    if (!out->has_stream)
        xf_out_log_down(out, out->text);
    xf_out_unshare(out);
    xf_carrier_leave(&out->seat);
    /* What its stream still keeps comes back first, or is proved (on_settled). */
    if (out->seat.sender.unproved.count == 0)
        xf_timer_start(out->s2s->env->timers, &out->farewell, 0);
}
