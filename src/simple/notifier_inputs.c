/* SPDX-License-Identifier: MIT */
/*
 * notifier_inputs.c — what comes to the watches but SUBSCRIBE: stanzas of our users, what becomes
 * of our questions, policy, a reload, the start and the end.
 */
#include "notifier_priv.h"

#include <xfed/base/alloc.h>

#define DOCUMENT_MAX (48u << 10) /* bytes of the body of a NOTIFY */
#define PACE_MS      250 /* in this time, and in each call from outside, at most so many watches: */
#define PACE_COUNT   100
#define AGAIN_MS     1000 /* so often at most, what did not get through */

/* ------------------------------------------------------------------ stanzas of our users */

static enum xf_notifier_event refusal_of(const struct xf_notifier_watch *watch)
{
    return xf_policy_peer(watch->simple->policy, xf_notifier_peer(watch))->sip_polite
               ? XF_NOTIFIER_ON_HIDE
               : XF_NOTIFIER_ON_DENY;
}

/* What comes before our user has decided is kept for then. */
static void take_state(struct xf_notifier_watch *watch, const struct xf_stanza *stanza)
{
    if (watch->state != XF_NOTIFIER_ASKED && watch->state != XF_NOTIFIER_APPROVED)
        return;
    if (xf_notifier_resources_take(watch, stanza) && watch->state == XF_NOTIFIER_APPROVED)
        xf_notifier_show(watch);
}

void xf_notifier_take(struct xf_simple *simple, const struct xf_stanza *stanza)
{
    char scratch[XF_JID_MAX + 1];
    const struct xf_jid user = xf_addresses_shown(stanza, scratch);
    struct xf_notifier_watch *watch =
        xf_notifier_find(simple, xf_jid_bare(&user), xf_jid_bare(&stanza->to));
    if (!watch)
        return;
    watch->is_held = true;
    if (xf_span_is(stanza->type, "subscribed"))
        xf_notifier_fire(watch, XF_NOTIFIER_ON_APPROVE);
    else if (xf_span_is(stanza->type, "unsubscribed"))
        xf_notifier_fire(watch, refusal_of(watch));
    else
        take_state(watch, stanza); /* an error changes nothing */
    if (!watch->is_active)         /* while no presence passes, nobody would know when it does */
        xf_notifier_judge(watch);
    watch->is_held = false;
    xf_notifier_settle(watch);
}
/* ------------------------------------------------------------------ what the cluster takes */

/* Of a watcher who was told `active` policy is asked otherwise: xf_notifier_judge. */
static bool is_open_question(const struct xf_notifier_watch *watch)
{
    return !watch->is_active && watch->state != XF_NOTIFIER_NEW &&
           watch->state != XF_NOTIFIER_DENIED;
}

/* What was asked did not come as far as our server. The call may come from within the question. */
static void lose_question(struct xf_notifier_watch *watch, unsigned what)
{
    struct xf_notifier *notifier = watch->simple->notifier;
    watch->absent_ms = 0;
    watch->owes |= (unsigned char)what;
    if (!xf_list_is_linked(&watch->owing))
        xf_list_push(&notifier->lost, &watch->owing);
    if (!xf_timer_is_running(&notifier->again) && !watch->simple->is_finished)
        xf_timer_start(watch->simple->env->timers, &notifier->again, XF_TELL_AGAIN_MS);
}

/*
 * Policy may refuse a question, at once or when a directory has answered: that ends the watch. A
 * refusal for another reason (no such user) changes nothing: the watcher shall not learn who is
 * there.
 */
bool xf_notifier_refused(struct xf_simple *simple, struct xf_span id, enum xf_stanza_error error)
{
    struct xf_notifier_watch *watch = xf_notifier_asked_by(simple, id);
    if (!watch)
        return false;
    if (!is_open_question(watch)) {
        /* it was answered otherwise */
    } else if (xf_simple_is_for_now(error)) {
        lose_question(watch, watch->state == XF_NOTIFIER_ASKED ? XF_NOTIFIER_OWES_SUBSCRIBE
                                                               : XF_NOTIFIER_OWES_PROBE);
        xf_notifier_keep(watch);
    } else if (error == XF_STANZA_ERROR_NOT_ALLOWED) {
        xf_notifier_fire(watch, XF_NOTIFIER_ON_REFUSE);
    }
    xf_notifier_settle(watch);
    return true;
}

void xf_notifier_lost(struct xf_simple *simple, const struct xf_stanza *probe)
{
    struct xf_notifier_watch *watch =
        xf_notifier_find(simple, xf_jid_bare(&probe->to), xf_jid_bare(&probe->from));
    if (!watch || !watch->is_active)
        return;
    lose_question(watch, XF_NOTIFIER_OWES_PROBE);
    xf_notifier_settle(watch);
}

/*
 * Some hundreds a second at most: after a restart each watch owes a `probe`. It goes on although
 * none was paid: behind those whose link is down there may be others.
 */
static void pay_some(struct xf_simple *simple)
{
    struct xf_notifier *notifier = simple->notifier;
    for (unsigned i = 0; i < PACE_COUNT && !xf_list_is_empty(&notifier->owing); i++) {
        struct xf_notifier_watch *watch =
            XF_CONTAINER(notifier->owing.next, struct xf_notifier_watch, owing);
        xf_list_remove(&watch->owing);
        watch->is_held = true;
        if (!xf_notifier_pay(watch))
            xf_notifier_pay_later(watch, 0);
        watch->is_held = false;
        xf_notifier_settle(watch);
    }
    if (!xf_list_is_empty(&notifier->owing) && !simple->is_finished)
        xf_timer_start(simple->env->timers, &notifier->pace, PACE_MS);
}

static void on_pace(void *owner)
{
    pay_some(owner);
}

/* Whatever has changed: there are many occasions, of which most change nothing for these. */
static void take_up_lost(struct xf_simple *simple)
{
    struct xf_notifier *notifier = simple->notifier;
    uint64_t now_ms = simple->env->clock->now_ms;
    if (xf_list_is_empty(&notifier->lost))
        return;
    if (now_ms < notifier->again_ms) {
        if (!simple->is_finished)
            xf_timer_start(simple->env->timers, &notifier->again, notifier->again_ms - now_ms);
        return;
    }
    notifier->again_ms = now_ms + AGAIN_MS;
    while (!xf_list_is_empty(&notifier->lost)) {
        struct xf_node *node = notifier->lost.next;
        xf_list_remove(node);
        xf_list_push(&notifier->owing, node);
    }
}

void xf_notifier_resume(struct xf_simple *simple)
{
    take_up_lost(simple);
    pay_some(simple);
}

static void on_again(void *owner)
{
    xf_notifier_resume(owner);
}

/* ------------------------------------------------------------------ policy */

/*
 * Of a user with an e-mail address we do not know the JID here: the next stanza shows what policy
 * says. Hours pass by themselves.
 */
void xf_notifier_judge(struct xf_notifier_watch *watch)
{
    if (xf_notifier_is_decided(watch) &&
        !xf_simple_passes(watch->simple, watch->user, xf_notifier_peer(watch), XF_DIRECTION_OUT,
                          XF_KINDS_PRESENCE, true))
        xf_notifier_fire(watch, XF_NOTIFIER_ON_REFUSE);
}

/* ------------------------------------------------------------------ for simple */

void xf_notifier_lose_all(struct xf_notifier_watch *watch)
{
    XF_LIST_EACH_SAFE (node, &watch->dialogs) {
        struct xf_notifier_dialog *dialog = XF_CONTAINER(node, struct xf_notifier_dialog, node);
        if (xf_notifier_dialog_is_live(dialog))
            xf_notifier_dialog_lose(dialog);
    }
}

static bool next_watch(struct xf_simple *simple, size_t *cursor, struct xf_notifier_watch **out)
{
    void *value = NULL;
    bool has_one = xf_map_next(simple->notifier->watches, cursor, NULL, &value);
    *out = value;
    return has_one;
}

/* What our users decide from now on is still kept for the next process. */
void xf_notifier_finish(struct xf_simple *simple)
{
    struct xf_notifier_watch *watch;
    for (size_t cursor = 0; next_watch(simple, &cursor, &watch);)
        xf_timer_stop(&watch->timer);
    xf_timer_stop(&simple->notifier->pace);
    xf_timer_stop(&simple->notifier->again);
    xf_round_stop(&simple->notifier->round);
}

void xf_notifier_init(struct xf_simple *simple)
{
    struct xf_notifier *notifier = simple->notifier = xf_new(struct xf_notifier);
    notifier->watches = xf_map_new();
    notifier->by_tag = xf_map_new();
    notifier->asks = xf_map_new();
    notifier->peers = xf_map_new();
    notifier->owners = xf_map_new();
    xf_list_init(&notifier->owing);
    xf_timer_init(&notifier->pace, on_pace, simple);
    xf_list_init(&notifier->lost);
    xf_timer_init(&notifier->again, on_again, simple);
    xf_notifier_ways_init(simple);
    xf_buf_init(&notifier->document, DOCUMENT_MAX);
    xf_buf_init(&notifier->packed, XF_DIALOG_BYTES_MAX);
    xf_buf_init(&notifier->record, XF_DIALOGS_RECORD_MAX);
}

void xf_notifier_fini(struct xf_simple *simple)
{
    struct xf_notifier *notifier = simple->notifier;
    struct xf_notifier_watch *watch;
    for (size_t cursor = 0; next_watch(simple, &cursor, &watch);) {
        XF_LIST_EACH_SAFE (node, &watch->dialogs)
            xf_notifier_dialog_free(XF_CONTAINER(node, struct xf_notifier_dialog, node));
        xf_notifier_free(watch);
    }
    xf_timer_stop(&notifier->pace);
    xf_timer_stop(&notifier->again);
    xf_round_stop(&notifier->round);
    xf_notifier_ways_fini(simple);
    xf_map_free(&notifier->watches);
    xf_map_free(&notifier->by_tag);
    xf_map_free(&notifier->asks);
    xf_map_free(&notifier->peers);
    xf_map_free(&notifier->owners);
    xf_buf_release(&notifier->document);
    xf_buf_release(&notifier->packed);
    xf_buf_release(&notifier->record);
    xf_free(notifier);
    simple->notifier = NULL;
}
