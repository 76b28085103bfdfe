/* SPDX-License-Identifier: MIT */
/*
 * out_bidi.c — a stream of ours on which the peer may send too (XEP-0288).
 *
 * We ask for it only where we would accept what the peer then sends: policy lets its stanzas in,
 * this node reaches the served domain, and its identity on this stream would be good enough on a
 * stream that it opened. Either its certificate is, or dialback is allowed, which proves no more
 * than what we know already: DNS led us to this server. The peer does not answer the request. Its
 * stanzas pass the same gate as on accepted streams (gate.c), for the pairs that we authenticated,
 * in the opposite direction.
 *
 * When the peer sends a db:result for further pairs, we answer with an error: for these it opens a
 * stream of its own.
 */
#include <xfed/xmpp/ns.h>

#include "continuity_priv.h"
#include "out_priv.h"
#include "stream_log_priv.h"

const char *xf_out_bidi_refusal(const struct xf_out *out)
{
    struct xf_verdict verdict = xf_out_verdict(out);
    if (!out->settings->bidi)
        return "bidi is switched off for this peer";
    if (!xf_policy_may(out->s2s->policy, xf_span_of(out->local), xf_span_of(out->peer),
                       XF_DIRECTION_IN))
        return "stanzas from this domain are not allowed here";
    if (xf_auth_may(out->settings, &verdict, XF_AUTH_EXTERNAL, false))
        return NULL;
    return xf_auth_refusal(out->settings, &verdict, XF_AUTH_DIALBACK, false).text;
}

void xf_out_request_bidi(struct xf_out *out)
{
    struct xf_verdict verdict = xf_out_verdict(out);
    /* How the peer counts as authenticated when it sends. */
    enum xf_auth_method method = xf_verdict_is_good(&verdict) ? XF_AUTH_EXTERNAL : out->method;
    if (out->is_bidi || !xf_out_carries(out) || !out->features.bidi || xf_out_bidi_refusal(out) ||
        xf_s2s_is_away(out->s2s, xf_span_of(out->local)) ||
        xf_s2s_peer_is_behind(out->s2s, xf_span_of(out->peer), true, &verdict, method))
        return;
    struct xf_draft draft = xf_stream_draft(&out->stream);
    struct xf_said_limits limits = xf_s2s_said_limits(out->s2s, out->settings);
    out->is_bidi = true;
    xf_draft_str(&draft, "<bidi xmlns='" XF_NS_BIDI "'>");
    /* XEP-0478 §3.2: whoever opens a stream has no features to say it in */
    xf_limits_write(&draft, &limits);
    xf_draft_str(&draft, "</bidi>");
    xf_stream_send_draft(&out->stream, &draft);
}

bool xf_out_hears_for_away(const struct xf_out *out)
{
    if (!out->is_bidi)
        return false;
    for (size_t i = 0; i < out->rider_locals.count; i++)
        if (xf_s2s_is_away(out->s2s, xf_span_of(out->rider_locals.item[i])))
            return true;
    XF_LIST_EACH (node, &out->carrier.passengers) {
        const struct xf_passenger *seat = XF_CONTAINER(node, struct xf_passenger, node);
        if (xf_s2s_is_away(out->s2s, xf_span_of(seat->local)))
            return true;
    }
    return xf_s2s_is_away(out->s2s, xf_span_of(out->local));
}

/* ------------------------------------------------------------------ stanzas */

static struct xf_out *out_of(struct xf_gate *gate)
{
    return XF_CONTAINER(gate, struct xf_out, gate);
}

/*
 * Also before the peer has read our <resume/>, and while the stream closes: stanzas before its
 * footer count.
 */
static bool is_open(struct xf_gate *gate)
{
    return out_of(gate)->counted != NULL;
}

static struct xf_span local_of(struct xf_gate *gate, struct xf_span peer)
{
    return xf_span_is(peer, out_of(gate)->peer) ? xf_span_of(out_of(gate)->local) : XF_SPAN_NONE;
}

/*
 * A pair that shared this stream counts for as long as the peer may send: what it wrote before it
 * knew that we had left is on its way. But a reload may have taken the domain away: nobody could
 * answer.
 */
static bool carried(const struct xf_out *out, struct xf_span local)
{
    if (!xf_policy_served(out->s2s->policy, local))
        return false;
    for (size_t i = 0; i < out->rider_locals.count; i++)
        if (xf_span_is(local, out->rider_locals.item[i]))
            return true;
    return false;
}

static bool has_pair(struct xf_gate *gate, struct xf_span local, struct xf_span peer)
{
    struct xf_out *out = out_of(gate);
    return local_of(gate, peer).ptr && (xf_span_is(local, out->local) || carried(out, local));
}

static void refuse(struct xf_gate *gate, const struct xf_stanza *stanza,
                   const struct xf_gate_refusal *refusal)
{
    struct xf_out *out = out_of(gate);
    xf_out_log(out, XF_LOG_WARN, "s2s.stanza.refused", XF_STR("local", out->local),
               XF_STR("peer", out->peer), XF_WORD("kind", xf_stanza_kind_name(stanza->kind)),
               XF_SPN("from", stanza->raw_from), XF_SPN("to", stanza->raw_to),
               XF_WORD("reason", refusal->reason), XF_HELP(refusal->help));
    if (refusal->error == XF_STREAM_ERROR_NONE)
        return;
    const char *words =
        refusal->text ? refusal->text : "the peer sent stanzas before we were authenticated";
    if (out->state == XF_OUT_ENDED)
        xf_stream_fail(&out->stream, refusal->error, refusal->help,
                       words); /* it is closing already */
    else
        xf_out_give_up(out, XF_CAUSE_STREAM, refusal->help, refusal->error, words);
}

static struct xf_counted *counted(struct xf_gate *gate)
{
    return out_of(gate)->counted;
}

const struct xf_gate_ops xf_out_gate_ops = {
    .is_open = is_open,
    .has_pair = has_pair,
    .local_of = local_of,
    .counted = counted,
    .refuse = refuse,
};

/* ------------------------------------------------------------------ questions */

/*
 * XEP-0288 §2.2 has us answer. A key must not be verified on the stream where it came, so a
 * db:verify here can only be a mistake.
 */
void xf_out_question(struct xf_out *out, const struct xf_elem *elem)
{
    struct xf_dialback_names names;
    enum xf_err err = xf_dialback_read_names(elem, &names);
    if (err == XF_ERR_LIMIT) {
        xf_out_give_up(out, XF_CAUSE_STREAM, XF_HELP_PROTOCOL_ERROR,
                       XF_STREAM_ERROR_POLICY_VIOLATION, "no stream id is that long");
        return;
    }
    if (err != XF_ERR_OK) {
        xf_out_give_up(out, XF_CAUSE_STREAM, XF_HELP_PROTOCOL_ERROR,
                       XF_STREAM_ERROR_IMPROPER_ADDRESSING, "dialback elements need from and to");
        return;
    }
    bool is_result = xf_span_is(elem->name, "result");
    bool is_known = is_result && out->state == XF_OUT_READY &&
                    has_pair(&out->gate, xf_span_of(names.to), xf_span_of(names.from));
    xf_dialback_write(&out->stream, &(struct xf_dialback_elem){
                                        .name = is_result ? "result" : "verify",
                                        .from = xf_span_of(names.to),
                                        .to = xf_span_of(names.from),
                                        .id = is_result ? XF_SPAN_NONE : xf_elem_attr(elem, "id"),
                                        .type = is_known ? "valid" : "error",
                                        .error = XF_STANZA_ERROR_FEATURE_NOT_IMPLEMENTED,
                                    });
}
