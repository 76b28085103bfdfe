/* SPDX-License-Identifier: MIT */
/*
 * out.c — the life of an outgoing stream: open, stream events, time, send, reload, free. What
 * happens in between is the table in out_states.c.
 */
#include <stdio.h>

#include <xfed/base/alloc.h>
#include <xfed/xmpp/ns.h>

#include "out_priv.h"
#include "stream_log_priv.h"

static const struct xf_stream_events stream_events;

/* ------------------------------------------------------------------ the end */

/* Free it once `ended` was called and the conn is gone, whichever comes last. */
static void maybe_free(struct xf_out *out)
{
    if (out->events || (out->has_stream && out->stream.conn))
        return;
    if (out->has_stream)
        xf_stream_fini(&out->stream);
    xf_discovery_cancel(&out->discovery);
    xf_dial_free(&out->dial);
    xf_timer_stop(&out->deadline);
    xf_timer_stop(&out->patience);
    xf_timer_stop(&out->tick);
    xf_timer_stop(&out->farewell);
    xf_gate_fini(&out->gate);
    xf_carrier_fini(&out->carrier);
    xf_list_remove(&out->node);
    xf_counted_leave(out->s2s, &out->counted);
    out->s2s->stream_count--;
    xf_free(out->local);
    xf_free(out->peer);
    xf_free(out->peer_id);
    xf_free(out->sm_id);
    xf_free(out->target);
    xf_free(out->behind);
    xf_texts_release(&out->rider_locals);
    xf_tlsa_set_unref(&out->tlsa);
    xf_free(out);
}

static void on_farewell(void *owner)
{
    struct xf_out *out = owner;
    const struct xf_out_events *events = out->events;
    out->events = NULL;
    out->verify_events = NULL;
    if (!out->was_ready)
        xf_out_could_not_resume(out);
    if (events)
        events->ended(out->owner, out->was_ready, out->cause, out->text);
    maybe_free(out);
}

/* ------------------------------------------------------------------ stanzas that come back */

static struct xf_out *out_of_sender(struct xf_sender *sender)
{
    return XF_CONTAINER(sender, struct xf_out, seat.sender);
}

static void on_back(struct xf_sender *sender, struct xf_stanza_copy *copy, enum xf_fate fate)
{
    struct xf_out *out = out_of_sender(sender);
    copy->is_unproved = fate == XF_FATE_UNPROVED;
    if (out->events)
        out->events->back(out->owner, copy);
    else
        xf_free(copy);
}

static void on_proved(struct xf_sender *sender, struct xf_stanza_copy *copy)
{
    struct xf_out *out = out_of_sender(sender);
    if (out->events)
        out->events->proved(out->owner, copy);
}

static void on_settled(struct xf_sender *sender)
{
    struct xf_out *out = out_of_sender(sender);
    if (!out->events)
        return;
    out->events->settled(out->owner);
    if (out->state == XF_OUT_ENDED)
        xf_timer_start(out->s2s->env->timers, &out->farewell, 0);
}

/* ------------------------------------------------------------------ events of the stream */

static struct xf_out *out_of(struct xf_stream *stream)
{
    return XF_CONTAINER(stream, struct xf_out, stream);
}

/*
 * The peer takes the stream that we resumed on this one for a stream that goes both ways still. It
 * has no acknowledgement of what it sends here, and can send it again on a stream of its own.
 */
static void part_from_resumed(struct xf_out *out)
{
    xf_out_give_up(out, XF_CAUSE_STREAM, XF_HELP_NONE, XF_STREAM_ERROR_NONE,
                   "the peer sends as on the stream that was resumed, but this one goes one way");
}

/* RFC 6120 §4.1: a stream is one-way, unless XEP-0288 made it go both ways. */
static void on_stanza(struct xf_stream *stream, struct xf_stanza *stanza)
{
    struct xf_out *out = out_of(stream);
    if (out->is_bidi) {
        out->carrier.used_ms = out->s2s->env->clock->now_ms;
        if (xf_gate_stanza(&out->gate, out->s2s, stanza, xf_out_may_suspend(out)))
            xf_sm_handled(&out->carrier.sm);
        else
            xf_out_suspend(out);
        return;
    }
    xf_out_log(out, out->dropped++ ? XF_LOG_DEBUG : XF_LOG_WARN, "s2s.stanza.dropped",
               XF_STR("local", out->local), XF_STR("peer", out->peer),
               XF_WORD("reason", "one-way-stream"),
               XF_WORD("kind", xf_stanza_kind_name(stanza->kind)));
    if (out->state == XF_OUT_READY)
        xf_gate_element(&out->gate, out->s2s, xf_span_of(out->peer), stanza->wire_bytes);
    if (out->resumed_bidi)
        part_from_resumed(out);
}

static void on_white(struct xf_stream *stream, size_t bytes)
{
    struct xf_out *out = out_of(stream);
    if (out->state == XF_OUT_READY)
        xf_gate_element(&out->gate, out->s2s, xf_span_of(out->peer), bytes);
}

/*
 * Has a reload changed the authorities since the handshake began? What the old ones said says
 * nothing: the same server is asked once more.
 */
static bool starts_over(struct xf_out *out)
{
    const struct xf_tls_facts *facts = out->stream.conn ? out->stream.conn->tls : NULL;
    if (!out->dial || !facts || !facts->is_judged ||
        xf_tls_facts_are_by(facts, out->settings->ca_file))
        return false;
    xf_dial_put_back(out->dial);
    xf_out_give_up(out, XF_CAUSE_AUTH, XF_HELP_NONE, XF_STREAM_ERROR_NONE,
                   "the authorities changed during the handshake");
    return true;
}

static void on_secured(struct xf_stream *stream)
{
    struct xf_out *out = out_of(stream);
    xf_counting_secured(out->s2s, xf_out_dir(out), stream->conn->tls);
    xf_out_log_secured(out);
    if (!starts_over(out))
        xf_out_fire(out, XF_OUT_ON_TLS_UP);
}

static void on_drained(struct xf_stream *stream)
{
    xf_carrier_drained(&out_of(stream)->carrier);
}

static void on_parting(struct xf_stream *stream)
{
    xf_sm_part(&out_of(stream)->carrier);
}

static void on_ending(struct xf_stream *stream)
{
    struct xf_out *out = out_of(stream);
    xf_recheck_left(&out->carrier);
    xf_gate_ending(&out->gate, out->s2s);
    if (out->was_ready)
        xf_carrier_ended(&out->carrier, out->s2s->is_draining ? XF_CAUSE_SHUTDOWN : XF_CAUSE_STREAM,
                         "the stream ended");
}

/* A server that says not-authorized means what we were about to prove. */
static enum xf_help help_for_error(const struct xf_out *out)
{
    switch (out->stream.peer_error) {
    case XF_STREAM_ERROR_SYSTEM_SHUTDOWN:
        return XF_HELP_NONE;
    case XF_STREAM_ERROR_HOST_UNKNOWN:
        return XF_HELP_PEER_HOST_UNKNOWN;
    case XF_STREAM_ERROR_NOT_AUTHORIZED:
        break;
    default:
        return XF_HELP_PEER_STREAM_ERROR;
    }
    switch (out->state) {
    case XF_OUT_TLS_HEADER:
    case XF_OUT_TLS_FEATURES:
    case XF_OUT_TLS_SASL:
        return XF_HELP_OUR_CERT_REFUSED;
    case XF_OUT_PLAIN_DIALBACK:
    case XF_OUT_TLS_DIALBACK:
        return XF_HELP_DIALBACK_REFUSED;
    default:
        return XF_HELP_PEER_STREAM_ERROR;
    }
}

static enum xf_help help_for_close(const struct xf_out *out, enum xf_stream_end end)
{
    if (end == XF_STREAM_END_POLITE && out->was_ready)
        return XF_HELP_NONE;
    return out->state == XF_OUT_PLAIN_HEADER && !out->stream.bytes_in ? XF_HELP_TCP_CLOSED
                                                                      : XF_HELP_PEER_CLOSED;
}

static void note_why_closed(struct xf_out *out, enum xf_stream_end end, const char *detail)
{
    char text[200];
    if (end == XF_STREAM_END_PEER_ERROR) {
        snprintf(text, sizeof(text), "the peer's server said %s%s%s",
                 xf_stream_error_name(out->stream.peer_error), out->stream.peer_text[0] ? ": " : "",
                 out->stream.peer_text);
        xf_out_note_cause(out, XF_CAUSE_STREAM, help_for_error(out), text);
    } else if (end == XF_STREAM_END_OUR_ERROR) {
        /* An error that the stream found itself: xf_out_give_up notes its cause first. */
        xf_out_note_cause(out, XF_CAUSE_STREAM, out->stream.our_help,
                          out->stream.our_text[0] ? out->stream.our_text
                                                  : xf_stream_error_name(out->stream.our_error));
    } else if (xf_conn_end_is_tls(out->stream.conn_end) || out->state == XF_OUT_HANDSHAKE) {
        snprintf(text, sizeof(text), "TLS failed: %s", detail);
        xf_out_note_cause(out, XF_CAUSE_TLS,
                          xf_s2s_help_for_tls(out->stream.conn_end, out->is_direct), text);
    } else {
        xf_out_note_cause(out, XF_CAUSE_STREAM, help_for_close(out, end),
                          "the peer's server closed the connection");
    }
}

static const char *words_for_log(const struct xf_out *out, enum xf_stream_end end,
                                 const char *detail)
{
    if (end == XF_STREAM_END_LOST)
        return detail;
    return end == XF_STREAM_END_OUR_ERROR && out->stream.our_text[0] ? out->stream.our_text
                                                                     : out->text;
}

static void on_closed(struct xf_stream *stream, enum xf_stream_end end, const char *detail)
{
    struct xf_out *out = out_of(stream);
    xf_gate_ending(&out->gate, out->s2s);
    if (out->state == XF_OUT_HANDSHAKE && xf_conn_end_is_bad_tls(stream->conn_end))
        out->s2s->counting.totals.by[xf_out_dir(out)].tls_bad++;
    note_why_closed(out, end, detail);
    xf_out_note_resume(out);
    xf_out_log_down(out, words_for_log(out, end, detail));
    xf_timer_stop(&out->patience);
    xf_out_sm_closed(out);
    xf_recheck_left(&out->carrier);
    xf_proving_end(&out->carrier);
    if (out->state == XF_OUT_ENDED)
        maybe_free(out);
    else
        xf_out_go_on(out);
}

static const struct xf_stream_events stream_events = {
    .header = xf_out_on_header,
    .stanza = on_stanza,
    .element = xf_out_on_element,
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
    struct xf_out *out = owner;
    if (out->state == XF_OUT_ASKING)
        xf_out_ride_refused(out, "no answer in time");
    else if (out->state == XF_OUT_AWAITING)
        xf_out_stop_awaiting(out);
    else if (out->state == XF_OUT_RESOLVING)
        xf_out_give_up(out, XF_CAUSE_DNS_FAILED, XF_HELP_DNS_SILENT, XF_STREAM_ERROR_NONE,
                       "no answer from DNS in time");
    else if (out->has_stream && out->stream.conn)
        xf_out_give_up_waiting(out);
    else
        xf_out_give_up(out, XF_CAUSE_TIMEOUT, XF_HELP_TCP_TIMEOUT, XF_STREAM_ERROR_NONE,
                       "no server of the domain answered in time");
}

static void on_patience(void *owner)
{
    xf_out_give_up_waiting(owner);
}

static void on_tick(void *owner)
{
    struct xf_out *out = owner;
    uint64_t now_ms = out->s2s->env->clock->now_ms;
    if (out->state == XF_OUT_BOARDING) {
        xf_out_fire(out, XF_OUT_ON_BOARDED);
        return;
    }
    if (xf_stream_element_ms(&out->stream) >= out->s2s->settings.xml.element_ms) {
        xf_out_give_up(out, XF_CAUSE_STREAM, XF_HELP_TOO_SLOW, XF_STREAM_ERROR_POLICY_VIOLATION,
                       "an element of the peer took too long to arrive");
        return;
    }
    if (now_ms - out->carrier.used_ms >= out->settings->idle_ms && out->purpose != XF_OUT_VERIFY &&
        !xf_stream_is_stopped(&out->stream)) {
        xf_out_note_cause(out, XF_CAUSE_IDLE, XF_HELP_NONE, "the stream was idle");
        xf_out_close(out);
        return;
    }
    xf_carrier_keep_alive(&out->carrier, out->settings->ping_ms);
    if (out->is_bidi && now_ms - out->stream.heard_ms >= XF_OUT_TICK_MS)
        xf_stream_park(&out->stream);
    xf_timer_start(out->s2s->env->timers, &out->tick,
                   xf_carrier_tick_ms(&out->carrier, XF_OUT_TICK_MS));
}

/* ------------------------------------------------------------------ open */

/*
 * Make the xf_out, and let its deadline run; the caller decides which way it goes. Sends nothing.
 */
static struct xf_out *new_out(struct xf_s2s *s2s, struct xf_span local, struct xf_span peer,
                              const struct xf_out_events *events, void *owner)
{
    struct xf_out *out = xf_new(struct xf_out);
    out->s2s = s2s;
    out->number = ++s2s->last_number;
    out->local = xf_span_dup(local);
    out->peer = xf_span_dup(peer);
    out->settings = xf_policy_peer(s2s->policy, peer);
    out->events = events;
    out->owner = owner;
    out->opened_ms = s2s->env->clock->now_ms;
    out->machine = &xf_out_machine;
    out->stream_events = &stream_events;
    out->seat.ops = &xf_out_seat_ops;
    out->seat.local = out->local;
    out->seat.peer = out->peer;
    out->seat.sender =
        (struct xf_sender){.back = on_back, .proved = on_proved, .settled = on_settled};
    xf_carrier_init(&out->carrier, s2s, &out->stream, &xf_out_carrier_ops);
    xf_gate_init(&out->gate, &xf_out_gate_ops, &out->stream);
    xf_timer_init(&out->deadline, on_deadline, out);
    xf_timer_init(&out->patience, on_patience, out);
    xf_timer_init(&out->tick, on_tick, out);
    xf_timer_init(&out->farewell, on_farewell, out);
    xf_list_push(&s2s->outs, &out->node);
    s2s->stream_count++;
    xf_timer_start(s2s->env->timers, &out->deadline, out->settings->negotiate_ms);
    return out;
}

struct xf_out *xf_out_open_verify(struct xf_s2s *s2s, struct xf_span local, struct xf_span peer,
                                  const struct xf_out_events *events,
                                  const struct xf_out_verify_events *verify_events, void *owner)
{
    struct xf_out *out = new_out(s2s, local, peer, events, owner);
    out->purpose = XF_OUT_VERIFY;
    out->verify_events = verify_events;
    xf_out_fire(out, XF_OUT_ON_OPEN);
    return out;
}

void xf_out_give_back(struct xf_out *out, const char *text)
{
    out->events = NULL;
    out->verify_events = NULL;
    xf_out_give_up(out, XF_CAUSE_TIMEOUT, XF_HELP_PEER_SILENT, XF_STREAM_ERROR_NONE, text);
}

/* `may_ride`: on a stream that is there. */
static struct xf_out *begin(struct xf_out *out, bool may_ride)
{
    if (out->s2s->is_draining)
        xf_out_give_up(out, XF_CAUSE_SHUTDOWN, XF_HELP_NONE, XF_STREAM_ERROR_NONE,
                       "the gateway is shutting down");
    else if (!may_ride || !xf_out_ride(out))
        xf_out_fire(out, XF_OUT_ON_OPEN);
    return out;
}

struct xf_out *xf_out_open(struct xf_s2s *s2s, struct xf_span local, struct xf_span peer,
                           bool for_stranger, const struct xf_out_events *events, void *owner)
{
    struct xf_out *out = new_out(s2s, local, peer, events, owner);
    out->for_stranger = for_stranger;
    return begin(out, true);
}

/*
 * After these states we have said who we are. The peer may then take the pair for authenticated,
 * and send on the stream (XEP-0288).
 */
static bool has_said_nothing(const struct xf_out *out)
{
    static const bool yes[XF_OUT_STATE_COUNT] = {
        [XF_OUT_AWAITING] = true,     [XF_OUT_RESOLVING] = true,      [XF_OUT_DIALING] = true,
        [XF_OUT_PLAIN_HEADER] = true, [XF_OUT_PLAIN_FEATURES] = true, [XF_OUT_PLAIN_PROCEED] = true,
        [XF_OUT_HANDSHAKE] = true,    [XF_OUT_TLS_HEADER] = true,     [XF_OUT_TLS_FEATURES] = true,
    };
    return yes[out->state];
}

struct xf_out *xf_out_probe(struct xf_s2s *s2s, struct xf_span local, struct xf_span peer,
                            const struct xf_out_events *events, void *owner)
{
    struct xf_out *out = xf_out_open(s2s, local, peer, false, events, owner);
    out->purpose = XF_OUT_PROBE;
    if (out->settings->candidate_ms < out->settings->negotiate_ms && out->state != XF_OUT_ENDED)
        xf_timer_start(s2s->env->timers, &out->deadline, out->settings->candidate_ms);
    return out;
}

struct xf_out *xf_out_check(struct xf_s2s *s2s, struct xf_span local, struct xf_span peer,
                            const struct xf_out_events *events, void *owner)
{
    struct xf_out *out = new_out(s2s, local, peer, events, owner);
    out->purpose = XF_OUT_CHECK;
    return begin(out, false);
}

struct xf_out *xf_out_look(struct xf_s2s *s2s, struct xf_span domain,
                           const struct xf_out_events *events, void *owner)
{
    struct xf_out *out = new_out(s2s, domain, domain, events, owner);
    out->purpose = XF_OUT_LOOK;
    return begin(out, false);
}

uint64_t xf_out_number(const struct xf_out *out)
{
    return out->number;
}

void xf_out_forget(struct xf_out *out)
{
    out->events = NULL;
    if (out->state != XF_OUT_ENDED)
        xf_out_close(out);
}

bool xf_out_abandon(struct xf_out *out)
{
    if (!has_said_nothing(out))
        return false;
    out->events = NULL;
    xf_out_note_cause(out, XF_CAUSE_SHUTDOWN, XF_HELP_NONE, "another stream carries the pair");
    xf_out_close(out);
    return true;
}

/* ------------------------------------------------------------------ in use */

uint64_t xf_out_used_ms(const struct xf_out *out)
{
    return out->seat.on ? out->seat.on->used_ms : 0;
}

/* Not between the loss of the conn and the events that follow it. */
bool xf_out_is_ready(const struct xf_out *out)
{
    return out->state == XF_OUT_READY && out->seat.on->stream->conn;
}

/* Half of what may wait for the peer may wait for its proof. */
bool xf_out_is_congested(struct xf_out *out)
{
    return out->state == XF_OUT_READY &&
           (xf_stream_is_congested(out->seat.on->stream) ||
            xf_proof_is_full(&out->seat.on->proof, &out->seat.sender.unproved,
                             out->settings->queue_bytes / 2, out->settings->queue_stanzas / 2));
}

bool xf_out_has_proved(const struct xf_out *out)
{
    return out->seat.sender.has_proved;
}

const struct xf_stanza_sum *xf_out_unproved(const struct xf_out *out)
{
    return &out->seat.sender.unproved;
}

const struct xf_addr *xf_out_addr(const struct xf_out *out)
{
    return &out->seat.on->stream->conn->addr;
}

enum xf_err xf_out_send(struct xf_out *out, const struct xf_stanza *stanza,
                        struct xf_stanza_copy *copy)
{
    if (out->state != XF_OUT_READY)
        return XF_ERR_CLOSED;
    size_t max_bytes = out->seat.on->limits.max_bytes;
    if (max_bytes && !xf_xml_stanza_fits(stanza, XF_NS_SERVER, max_bytes))
        return XF_ERR_LIMIT;
    out->stanzas++;
    const struct xf_conn *conn = out->seat.on->stream->conn; /* NULL: it is lost */
    size_t before = conn ? conn->out.len : 0;
    enum xf_err err = xf_carrier_send(out->seat.on, &out->seat.sender, stanza, copy);
    if (err == XF_ERR_OK)
        xf_traffic_add(&out->counted->counts.out, stanza->kind, conn->out.len - before);
    return err;
}

void xf_out_close(struct xf_out *out)
{
    xf_out_note_cause(out, XF_CAUSE_SHUTDOWN, XF_HELP_NONE, "the stream was closed");
    if (out->has_stream && out->stream.conn)
        xf_stream_close(&out->stream);
    xf_out_fire(out, XF_OUT_ON_END);
}

/* Stanzas that wait while a route probes go on waiting when a probe fails by STREAM. */
void xf_out_renew(struct xf_out *out, const char *text)
{
    if (xf_out_carries(out))
        xf_out_note_cause(out, xf_out_is_probing(out) ? XF_CAUSE_STREAM : XF_CAUSE_IDLE,
                          XF_HELP_NONE, text);
    xf_out_close(out);
}

/* ------------------------------------------------------------------ to the next process */

bool xf_out_may_suspend(const struct xf_out *out)
{
    return out->s2s->hands_over && out->sm_id && out->has_stream && xf_out_is_ready(out) &&
           !out->stream.is_ending;
}

void xf_out_suspend(struct xf_out *out)
{
    if (!xf_out_may_suspend(out))
        return;
    xf_out_note_cause(out, XF_CAUSE_SHUTDOWN, XF_HELP_NONE, "the stream goes on after a restart");
    xf_stream_suspend(&out->stream);
    xf_out_fire(out, XF_OUT_ON_END);
}

/* ------------------------------------------------------------------ reload */

/*
 * Does the new policy forbid its stanzas? Then it ends. A verify stream carries none, but nobody is
 * asked about a domain that belongs to SIP.
 */
static bool is_denied(struct xf_out *out)
{
    struct xf_ruling ruling;
    xf_policy_judge_pair(out->s2s->policy, xf_span_of(out->local), xf_span_of(out->peer),
                         XF_DIRECTION_OUT, &ruling);
    bool is_sip = ruling.rule == XF_RULE_SIP;
    if (ruling.passes || (!is_sip && !xf_out_authenticates(out)))
        return false;
    bool is_silent = !is_sip && out->settings->denied_peer == XF_DENIAL_SILENT;
    xf_out_give_up(out, XF_CAUSE_POLICY, ruling.help,
                   is_silent ? XF_STREAM_ERROR_NONE : XF_STREAM_ERROR_POLICY_VIOLATION,
                   ruling.text);
    return true;
}

/* Such a ride ends: the pair's next stanza gets a stream of its own. NULL: it goes on. */
static const char *ride_refusal(const struct xf_out *out)
{
    if (out->seat.on->ops->is_of_peer && !out->settings->bidi)
        return "bidi is switched off for this peer"; /* only the peer sends on its stream now */
    if (xf_out_is_rider(out) && !out->seat.on->ops->is_of_peer && !out->settings->multiplex)
        return "multiplex is switched off for this peer";
    return NULL;
}

void xf_out_reload(struct xf_out *out)
{
    out->settings = xf_policy_peer(out->s2s->policy, xf_span_of(out->peer));
    if (is_denied(out))
        return;
    bool is_open = out->state == XF_OUT_READY && xf_recheck_is_due(out->seat.on);
    struct xf_refusal refusal = is_open ? (struct xf_refusal){0} : xf_out_auth_refusal(out);
    if (refusal.text) {
        xf_out_give_up(out, XF_CAUSE_POLICY, refusal.help, XF_STREAM_ERROR_POLICY_VIOLATION,
                       refusal.text);
        return;
    }
    if (out->state == XF_OUT_ASKING && !out->settings->multiplex) {
        xf_out_go_alone(out);
        return;
    }
    if (out->state != XF_OUT_READY) {
        (void)starts_over(out);
        return;
    }
    const char *bidi_refusal = out->is_bidi && !is_open ? xf_out_bidi_refusal(out) : NULL;
    if (bidi_refusal) /* the next stream goes one way */
        xf_out_give_up(out, XF_CAUSE_STREAM, XF_HELP_NONE, XF_STREAM_ERROR_POLICY_VIOLATION,
                       bidi_refusal);
    else if (ride_refusal(out))
        xf_out_give_up(out, XF_CAUSE_STREAM, XF_HELP_NONE, XF_STREAM_ERROR_NONE, ride_refusal(out));
}
