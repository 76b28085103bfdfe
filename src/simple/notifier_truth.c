/* SPDX-License-Identifier: MIT */
/*
 * notifier_truth.c — looks at all watches, some at a time (round.c), for what happened without a
 * stanza:
 *
 *     a reload        ends those that policy no longer allows; a domain may have another link
 *     a link is up    what our users did meanwhile never came: our server is asked (`probe`)
 *
 * What came of a user who has not decided is forgotten, since it may hold no longer.
 *
 * What a probe does not bring in XF_NOTIFIER_ANSWER_MS is offline: some servers answer for a user
 * who is offline, others say nothing. Until then the watchers keep what they have.
 */
#include "notifier_priv.h"

/* The peer is not told where nothing may be sent to it. */
static void end(struct xf_notifier_watch *watch)
{
    if (xf_simple_reaches(watch->simple, watch->user, xf_notifier_peer(watch), XF_DIRECTION_OUT))
        xf_notifier_fire(watch, XF_NOTIFIER_ON_REFUSE);
    else
        xf_notifier_lose_all(watch);
}

static bool look_at(void *value)
{
    struct xf_notifier_watch *watch = value;
    const struct xf_simple *simple = watch->simple;
    unsigned live_count = watch->live_count;
    bool asks = false;
    watch->is_held = true;
    if (watch->state == XF_NOTIFIER_ASKED) /* the answer makes us ask for it */
        xf_notifier_resources_clear(watch);
    if (xf_simple_reaches(simple, watch->user, xf_notifier_peer(watch), XF_DIRECTION_IN))
        xf_notifier_judge(watch);
    else
        end(watch);
    if (xf_notifier_is_decided(watch) && watch->live_count > 0 && xf_notifier_is_stale(watch)) {
        xf_notifier_owe(watch, XF_NOTIFIER_OWES_PROBE);
        asks = true;
    }
    bool acts = asks || watch->live_count != live_count;
    watch->is_held = false;
    xf_notifier_settle(watch);
    return acts;
}

void xf_notifier_reload(struct xf_simple *simple)
{
    if (!simple->is_finished)
        xf_round_begin(&simple->notifier->round);
}

void xf_notifier_link_state(struct xf_simple *simple, struct xf_span title, struct xf_span peer,
                            bool is_up)
{
    if (xf_notifier_way_is(simple, title, peer, is_up) && !simple->is_finished)
        xf_round_begin(&simple->notifier->round);
}

void xf_notifier_truth_init(struct xf_simple *simple)
{
    struct xf_notifier *notifier = simple->notifier;
    xf_round_init(&notifier->round, simple->env->timers, notifier->watches, look_at);
}
