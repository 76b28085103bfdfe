/* SPDX-License-Identifier: MIT */
/*
 * verify.c — asks authoritative servers: "did you make this key?" (XEP-0220 §2.2).
 *
 * Questions about one pair share a verify stream (an xf_out that authenticates nobody), which
 * closes a little after the last answer. An answer counts only while a question with that id, from
 * and to is open on that very stream (CVE-2012-3525); other answers are dropped.
 *
 * A stranger decides where a verify stream connects. So that nobody can make us connect to a victim
 * a thousand times, the number of questions is limited per stream whose peer claims something
 * (in_dialback.c), per domain asked, per network that they come from, and in all (verify_places.c).
 * There are never more verify streams than questions allowed in all; streams without questions are
 * closed first. A domain whose server cannot be reached is not asked again for a while
 * (limits/backoff.h).
 */
#include <stdio.h>

#include <xfed/base/alloc.h>
#include <xfed/xmpp/ns.h>

#include "out_priv.h"
#include "stream_log_priv.h"

/* Back-off, after a failure, for hosts that strangers make us connect to. */
#define BACKOFF_MIN_MS 5000
#define BACKOFF_MAX_MS 60000
#define QUIET_MS       5000 /* after so long without questions a verify stream closes */
/* Answers without a question on one verify stream; more of them end it. */
#define UNASKED_MAX 16
/* Bytes of questions that the server has not read; more of them end the stream. */
#define UNREAD_MAX (16u << 10)

struct xf_verify_request {
    struct xf_node node;
    struct xf_verify_stream *verify;
    struct xf_verify_places places;
    char *id, *key;
    bool is_sent, is_answered;
    struct xf_timer patience;
    xf_verify_answered_fn answered;
    void *owner;
};

struct xf_verify_stream {
    struct xf_s2s *s2s;
    char *local, *peer;
    struct xf_out *out;
    bool is_ready;
    bool is_retired; /* takes no more questions, and is closing */
    struct xf_node idle_node;
    struct xf_node requests;
    unsigned request_count;
    /* Questions cancelled after they were sent: answers may still come. */
    unsigned unheard;
    unsigned unasked; /* answers without a question */
    bool is_heard;    /* a question was answered */
    /* Runs while a question waits, none was answered yet, and the peer has other addresses. */
    struct xf_timer doubt;
    struct xf_timer quiet; /* runs while there are no questions */
};

static const struct xf_out_events stream_events;
static const struct xf_out_verify_events verify_events;

static void free_request(struct xf_verify_request *request)
{
    request->verify->request_count--;
    request->verify->unheard += request->is_sent && !request->is_answered;
    xf_verify_places_give(request->verify->s2s, &request->places);
    xf_list_remove(&request->node);
    xf_timer_stop(&request->patience);
    xf_free(request->id);
    xf_free(request->key);
    xf_free(request);
}

static void send_request(struct xf_verify_request *request)
{
    struct xf_verify_stream *verify = request->verify;
    if (xf_conn_backlog(verify->out->stream.conn) > UNREAD_MAX) {
        xf_out_give_up(verify->out, XF_CAUSE_STREAM, XF_HELP_TOO_SLOW,
                       XF_STREAM_ERROR_POLICY_VIOLATION, "our questions are not read");
        return;
    }
    request->is_sent = true;
    if (!verify->is_heard && !xf_timer_is_running(&verify->doubt) && xf_out_has_more(verify->out))
        xf_timer_start(verify->s2s->env->timers, &verify->doubt,
                       verify->out->settings->candidate_ms);
    xf_dialback_write(&verify->out->stream, &(struct xf_dialback_elem){
                                                .name = "verify",
                                                .from = xf_span_of(verify->local),
                                                .to = xf_span_of(verify->peer),
                                                .id = xf_span_of(request->id),
                                                .key = xf_span_of(request->key),
                                            });
}

/* The last question is gone: close a little later, unless another one comes. */
static void rest_when_idle(struct xf_verify_stream *verify)
{
    if (verify->request_count > 0 || verify->is_retired)
        return;
    xf_list_remove(&verify->idle_node);
    xf_list_push(&verify->s2s->verifying.idle_streams, &verify->idle_node);
    xf_timer_start(verify->s2s->env->timers, &verify->quiet, QUIET_MS);
}

static void wake(struct xf_verify_stream *verify)
{
    xf_list_remove(&verify->idle_node);
    xf_timer_stop(&verify->quiet);
}

static void on_quiet(void *owner)
{
    struct xf_verify_stream *verify = owner;
    xf_out_close(verify->out);
}

/* The server at this address does not answer: ask at another address of the peer. */
static void on_doubt(void *owner)
{
    struct xf_verify_stream *verify = owner;
    if (verify->is_retired || verify->request_count == 0)
        return;
    xf_out_give_back(verify->out, "its server did not answer our questions");
    verify->is_ready = false;
    XF_LIST_EACH (node, &verify->requests)
        XF_CONTAINER(node, struct xf_verify_request, node)->is_sent = false;
    verify->out =
        xf_out_open_verify(verify->s2s, xf_span_of(verify->local), xf_span_of(verify->peer),
                           &stream_events, &verify_events, verify);
}

/* The stream takes no more questions: the next question of the pair gets a new one. */
static void forget(struct xf_verify_stream *verify)
{
    struct xf_pair_key text;
    struct xf_span key = xf_pair_key(xf_span_of(verify->local), xf_span_of(verify->peer), &text);
    if (verify->is_retired)
        return;
    verify->is_retired = true;
    verify->s2s->verifying.stream_count--;
    wake(verify);
    xf_map_remove(verify->s2s->verifying.streams, key);
}

/*
 * Close the stream at once, to make room for another one. Its address is not avoided for that: that
 * the server has not answered yet is not its fault.
 */
static void evict(struct xf_verify_stream *verify)
{
    struct xf_out *out = verify->out;
    forget(verify);
    xf_dial_free(&out->dial);
    xf_out_close(out);
    if (out->has_stream)
        xf_stream_abort(&out->stream);
}

/*
 * If there are as many verify streams as questions allowed, one at least has no question: the new
 * question is counted, and has no stream yet. Close the one that has been idle longest.
 */
static void make_room(struct xf_s2s *s2s)
{
    bool is_full = s2s->verifying.stream_count >= s2s->settings.unauthenticated.questions;
    if (is_full && !xf_list_is_empty(&s2s->verifying.idle_streams))
        evict(XF_CONTAINER(s2s->verifying.idle_streams.next, struct xf_verify_stream, idle_node));
}

static struct xf_verify_stream *new_stream(struct xf_s2s *s2s, struct xf_span local,
                                           struct xf_span peer)
{
    struct xf_pair_key text;
    struct xf_verify_stream *verify = xf_new(struct xf_verify_stream);
    verify->s2s = s2s;
    verify->local = xf_span_dup(local);
    verify->peer = xf_span_dup(peer);
    xf_list_init(&verify->requests);
    xf_timer_init(&verify->doubt, on_doubt, verify);
    xf_timer_init(&verify->quiet, on_quiet, verify);
    make_room(s2s);
    s2s->verifying.stream_count++;
    xf_map_set(s2s->verifying.streams, xf_pair_key(local, peer, &text), verify);
    verify->out = xf_out_open_verify(s2s, local, peer, &stream_events, &verify_events, verify);
    return verify;
}

static void tell(struct xf_verify_request *request, enum xf_verify_answer answer,
                 const char *detail)
{
    xf_verify_answered_fn answered = request->answered;
    void *owner = request->owner;
    free_request(request);
    answered(owner, answer, detail);
}

static void on_out_of_patience(void *owner)
{
    struct xf_verify_request *request = owner;
    struct xf_verify_stream *verify = request->verify;
    tell(request, XF_VERIFY_UNREACHABLE, "the authoritative server did not answer in time");
    rest_when_idle(verify);
}

static void give_way(struct xf_verify_places *places)
{
    struct xf_verify_request *request = XF_CONTAINER(places, struct xf_verify_request, places);
    struct xf_verify_stream *verify = request->verify;
    tell(request, XF_VERIFY_UNREACHABLE,
         "too many questions are under way, and this one was not answered");
    rest_when_idle(verify);
}

static struct xf_verify_stream *get_stream(struct xf_s2s *s2s, struct xf_span local,
                                           struct xf_span peer)
{
    struct xf_pair_key text;
    struct xf_verify_stream *verify =
        xf_map_find(s2s->verifying.streams, xf_pair_key(local, peer, &text));
    return verify ? verify : new_stream(s2s, local, peer);
}

struct xf_verify_request *xf_verify_request_new(struct xf_s2s *s2s,
                                                const struct xf_verify_opts *opts)
{
    struct xf_verify_request *request = xf_new(struct xf_verify_request);
    request->places.give_way = give_way;
    if (!xf_verify_places_take(s2s, &request->places, opts->peer, opts->addr)) {
        xf_free(request);
        return NULL;
    }
    struct xf_verify_stream *verify = get_stream(s2s, opts->local, opts->peer);
    request->verify = verify;
    request->id = xf_span_dup(opts->id);
    request->key = xf_span_dup(opts->key);
    request->answered = opts->answered;
    request->owner = opts->owner;
    xf_timer_init(&request->patience, on_out_of_patience, request);
    xf_timer_start(s2s->env->timers, &request->patience, s2s->settings.unauthenticated.dialback_ms);
    xf_list_push(&verify->requests, &request->node);
    verify->request_count++;
    wake(verify);
    if (verify->is_ready)
        send_request(request);
    return request;
}

void xf_verify_request_cancel(struct xf_verify_request **request)
{
    if (!*request)
        return;
    struct xf_verify_stream *verify = (*request)->verify;
    free_request(*request);
    *request = NULL;
    rest_when_idle(verify);
}

bool xf_verify_request_is_about(const struct xf_verify_request *request, struct xf_span key)
{
    return xf_span_is(key, request->key);
}

static void on_ready(void *owner)
{
    struct xf_verify_stream *verify = owner;
    verify->is_ready = true;
    XF_LIST_EACH (node, &verify->requests) {
        struct xf_verify_request *request = XF_CONTAINER(node, struct xf_verify_request, node);
        if (!request->is_sent)
            send_request(request);
    }
    rest_when_idle(verify);
}

static struct xf_verify_request *find_request(struct xf_verify_stream *verify,
                                              const struct xf_elem *elem)
{
    struct xf_dialback_names names;
    if (xf_dialback_read_names(elem, &names) != XF_ERR_OK ||
        strcmp(names.from, verify->peer) != 0 || strcmp(names.to, verify->local) != 0)
        return NULL;
    XF_LIST_EACH (node, &verify->requests) {
        struct xf_verify_request *request = XF_CONTAINER(node, struct xf_verify_request, node);
        if (request->is_sent && xf_span_eq(xf_span_of(request->id), xf_elem_attr(elem, "id")))
            return request;
    }
    return NULL;
}

static void on_answer(void *owner, const struct xf_elem *elem)
{
    struct xf_verify_stream *verify = owner;
    struct xf_span type = xf_elem_token(elem, "type");
    struct xf_verify_request *request = find_request(verify, elem);
    if (!request && verify->unheard > 0) {
        verify->unheard--; /* of a cancelled question */
        return;
    }
    if (!request || !type.len) {
        xf_out_log(verify->out, verify->unasked ? XF_LOG_DEBUG : XF_LOG_WARN,
                   "dialback.answer.ignored", XF_STR("local", verify->local),
                   XF_STR("peer", verify->peer), XF_WORD("reason", "not-asked"));
        if (++verify->unasked > UNASKED_MAX)
            xf_out_give_up(verify->out, XF_CAUSE_STREAM, XF_HELP_PROTOCOL_ERROR,
                           XF_STREAM_ERROR_POLICY_VIOLATION,
                           "too many answers that nobody asked for");
        return;
    }
    request->is_answered = verify->is_heard = true;
    xf_timer_stop(&verify->doubt);
    xf_out_settle(verify->out);
    if (xf_span_is(type, "valid"))
        tell(request, XF_VERIFY_VALID, "");
    else if (xf_span_is(type, "invalid"))
        tell(request, XF_VERIFY_INVALID,
             "the authoritative server says that the key is not its own");
    else
        tell(request, XF_VERIFY_UNREACHABLE, "the authoritative server answered with an error");
    rest_when_idle(verify);
}

static enum xf_verify_answer answer_of(enum xf_cause cause)
{
    bool absent = cause == XF_CAUSE_NOT_FOUND || cause == XF_CAUSE_NO_SERVICE;
    return absent ? XF_VERIFY_NOT_FOUND : XF_VERIFY_UNREACHABLE;
}

/*
 * Remember the failure before anybody can ask again. A stream that was evicted says nothing about
 * its server.
 */
static void on_ending(void *owner, enum xf_cause cause, const char *text)
{
    struct xf_verify_stream *verify = owner;
    if (!verify->is_ready && !verify->is_retired)
        xf_backoff_failed(&verify->s2s->verifying.peer_backoff, verify->peer, (int)answer_of(cause),
                          text);
    forget(verify);
}

static void on_ended(void *owner, bool was_ready, enum xf_cause cause, const char *text)
{
    (void)was_ready;
    struct xf_verify_stream *verify = owner;
    enum xf_verify_answer answer = answer_of(cause);
    while (!xf_list_is_empty(&verify->requests))
        tell(XF_CONTAINER(verify->requests.next, struct xf_verify_request, node), answer, text);
    xf_timer_stop(&verify->doubt);
    xf_timer_stop(&verify->quiet);
    xf_free(verify->local);
    xf_free(verify->peer);
    xf_free(verify);
}

static const struct xf_out_events stream_events = {.ready = on_ready, .ended = on_ended};
static const struct xf_out_verify_events verify_events = {.answer = on_answer, .ending = on_ending};

bool xf_verify_is_in_vain(const struct xf_s2s *s2s, struct xf_span peer,
                          enum xf_verify_answer *out_answer, const char **out_text)
{
    char name[XF_DOMAIN_MAX + 1];
    int note = 0;
    snprintf(name, sizeof(name), "%.*s", XF_SPAN_ARGS(peer));
    bool is_shut = xf_backoff_is_waiting(&s2s->verifying.peer_backoff, name, &note, out_text);
    *out_answer = (enum xf_verify_answer)note;
    return is_shut;
}

void xf_verifying_init(struct xf_verifying *verifying, const struct xf_clock *clock)
{
    verifying->streams = xf_map_new();
    verifying->peers = xf_map_new();
    xf_list_init(&verifying->idle_streams);
    xf_quota_init(&verifying->places, NULL);
    xf_backoff_init(&verifying->peer_backoff, clock, BACKOFF_MIN_MS, BACKOFF_MAX_MS);
    xf_backoff_init(&verifying->addr_backoff, clock, BACKOFF_MIN_MS, BACKOFF_MAX_MS);
}

void xf_verifying_fini(struct xf_verifying *verifying)
{
    xf_map_free(&verifying->streams);
    xf_map_free(&verifying->peers);
    xf_quota_fini(&verifying->places);
    xf_backoff_fini(&verifying->peer_backoff);
    xf_backoff_fini(&verifying->addr_backoff);
}
