/* SPDX-License-Identifier: MIT */
/*
 * out_sm.c — stream management on a stream of ours (XEP-0198 §3, §5): what the peer answers to
 * <enable/>, and resumption.
 *
 * When the connection of a stream breaks, its stanzas go back to their routes, and the next stream
 * of the same pair resumes it. Then the peer says how many stanzas it has, and the routes send the
 * others again: each arrives once. With a peer that does not answer to that, a stream begins anew.
 */
#include <xfed/base/alloc.h>
#include <xfed/xmpp/ns.h>

#include "out_priv.h"
#include "stream_log_priv.h"

#define MAX_S_DEFAULT 60 /* how long a peer can be asked to resume, if it does not say */

static const struct xf_resumption *find(const struct xf_out *out)
{
    return xf_resumption_find(out->s2s, xf_span_of(out->local), xf_span_of(out->peer));
}

bool xf_out_may_resume(const struct xf_out *out)
{
    return out->features.sm && xf_out_carries(out) && out->settings->ack == XF_ACK_SM && find(out);
}

void xf_out_send_resume(struct xf_out *out)
{
    const struct xf_resumption *resumption = find(out);
    struct xf_draft draft = xf_stream_draft(&out->stream);
    xf_out_listen(out);
    xf_draft_printf(&draft, "<resume xmlns='" XF_NS_SM "' h='%u'", resumption->handled);
    xf_xml_attr(&draft, "previd", xf_span_of(resumption->id));
    xf_draft_str(&draft, "/>");
    xf_stream_send_draft(&out->stream, &draft);
    xf_out_wait(out, 0);
}

/* ------------------------------------------------------------------ what the peer says */

/* False: the peer cannot have handled so many. */
static bool learn(struct xf_out *out, const struct xf_resumption *resumption, struct xf_span count,
                  uint32_t *out_handled)
{
    uint64_t handled;
    if (!xf_span_number(count, UINT32_MAX, &handled) ||
        !xf_sm_learn(&out->carrier, &resumption->mark, (uint32_t)handled))
        return false;
    *out_handled = (uint32_t)handled;
    return true;
}

static void on_resumed(struct xf_out *out, const struct xf_elem *elem)
{
    const struct xf_resumption *resumption = find(out);
    uint32_t handled;
    if (!resumption || !xf_span_is(xf_elem_attr(elem, "previd"), resumption->id) ||
        !learn(out, resumption, xf_elem_token(elem, "h"), &handled)) {
        xf_resumption_drop(out->s2s, out->local, out->peer);
        xf_out_give_up(out, XF_CAUSE_STREAM, XF_HELP_PROTOCOL_ERROR,
                       XF_STREAM_ERROR_UNDEFINED_CONDITION,
                       "the peer resumed another stream than ours");
        return;
    }
    out->sm_id = xf_strdup(resumption->id);
    out->sm_max_ms = resumption->max_ms;
    out->carrier.sm =
        (struct xf_sm){.counts = true, .handled = resumption->handled, .said = resumption->handled};
    out->carrier.is_proving = true;
    out->resumed_bidi = resumption->is_bidi;
    xf_proof_go_on(&out->carrier.proof, handled);
    xf_out_log(out, XF_LOG_INFO, "s2s.stream.resumed", XF_WORD("dir", "out"),
               XF_STR("local", out->local), XF_STR("peer", out->peer));
    xf_resumption_drop(out->s2s, out->local, out->peer);
    xf_out_fire(out, XF_OUT_ON_RESUME_OVER);
}

/* The peer may say even then how many stanzas it had handled. */
static void on_resume_failed(struct xf_out *out, const struct xf_elem *elem)
{
    const struct xf_resumption *resumption = find(out);
    uint32_t handled;
    if (resumption)
        (void)learn(out, resumption, xf_elem_token(elem, "h"), &handled);
    xf_resumption_drop(out->s2s, out->local, out->peer);
    xf_out_fire(out, XF_OUT_ON_RESUME_OVER);
}

static void on_enabled(struct xf_out *out, const struct xf_elem *elem)
{
    struct xf_span resume = xf_elem_token(elem, "resume"), id = xf_elem_attr(elem, "id");
    uint64_t max_s;
    bool is_late = out->carrier.proof.by != XF_PROOF_SM; /* it counts what we no longer do */
    out->carrier.sm.counts = true;
    if (is_late || (!xf_span_is(resume, "true") && !xf_span_is(resume, "1"))) {
        xf_out_share(out);
        return;
    }
    if (!xf_span_number(xf_elem_token(elem, "max"), UINT64_MAX, &max_s))
        max_s = MAX_S_DEFAULT;
    if (id.len > 0 && id.len <= XF_DIALBACK_ID_MAX)
        out->sm_id = xf_span_dup(id);
    bool is_shorter = max_s < XF_RESUME_OURS_MAX_MS / 1000;
    out->sm_max_ms = is_shorter ? 1000 * max_s : XF_RESUME_OURS_MAX_MS;
}

static void on_enable_failed(struct xf_out *out)
{
    xf_proving_without_sm(&out->carrier, xf_span_of(out->peer));
    xf_out_share(out);
}

void xf_out_on_sm(struct xf_out *out, const struct xf_elem *elem)
{
    bool is_resuming = out->state == XF_OUT_RESUMING;
    if (is_resuming && xf_span_is(elem->name, "resumed"))
        on_resumed(out, elem);
    else if (is_resuming && xf_span_is(elem->name, "failed"))
        on_resume_failed(out, elem);
    else if (out->state != XF_OUT_READY || xf_sm_element(&out->carrier, elem) ||
             out->carrier.sm.counts)
        return;
    else if (xf_span_is(elem->name, "enabled"))
        on_enabled(out, elem);
    else if (xf_span_is(elem->name, "failed"))
        on_enable_failed(out);
}

/* ------------------------------------------------------------------ the end */

/* Not what policy or a fault of the peer ended: it would be refused again. */
static bool is_broken(const struct xf_out *out)
{
    const struct xf_stream *stream = &out->stream;
    return stream->our_error == XF_STREAM_ERROR_CONNECTION_TIMEOUT ||
           (stream->our_error == XF_STREAM_ERROR_NONE && !xf_stream_ended_cleanly(stream));
}

void xf_out_sm_closed(struct xf_out *out)
{
    const struct xf_s2s *s2s = out->s2s;
    if (!out->sm_id || !out->was_ready || !is_broken(out) || (s2s->is_draining && !s2s->hands_over))
        return;
    xf_resumption_keep(out->s2s,
                       &(struct xf_resumption){.local = out->local,
                                               .peer = out->peer,
                                               .id = out->sm_id,
                                               .until_ms = s2s->env->clock->now_ms + out->sm_max_ms,
                                               .max_ms = out->sm_max_ms,
                                               .handled = out->carrier.sm.handled,
                                               .is_bidi = out->is_bidi,
                                               .mark = xf_proof_mark(&out->carrier.proof)});
}
