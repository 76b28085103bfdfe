/* SPDX-License-Identifier: MIT */
/*
 * bidi.c — streams that go both ways (XEP-0288): how they are agreed on, and what the peer may say
 * on one that we opened.
 *
 * The feature is <bidi xmlns='urn:xmpp:features:bidi'/>, the request <bidi xmlns='urn:xmpp:bidi'/>,
 * and nothing answers a request. So both sides must come to the same conclusion by themselves:
 *
 *   receiving    a request counts before the first pair is authenticated; STARTTLS after it cancels
 *                it (TLS comes first). In clear where TLS is required, or after authentication, it
 *                ends the stream: the peer would wait for stanzas that never come. One that was not
 *                offered (bidi = no) or has the feature's namespace is an unknown element and means
 *                nothing. What goes back over the stream is carrier.c's.
 *   initiating   we ask only where we would take what then comes: policy lets the peer's stanzas
 *                in, and its identity on this stream is good enough for a stream that it opens, by
 *                its certificate or, as dialback does, because DNS led us to it and dialback is
 *                allowed. Its stanzas pass the gate of accepted streams (gate.c), for the pairs
 *                that we authenticated, in reverse.
 *
 * A db:result of the peer on our stream, for further pairs, is answered with an error: it opens a
 * stream of its own for them.
 */
#include "s2s_priv.h"

#include <xfed/xmpp/ns.h>

/* ------------------------------------------------------------------ receiving server */

/* Where TLS is required nothing else is offered before it (RFC 6120 §5.3.1). */
bool xf_in_offers_bidi(const struct xf_in *in)
{
    bool is_too_early = in->pass == XF_PASS_PLAIN && in->settings->tls == XF_TLS_REQUIRED;
    return in->pass != XF_PASS_AUTH && !is_too_early && in->settings->bidi;
}

static void log_ignored(struct xf_in *in, const char *reason)
{
    xf_log(XF_LOG_DEBUG, "s2s.bidi.ignored", XF_STR("local", in->local), XF_STR("peer", in->peer),
           XF_STR("addr", in->host), XF_WORD("reason", reason));
}

static void take_request(struct xf_in *in, const struct xf_elem *elem)
{
    in->is_bidi = true;
    in->carrier.limits = xf_limits_read(elem); /* XEP-0478 §3.2 */
}

void xf_in_bidi(struct xf_in *in, const struct xf_elem *elem)
{
    if (!xf_span_is(elem->name, "bidi"))
        return;
    if (!in->is_open || !in->settings->bidi)
        log_ignored(in, "not-offered");
    else if (in->pass == XF_PASS_AUTH || in->valid_pairs > 0)
        xf_in_fail(in, XF_STREAM_ERROR_POLICY_VIOLATION,
                   "bidi must be asked for before authentication");
    else if (in->pass == XF_PASS_PLAIN && in->settings->tls == XF_TLS_REQUIRED)
        xf_in_fail(in, XF_STREAM_ERROR_POLICY_VIOLATION, "TLS must come before bidi");
    else if (in->is_bidi)
        log_ignored(in, "repeated");
    else
        take_request(in, elem);
}

/* After SASL the pair was authenticated before the stream that may carry it was open. */
void xf_in_bidi_open(struct xf_in *in)
{
    if (!in->is_bidi)
        return;
    XF_LIST_EACH_SAFE (node, &in->pairs) {
        struct xf_pair *pair = XF_CONTAINER(node, struct xf_pair, node);
        if (pair->method != XF_AUTH_NONE)
            in->s2s->events->peer_seen(in->s2s->owner, xf_span_of(pair->local),
                                       xf_span_of(pair->peer));
    }
}

/* ------------------------------------------------------------------ initiating server */

const char *xf_out_bidi_refusal(const struct xf_out *out)
{
    struct xf_verdict verdict = xf_out_verdict(out);
    if (!out->settings->bidi)
        return "bidi is switched off for this peer";
    if (!xf_policy_may(out->s2s->policy, xf_span_of(out->local), xf_span_of(out->peer),
                       XF_DIRECTION_IN))
        return "stanzas from this domain are not allowed here";
    if (!xf_auth_refusal(out->settings, &verdict, XF_AUTH_EXTERNAL, false))
        return NULL;
    return xf_auth_refusal(out->settings, &verdict, XF_AUTH_DIALBACK, false);
}

void xf_out_request_bidi(struct xf_out *out)
{
    struct xf_verdict verdict = xf_out_verdict(out);
    /* as what the peer's stanzas come */
    enum xf_auth_method method = xf_verdict_is_good(&verdict) ? XF_AUTH_EXTERNAL : out->method;
    if (out->is_bidi || out->verify || !out->features.bidi || xf_out_bidi_refusal(out) ||
        xf_s2s_peer_is_behind(out->s2s, out->peer, true, &verdict, method))
        return;
    struct xf_draft draft = xf_stream_draft(&out->stream);
    struct xf_said_limits limits = xf_s2s_said_limits(out->s2s, out->settings);
    out->is_bidi = true;
    xf_draft_str(&draft, "<bidi xmlns='" XF_NS_BIDI "'>");
    xf_limits_write(&draft, &limits); /* XEP-0478 §3.2: we have no features in which to say it */
    xf_draft_str(&draft, "</bidi>");
    xf_stream_send_draft(&out->stream, &draft);
}

static struct xf_out *out_of(struct xf_gate *gate)
{
    return XF_CONTAINER(gate, struct xf_out, gate);
}

/* Also while the stream closes: what the peer sent before its footer counts. */
static bool is_open(struct xf_gate *gate)
{
    return out_of(gate)->was_ready;
}

static struct xf_span local_of(struct xf_gate *gate, struct xf_span peer)
{
    return xf_span_is(peer, out_of(gate)->peer) ? xf_span_of(out_of(gate)->local) : XF_SPAN_NONE;
}

static bool has_pair(struct xf_gate *gate, struct xf_span local, struct xf_span peer)
{
    struct xf_out *out = out_of(gate);
    return local_of(gate, peer).ptr &&
           (xf_span_is(local, out->local) || xf_carrier_has(&out->carrier, local));
}

static void refuse(struct xf_gate *gate, const struct xf_stanza *stanza, enum xf_stream_error error,
                   const char *reason, const char *text)
{
    struct xf_out *out = out_of(gate);
    xf_out_log(out, XF_LOG_WARN, "s2s.stanza.refused", XF_STR("local", out->local),
               XF_STR("peer", out->peer), XF_WORD("kind", xf_stanza_kind_name(stanza->kind)),
               XF_SPN("from", stanza->raw_from), XF_SPN("to", stanza->raw_to),
               XF_WORD("reason", reason));
    if (error == XF_STREAM_ERROR_NONE)
        return;
    const char *words = text ? text : "the peer sent stanzas before we were authenticated";
    if (out->state == XF_OUT_ENDED)
        xf_stream_fail(&out->stream, error, words); /* it was closing already */
    else
        xf_out_give_up(out, XF_CAUSE_STREAM, error, words);
}

const struct xf_gate_ops xf_out_gate_ops = {
    .is_open = is_open,
    .has_pair = has_pair,
    .local_of = local_of,
    .refuse = refuse,
};

/*
 * db:result or db:verify without a type: the peer asks. XEP-0288 §2.2 has us answer; a key must not
 * be verified on the stream where its request came, so that a db:verify here can only be a mistake.
 */
void xf_out_question(struct xf_out *out, const struct xf_elem *elem)
{
    struct xf_dialback_names names;
    enum xf_err err = xf_dialback_read_names(elem, &names);
    if (err == XF_ERR_LIMIT) {
        xf_out_give_up(out, XF_CAUSE_STREAM, XF_STREAM_ERROR_POLICY_VIOLATION,
                       "no stream id is that long");
        return;
    }
    if (err != XF_ERR_OK) {
        xf_out_give_up(out, XF_CAUSE_STREAM, XF_STREAM_ERROR_IMPROPER_ADDRESSING,
                       "dialback elements need from and to");
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
                                        .error_type = "cancel",
                                        .error = is_known ? NULL : "feature-not-implemented",
                                    });
}
