/* SPDX-License-Identifier: MIT */
/*
 * out_fallback.c — how long an outgoing stream waits for the peer on its present conn, and what it
 * does when that conn fails: dialback on a new conn, a new conn without resumption, the next
 * address, the same addresses in clear, or the end.
 *
 * Two timers run until the stream is ready (out.c). `deadline` limits the whole negotiation
 * (negotiate-timeout). `patience` limits the wait on the present conn: candidate-timeout while
 * something else is left to try, and dialback-timeout for the answer to our key.
 */
#include <stdio.h>

#include "out_priv.h"
#include "stream_log_priv.h"

#define PARTING_MS 250 /* time to send the stream error, when another way is left */

/* ------------------------------------------------------------------ ways */

/*
 * Causes that may lie with one address: another address of the peer may do better, and next time it
 * is tried first.
 */
static bool is_of_address(enum xf_cause cause)
{
    return cause == XF_CAUSE_TIMEOUT || cause == XF_CAUSE_TLS || cause == XF_CAUSE_STREAM ||
           cause == XF_CAUSE_CERTIFICATE;
}

/* An address that sends no stream header hardly belongs to an XMPP server. */
void xf_out_blame(struct xf_out *out)
{
    if (out->dial && is_of_address(out->cause))
        xf_dial_blame(out->dial, out->cause, !out->peer_id);
}

/*
 * Did nobody show that the domain has an XMPP server? Then it may belong to another protocol
 * (protocol = auto). All else says that there is one, even if it is not the peer's: whoever can
 * disturb a stream must not choose the protocol by it.
 */
static bool is_absence(const struct xf_out *out, enum xf_cause cause)
{
    switch (cause) {
    case XF_CAUSE_NOT_FOUND:
    case XF_CAUSE_NO_SERVICE:
    case XF_CAUSE_CONNECT:
        return true;
    case XF_CAUSE_TIMEOUT:
        return out->state == XF_OUT_DIALING ||
               (out->state == XF_OUT_PLAIN_HEADER && !out->stream.bytes_in);
    default:
        return false;
    }
}

bool xf_out_found_nobody(const struct xf_out *out)
{
    return !out->was_ready && !out->found_somebody;
}

void xf_out_note_cause(struct xf_out *out, enum xf_cause cause, enum xf_help help, const char *text)
{
    if (out->cause != XF_CAUSE_NONE)
        return;
    out->found_somebody = out->found_somebody || !is_absence(out, cause);
    out->cause = cause;
    out->help = help;
    snprintf(out->text, sizeof(out->text), "%s", text);
    if (cause == XF_CAUSE_TLS &&
        (out->state == XF_OUT_HANDSHAKE || out->state == XF_OUT_PLAIN_PROCEED))
        out->tls_broke = true;
}

/*
 * tls = optional: after a failed handshake, but after no other failure, dialback may follow in
 * clear (Cisco's "reverts to server dialback").
 */
static bool may_go_in_clear(const struct xf_out *out)
{
    struct xf_verdict verdict = {.tlsa_exists = out->tlsa_exists,
                                 .lacks_proof = out->settings->pin_count > 0};
    return out->tls_broke && !out->in_clear && out->settings->tls == XF_TLS_OPTIONAL &&
           xf_auth_may(out->settings, &verdict,
                       xf_out_authenticates(out) ? XF_AUTH_DIALBACK : XF_AUTH_NONE, true);
}

/* Some servers refuse EXTERNAL and close the stream, instead of going on with dialback. */
static bool may_do_dialback(const struct xf_out *out)
{
    return out->may_dialback && out->cause == XF_CAUSE_STREAM && !out->stream.our_error &&
           (out->state == XF_OUT_TLS_SASL || out->state == XF_OUT_TLS_DIALBACK);
}

/* Is <resume/> unanswered, and nothing wrong with what the peer sent? Then do without. */
static bool may_begin_anew(const struct xf_out *out)
{
    enum xf_stream_error error = out->stream.our_error;
    return out->state == XF_OUT_RESUMING &&
           (error == XF_STREAM_ERROR_NONE || error == XF_STREAM_ERROR_CONNECTION_TIMEOUT);
}

/*
 * A server that fails over <resume/> would do so each time, for as long as it said that it keeps
 * the stream. That a connection breaks just then may be chance, once.
 */
void xf_out_note_resume(struct xf_out *out)
{
    bool is_over_it = out->cause == XF_CAUSE_STREAM || out->cause == XF_CAUSE_TIMEOUT ||
                      out->cause == XF_CAUSE_TLS;
    if (!is_over_it || !may_begin_anew(out))
        return;
    if (!out->stream.conn && out->stream.end == XF_STREAM_END_LOST)
        xf_resumption_unanswered(out->s2s, out->local, out->peer);
    else
        xf_resumption_drop(out->s2s, out->local, out->peer);
}

/* What is left to try when the present conn has failed, the best first. */
enum way { WAY_DIALBACK, WAY_ANEW, WAY_ADDRESS, WAY_CLEAR, WAY_NONE };

static enum way way_left(const struct xf_out *out)
{
    if (may_begin_anew(out))
        return WAY_ANEW;
    if (xf_dial_has_more(out->dial))
        return WAY_ADDRESS;
    return may_go_in_clear(out) ? WAY_CLEAR : WAY_NONE;
}

static enum way next_way(const struct xf_out *out)
{
    bool is_over = !out->dial || !xf_timer_is_running(&out->deadline); /* or time is up */
    if (is_over || out->s2s->is_draining ||
        !(is_of_address(out->cause) || out->cause == XF_CAUSE_AUTH))
        return WAY_NONE;
    return may_do_dialback(out) ? WAY_DIALBACK : way_left(out);
}

static void go_in_clear(struct xf_out *out)
{
    xf_out_log(out, XF_LOG_WARN, "s2s.tls.skipped", XF_STR("local", out->local),
               XF_STR("peer", out->peer), XF_STR("detail", out->text), XF_HELP(out->help));
    out->in_clear = true;
    out->cause = XF_CAUSE_NONE;
    xf_dial_free(&out->dial);
    xf_out_fire(out, XF_OUT_ON_CLEAR);
}

void xf_out_go_on(struct xf_out *out)
{
    enum way way = next_way(out);
    if (way == WAY_CLEAR) {
        go_in_clear(out);
        return;
    }
    if (way == WAY_DIALBACK)
        out->sasl_failed = true;
    if (way == WAY_DIALBACK || way == WAY_ANEW)
        xf_dial_put_back(out->dial);
    xf_out_fire(out, way == WAY_NONE ? XF_OUT_ON_END : XF_OUT_ON_NEXT);
}

void xf_out_give_up(struct xf_out *out, enum xf_cause cause, enum xf_help help,
                    enum xf_stream_error error, const char *text)
{
    if (out->state == XF_OUT_ENDED)
        return;
    xf_out_note_cause(out, cause, help, text);
    if (out->has_stream && out->stream.conn) {
        if (error != XF_STREAM_ERROR_NONE)
            xf_stream_fail(&out->stream, error, help, text);
        else
            xf_stream_close(&out->stream);
        xf_out_note_resume(out);
        if (next_way(out) != WAY_NONE) {
            xf_conn_close(out->stream.conn, PARTING_MS);
            return; /* on_closed calls xf_out_go_on */
        }
    }
    xf_out_fire(out, XF_OUT_ON_END);
}

/* ------------------------------------------------------------------ waiting */

static const char *what_is_due(const struct xf_out *out)
{
    switch (out->state) {
    case XF_OUT_PLAIN_HEADER:
        return out->stream.bytes_in ? "sent no whole stream header"
                                    : "accepted the connection and sent nothing";
    case XF_OUT_PLAIN_PROCEED:
        return "did not answer STARTTLS";
    case XF_OUT_HANDSHAKE:
        return "did not finish the TLS handshake";
    case XF_OUT_TLS_HEADER:
    case XF_OUT_AUTH_HEADER:
        return out->state == XF_OUT_TLS_HEADER ? "sent no stream header inside TLS"
                                               : "sent no stream header after SASL";
    case XF_OUT_TLS_SASL:
        return "did not answer SASL EXTERNAL";
    case XF_OUT_PLAIN_DIALBACK:
    case XF_OUT_TLS_DIALBACK:
        return "did not answer our dialback key";
    case XF_OUT_RESUMING:
        return "did not answer <resume/>";
    default:
        return "sent no stream features";
    }
}

static bool waits_for_key(const struct xf_out *out)
{
    return out->state == XF_OUT_PLAIN_DIALBACK || out->state == XF_OUT_TLS_DIALBACK;
}

static enum xf_help help_for_silence(const struct xf_out *out)
{
    if (waits_for_key(out))
        return XF_HELP_DIALBACK_UNANSWERED;
    return out->state == XF_OUT_PLAIN_HEADER && !out->stream.bytes_in ? XF_HELP_TCP_SILENT
                                                                      : XF_HELP_PEER_SILENT;
}

/* A server that cannot reach us to ask about the key says nothing for a long time. */
static const char *question_about(const struct xf_out *out)
{
    return waits_for_key(out) ? ": can it reach the servers that DNS names for us, to ask about it?"
                              : "";
}

/*
 * "192.0.2.1:5269 did not answer STARTTLS for 8 s". Addresses of static routes are the operator's
 * own: others do not see them.
 */
void xf_out_give_up_waiting(struct xf_out *out)
{
    char text[200], addr[XF_ADDR_TEXT_BYTES] = "its server";
    if (!out->settings->route.count)
        xf_addr_text(&out->stream.conn->addr, addr);
    snprintf(text, sizeof(text), "%s %s for %u s%s", addr, what_is_due(out),
             (unsigned)((out->s2s->env->clock->now_ms - out->asked_ms) / 1000),
             question_about(out));
    xf_out_give_up(out, XF_CAUSE_TIMEOUT, help_for_silence(out), XF_STREAM_ERROR_CONNECTION_TIMEOUT,
                   text);
}

void xf_out_wait(struct xf_out *out, uint64_t max_ms)
{
    uint64_t candidate_ms = out->settings->candidate_ms;
    out->asked_ms = out->s2s->env->clock->now_ms;
    xf_timer_stop(&out->patience);
    if (way_left(out) != WAY_NONE && (!max_ms || candidate_ms < max_ms))
        max_ms = candidate_ms;
    if (max_ms)
        xf_timer_start(out->s2s->env->timers, &out->patience, max_ms);
}
