/* SPDX-License-Identifier: MIT */
/*
 * in.c — the life of an accepted stream: accept, stream events, time, reload, end.
 *
 * Until the first pair is authenticated, the stream counts against the quota of unauthenticated
 * conns, the peer may send only a few small elements, and a deadline runs.
 */
#include <stdio.h>

#include <xfed/base/alloc.h>
#include <xfed/xmpp/ns.h>

#include "in_priv.h"
#include "stream_log_priv.h"

static struct xf_in *in_of(struct xf_stream *stream)
{
    return XF_CONTAINER(stream, struct xf_in, stream);
}

/* ------------------------------------------------------------------ events of the stream */

static void on_element(struct xf_stream *stream, const struct xf_elem *elem)
{
    struct xf_in *in = in_of(stream);
    bool is_paired = in->valid_pairs > 0;
    bool is_due = xf_sm_is_due(&in->carrier, elem);
    xf_in_element(in, elem);
    if (is_paired && !is_due)
        xf_gate_element(&in->gate, in->s2s, in->carrier.ops->peer(&in->carrier), elem->wire_bytes);
}

static void on_white(struct xf_stream *stream, size_t bytes)
{
    struct xf_in *in = in_of(stream);
    if (in->valid_pairs > 0)
        xf_gate_element(&in->gate, in->s2s, in->carrier.ops->peer(&in->carrier), bytes);
}

static void on_stanza(struct xf_stream *stream, struct xf_stanza *stanza)
{
    struct xf_in *in = in_of(stream);
    if (xf_gate_stanza(&in->gate, in->s2s, stanza, xf_in_may_suspend(in)))
        xf_sm_handled(&in->carrier.sm);
    else
        (void)xf_in_suspend(in);
}

static void on_parting(struct xf_stream *stream)
{
    xf_sm_part(&in_of(stream)->carrier);
}

static void on_secured(struct xf_stream *stream)
{
    struct xf_in *in = in_of(stream);
    xf_counting_secured(in->s2s, XF_S2S_IN, stream->conn->tls);
    in->pass = XF_PASS_TLS;
    in->is_open = false;
    in->is_bidi = false; /* XEP-0288 §2.1: TLS comes first */
}

static void on_drained(struct xf_stream *stream)
{
    xf_carrier_drained(&in_of(stream)->carrier);
}

static void on_ending(struct xf_stream *stream)
{
    struct xf_in *in = in_of(stream);
    xf_recheck_left(&in->carrier);
    xf_gate_ending(&in->gate, in->s2s);
    xf_pairs_withdraw(in);
    xf_carrier_ended(&in->carrier, in->s2s->is_draining ? XF_CAUSE_SHUTDOWN : XF_CAUSE_STREAM,
                     "the stream ended");
}

static void on_closed(struct xf_stream *stream, enum xf_stream_end end, const char *detail)
{
    struct xf_in *in = in_of(stream);
    struct xf_s2s *s2s = in->s2s;
    xf_gate_ending(&in->gate, s2s);
    if (in->pass == XF_PASS_PLAIN && xf_conn_end_is_bad_tls(stream->conn_end))
        s2s->counting.totals.by[XF_S2S_IN].tls_bad++;
    xf_in_log_down(in, end, detail);
    xf_in_sm_closed(in);
    xf_recheck_left(&in->carrier);
    xf_proving_end(&in->carrier);
    xf_carrier_fini(&in->carrier);
    xf_in_pairs_free(in);
    xf_look_stop(s2s, &in->look);
    xf_stream_fini(stream);
    xf_timer_stop(&in->deadline);
    xf_timer_stop(&in->tick);
    xf_timer_stop(&in->pace);
    xf_quota_give(&s2s->half_open, &in->place);
    xf_stranger_left(in);
    xf_list_remove(&in->node);
    xf_gate_fini(&in->gate);
    s2s->stream_count--;
    xf_free(in->local);
    xf_free(in->peer);
    xf_free(in->tls_ciphers);
    xf_tlsa_set_unref(&in->tlsa);
    xf_free(in);
}

static const struct xf_stream_events stream_events = {
    .header = xf_in_on_header,
    .stanza = on_stanza,
    .element = on_element,
    .white = on_white,
    .secured = on_secured,
    .drained = on_drained,
    .parting = on_parting,
    .ending = on_ending,
    .closed = on_closed,
};

/* ------------------------------------------------------------------ time */

static void on_deadline(void *owner)
{
    xf_in_fail(owner, XF_STREAM_ERROR_CONNECTION_TIMEOUT, XF_HELP_AUTH_TIMEOUT,
               "not authenticated in time");
    struct xf_in *in = owner;
    if (!in->stream.is_ending) /* no XML can be sent yet: a TLS handshake is under way */
        xf_stream_abort(&in->stream);
}

static void on_tick(void *owner)
{
    struct xf_in *in = owner;
    uint64_t now_ms = in->s2s->env->clock->now_ms, quiet_ms = now_ms - in->stream.heard_ms;
    bool is_idle = !xf_stream_is_stopped(&in->stream) && quiet_ms >= in->idle_ms;
    if (is_idle && now_ms - in->carrier.used_ms >= in->idle_ms) {
        xf_in_close(in);
        return;
    }
    if (xf_stream_element_ms(&in->stream) >= in->s2s->settings.xml.element_ms) {
        xf_in_fail(in, XF_STREAM_ERROR_POLICY_VIOLATION, XF_HELP_TOO_SLOW,
                   "an element took too long to arrive");
        return;
    }
    if (quiet_ms >= XF_IN_TICK_MS)
        xf_stream_park(&in->stream);
    if (in->is_bidi)
        xf_carrier_keep_alive(&in->carrier, 0);
    xf_timer_start(in->s2s->env->timers, &in->tick, XF_IN_TICK_MS);
}

/* ------------------------------------------------------------------ accept */

static uint64_t patience_ms(const struct xf_s2s *s2s)
{
    uint64_t auth_ms = s2s->settings.unauthenticated.auth_ms,
             negotiate_ms = xf_policy_defaults(s2s->policy)->negotiate_ms;
    return auth_ms < negotiate_ms ? auth_ms : negotiate_ms;
}

void xf_in_accept(struct xf_s2s *s2s, struct xf_conn *conn, bool is_direct)
{
    struct xf_in *in = xf_new(struct xf_in);
    if (!xf_in_admit(s2s, &in->place, &conn->addr)) {
        xf_free(in);
        xf_conn_close(conn, 0);
        return;
    }
    struct xf_reader_limits limits = xf_s2s_limits_before(s2s);
    in->s2s = s2s;
    xf_addr_host_text(&conn->addr, in->host);
    xf_addr_network_text(&conn->addr, in->network);
    in->settings = xf_policy_defaults(s2s->policy);
    in->number = ++s2s->last_number;
    in->accepted_ms = s2s->env->clock->now_ms;
    xf_list_init(&in->pairs);
    xf_timer_init(&in->deadline, on_deadline, in);
    xf_timer_init(&in->tick, on_tick, in);
    xf_timer_init(&in->pace, xf_in_on_pace, in);
    xf_list_push(&s2s->ins, &in->node);
    s2s->stream_count++;
    s2s->counting.totals.by[XF_S2S_IN].opened++;
    xf_stream_init(&in->stream, s2s->env, XF_NS_SERVER, &limits,
                   s2s->settings.unauthenticated.elements, &stream_events);
    in->stream.is_receiving = true;
    xf_carrier_init(&in->carrier, s2s, &in->stream, &xf_in_carrier_ops);
    xf_gate_init(&in->gate, &xf_in_gate_ops, &in->stream);
    xf_stream_attach(&in->stream, conn);
    xf_timer_start(s2s->env->timers, &in->deadline, patience_ms(s2s));
    if (is_direct)
        xf_in_start_direct_tls(in);
}

/* ------------------------------------------------------------------ to the next process */

bool xf_in_may_suspend(const struct xf_in *in)
{
    return in->s2s->hands_over && in->resumable && !in->stream.is_ending;
}

bool xf_in_suspend(struct xf_in *in)
{
    if (!xf_in_may_suspend(in))
        return false;
    xf_stream_suspend(&in->stream);
    return true;
}

/* ------------------------------------------------------------------ reload */

/* Does the new policy forbid a pair of the stream? Then end the stream. */
static bool ends_by_policy(struct xf_in *in)
{
    XF_LIST_EACH (node, &in->pairs) {
        const struct xf_pair *pair = xf_pair_of_node(node);
        struct xf_span local = xf_span_of(pair->local), peer = xf_span_of(pair->peer);
        struct xf_ruling ruling;
        if (!xf_in_is_denied(in, local, peer, &ruling))
            continue;
        xf_in_log_denied(in, local, peer, &ruling);
        xf_in_deny(in, &ruling);
        return true;
    }
    return false;
}

void xf_in_reload(struct xf_in *in)
{
    in->settings = xf_policy_peer(in->s2s->policy, xf_span_of(in->peer));
    xf_stranger_judge(in);
    struct xf_refusal refusal = {0};
    if (!ends_by_policy(in) && !xf_recheck_is_due(&in->carrier))
        refusal = xf_in_auth_refusal(in);
    xf_in_keep_to_pairs(in);
    if (refusal.text)
        xf_in_fail(in, XF_STREAM_ERROR_POLICY_VIOLATION, refusal.help, refusal.text);
}
