/* SPDX-License-Identifier: MIT */
/*
 * notifier_cluster.c — what our users are told about their watchers: `subscribe`, `probe` and
 * `unavailable`, in the watcher's name.
 *
 * It goes to the cluster at once. What that does not take now is owed, and follows in its turn
 * (xf_notifier_resume).
 */
#include "notifier_priv.h"

#include <xfed/base/alloc.h>

/* ------------------------------------------------------------------ questions */

static char *new_ask(struct xf_notifier_watch *watch)
{
    char id[XF_ID_CHARS + 1];
    xf_notifier_disown_ask(watch);
    xf_ua_make_id(watch->simple->ua, id);
    watch->ask_id = xf_strdup(id);
    (void)xf_map_set(watch->simple->notifier->asks, xf_span_of(id), watch);
    return watch->ask_id;
}

void xf_notifier_disown_ask(struct xf_notifier_watch *watch)
{
    if (!watch->ask_id)
        return;
    (void)xf_map_remove(watch->simple->notifier->asks, xf_span_of(watch->ask_id));
    xf_free(watch->ask_id);
    watch->ask_id = NULL;
}

struct xf_notifier_watch *xf_notifier_asked_by(struct xf_simple *simple, struct xf_span id)
{
    struct xf_notifier_watch *watch = id.ptr ? xf_map_find(simple->notifier->asks, id) : NULL;
    if (watch)
        xf_notifier_disown_ask(watch);
    return watch;
}

/* It may come back yet: the link may break before the server has read it, and stay down. */
bool xf_notifier_delivered(const struct xf_simple *simple, struct xf_span id)
{
    return id.ptr && xf_map_find(simple->notifier->asks, id);
}

/* ------------------------------------------------------------------ what is owed */

static const struct {
    unsigned what;
    const char *type;
} tidings[] = {
    {XF_NOTIFIER_OWES_UNAVAILABLE, "unavailable"},
    {XF_NOTIFIER_OWES_SUBSCRIBE, "subscribe"},
    {XF_NOTIFIER_OWES_PROBE, "probe"},
};

/* Else policy has refused the probe, and it is asked again when that changes. */
static bool may_ask(const struct xf_notifier_watch *watch)
{
    return xf_simple_passes(watch->simple, watch->user, xf_notifier_peer(watch), XF_DIRECTION_IN,
                            XF_KINDS_SUBSCRIPTION, true);
}

/*
 * False: the cluster takes nothing now. What becomes of a question matters until the watcher is
 * told `active`.
 */
static bool pay_one(struct xf_notifier_watch *watch, size_t i)
{
    bool is_question = tidings[i].what != XF_NOTIFIER_OWES_UNAVAILABLE;
    bool asks = is_question && !watch->is_active;
    uint64_t absent_ms = watch->absent_ms;
    if (is_question && (!absent_ms || watch->is_active))
        watch->absent_ms = watch->simple->env->clock->now_ms +
                           (watch->is_active ? XF_NOTIFIER_ANSWER_MS : XF_NOTIFIER_ABSENT_MS);
    char id[XF_ID_CHARS + 1] = ""; /* the ask may be over before the call returns */
    if (asks)
        memcpy(id, new_ask(watch), sizeof(id));
    bool is_told =
        xf_tell(watch->simple,
                &(struct xf_tidings){.from = watch->watcher,
                                     .to = watch->user,
                                     .type = tidings[i].type,
                                     .id = asks ? xf_span_of(id) : XF_SPAN_NONE,
                                     .is_last = tidings[i].what == XF_NOTIFIER_OWES_UNAVAILABLE});
    if (!is_told)
        watch->absent_ms = absent_ms;
    if (is_told && tidings[i].what == XF_NOTIFIER_OWES_UNAVAILABLE)
        xf_subscriber_tell_again(watch->simple, watch->user, watch->watcher);
    bool is_probed = is_told && tidings[i].what == XF_NOTIFIER_OWES_PROBE;
    if (is_probed && may_ask(watch))
        xf_notifier_await(watch);
    if (is_probed && !xf_notifier_may_know(watch)) /* hours: nobody will answer */
        xf_notifier_limits_miss(watch->simple, xf_notifier_peer(watch));
    return is_told;
}

bool xf_notifier_pay(struct xf_notifier_watch *watch)
{
    for (size_t i = 0; i < XF_ARRAY_LEN(tidings); i++) {
        if (!(watch->owes & tidings[i].what))
            continue;
        watch->owes &= (unsigned char)~tidings[i].what;
        if (!pay_one(watch, i)) {
            watch->owes |= (unsigned char)tidings[i].what;
            return false;
        }
        if (tidings[i].what == XF_NOTIFIER_OWES_SUBSCRIBE)
            xf_notifier_keep(watch); /* the next process need not ask */
    }
    return true;
}

void xf_notifier_pay_later(struct xf_notifier_watch *watch, unsigned what)
{
    watch->owes |= (unsigned char)what;
    if (!xf_list_is_linked(&watch->owing))
        xf_list_push(&watch->simple->notifier->owing, &watch->owing);
}

/* Those of one watch stay in their order. */
void xf_notifier_owe(struct xf_notifier_watch *watch, unsigned what)
{
    bool is_waiting = watch->owes != 0;
    if (watch->simple->is_finished)
        return;
    watch->owes |= (unsigned char)what;
    if (is_waiting || !xf_notifier_pay(watch))
        xf_notifier_pay_later(watch, 0);
}
