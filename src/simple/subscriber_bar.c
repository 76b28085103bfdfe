/* SPDX-License-Identifier: MIT */
/*
 * subscriber_bar.c — after a reload all subscriptions are looked at, some at a time (round.c).
 * Where policy no longer allows one, our user keeps nothing of what it saw: the contact is
 * unavailable. It is not told `unsubscribed`, since the contact did not take anything back.
 *
 *     hidden       only presence of the contact does not pass: the subscription goes on, and its
 *                  state is told when policy lets it.
 *     forbidden    the subscription rests until policy allows it. A peer that still may be written
 *                  to is told (Expires: 0), other dialogs are forgotten, and their NOTIFYs refused.
 *     no longer SIP's, or ours    it is over. The user's server asks again (`probe`) when the user
 *                  comes the next time, by whichever protocol the domain then has.
 */
#include "subscriber_priv.h"

static bool look_at(void *value)
{
    struct xf_subscription *sub = value;
    bool was_barred = sub->is_barred, is_allowed = xf_subscription_is_allowed(sub);
    bool is_seen_anew = is_allowed && xf_subscription_hide(sub);
    if (is_allowed && xf_subscription_answer(sub)) {
        xf_subscription_tell(sub, sub->has_state ? XF_TELL_STATE : 0);
        is_seen_anew = true;
    }
    if (!is_allowed && (!was_barred || !xf_subscription_belongs(sub)))
        xf_subscription_bar(sub);
    else if (is_allowed && was_barred && sub->state == XF_SUBSCRIPTION_RESTING)
        sub->due_ms = sub->simple->env->clock->now_ms;
    else if (!is_seen_anew)
        return false;
    xf_subscription_settle(sub);
    return true;
}

void xf_subscriber_reload(struct xf_simple *simple)
{
    if (!simple->is_finished)
        xf_round_begin(&simple->subscriber.round);
}

void xf_subscriber_bar_init(struct xf_simple *simple)
{
    struct xf_subscriber *subscriber = &simple->subscriber;
    xf_round_init(&subscriber->round, simple->env->timers, subscriber->by_pair, look_at);
}
