/* SPDX-License-Identifier: MIT */
/*
 * in_dialback.c — dialback on an accepted stream, as receiving server (db:result) and as
 * authoritative server (db:verify); XEP-0220 §2.1, §2.2.
 */
#include <stdio.h>

#include <xfed/base/alloc.h>
#include <xfed/xmpp/ns.h>

#include "in_priv.h"
#include "stream_log_priv.h"

#define CLAIMS_AT_ONCE  4 /* claims that one stream may make before others have their turn */
#define CLAIMS_PAUSE_MS 20
/*
 * The pause grows by this for each stream that strangers of one network or owner have: together
 * they can make the same number of claims a second, however many streams they have.
 */
#define CLAIMS_CROWD_MS     4
#define CLAIMS_PAUSE_MAX_MS 1000
#define MINUTE_MS           60000

/* ------------------------------------------------------------------ answers */

static void answer_result(struct xf_in *in, const char *local, const char *peer, const char *type)
{
    xf_dialback_write(&in->stream, &(struct xf_dialback_elem){
                                       .name = "result",
                                       .from = xf_span_of(local),
                                       .to = xf_span_of(peer),
                                       .type = type,
                                   });
}

/*
 * Dialback failed. A stream on which no pair is authenticated ends when it has failed too often, or
 * when the answer is final and it waits for no other.
 */
static void count_failure(struct xf_in *in, bool is_final)
{
    if (in->valid_pairs > 0)
        in->late_failures++;
    else if (++in->failures >= in->s2s->settings.unauthenticated.dialback_failures)
        xf_in_fail(in, XF_STREAM_ERROR_POLICY_VIOLATION, XF_HELP_AUTH_FAILED,
                   "too many failed authentications");
    else if (is_final && in->open_requests == 0)
        xf_in_fail(in, XF_STREAM_ERROR_NOT_AUTHORIZED, XF_HELP_DIALBACK_INVALID,
                   "the dialback key is not valid");
}

/*
 * Further claims on this stream fail too often: its authenticated pairs go on, but for a while we
 * ask nobody about more.
 */
static bool fails_too_often(struct xf_in *in)
{
    uint64_t now_ms = in->s2s->env->clock->now_ms;
    if (now_ms - in->late_since_ms >= MINUTE_MS) {
        in->late_since_ms = now_ms;
        in->late_failures = 0;
    }
    return in->late_failures >= in->s2s->settings.unauthenticated.failures_per_minute;
}

static void log_denied(struct xf_in *in, const struct xf_dialback_names *names, const char *reason,
                       enum xf_help help, const char *detail)
{
    xf_in_log(in, XF_LOG_WARN, "dialback.key.denied", XF_STR("local", names->to),
              XF_STR("peer", names->from), XF_STR("addr", in->host), XF_WORD("reason", reason),
              XF_STR("detail", detail), XF_HELP(help));
}

/* Why the peer must not become authenticated by `method` on this stream; text NULL: it may. */
static struct xf_refusal refusal_by(const struct xf_in *in, struct xf_span peer,
                                    const struct xf_verdict *verdict, enum xf_auth_method method)
{
    const struct xf_peer_settings *settings = xf_policy_peer(in->s2s->policy, peer);
    if (in->is_legacy && !settings->legacy)
        return (struct xf_refusal){"pre-1.0 streams are not accepted", XF_HELP_LEGACY_PEER};
    if (method != XF_AUTH_NONE && !xf_in_keeps_ciphers(in, settings))
        return (struct xf_refusal){"the ciphers of this stream are those of another peer",
                                   XF_HELP_PROTOCOL_ERROR};
    return xf_auth_refusal(settings, verdict, method, false);
}

static struct xf_refusal refusal_of(const struct xf_in *in, struct xf_span peer,
                                    enum xf_auth_method method)
{
    struct xf_verdict verdict = xf_in_verdict(in, peer);
    return refusal_by(in, peer, &verdict, method);
}

/* The answer was not VALID or, although it was, the peer's settings refuse it. Tell the peer. */
static void deny(struct xf_in *in, const struct xf_dialback_names *names,
                 enum xf_verify_answer answer, const char *detail)
{
    bool is_invalid = answer == XF_VERIFY_INVALID || answer == XF_VERIFY_VALID;
    if (answer == XF_VERIFY_NOT_FOUND)
        xf_in_answer_error(in, "result", names, XF_SPAN_NONE,
                           XF_STANZA_ERROR_REMOTE_SERVER_NOT_FOUND);
    else if (answer == XF_VERIFY_UNREACHABLE)
        xf_in_answer_error(in, "result", names, XF_SPAN_NONE,
                           XF_STANZA_ERROR_REMOTE_SERVER_TIMEOUT);
    else
        answer_result(in, names->to, names->from, "invalid");
    log_denied(in, names, is_invalid ? "invalid" : "unreachable",
               is_invalid ? XF_HELP_DIALBACK_INVALID : XF_HELP_DIALBACK_UNREACHABLE, detail);
    count_failure(in, is_invalid);
}

/* ------------------------------------------------------------------ receiving server */

static void on_answered(void *owner, enum xf_verify_answer answer, const char *detail)
{
    struct xf_pair *pair = owner;
    struct xf_in *in = pair->in;
    struct xf_dialback_names names = xf_pair_names(pair);
    pair->request = NULL;
    in->open_requests--;
    if (in->stream.is_ending) { /* too late: nothing more can be sent */
        xf_pair_free(pair);
        return;
    }
    if (answer == XF_VERIFY_VALID &&
        !refusal_of(in, xf_span_of(pair->peer), XF_AUTH_DIALBACK).text) {
        if (!xf_pair_is_as_before(pair, XF_AUTH_DIALBACK) || !xf_pair_has_place(pair))
            return;
        answer_result(in, pair->local, pair->peer, "valid");
        xf_pair_authenticated(pair, XF_AUTH_DIALBACK);
        return;
    }
    xf_pair_free(pair);
    deny(in, &names, answer, detail);
}

static void ask(struct xf_pair *pair)
{
    struct xf_in *in = pair->in;
    struct xf_dialback_names names = xf_pair_names(pair);
    const char *text = "";
    enum xf_verify_answer answer;
    if (xf_verify_is_in_vain(in->s2s, xf_span_of(pair->peer), &answer, &text)) {
        xf_pair_free(pair);
        deny(in, &names, answer, text);
        return;
    }
    pair->request = xf_verify_request_new(in->s2s, &(struct xf_verify_opts){
                                                       .local = xf_span_of(pair->local),
                                                       .peer = xf_span_of(pair->peer),
                                                       .id = xf_span_of(in->id),
                                                       .key = xf_span_of(pair->key),
                                                       .addr = &in->stream.conn->addr,
                                                       .answered = on_answered,
                                                       .owner = pair,
                                                   });
    xf_free(pair->key);
    pair->key = NULL;
    if (pair->request) {
        in->open_requests++;
        return;
    }
    xf_pair_free(pair);
    xf_in_answer_error(in, "result", &names, XF_SPAN_NONE, XF_STANZA_ERROR_RESOURCE_CONSTRAINT);
}

/*
 * Is there no room for a further pair? A wildcard certificate would be good for any number of them.
 */
static bool is_full(struct xf_in *in, const struct xf_dialback_names *names)
{
    struct xf_span local = xf_span_of(names->to), peer = xf_span_of(names->from);
    unsigned pairs = 0;
    XF_LIST_EACH (node, &in->pairs)
        pairs++;
    return pairs >= xf_policy_peer(in->s2s->policy, peer)->max_pairs ||
           (in->valid_pairs > 0 && !xf_stranger_may_claim(in, local, peer));
}

/* Does policy refuse the pair? Then answer the claim, without asking anybody about it. */
static bool is_denied(struct xf_in *in, const struct xf_dialback_names *names)
{
    struct xf_ruling ruling;
    struct xf_span local = xf_span_of(names->to), peer = xf_span_of(names->from);
    if (!xf_in_is_denied(in, local, peer, &ruling))
        return false;
    xf_in_log_denied(in, local, peer, &ruling);
    if (in->valid_pairs == 0)
        xf_in_deny(in, &ruling);
    else if (ruling.answer != XF_DENIAL_SILENT)
        xf_in_answer_error(in, "result", names, XF_SPAN_NONE, XF_STANZA_ERROR_NOT_ALLOWED);
    return true;
}

/*
 * Then the peer should claim the pair at another node. A stream with authenticated pairs goes on.
 */
static bool is_away(struct xf_in *in, const struct xf_dialback_names *names)
{
    if (!xf_s2s_is_away(in->s2s, xf_span_of(names->to)))
        return false;
    if (in->valid_pairs == 0)
        xf_in_turn_away(in);
    else
        xf_in_answer_error(in, "result", names, XF_SPAN_NONE,
                           XF_STANZA_ERROR_REMOTE_SERVER_TIMEOUT);
    return true;
}

/* XEP-0344 section 2.4: the certificate proves what its server would confirm. */
static bool answers_by_certificate(const struct xf_in *in, struct xf_span peer)
{
    return !refusal_of(in, peer, XF_AUTH_DIALBACK_CERT).text;
}

void xf_in_on_pace(void *owner)
{
    struct xf_in *in = owner;
    xf_stream_release(&in->stream);
}

static unsigned pause_ms(const struct xf_in *in)
{
    unsigned ms = xf_stranger_crowd(in) * CLAIMS_CROWD_MS;
    return ms < CLAIMS_PAUSE_MS       ? CLAIMS_PAUSE_MS
           : ms > CLAIMS_PAUSE_MAX_MS ? CLAIMS_PAUSE_MAX_MS
                                      : ms;
}

/*
 * A claim costs more than a stanza, and one wildcard certificate is good for any number of claims:
 * stop reading for a moment after every few. Before the first pair is authenticated,
 * questions-per-stream limits them.
 */
static void pace(struct xf_in *in)
{
    if (in->valid_pairs == 0 || ++in->claims % CLAIMS_AT_ONCE != 0 || in->stream.is_ending)
        return;
    xf_stream_hold(&in->stream);
    xf_timer_start(in->s2s->env->timers, &in->pace, pause_ms(in));
}

/*
 * Refuse the claim where settings, or what is known about the peer's identity, say so. True: it was
 * answered, or the stream ends.
 */
static bool refuse_claim(struct xf_in *in, const struct xf_dialback_names *names,
                         const struct xf_verdict *verdict)
{
    struct xf_refusal refusal = refusal_by(in, xf_span_of(names->from), verdict, XF_AUTH_DIALBACK);
    if (!refusal.text)
        return false;
    log_denied(in, names, "policy", refusal.help, refusal.text);
    if (verdict->dane_is_open && !verdict->lacks_proof) {
        xf_in_answer_error(in, "result", names, XF_SPAN_NONE,
                           XF_STANZA_ERROR_REMOTE_SERVER_TIMEOUT);
        count_failure(in, false);
    } else if (in->valid_pairs == 0)
        xf_in_fail(in, XF_STREAM_ERROR_POLICY_VIOLATION, refusal.help, refusal.text);
    else
        xf_in_answer_error(in, "result", names, XF_SPAN_NONE, XF_STANZA_ERROR_NOT_ALLOWED);
    return true;
}

/*
 * All that the certificate and DNS can say is known: authenticate the pair, refuse it, or ask its
 * server.
 */
static void prove(struct xf_pair *pair)
{
    struct xf_in *in = pair->in;
    struct xf_dialback_names names = xf_pair_names(pair);
    struct xf_span peer = xf_span_of(pair->peer);
    struct xf_verdict verdict = xf_in_verdict(in, peer);
    if (refuse_claim(in, &names, &verdict)) {
        xf_pair_free(pair);
    } else if (answers_by_certificate(in, peer)) {
        if (!xf_pair_is_as_before(pair, XF_AUTH_DIALBACK_CERT) || !xf_pair_has_place(pair))
            return;
        answer_result(in, pair->local, pair->peer, "valid");
        xf_pair_authenticated(pair, XF_AUTH_DIALBACK_CERT);
    } else if (!pair->key) {
        xf_pair_free(pair);
        answer_result(in, names.to, names.from, "invalid");
        log_denied(in, &names, "invalid", XF_HELP_PROTOCOL_ERROR, "the key is empty or too long");
        count_failure(in, true);
    } else {
        ask(pair);
    }
}

static void on_records(void *owner)
{
    struct xf_pair *pair = owner;
    pair->in->open_requests--;
    if (pair->in->stream.is_ending)
        xf_pair_free(pair);
    else
        prove(pair);
}

static void claim(struct xf_in *in, const struct xf_dialback_names *names, struct xf_span key)
{
    if (in->open_requests >= in->s2s->settings.unauthenticated.questions_per_stream ||
        fails_too_often(in)) {
        xf_in_answer_error(in, "result", names, XF_SPAN_NONE, XF_STANZA_ERROR_RESOURCE_CONSTRAINT);
        return;
    }
    if (!xf_in_has_room(in, names))
        return;
    struct xf_pair *pair = xf_pair_new(in, xf_span_of(names->to), xf_span_of(names->from));
    if (key.len > 0 && key.len <= XF_DIALBACK_KEY_MAX)
        pair->key = xf_span_dup(key);
    if (xf_in_look_for_records(pair, on_records))
        in->open_requests++;
    else
        prove(pair);
}

static bool is_about(const struct xf_pair *pair, struct xf_span key)
{
    return pair->request ? xf_verify_request_is_about(pair->request, key)
                         : pair->key && xf_span_is(key, pair->key);
}

/* False: the stream is ending. */
static bool read_names(struct xf_in *in, const struct xf_elem *elem, struct xf_dialback_names *out)
{
    enum xf_err err = xf_dialback_read_names(elem, out);
    if (err == XF_ERR_LIMIT)
        xf_in_fail(in, XF_STREAM_ERROR_POLICY_VIOLATION, XF_HELP_PROTOCOL_ERROR,
                   "no stream id is that long");
    else if (err != XF_ERR_OK)
        xf_in_fail(in, XF_STREAM_ERROR_IMPROPER_ADDRESSING, XF_HELP_PROTOCOL_ERROR, NULL);
    return err == XF_ERR_OK;
}

static void on_result(struct xf_in *in, const struct xf_elem *elem)
{
    struct xf_dialback_names names;
    if (!read_names(in, elem, &names))
        return;
    if (!xf_policy_served(in->s2s->policy, xf_span_of(names.to))) {
        xf_in_answer_error(in, "result", &names, XF_SPAN_NONE, XF_STANZA_ERROR_ITEM_NOT_FOUND);
        count_failure(in, false);
        return;
    }
    struct xf_verdict verdict = xf_in_verdict_at_best(in, xf_span_of(names.from));
    if (is_away(in, &names) || is_denied(in, &names) || refuse_claim(in, &names, &verdict))
        return;
    struct xf_pair *pair = xf_in_find_pair(in, xf_span_of(names.to), xf_span_of(names.from));
    if (pair && pair->method != XF_AUTH_NONE)
        answer_result(in, names.to, names.from, "valid");
    else if (pair && is_about(pair, elem->text))
        return; /* said twice: one answer will do for both */
    else if (pair || is_full(in, &names))
        /* With a `pair`, a question about another key is still open. */
        xf_in_answer_error(in, "result", &names, XF_SPAN_NONE, XF_STANZA_ERROR_RESOURCE_CONSTRAINT);
    else
        claim(in, &names, elem->text);
}

/* A claim that came with the end of its connection, or behind ours, proves nothing any more. */
void xf_in_dialback_result(struct xf_in *in, const struct xf_elem *elem)
{
    if (!in->stream.conn || in->stream.is_ending)
        return;
    on_result(in, elem);
    pace(in);
}

/* ------------------------------------------------------------------ authoritative server */

void xf_in_dialback_verify(struct xf_in *in, const struct xf_elem *elem)
{
    struct xf_dialback_names names;
    struct xf_span id = xf_elem_attr(elem, "id");
    if (!read_names(in, elem, &names))
        return;
    if (id.len == 0) {
        xf_in_fail(in, XF_STREAM_ERROR_IMPROPER_ADDRESSING, XF_HELP_PROTOCOL_ERROR, NULL);
        return;
    }
    struct xf_span local = xf_span_of(names.to), peer = xf_span_of(names.from);
    if (!xf_policy_served(in->s2s->policy, local)) {
        xf_in_answer_error(in, "verify", &names, id, XF_STANZA_ERROR_ITEM_NOT_FOUND);
        return;
    }
    struct xf_ruling ruling;
    if (xf_in_is_shut_out(in, local, peer, &ruling)) {
        xf_in_log_denied(in, local, peer, &ruling);
        if (ruling.answer != XF_DENIAL_SILENT)
            xf_in_answer_error(in, "verify", &names, id, XF_STANZA_ERROR_NOT_ALLOWED);
        return;
    }
    if (refusal_of(in, peer, XF_AUTH_NONE).text) {
        xf_in_answer_error(in, "verify", &names, id, XF_STANZA_ERROR_NOT_ALLOWED);
        return;
    }
    bool ours = xf_dialback_key_is_ours(&in->s2s->dialback_secret, peer, local, id, elem->text);
    xf_dialback_write(&in->stream, &(struct xf_dialback_elem){
                                       .name = "verify",
                                       .from = local,
                                       .to = peer,
                                       .id = id,
                                       .type = ours ? "valid" : "invalid",
                                   });
    xf_in_log(in, ours ? XF_LOG_DEBUG : XF_LOG_WARN, "dialback.key.checked", XF_SPN("local", local),
              XF_SPN("peer", peer), XF_WORD("answer", ours ? "valid" : "invalid"),
              XF_HELP(ours ? XF_HELP_NONE : XF_HELP_SECRET_DIFFERS));
}
