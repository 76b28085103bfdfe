/* SPDX-License-Identifier: MIT */
/*
 * subscriber_wait.c — what is due, and when the next SUBSCRIBE is: refreshes in good time, failures
 * ever more rarely, and all together at a bounded pace.
 *
 * What a peer says can make us send seldom, but never often: the shortest time between two
 * SUBSCRIBEs that nobody but the peer caused is REFRESH_MIN_MS, and a peer that ends each new
 * dialog at once waits for the next one as if it had refused it.
 */
#include "subscriber_priv.h"

#include <xfed/xmpp/owner.h>

#define FIRST_MS       30000   /* after a failure; doubles */
#define LAST_MS        3600000 /* ... up to an hour */
#define DOUBLINGS      7
#define STEADY_MS      120000 /* a dialog that lasted so long was a success */
#define REFRESH_MIN_MS 5000
#define DAY_MS         ((uint64_t)86400000) /* what a peer may ask for at most */
#define GRACE_MS       60000 /* for a new dialog, before the contact is unavailable */
#define KEPT_WITHIN_MS 60000 /* a NOTIFY that moves the end less needs no new record */

static uint64_t now_ms(const struct xf_subscription *sub)
{
    return sub->simple->env->clock->now_ms;
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* 0 to 15, as good as random, and the same for the life of a dialog. */
static unsigned lot(const struct xf_subscription *sub)
{
    unsigned sum = 0;
    for (const char *c = sub->tag; *c; c++)
        sum += (unsigned char)*c;
    return sum % 16;
}

uint64_t xf_subscription_wait_ms(int64_t seconds)
{
    uint64_t ms = seconds > 0 ? (uint64_t)seconds * 1000 : 0;
    return ms < DAY_MS ? ms : DAY_MS;
}

/* ------------------------------------------------------------------ after a failure */

static uint64_t back_off(struct xf_subscription *sub)
{
    uint64_t ms = (uint64_t)FIRST_MS << (sub->failures < DOUBLINGS ? sub->failures : DOUBLINGS);
    if (ms > LAST_MS)
        ms = LAST_MS;
    if (sub->failures < UINT8_MAX)
        sub->failures++;
    return ms + ms * lot(sub) / 64; /* those that failed together come apart */
}

void xf_subscription_lose(struct xf_subscription *sub, uint64_t least_ms, bool is_gentle)
{
    if (now_ms(sub) - sub->asked_ms >= STEADY_MS)
        sub->failures = 0;
    is_gentle = is_gentle && sub->failures == 0;
    uint64_t ms = back_off(sub);
    sub->delay_ms = is_gentle ? least_ms : later(ms, least_ms);
    xf_subscription_fire(sub, XF_SUBSCRIPTION_ON_LOST);
}

void xf_subscription_miss(struct xf_subscription *sub)
{
    xf_subscription_fade(sub);
    if (!sub->is_missing)
        xf_subscription_tell(sub, XF_TELL_MISSING);
    sub->is_missing = true;
    xf_subscription_lose(sub, DAY_MS, false);
}

void xf_subscription_retry(struct xf_subscription *sub, uint64_t least_ms)
{
    sub->due_ms = now_ms(sub) + later(back_off(sub), least_ms);
}

/* ------------------------------------------------------------------ refreshes */

/* At 80 to 95 % of the time. */
static uint64_t refresh_at(const struct xf_subscription *sub, uint64_t seconds)
{
    return now_ms(sub) + later(seconds * 10 * (80 + lot(sub)), REFRESH_MIN_MS);
}

/* A peer may grant less than was asked for, not more (RFC 6665 section 4.2.1.1). */
static uint64_t bounded(const struct xf_subscription *sub, int64_t seconds)
{
    return seconds == XF_SIP_ABSENT || seconds > sub->requested_s ? sub->requested_s
                                                                  : (uint64_t)seconds;
}

void xf_subscription_grant(struct xf_subscription *sub, int64_t seconds)
{
    uint64_t granted_s = bounded(sub, seconds);
    sub->expires_ms = now_ms(sub) + granted_s * 1000;
    sub->due_ms = refresh_at(sub, granted_s);
    xf_turns_leave(&sub->turn);
}

/* Each NOTIFY says less than the one before: so none of them puts the refresh off. */
void xf_subscription_shorten(struct xf_subscription *sub, int64_t seconds)
{
    uint64_t left_s = bounded(sub, seconds), at_ms = refresh_at(sub, left_s);
    uint64_t until_ms = now_ms(sub) + left_s * 1000, before_ms = sub->expires_ms;
    sub->is_changed |= later(until_ms, before_ms) - sooner(until_ms, before_ms) > KEPT_WITHIN_MS;
    sub->expires_ms = until_ms;
    if (!sub->client && !xf_turn_waits(&sub->turn) && at_ms < sub->due_ms)
        sub->due_ms = at_ms;
}

/* RFC 6665 section 4.1.2.2, timer N. */
void xf_subscription_expect_notify(struct xf_subscription *sub)
{
    sub->notify_by_ms = now_ms(sub) + XF_UA_T_MS;
}

/* While one is under way, or its NOTIFY is awaited, that tells as much. */
void xf_subscription_hasten(struct xf_subscription *sub)
{
    uint64_t at_ms = now_ms(sub) + REFRESH_MIN_MS;
    bool is_refreshed = sub->client || xf_turn_waits(&sub->turn) || sub->notify_by_ms != UINT64_MAX;
    if (xf_subscription_has_dialog(sub) && !is_refreshed && at_ms < sub->due_ms)
        sub->due_ms = at_ms;
}

/* ------------------------------------------------------------------ what is due */

static bool is_away(const struct xf_subscription *sub)
{
    return now_ms(sub) - sub->seen_ms >= sub->simple->settings.away_after_ms;
}

/* False: it waits for its turn; xf_subscription_come is next. */
static bool has_turn(struct xf_subscription *sub)
{
    struct xf_simple *simple = sub->simple;
    struct xf_span domain = xf_simple_domain_of(xf_subscription_contact(sub));
    bool is_named = xf_policy_names(simple->policy, domain);
    return !xf_turn_waits(&sub->turn) &&
           xf_turns_take(is_named ? &simple->subscriber.turns : &simple->subscriber.strangers,
                         xf_domain_owner(domain), &sub->turn);
}

static void expire(struct xf_subscription *sub)
{
    sub->expires_ms = UINT64_MAX;
    xf_subscription_fade(sub);
    if (xf_subscription_has_dialog(sub) && is_away(sub))
        xf_subscription_fire(sub, XF_SUBSCRIPTION_ON_SLEEP);
    else if (xf_subscription_has_dialog(sub))
        xf_subscription_lose(sub, 0, false);
}

void xf_subscription_bar(struct xf_subscription *sub)
{
    bool is_ending = sub->state == XF_SUBSCRIPTION_ENDING || sub->state == XF_SUBSCRIPTION_ENDED;
    sub->is_barred = true;
    xf_subscription_fade(sub);
    /* What else it was not told yet it is told with the next dialog. */
    sub->wants_answer |= (sub->tell & XF_TELL_SUBSCRIBED) != 0;
    sub->is_missing &= !(sub->tell & XF_TELL_MISSING);
    sub->tell = sub->tell & (XF_TELL_STATE | XF_TELL_GONE) ? XF_TELL_GONE : 0;
    if (!xf_subscription_belongs(sub))
        xf_subscription_fire(sub, XF_SUBSCRIPTION_ON_BAR);
    else if (!is_ending && sub->state != XF_SUBSCRIPTION_AWAY)
        xf_subscription_fire(sub, XF_SUBSCRIPTION_ON_SUSPEND);
}

/* False: it was barred. */
static bool is_allowed(struct xf_subscription *sub)
{
    sub->is_barred = !xf_subscription_is_allowed(sub);
    if (sub->is_barred)
        xf_subscription_bar(sub);
    return !sub->is_barred;
}

/*
 * The notifier has lost the subscription, or cannot reach us: only a new dialog shows which. Unless
 * the NOTIFY may have come, and was not read. While the refresh itself has no answer, that is what
 * is waited for.
 */
static void miss_notify(struct xf_subscription *sub)
{
    sub->notify_by_ms = UINT64_MAX;
    if (sub->simple->has_paused)
        xf_subscription_expect_notify(sub);
    else if (xf_subscription_has_dialog(sub) && !sub->client)
        xf_subscription_lose(sub, 0, true);
}

/* False: it is gone. */
static bool act(struct xf_subscription *sub)
{
    sub->due_ms = UINT64_MAX;
    switch (sub->state) {
    case XF_SUBSCRIPTION_RESTING:
        if (is_away(sub))
            xf_subscription_fire(sub, XF_SUBSCRIPTION_ON_SLEEP);
        else if (is_allowed(sub) && has_turn(sub))
            xf_subscription_fire(sub, XF_SUBSCRIPTION_ON_DUE);
        break;
    case XF_SUBSCRIPTION_PENDING:
    case XF_SUBSCRIPTION_ACTIVE: /* of a user who is away it runs out */
        if (!is_away(sub) && is_allowed(sub) && has_turn(sub))
            xf_subscription_fire(sub, XF_SUBSCRIPTION_ON_DUE);
        break;
    case XF_SUBSCRIPTION_WAITING:
        xf_subscription_lose(sub, 0, false);
        break;
    case XF_SUBSCRIPTION_AWAY:
        xf_subscription_fire(sub, XF_SUBSCRIPTION_ON_DROP);
        return false;
    default:
        break;
    }
    return true;
}

void xf_subscription_run(struct xf_subscription *sub)
{
    if (!sub->simple->is_finished) {
        if (sub->expires_ms <= now_ms(sub))
            expire(sub);
        if (sub->notify_by_ms <= now_ms(sub))
            miss_notify(sub);
        if (sub->due_ms <= now_ms(sub) && !act(sub))
            return;
    }
    xf_subscription_settle(sub);
}

void xf_subscription_come(struct xf_turn *turn)
{
    struct xf_subscription *sub = XF_CONTAINER(turn, struct xf_subscription, turn);
    if (!sub->simple->is_finished && is_away(sub))
        sub->due_ms = now_ms(sub);
    else if (!sub->simple->is_finished)
        xf_subscription_fire(sub, XF_SUBSCRIPTION_ON_DUE);
    xf_subscription_settle(sub);
}

static void arm(struct xf_subscription *sub)
{
    uint64_t at_ms = sooner(sooner(sub->due_ms, sub->expires_ms), sub->notify_by_ms);
    if (at_ms == UINT64_MAX || sub->simple->is_finished)
        xf_timer_stop(&sub->timer);
    else if (!xf_timer_is_running(&sub->timer) || sub->timer.at_ms != at_ms)
        xf_timer_start(sub->simple->env->timers, &sub->timer,
                       at_ms > now_ms(sub) ? at_ms - now_ms(sub) : 0);
}

void xf_subscription_settle(struct xf_subscription *sub)
{
    bool is_told = xf_subscription_tell_noted(sub);
    sub->is_changed |= is_told && sub->is_owing;
    xf_subscription_save(sub);
    if (sub->state == XF_SUBSCRIPTION_ENDED && is_told)
        xf_subscription_fire(sub, XF_SUBSCRIPTION_ON_TOLD);
    else
        arm(sub);
}

/* ------------------------------------------------------------------ actions */

void xf_subscription_begin(struct xf_subscription *sub)
{
    xf_subscription_forget(sub);
    sub->is_barred = false;
    sub->due_ms = now_ms(sub);
}

/*
 * The contact stays as it was shown for a moment: mostly the next dialog goes on where this
 * ended.
 */
void xf_subscription_rest(struct xf_subscription *sub)
{
    uint64_t grace_ms = now_ms(sub) + GRACE_MS;
    xf_subscription_forget(sub);
    sub->due_ms = now_ms(sub) + sub->delay_ms;
    if (!sub->is_open)
        sub->expires_ms = UINT64_MAX;
    else if (grace_ms < sub->expires_ms)
        sub->expires_ms = grace_ms;
}

void xf_subscription_await(struct xf_subscription *sub)
{
    sub->due_ms = now_ms(sub) + XF_UA_T_MS; /* RFC 6665 section 4.1.2.4, timer N */
}

void xf_subscription_sleep(struct xf_subscription *sub)
{
    xf_subscription_forget(sub);
    xf_subscription_fade(sub);
    sub->expires_ms = UINT64_MAX;
    sub->due_ms = now_ms(sub) + 7 * DAY_MS; /* then it is forgotten */
}

void xf_subscription_end(struct xf_subscription *sub)
{
    xf_subscription_forget(sub);
    xf_subscription_fade(sub);
    if (!sub->is_barred)
        xf_subscription_tell(sub, XF_TELL_UNSUBSCRIBED);
    sub->due_ms = sub->expires_ms = UINT64_MAX;
}
