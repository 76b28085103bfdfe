/* SPDX-License-Identifier: MIT */
/*
 * hold.c — stanzas that wait in front of a component stream.
 *
 * A hold has one timer. It is due when the component has been down for hold_ms or, while the
 * component is up, when the oldest stanza is that old. The first stanza kept starts the timer; it
 * is set anew when the component goes down or comes up. An expired stanza leaves the hold before
 * `expired` is called, so that the callee may send and push.
 *
 * What cannot be returned, such as the result of a request, would be lost: while the component is
 * down it waits for RESULT_MS.
 *
 * Errors to one peer go through its queue, which may be smaller than the hold: so not all of them
 * are told at once, but EXPIRE_COUNT, and others each EXPIRE_MS.
 */
#include "hold_priv.h"

#include <xfed/base/alloc.h>

#define RESULT_MS    30000 /* most askers give up then */
#define EXPIRE_COUNT 500
#define EXPIRE_MS    50

static bool is_result(const struct xf_stanza_copy *copy)
{
    struct xf_stanza stanza;
    xf_stanza_copy_read(copy, &stanza);
    return !xf_stanza_may_bounce(&stanza);
}

/* While down: when all but results is due. */
static uint64_t usual_ms(const struct xf_hold *hold)
{
    if (hold->budget->is_over)
        return hold->down_since_ms;
    return hold->down_since_ms + hold->budget->hold_ms;
}

static uint64_t due_ms(const struct xf_hold *hold, const struct xf_stanza_copy *copy)
{
    uint64_t longer_ms = copy->at_ms + RESULT_MS;
    if (hold->is_up)
        return copy->at_ms + hold->budget->hold_ms;
    bool waits_longer = longer_ms > usual_ms(hold) && !hold->budget->is_over && is_result(copy);
    return waits_longer ? longer_ms : usual_ms(hold);
}

/* A stanza that is due before the oldest one is due at usual_ms, or there is none. */
static void arm(struct xf_hold *hold)
{
    const struct xf_stanza_copy *oldest = xf_stanza_queue_front(&hold->stanzas);
    if (!oldest) {
        xf_timer_stop(&hold->timer);
        return;
    }
    uint64_t now_ms = hold->clock->now_ms, at_ms = due_ms(hold, oldest);
    if (!hold->is_up && usual_ms(hold) > now_ms && usual_ms(hold) < at_ms)
        at_ms = usual_ms(hold);
    if (hold->has_more)
        at_ms = now_ms + EXPIRE_MS;
    xf_timer_start(hold->timers, &hold->timer, at_ms > now_ms ? at_ms - now_ms : 0);
}

static bool has_place(const struct xf_hold *hold)
{
    return hold->place && xf_place_is_held(hold->place);
}

void xf_hold_weigh(struct xf_hold *hold)
{
    if (has_place(hold))
        xf_place_weigh(hold->place, hold->stanzas.held.bytes);
}

static bool has_room(const struct xf_hold *hold, size_t bytes)
{
    size_t max = hold->budget->max_bytes;
    if (hold->budget->held.bytes + hold->budget->unproved.bytes + bytes > max)
        return false;
    return !has_place(hold) ||
           (xf_place_weight(hold->place, XF_CROWD_GROUP) + bytes <= max / 2 &&
            xf_place_weight(hold->place, XF_CROWD_ALL) + bytes <= max - max / 4);
}

static struct xf_stanza_copy *pop(struct xf_hold *hold)
{
    struct xf_stanza_copy *copy = xf_stanza_queue_pop(&hold->stanzas);
    xf_hold_weigh(hold);
    return copy;
}

static void tell_expired(struct xf_hold *hold, struct xf_stanza_copy *copy)
{
    struct xf_stanza stanza;
    xf_stanza_copy_read(copy, &stanza);
    hold->expired(hold->owner, &stanza);
    xf_free(copy);
}

/* Of what was taken out. The callees may send and push. */
static void tell_all(struct xf_hold *hold, struct xf_stanza_queue *expired)
{
    bool is_relieved = !xf_stanza_queue_is_empty(expired);
    xf_hold_weigh(hold);
    while (!xf_stanza_queue_is_empty(expired))
        tell_expired(hold, xf_stanza_queue_pop(expired));
    arm(hold);
    if (is_relieved)
        hold->relieved(hold->owner);
}

static void on_due(void *owner)
{
    struct xf_hold *hold = owner;
    uint64_t now_ms = hold->clock->now_ms;
    bool is_first = !hold->is_up && !hold->has_only_results;
    struct xf_stanza_queue expired;
    xf_stanza_queue_init(&expired, NULL);
    hold->has_more = false;
    XF_STANZA_QUEUE_EACH (copy, &hold->stanzas) {
        bool is_due = due_ms(hold, copy) <= now_ms;
        if (!is_due && !is_first)
            break;
        if (!is_due)
            continue;
        hold->has_more = expired.held.count == EXPIRE_COUNT && !hold->budget->is_over;
        if (hold->has_more)
            break;
        xf_stanza_queue_remove(&hold->stanzas, copy);
        xf_stanza_queue_append(&expired, copy);
    }
    hold->has_only_results = !hold->is_up && now_ms >= usual_ms(hold) && !hold->has_more;
    tell_all(hold, &expired);
}

void xf_hold_init(struct xf_hold *hold, struct xf_hold_budget *budget, const struct xf_clock *clock,
                  struct xf_timers *timers)
{
    *hold = (struct xf_hold){
        .budget = budget, .clock = clock, .timers = timers, .down_since_ms = clock->now_ms};
    xf_stanza_queue_init(&hold->stanzas, &budget->held);
    xf_timer_init(&hold->timer, on_due, hold);
}

void xf_hold_fini(struct xf_hold *hold)
{
    xf_timer_stop(&hold->timer);
    xf_stanza_queue_clear(&hold->stanzas);
    xf_hold_weigh(hold);
}

void xf_hold_down(struct xf_hold *hold)
{
    if (!hold->is_up)
        return;
    hold->is_up = hold->has_only_results = hold->has_more = false;
    hold->down_since_ms = hold->clock->now_ms;
    arm(hold);
}

void xf_hold_up(struct xf_hold *hold)
{
    hold->is_up = true;
    arm(hold);
}

enum xf_err xf_hold_push(struct xf_hold *hold, const struct xf_stanza *stanza)
{
    uint64_t now_ms = hold->clock->now_ms;
    if (!hold->is_up && hold->budget->is_over)
        return XF_ERR_CLOSED;
    if (hold->budget->is_closed && xf_stanza_may_bounce(stanza))
        return XF_ERR_CLOSED;
    if (!hold->is_up && now_ms - hold->down_since_ms >= hold->budget->hold_ms &&
        xf_stanza_may_bounce(stanza))
        return XF_ERR_CLOSED;
    if (!has_room(hold, xf_stanza_copy_size(stanza)))
        return XF_ERR_CLOSED;

    xf_stanza_queue_push(&hold->stanzas, stanza, now_ms);
    xf_hold_weigh(hold);
    if (!xf_timer_is_running(&hold->timer))
        arm(hold);
    return XF_ERR_OK;
}

void xf_hold_put_back(struct xf_hold *hold, struct xf_stanza_copy *copy)
{
    xf_stanza_queue_put_back(&hold->stanzas, copy);
    xf_hold_weigh(hold);
    if (!xf_timer_is_running(&hold->timer))
        arm(hold);
}

void xf_hold_remove(struct xf_hold *hold, struct xf_stanza_copy *copy)
{
    xf_stanza_queue_remove(&hold->stanzas, copy);
    xf_hold_weigh(hold);
    arm(hold);
}

struct xf_stanza_copy *xf_hold_take_unproved(struct xf_hold *hold)
{
    const struct xf_stanza_copy *oldest = xf_stanza_queue_front(&hold->stanzas);
    return oldest && oldest->is_unproved ? pop(hold) : NULL;
}

void xf_hold_flush(struct xf_hold *hold, bool (*send)(void *owner, struct xf_stanza_copy *copy),
                   void *owner)
{
    while (!xf_hold_is_empty(hold)) {
        struct xf_stanza_copy *copy = pop(hold);
        if (send(owner, copy))
            continue;
        xf_hold_put_back(hold, copy);
        break;
    }
    arm(hold);
}

void xf_hold_over(struct xf_hold *hold)
{
    hold->has_only_results = hold->has_more = false;
    arm(hold);
}

void xf_hold_return(struct xf_hold *hold)
{
    struct xf_stanza_queue expired;
    xf_stanza_queue_init(&expired, NULL);
    XF_STANZA_QUEUE_EACH (copy, &hold->stanzas) {
        if (is_result(copy))
            continue;
        xf_stanza_queue_remove(&hold->stanzas, copy);
        xf_stanza_queue_append(&expired, copy);
    }
    tell_all(hold, &expired);
}

void xf_hold_expire_all(struct xf_hold *hold)
{
    while (!xf_hold_is_empty(hold))
        tell_expired(hold, pop(hold));
    arm(hold);
}
