/* SPDX-License-Identifier: MIT */
/*
 * in_sm.c — stream management on an accepted stream (XEP-0198 §3, §5).
 *
 * It is offered after SASL only, but taken after dialback too. A stanza is handled once it passed
 * the gate: from then on we answer for it. Where the stream goes both ways (XEP-0288), the peer
 * acknowledges our stanzas as well.
 *
 * A stream that SASL authenticated may be resumed, by the same peer for the same domain of ours.
 * Its further pairs are authenticated anew. The route of its own pair learns at once what the peer
 * has of the broken stream, and again when it takes the new one (out_rider.c).
 */
#include <xfed/xmpp/ns.h>

#include "in_priv.h"
#include "stream_log_priv.h"

void xf_in_sm_early(struct xf_in *in, const struct xf_elem *elem)
{
    (void)elem;
    xf_sm_refuse(&in->stream, XF_STANZA_ERROR_UNEXPECTED_REQUEST);
}

static bool wants_resumption(const struct xf_in *in, const struct xf_elem *elem)
{
    struct xf_span resume = xf_elem_token(elem, "resume");
    return in->pass == XF_PASS_AUTH && (xf_span_is(resume, "true") || xf_span_is(resume, "1"));
}

static void say_enabled(struct xf_in *in)
{
    struct xf_draft draft = xf_stream_draft(&in->stream);
    xf_draft_str(&draft, "<enabled xmlns='" XF_NS_SM "'");
    if (in->resumable)
        xf_draft_printf(&draft, " id='%s' resume='true' max='%d'", in->resumable->id,
                        XF_RESUME_MAX_S);
    xf_draft_str(&draft, "/>");
    xf_stream_send_draft(&in->stream, &draft);
}

/* Another stream may offer the pair; but of this one we know what the peer has. */
static void offer_again(struct xf_in *in)
{
    struct xf_pair *pair = xf_in_find_pair(in, xf_span_of(in->local), xf_span_of(in->peer));
    if (pair && pair->method != XF_AUTH_NONE)
        xf_pair_offer(pair);
}

void xf_in_sm_enable(struct xf_in *in, const struct xf_elem *elem)
{
    struct xf_carrier *carrier = &in->carrier;
    bool might_resume = xf_in_may_resume(in);
    if (in->stream.footer_sent) /* there is no answer any more */
        return;
    if (in->settings->ack != XF_ACK_SM || carrier->sm.counts) {
        xf_sm_refuse(&in->stream, XF_STANZA_ERROR_UNEXPECTED_REQUEST);
        return;
    }
    if (wants_resumption(in, elem))
        in->resumable = xf_resumable_new(in->s2s, in, in->local, in->peer);
    say_enabled(in);
    carrier->sm.counts = true;
    carrier->is_proving = true;
    if (!in->is_bidi)
        return;
    xf_proof_by(&carrier->proof, XF_PROOF_SM, true);
    if (might_resume)
        offer_again(in);
    xf_in_bidi_open(in);
}

void xf_in_sm(struct xf_in *in, const struct xf_elem *elem)
{
    (void)xf_sm_element(&in->carrier, elem);
}

/* ------------------------------------------------------------------ resumption */

static void break_off(struct xf_in *in)
{
    struct xf_proof_mark mark = xf_proof_mark(&in->carrier.proof);
    const struct xf_broken broken = {.network = in->network,
                                     .left_ms = 1000 * XF_RESUME_MAX_S,
                                     .handled = in->carrier.sm.handled,
                                     .mark = in->is_bidi ? &mark : NULL};
    xf_resumable_broke(in->s2s, in->resumable, &broken);
    in->resumable = NULL;
}

void xf_in_sm_closed(struct xf_in *in)
{
    if (!in->resumable)
        return;
    if (xf_stream_ended_cleanly(&in->stream) || (in->s2s->is_draining && !in->s2s->hands_over)) {
        xf_resumable_free(in->s2s, in->resumable);
        in->resumable = NULL;
        return;
    }
    break_off(in);
    xf_pairs_broke(in);
}

/* Its route may wait for another stream, and this one may go one way. */
static void tell_route(struct xf_in *in)
{
    const struct xf_carrier *carrier = &in->carrier;
    in->s2s->events->resumed(in->s2s->owner, xf_span_of(in->local), xf_span_of(in->peer),
                             carrier->resumed_serial, carrier->resumed_untold,
                             carrier->resumed_number);
}

static void go_on(struct xf_in *in, struct xf_resumable *resumable, uint32_t handled)
{
    struct xf_carrier *carrier = &in->carrier;
    struct xf_draft draft = xf_stream_draft(&in->stream);
    carrier->sm =
        (struct xf_sm){.counts = true, .handled = resumable->handled, .said = resumable->handled};
    carrier->is_proving = true;
    xf_resumable_take(in->s2s, resumable, in);
    in->resumable = resumable;
    xf_draft_printf(&draft, "<resumed xmlns='" XF_NS_SM "' previd='%s' h='%u'/>", resumable->id,
                    resumable->handled);
    xf_stream_send_draft(&in->stream, &draft);
    xf_in_log(in, XF_LOG_INFO, "s2s.stream.resumed", XF_WORD("dir", "in"),
              XF_STR("local", in->local), XF_STR("peer", in->peer));
    if (resumable->has_mark)
        tell_route(in);
    if (!in->is_bidi)
        return;
    xf_proof_go_on(&carrier->proof, handled);
    offer_again(in);
    xf_in_bidi_open(in);
}

/* NULL: there was no room for it among the broken ones. */
static struct xf_resumable *break_now(struct xf_in *in, struct xf_in *old, struct xf_span previd)
{
    break_off(old);
    xf_stream_abort(&old->stream);
    return xf_resumable_find(in->s2s, previd, in->local, in->peer);
}

void xf_in_sm_resume(struct xf_in *in, const struct xf_elem *elem)
{
    uint64_t handled;
    bool has_count = xf_span_number(xf_elem_token(elem, "h"), UINT32_MAX, &handled);
    struct xf_span previd = xf_elem_attr(elem, "previd");
    struct xf_resumable *resumable = xf_resumable_find(in->s2s, previd, in->local, in->peer);
    if (in->stream.footer_sent)
        return;
    if (in->settings->ack != XF_ACK_SM || in->carrier.sm.counts || !has_count) {
        xf_sm_refuse(&in->stream, XF_STANZA_ERROR_UNEXPECTED_REQUEST);
        return;
    }
    if (resumable && resumable->in) /* the peer noticed first that its connection broke */
        resumable = break_now(in, resumable->in, previd);
    if (!resumable) {
        xf_sm_refuse(&in->stream, XF_STANZA_ERROR_ITEM_NOT_FOUND);
        return;
    }
    if (!resumable->has_mark || xf_sm_learn(&in->carrier, &resumable->mark, (uint32_t)handled))
        go_on(in, resumable, (uint32_t)handled);
    else
        xf_in_fail(in, XF_STREAM_ERROR_UNDEFINED_CONDITION, XF_HELP_PROTOCOL_ERROR,
                   "you acknowledged more stanzas than we sent");
}
