/* SPDX-License-Identifier: MIT */
/*
 * ask.c — questions to authoritative servers: "did you make this key?" (XEP-0220 §2.2).
 *
 * Questions of one pair share a verify stream (an xf_out that authenticates nobody), which closes a little after the last answer. An answer
 * counts only when a question with that id, from and to is open on that very stream (CVE-2012-3525); what else comes is dropped.
 *
 * Each verify stream is a connection of ours to somebody whom a stranger named, so that nobody may make us knock at a victim's door a thousand
 * times: questions are bounded for each stream that claims something (in_pairs.c), for each domain asked, for each network that they come
 * from and in all (ask_room.c); there are never more verify streams than questions allowed in all, those without questions going first; and
 * a domain whose server is out of reach is not asked again for a while (backoff.c).
 */
#include "s2s_priv.h"

#include <stdio.h>

#include <xfed/base/alloc.h>
#include <xfed/xmpp/ns.h>

#define QUIET_MS 5000 /* a verify stream without questions */
#define UNASKED_MAX 16 /* answers that nobody asked for, on one verify stream */
#define UNREAD_MAX (16u << 10) /* of questions that wait for a server which does not read them */

struct xf_ask {
    struct xf_node node;
    struct xf_asker *asker;
    struct xf_ask_room room;
    char *id, *key;
    bool is_sent, is_answered;
    struct xf_timer patience;
    xf_answered_fn answered;
    void *owner;
};

struct xf_asker {
    struct xf_s2s *s2s;
    char *local, *peer;
    struct xf_out *out;
    bool is_ready;
    bool is_retired; /* takes no more questions: it is closing */
    struct xf_node idle_node;
    struct xf_node asks;
    unsigned ask_count;
    unsigned unheard; /* questions that were sent, but are none any more: their answers may still come */
    unsigned unasked;
    bool is_heard;         /* something was answered */
    struct xf_timer doubt; /* runs while a question waits for its answer, none came yet, and the peer has other addresses */
    struct xf_timer quiet;
};

static void free_ask(struct xf_ask *ask)
{
    ask->asker->ask_count--;
    ask->asker->unheard += ask->is_sent && !ask->is_answered;
    xf_ask_room_give(ask->asker->s2s, &ask->room);
    xf_list_remove(&ask->node);
    xf_timer_stop(&ask->patience);
    xf_free(ask->id);
    xf_free(ask->key);
    xf_free(ask);
}

static void send_ask(struct xf_ask *ask)
{
    struct xf_asker *asker = ask->asker;
    if (xf_conn_backlog(asker->out->stream.conn) > UNREAD_MAX) {
        xf_out_give_up(asker->out, XF_CAUSE_STREAM, XF_STREAM_ERROR_POLICY_VIOLATION, "our questions are not read");
        return;
    }
    ask->is_sent = true;
    if (!asker->is_heard && !xf_timer_is_running(&asker->doubt) && xf_out_has_more(asker->out))
        xf_timer_start(asker->s2s->env->timers, &asker->doubt, asker->out->settings->candidate_ms);
    xf_dialback_write(&asker->out->stream, &(struct xf_dialback_elem){
                                               .name = "verify",
                                               .from = xf_span_of(asker->local),
                                               .to = xf_span_of(asker->peer),
                                               .id = xf_span_of(ask->id),
                                               .key = xf_span_of(ask->key),
                                           });
}

static void rest_when_idle(struct xf_asker *asker)
{
    if (asker->ask_count > 0 || asker->is_retired)
        return;
    xf_list_remove(&asker->idle_node);
    xf_list_push(&asker->s2s->idle_askers, &asker->idle_node);
    xf_timer_start(asker->s2s->env->timers, &asker->quiet, QUIET_MS);
}

static void wake(struct xf_asker *asker)
{
    xf_list_remove(&asker->idle_node);
    xf_timer_stop(&asker->quiet);
}

static void on_quiet(void *owner)
{
    struct xf_asker *asker = owner;
    xf_out_close(asker->out);
}

/* The questions go to another address of the peer. */
static void on_doubt(void *owner)
{
    struct xf_asker *asker = owner;
    if (asker->is_retired || asker->ask_count == 0)
        return;
    xf_out_give_back(asker->out, "its server did not answer our questions");
    asker->is_ready = false;
    XF_LIST_EACH(node, &asker->asks)
    XF_CONTAINER(node, struct xf_ask, node)->is_sent = false;
    asker->out = xf_out_open_verify(asker->s2s, xf_span_of(asker->local), xf_span_of(asker->peer), asker);
}

/* It takes no more questions; the next one gets a new asker. */
static void forget(struct xf_asker *asker)
{
    char text[XF_PAIR_KEY_MAX];
    struct xf_span key = xf_pair_key(xf_span_of(asker->local), xf_span_of(asker->peer), text);
    if (asker->is_retired)
        return;
    asker->is_retired = true;
    asker->s2s->asker_count--;
    wake(asker);
    xf_map_remove(asker->s2s->askers, key);
}

/* For another one, and at once. That no answer came yet is not the fault of the one who was asked. */
static void evict(struct xf_asker *asker)
{
    struct xf_out *out = asker->out;
    forget(asker);
    xf_dial_free(&out->dial);
    xf_out_close(out);
    if (out->has_stream)
        xf_stream_abort(&out->stream);
}

/* Never more than questions: those with questions are fewer, so that one without is there. */
static void make_room(struct xf_s2s *s2s)
{
    bool is_full = s2s->asker_count >= xf_s2s_conf(s2s)->unauthenticated.questions;
    if (is_full && !xf_list_is_empty(&s2s->idle_askers))
        evict(XF_CONTAINER(s2s->idle_askers.next, struct xf_asker, idle_node));
}

static struct xf_asker *new_asker(struct xf_s2s *s2s, struct xf_span local, struct xf_span peer)
{
    char text[XF_PAIR_KEY_MAX];
    struct xf_asker *asker = xf_new(struct xf_asker);
    asker->s2s = s2s;
    asker->local = xf_span_dup(local);
    asker->peer = xf_span_dup(peer);
    xf_list_init(&asker->asks);
    xf_timer_init(&asker->doubt, on_doubt, asker);
    xf_timer_init(&asker->quiet, on_quiet, asker);
    make_room(s2s);
    s2s->asker_count++;
    xf_map_set(s2s->askers, xf_pair_key(local, peer, text), asker);
    asker->out = xf_out_open_verify(s2s, local, peer, asker);
    return asker;
}

static void tell(struct xf_ask *ask, enum xf_answer answer, const char *detail)
{
    xf_answered_fn answered = ask->answered;
    void *owner = ask->owner;
    free_ask(ask);
    answered(owner, answer, detail);
}

static void on_out_of_patience(void *owner)
{
    struct xf_ask *ask = owner;
    struct xf_asker *asker = ask->asker;
    tell(ask, XF_ANSWER_UNREACHABLE, "the authoritative server did not answer in time");
    rest_when_idle(asker);
}

unsigned xf_ask_per_host(const struct xf_s2s *s2s)
{
    return 2 * xf_s2s_conf(s2s)->unauthenticated.questions_per_peer; /* a host may serve many domains */
}

void xf_ask_give_way(struct xf_ask_room *room)
{
    struct xf_ask *ask = XF_CONTAINER(room, struct xf_ask, room);
    struct xf_asker *asker = ask->asker;
    tell(ask, XF_ANSWER_UNREACHABLE, "too many questions are under way, and this one was not answered");
    rest_when_idle(asker);
}

static struct xf_asker *get_asker(struct xf_s2s *s2s, struct xf_span local, struct xf_span peer)
{
    char text[XF_PAIR_KEY_MAX];
    struct xf_asker *asker = xf_map_find(s2s->askers, xf_pair_key(local, peer, text));
    return asker ? asker : new_asker(s2s, local, peer);
}

struct xf_ask *xf_ask_new(struct xf_s2s *s2s, const struct xf_ask_opts *opts)
{
    struct xf_ask *ask = xf_new(struct xf_ask);
    if (!xf_ask_room_take(s2s, &ask->room, opts->peer, opts->addr)) {
        xf_free(ask);
        return NULL;
    }
    struct xf_asker *asker = get_asker(s2s, opts->local, opts->peer);
    ask->asker = asker;
    ask->id = xf_span_dup(opts->id);
    ask->key = xf_span_dup(opts->key);
    ask->answered = opts->answered;
    ask->owner = opts->owner;
    xf_timer_init(&ask->patience, on_out_of_patience, ask);
    xf_timer_start(s2s->env->timers, &ask->patience, xf_s2s_conf(s2s)->unauthenticated.dialback_ms);
    xf_list_push(&asker->asks, &ask->node);
    asker->ask_count++;
    wake(asker);
    if (asker->is_ready)
        send_ask(ask);
    return ask;
}

void xf_ask_cancel(struct xf_ask **ask)
{
    if (!*ask)
        return;
    struct xf_asker *asker = (*ask)->asker;
    free_ask(*ask);
    *ask = NULL;
    rest_when_idle(asker);
}

bool xf_ask_is_about(const struct xf_ask *ask, struct xf_span key)
{
    return xf_span_is(key, ask->key);
}

void xf_asker_ready(struct xf_asker *asker)
{
    asker->is_ready = true;
    XF_LIST_EACH(node, &asker->asks)
    {
        struct xf_ask *ask = XF_CONTAINER(node, struct xf_ask, node);
        if (!ask->is_sent)
            send_ask(ask);
    }
    rest_when_idle(asker);
}

static struct xf_ask *find_ask(struct xf_asker *asker, const struct xf_elem *elem)
{
    struct xf_dialback_names names;
    if (xf_dialback_read_names(elem, &names) != XF_ERR_OK || strcmp(names.from, asker->peer) != 0 ||
        strcmp(names.to, asker->local) != 0)
        return NULL;
    XF_LIST_EACH(node, &asker->asks)
    {
        struct xf_ask *ask = XF_CONTAINER(node, struct xf_ask, node);
        if (ask->is_sent && xf_span_eq(xf_span_of(ask->id), xf_elem_attr(elem, "id")))
            return ask;
    }
    return NULL;
}

void xf_asker_answer(struct xf_asker *asker, const struct xf_elem *elem)
{
    struct xf_span type = xf_elem_attr(elem, "type");
    struct xf_ask *ask = find_ask(asker, elem);
    if (!ask && asker->unheard > 0) {
        asker->unheard--; /* who claimed it did not wait */
        return;
    }
    if (!ask || !type.len) {
        xf_out_log(asker->out, asker->unasked ? XF_LOG_DEBUG : XF_LOG_WARN, "dialback.answer.ignored", XF_STR("local", asker->local),
                   XF_STR("peer", asker->peer), XF_WORD("reason", "not-asked"));
        if (++asker->unasked > UNASKED_MAX)
            xf_out_give_up(asker->out, XF_CAUSE_STREAM, XF_STREAM_ERROR_POLICY_VIOLATION, "too many answers that nobody asked for");
        return;
    }
    ask->is_answered = asker->is_heard = true;
    xf_timer_stop(&asker->doubt);
    xf_out_settle(asker->out);
    if (xf_span_is(type, "valid"))
        tell(ask, XF_ANSWER_VALID, "");
    else if (xf_span_is(type, "invalid"))
        tell(ask, XF_ANSWER_INVALID, "the authoritative server says that the key is not its own");
    else
        tell(ask, XF_ANSWER_UNREACHABLE, "the authoritative server answered with an error");
    rest_when_idle(asker);
}

static enum xf_answer answer_of(enum xf_cause cause)
{
    bool absent = cause == XF_CAUSE_NOT_FOUND || cause == XF_CAUSE_NO_SERVICE;
    return absent ? XF_ANSWER_NOT_FOUND : XF_ANSWER_UNREACHABLE;
}

/* The failure is remembered before anybody can ask anew. An asker that was evicted says nothing about its server. */
void xf_asker_ending(struct xf_asker *asker, enum xf_cause cause, const char *text)
{
    if (!asker->is_ready && !asker->is_retired)
        xf_backoff_failed(&asker->s2s->asked_peers, asker->peer, (int)answer_of(cause), text);
    forget(asker);
}

void xf_asker_ended(struct xf_asker *asker, enum xf_cause cause, const char *text)
{
    enum xf_answer answer = answer_of(cause);
    while (!xf_list_is_empty(&asker->asks))
        tell(XF_CONTAINER(asker->asks.next, struct xf_ask, node), answer, text);
    xf_timer_stop(&asker->doubt);
    xf_timer_stop(&asker->quiet);
    xf_free(asker->local);
    xf_free(asker->peer);
    xf_free(asker);
}

bool xf_ask_is_in_vain(const struct xf_s2s *s2s, struct xf_span peer, enum xf_answer *out_answer, const char **out_text)
{
    char name[XF_DOMAIN_MAX + 1];
    int note = 0;
    snprintf(name, sizeof(name), "%.*s", XF_SPAN_ARGS(peer));
    bool is_shut = xf_backoff_is_waiting(&s2s->asked_peers, name, &note, out_text);
    *out_answer = (enum xf_answer)note;
    return is_shut;
}

void xf_ask_reached(struct xf_s2s *s2s, const char *peer)
{
    xf_backoff_clear(&s2s->asked_peers, peer);
}
