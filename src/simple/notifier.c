/* SPDX-License-Identifier: MIT */
/*
 * notifier.c — the watches: found, made and freed; what happens in time; what our users decide
 * about a watcher, and what it sees of that.
 *
 * Our user is asked by `subscribe`, whatever was decided before a watch began: servers answer for
 * an approval that they have, without a word to the user (RFC 6121 section 3.1.3), so there is no
 * need to remember it here. An error of the cluster to `subscribe` changes nothing: the watcher
 * shall not learn by it whether there is such a user (section 3.1.1).
 *
 * A watcher who is BLOCKED sees a user who is offline (RFC 3856 section 6.6.2), and must find no
 * difference to one who is. So BLOCKED goes the way of APPROVED, in all but that nobody ever comes
 * online:
 *
 *   - our server is asked in either state (`probe`), so that a link that is down shows alike;
 *   - what a server answers while somebody is offline counts for nothing, nor when. That our user
 *     is online is told at once; who has not come online XF_NOTIFIER_ABSENT_MS after the question
 *     is offline. Until one of both a new watcher is told `pending`, though our user has decided;
 *   - who was online and is BLOCKED now seems to have left (xf_notifier_resources_close), though
 *     without a text: that alone may tell the two, and mostly users leave without one;
 *   - the last device leaves, and one comes back: `pending` again, although it is remembered who is
 *     BLOCKED, and servers answer for who is APPROVED.
 */
#include "notifier_priv.h"

#include <xfed/base/alloc.h>

/* ------------------------------------------------------------------ finding one */

/* Neither JID holds a NUL. */
static struct xf_span make_key(struct xf_buf *out, struct xf_span user, struct xf_span watcher)
{
    xf_buf_init(out, 2 * XF_JID_MAX + 1);
    struct xf_draft draft = xf_draft_begin(out);
    xf_draft_span(&draft, user);
    xf_draft_append(&draft, "", 1);
    xf_draft_span(&draft, watcher);
    xf_require(xf_draft_end(&draft) == XF_ERR_OK);
    return xf_buf_span(out);
}

struct xf_notifier_watch *xf_notifier_find(const struct xf_simple *simple, struct xf_span user,
                                           struct xf_span watcher)
{
    struct xf_buf key;
    struct xf_notifier_watch *watch =
        xf_map_find(simple->notifier->watches, make_key(&key, user, watcher));
    xf_buf_release(&key);
    return watch;
}

static struct xf_span key_of(const struct xf_notifier_watch *watch)
{
    return (struct xf_span){watch->user.ptr, watch->user.len + 1 + watch->watcher.len};
}

struct xf_jid xf_notifier_user(const struct xf_notifier_watch *watch)
{
    char scratch[XF_JID_MAX + 1];
    struct xf_jid user;
    /* It is prepared: nothing is copied. */
    xf_require(xf_jid_prepare(watch->user, scratch, &user) == XF_ERR_OK);
    return user;
}

/* ------------------------------------------------------------------ life */

static void on_timer(void *owner);

struct xf_notifier_watch *xf_notifier_new(struct xf_simple *simple, struct xf_span user,
                                          struct xf_span watcher)
{
    struct xf_notifier_watch *watch = xf_alloc(sizeof(*watch) + user.len + 1 + watcher.len);
    char *text = (char *)(watch + 1);
    *watch = (struct xf_notifier_watch){
        .simple = simple, .user = {text, user.len}, .watcher = {text + user.len + 1, watcher.len}};
    memcpy(text, user.ptr, user.len);
    text[user.len] = '\0';
    memcpy(text + user.len + 1, watcher.ptr, watcher.len);
    xf_list_init(&watch->dialogs);
    xf_timer_init(&watch->timer, on_timer, watch);
    (void)xf_map_set(simple->notifier->watches, key_of(watch), watch);
    xf_notifier_limits_count(simple, xf_notifier_peer(watch), 1, 0);
    return watch;
}

void xf_notifier_free(struct xf_notifier_watch *watch)
{
    struct xf_simple *simple = watch->simple;
    xf_notifier_disown_ask(watch);
    xf_list_remove(&watch->owing);
    xf_timer_stop(&watch->timer);
    xf_notifier_resources_clear(watch);
    xf_notifier_limits_count(simple, xf_notifier_peer(watch), -1, watch->is_pending ? -1 : 0);
    (void)xf_map_remove(simple->notifier->watches, key_of(watch));
    xf_free(watch);
}

void xf_notifier_fire(struct xf_notifier_watch *watch, enum xf_notifier_event event)
{
    xf_machine_fire(&xf_notifier_machine, watch, event);
}

/* ------------------------------------------------------------------ what is seen */

void xf_notifier_show(struct xf_notifier_watch *watch)
{
    watch->is_active = true;
    xf_notifier_disown_ask(watch); /* it was answered */
    xf_notifier_tell(watch);
}

/* Where the link is down, or the answer was lost on its way, nobody knows. */
static bool can_know(const struct xf_notifier_watch *watch)
{
    return !xf_notifier_is_cut_off(watch) && !xf_notifier_is_behind(watch) &&
           xf_notifier_may_know(watch);
}

/* Our user, or some of its resources, have not come online since we asked. */
static void miss(struct xf_notifier_watch *watch)
{
    watch->absent_ms = 0;
    if (!xf_notifier_is_decided(watch) || watch->live_count == 0 ||
        (watch->is_active && !can_know(watch)))
        return;
    if (xf_notifier_resources_conclude(watch) || !watch->is_active)
        xf_notifier_show(watch);
}

/* ------------------------------------------------------------------ in time */

static uint64_t now_of(const struct xf_notifier_watch *watch)
{
    return watch->simple->env->clock->now_ms;
}

static bool is_lingering(const struct xf_notifier_watch *watch)
{
    return watch->live_count == 0 && watch->state != XF_NOTIFIER_NEW;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* When the dialog wants something; UINT64_MAX: never. */
static uint64_t due_of(const struct xf_notifier_dialog *dialog)
{
    if (dialog->state == XF_NOTIFIER_DIALOG_ENDING && !dialog->client)
        return 0; /* the last NOTIFY could not be sent */
    if (!xf_notifier_dialog_is_live(dialog))
        return UINT64_MAX;
    return dialog->retry_ms ? earlier(dialog->expires_ms, dialog->retry_ms) : dialog->expires_ms;
}

static void arm(struct xf_notifier_watch *watch)
{
    uint64_t due_ms = UINT64_MAX, now_ms = now_of(watch);
    XF_LIST_EACH (node, &watch->dialogs)
        due_ms = earlier(due_ms, due_of(XF_CONTAINER(node, struct xf_notifier_dialog, node)));
    if (watch->is_changed)
        due_ms = earlier(due_ms, watch->next_ms);
    if (watch->absent_ms)
        due_ms = earlier(due_ms, watch->absent_ms);
    if (is_lingering(watch))
        due_ms = earlier(due_ms, watch->asked_ms + XF_NOTIFIER_ASK_MS);
    /*
     * Of two watches that are due at once, the first one must not change by what our users decide:
     * watchers see the order of NOTIFYs.
     */
    bool is_same = xf_timer_is_running(&watch->timer) && watch->timer.at_ms == due_ms;
    if (due_ms == UINT64_MAX || watch->simple->is_finished)
        xf_timer_stop(&watch->timer);
    else if (!is_same)
        xf_timer_start(watch->simple->env->timers, &watch->timer,
                       due_ms > now_ms ? due_ms - now_ms : 0);
}

void xf_notifier_settle(struct xf_notifier_watch *watch)
{
    if (watch->is_held)
        return;
    if (watch->state == XF_NOTIFIER_NEW && watch->dialog_count == 0 && !watch->owes)
        xf_notifier_free(watch);
    else
        arm(watch);
}

static void tell_now(struct xf_notifier_watch *watch)
{
    watch->is_changed = false;
    XF_LIST_EACH_SAFE (node, &watch->dialogs) {
        struct xf_notifier_dialog *dialog = XF_CONTAINER(node, struct xf_notifier_dialog, node);
        if (xf_notifier_dialog_is_live(dialog))
            xf_notifier_dialog_tell(dialog);
    }
}

void xf_notifier_tell(struct xf_notifier_watch *watch)
{
    if (now_of(watch) >= watch->next_ms)
        tell_now(watch);
    else
        watch->is_changed = true;
}

static void be_in_time(struct xf_notifier_dialog *dialog)
{
    uint64_t now_ms = now_of(dialog->watch);
    if (due_of(dialog) > now_ms)
        return;
    if (dialog->state == XF_NOTIFIER_DIALOG_ENDING)
        xf_notifier_dialog_part_unsent(dialog);
    else if (dialog->expires_ms <= now_ms)
        xf_notifier_dialog_end(dialog, XF_NOTIFIER_END_CLOSED);
    else
        xf_notifier_dialog_retry(dialog);
}

static void on_timer(void *owner)
{
    struct xf_notifier_watch *watch = owner;
    uint64_t now_ms = now_of(watch);
    watch->is_held = true;
    XF_LIST_EACH_SAFE (node, &watch->dialogs)
        be_in_time(XF_CONTAINER(node, struct xf_notifier_dialog, node));
    if (watch->absent_ms && watch->absent_ms <= now_ms)
        miss(watch);
    if (watch->is_changed && watch->next_ms <= now_ms)
        tell_now(watch);
    if (is_lingering(watch) && now_ms - watch->asked_ms >= XF_NOTIFIER_ASK_MS)
        xf_notifier_fire(watch, XF_NOTIFIER_ON_FORGET);
    watch->is_held = false;
    xf_notifier_settle(watch);
}

/* ------------------------------------------------------------------ questions */

void xf_notifier_ask(struct xf_notifier_watch *watch)
{
    watch->asked_ms = now_of(watch);
    xf_notifier_owe(watch, XF_NOTIFIER_OWES_SUBSCRIBE);
}

void xf_notifier_ask_for_show(struct xf_notifier_watch *watch)
{
    xf_notifier_owe(watch, XF_NOTIFIER_OWES_PROBE);
}

/* After a restart: nothing is known, and many ask at once. */
void xf_notifier_return(struct xf_notifier_watch *watch)
{
    watch->is_active = true;
    xf_notifier_pay_later(watch, XF_NOTIFIER_OWES_PROBE);
}

/* ------------------------------------------------------------------ decisions */

void xf_notifier_begin(struct xf_notifier_watch *watch)
{
    if (watch->live_count == 0) { /* the server answers the next `subscribe` by itself */
        xf_notifier_fire(watch, XF_NOTIFIER_ON_LEAVE);
        return;
    }
    xf_notifier_keep(watch);
    if (xf_notifier_resources_are_open(watch)) /* they came before our user has decided */
        xf_notifier_show(watch);
    else
        xf_notifier_ask_for_show(watch);
}

void xf_notifier_hide(struct xf_notifier_watch *watch)
{
    bool was_online = watch->is_active && xf_notifier_resources_are_open(watch);
    if (was_online)
        xf_notifier_resources_close(watch);
    else if (!watch->is_active)
        xf_notifier_resources_clear(watch);
    xf_notifier_keep(watch);
    if (was_online)
        xf_notifier_tell(watch);
    else if (!watch->is_active && watch->live_count > 0)
        xf_notifier_ask_for_show(watch);
}

void xf_notifier_reject(struct xf_notifier_watch *watch)
{
    watch->is_active = false;
    watch->absent_ms = 0;
    xf_notifier_resources_clear(watch);
    XF_LIST_EACH_SAFE (node, &watch->dialogs) {
        struct xf_notifier_dialog *dialog = XF_CONTAINER(node, struct xf_notifier_dialog, node);
        if (xf_notifier_dialog_is_live(dialog))
            xf_notifier_dialog_end(dialog, XF_NOTIFIER_END_REJECTED);
    }
}

void xf_notifier_expel(struct xf_notifier_watch *watch)
{
    xf_notifier_reject(watch);
    xf_notifier_owe(watch, XF_NOTIFIER_OWES_UNAVAILABLE);
}

void xf_notifier_part(struct xf_notifier_watch *watch)
{
    watch->is_active = false;
    watch->absent_ms = 0;
    xf_notifier_resources_clear(watch);
    watch->owes &= (unsigned char)~XF_NOTIFIER_OWES_PROBE; /* nobody is there to be told */
}

void xf_notifier_leave(struct xf_notifier_watch *watch)
{
    xf_notifier_part(watch);
    xf_notifier_owe(watch, XF_NOTIFIER_OWES_UNAVAILABLE);
}
