/* SPDX-License-Identifier: MIT */
/*
 * ask.c — questions to authoritative servers: "did you make this key?" (XEP-0220 §2.2).
 *
 * Questions of one pair share a verify stream (an xf_out that authenticates nobody), which closes a little after the last answer. An answer
 * counts only when a question with that id, from and to is open on that very stream (CVE-2012-3525); what else comes is dropped. The number of
 * questions is bounded for each stream (in_pairs.c), for each domain asked and in all, and a domain whose server is out of reach is not
 * asked again for a while (doors.c), so that nobody makes us knock at a victim's door a thousand times.
 */
#include "s2s_priv.h"

#include <stdio.h>

#include <xfed/base/alloc.h>
#include <xfed/xmpp/ns.h>

#define QUIET_MS 5000 /* a verify stream without questions */
#define UNASKED_MAX 16 /* answers that nobody asked for, on one verify stream */

struct xf_ask {
    struct xf_node node;
    struct xf_asker *asker;
    char *id, *key;
    bool is_sent;
    struct xf_timer patience;
    xf_answered_fn answered;
    void *owner;
};

struct xf_asker {
    struct xf_s2s *s2s;
    char *local, *peer;
    struct xf_out *out;
    bool is_ready;
    struct xf_node asks;
    unsigned ask_count, unasked;
    struct xf_timer quiet;
};

static void free_ask(struct xf_ask *ask)
{
    ask->asker->ask_count--;
    ask->asker->s2s->ask_count--;
    xf_door_leave(&ask->asker->s2s->asked_peers, ask->asker->peer);
    xf_list_remove(&ask->node);
    xf_timer_stop(&ask->patience);
    xf_free(ask->id);
    xf_free(ask->key);
    xf_free(ask);
}

static void send_ask(struct xf_ask *ask)
{
    struct xf_asker *asker = ask->asker;
    ask->is_sent = true;
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
    if (asker->ask_count == 0)
        xf_timer_start(asker->s2s->env->timers, &asker->quiet, QUIET_MS);
}

static void on_quiet(void *owner)
{
    struct xf_asker *asker = owner;
    xf_out_close(asker->out);
}

/* An asker that is closing its stream takes no more questions; the next one gets a new asker. */
static void forget(struct xf_asker *asker)
{
    char text[XF_PAIR_KEY_MAX];
    struct xf_span key = xf_pair_key(xf_span_of(asker->local), xf_span_of(asker->peer), text);
    if (xf_map_find(asker->s2s->askers, key) == asker)
        xf_map_remove(asker->s2s->askers, key);
}

static struct xf_asker *new_asker(struct xf_s2s *s2s, struct xf_span local, struct xf_span peer)
{
    char text[XF_PAIR_KEY_MAX];
    struct xf_asker *asker = xf_new(struct xf_asker);
    asker->s2s = s2s;
    asker->local = xf_span_dup(local);
    asker->peer = xf_span_dup(peer);
    xf_list_init(&asker->asks);
    xf_timer_init(&asker->quiet, on_quiet, asker);
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

/* Room for one more question to that peer, which then counts. */
static bool count_in(struct xf_s2s *s2s, struct xf_span peer)
{
    const struct xf_conf *conf = xf_s2s_conf(s2s);
    char name[XF_DOMAIN_MAX + 1];
    snprintf(name, sizeof(name), "%.*s", XF_SPAN_ARGS(peer));
    return s2s->ask_count < conf->unauthenticated.questions &&
           xf_door_enter(&s2s->asked_peers, name, conf->unauthenticated.questions_per_peer);
}

struct xf_ask *xf_ask_new(struct xf_s2s *s2s, struct xf_span local, struct xf_span peer, struct xf_span id, struct xf_span key,
                          xf_answered_fn answered, void *owner)
{
    char text[XF_PAIR_KEY_MAX];
    struct xf_asker *asker = xf_map_find(s2s->askers, xf_pair_key(local, peer, text));
    if (!count_in(s2s, peer))
        return NULL;
    if (asker && asker->out->state == XF_OUT_ENDED) {
        forget(asker);
        asker = NULL;
    }
    if (!asker)
        asker = new_asker(s2s, local, peer);
    struct xf_ask *ask = xf_new(struct xf_ask);
    ask->asker = asker;
    ask->id = xf_span_dup(id);
    ask->key = xf_span_dup(key);
    ask->answered = answered;
    ask->owner = owner;
    xf_timer_init(&ask->patience, on_out_of_patience, ask);
    xf_timer_start(s2s->env->timers, &ask->patience, xf_s2s_conf(s2s)->unauthenticated.dialback_ms);
    xf_list_push(&asker->asks, &ask->node);
    asker->ask_count++;
    s2s->ask_count++;
    xf_timer_stop(&asker->quiet);
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
    if (!ask || !type.len) {
        xf_log(asker->unasked ? XF_LOG_DEBUG : XF_LOG_WARN, "dialback.answer.ignored", XF_STR("local", asker->local),
               XF_STR("peer", asker->peer), XF_WORD("reason", "not-asked"));
        if (++asker->unasked > UNASKED_MAX)
            xf_out_give_up(asker->out, XF_CAUSE_STREAM, XF_STREAM_ERROR_POLICY_VIOLATION, "too many answers that nobody asked for");
        return;
    }
    if (xf_span_is(type, "valid"))
        tell(ask, XF_ANSWER_VALID, "");
    else if (xf_span_is(type, "invalid"))
        tell(ask, XF_ANSWER_INVALID, "the authoritative server says that the key is not its own");
    else
        tell(ask, XF_ANSWER_UNREACHABLE, "the authoritative server answered with an error");
    rest_when_idle(asker);
}

void xf_asker_ended(struct xf_asker *asker, enum xf_cause cause, const char *text)
{
    bool absent = cause == XF_CAUSE_NOT_FOUND || cause == XF_CAUSE_NO_SERVICE;
    enum xf_answer answer = absent ? XF_ANSWER_NOT_FOUND : XF_ANSWER_UNREACHABLE;
    forget(asker);
    if (!asker->is_ready)
        xf_door_failed(&asker->s2s->asked_peers, asker->peer, (int)answer, text);
    while (!xf_list_is_empty(&asker->asks))
        tell(XF_CONTAINER(asker->asks.next, struct xf_ask, node), answer, text);
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
    bool is_shut = xf_door_is_shut(&s2s->asked_peers, name, &note, out_text);
    *out_answer = (enum xf_answer)note;
    return is_shut;
}

void xf_ask_reached(struct xf_s2s *s2s, const char *peer)
{
    xf_door_opened(&s2s->asked_peers, peer);
}
