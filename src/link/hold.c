/* SPDX-License-Identifier: MIT */
/*
 * hold.c — the waiting room in front of a component stream.
 *
 * One timer: due when the component has been down for hold_ms, or, while it is up, when the oldest
 * is that old. It is started with the first stanza kept and moved when the component goes down or
 * comes up. Expiry takes a stanza out before it tells, so that the one told may send and push.
 */
#include "hold_priv.h"

#include <xfed/base/alloc.h>

static struct xf_stanza_copy *oldest(const struct xf_hold *hold)
{
    return XF_CONTAINER(hold->copy.next, struct xf_stanza_copy, node);
}

static uint64_t due_ms(const struct xf_hold *hold)
{
    uint64_t since_ms = hold->is_up ? oldest(hold)->at_ms : hold->down_since_ms;
    return since_ms + hold->budget->hold_ms;
}

static void arm(struct xf_hold *hold)
{
    if (xf_hold_is_empty(hold)) {
        xf_timer_stop(&hold->timer);
        return;
    }
    uint64_t at_ms = due_ms(hold), now_ms = hold->clock->now_ms;
    xf_timer_start(hold->timers, &hold->timer, at_ms > now_ms ? at_ms - now_ms : 0);
}

static bool has_place(const struct xf_hold *hold)
{
    return hold->place && xf_place_is_held(hold->place);
}

void xf_hold_weigh(struct xf_hold *hold)
{
    if (has_place(hold))
        xf_place_weigh(hold->place, hold->bytes);
}

static bool has_room(const struct xf_hold *hold, size_t bytes)
{
    size_t max = hold->budget->max_bytes;
    if (bytes > max - hold->budget->used_bytes)
        return false;
    return !has_place(hold) ||
           (xf_place_weight(hold->place, XF_CROWD_GROUP) + bytes <= max / 2 &&
            xf_place_weight(hold->place, XF_CROWD_ALL) + bytes <= max - max / 4);
}

static void drop(struct xf_hold *hold, struct xf_stanza_copy *copy)
{
    hold->budget->used_bytes -= copy->bytes;
    hold->bytes -= copy->bytes;
    xf_list_remove(&copy->node);
    xf_hold_weigh(hold);
}

static void expire_oldest(struct xf_hold *hold)
{
    struct xf_stanza_copy *copy = oldest(hold);
    struct xf_stanza stanza;
    drop(hold, copy);
    xf_stanza_copy_read(copy, &stanza);
    hold->expired(hold->owner, &stanza);
    xf_free(copy);
}

static void on_due(void *owner)
{
    struct xf_hold *hold = owner;
    uint64_t now_ms = hold->clock->now_ms;
    while (!xf_hold_is_empty(hold) && due_ms(hold) <= now_ms)
        expire_oldest(hold);
    arm(hold);
    if (xf_hold_is_empty(hold))
        hold->emptied(hold->owner);
}

void xf_hold_init(struct xf_hold *hold, struct xf_hold_budget *budget, const struct xf_clock *clock,
                  struct xf_timers *timers)
{
    *hold = (struct xf_hold){
        .budget = budget, .clock = clock, .timers = timers, .down_since_ms = clock->now_ms};
    xf_list_init(&hold->copy);
    xf_timer_init(&hold->timer, on_due, hold);
}

void xf_hold_fini(struct xf_hold *hold)
{
    xf_timer_stop(&hold->timer);
    while (!xf_hold_is_empty(hold)) {
        struct xf_stanza_copy *copy = oldest(hold);
        drop(hold, copy);
        xf_free(copy);
    }
}

void xf_hold_down(struct xf_hold *hold)
{
    if (!hold->is_up)
        return;
    hold->is_up = false;
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
    if (!hold->is_up && now_ms - hold->down_since_ms >= hold->budget->hold_ms)
        return XF_ERR_CLOSED;
    if (!has_room(hold, xf_stanza_copy_size(stanza)))
        return XF_ERR_CLOSED;

    struct xf_stanza_copy *copy = xf_stanza_copy_new(stanza, now_ms);
    hold->budget->used_bytes += copy->bytes;
    hold->bytes += copy->bytes;
    xf_hold_weigh(hold);
    xf_list_push(&hold->copy, &copy->node);
    if (!xf_timer_is_running(&hold->timer))
        arm(hold);
    return XF_ERR_OK;
}

void xf_hold_flush(struct xf_hold *hold, bool (*send)(void *owner, const struct xf_stanza *stanza),
                   void *owner)
{
    while (!xf_hold_is_empty(hold)) {
        struct xf_stanza_copy *copy = oldest(hold);
        struct xf_stanza stanza;
        xf_stanza_copy_read(copy, &stanza);
        if (!send(owner, &stanza))
            break;
        drop(hold, copy);
        xf_free(copy);
    }
    arm(hold);
}

void xf_hold_expire_all(struct xf_hold *hold)
{
    while (!xf_hold_is_empty(hold))
        expire_oldest(hold);
    arm(hold);
}
