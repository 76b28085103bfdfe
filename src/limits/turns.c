/* SPDX-License-Identifier: MIT */
/*
 * turns.c — so many turns in a time for all; among those that wait, owners are served one after the
 * other. A queue of one line would make each wait for the owner that brings most.
 */
#include <xfed/limits/turns.h>

#include <xfed/base/alloc.h>

struct xf_turn_owner {
    struct xf_turns *turns;
    struct xf_node node;    /* in the ring */
    struct xf_node waiting; /* struct xf_turn */
    struct xf_span name;    /* the map's */
};

/* False: the next turn is later. */
static bool take_turn(struct xf_turns *turns)
{
    uint64_t now_ms = turns->clock->now_ms;
    uint64_t least_ms = now_ms > turns->saved_ms ? now_ms - turns->saved_ms : 0;
    if (turns->next_ms > now_ms)
        return false;
    turns->next_ms = (turns->next_ms > least_ms ? turns->next_ms : least_ms) + turns->each_ms;
    return true;
}

static void arm(struct xf_turns *turns)
{
    uint64_t now_ms = turns->clock->now_ms;
    if (xf_list_is_empty(&turns->ring))
        xf_timer_stop(&turns->timer);
    else if (!xf_timer_is_running(&turns->timer))
        xf_timer_start(turns->timers, &turns->timer,
                       turns->next_ms > now_ms ? turns->next_ms - now_ms : 0);
}

static struct xf_turn_owner *owner_of(struct xf_turns *turns, struct xf_span name)
{
    struct xf_turn_owner *owner = xf_map_find(turns->owners, name);
    if (owner)
        return owner;
    owner = xf_new(struct xf_turn_owner);
    owner->turns = turns;
    (void)xf_map_set(turns->owners, name, owner);
    owner->name = xf_map_key(turns->owners, name);
    xf_list_init(&owner->waiting);
    xf_list_push(&turns->ring, &owner->node);
    return owner;
}

/* The owner has one less; with none it leaves the ring. */
static void remove_turn(struct xf_turn *turn)
{
    struct xf_turn_owner *owner = turn->owner;
    xf_list_remove(&turn->node);
    turn->owner = NULL;
    if (!xf_list_is_empty(&owner->waiting))
        return;
    xf_list_remove(&owner->node);
    (void)xf_map_remove(owner->turns->owners, owner->name);
    xf_free(owner);
}

static void on_time(void *at)
{
    struct xf_turns *turns = at;
    while (!xf_list_is_empty(&turns->ring) && take_turn(turns)) {
        struct xf_turn_owner *owner = XF_CONTAINER(turns->ring.next, struct xf_turn_owner, node);
        struct xf_turn *turn = XF_CONTAINER(owner->waiting.next, struct xf_turn, node);
        xf_list_remove(&owner->node); /* to the end: the others come before it again */
        xf_list_push(&turns->ring, &owner->node);
        remove_turn(turn);
        turns->come(turn);
    }
    arm(turns);
}

bool xf_turns_take(struct xf_turns *turns, struct xf_span owner, struct xf_turn *turn)
{
    xf_require(!turn->owner);
    if (xf_list_is_empty(&turns->ring) && take_turn(turns))
        return true;
    turn->owner = owner_of(turns, owner);
    xf_list_push(&turn->owner->waiting, &turn->node);
    arm(turns);
    return false;
}

void xf_turns_leave(struct xf_turn *turn)
{
    if (!turn->owner)
        return;
    struct xf_turns *turns = turn->owner->turns;
    remove_turn(turn);
    arm(turns);
}

void xf_turns_init(struct xf_turns *turns, const struct xf_clock *clock, struct xf_timers *timers,
                   uint64_t each_ms, uint64_t saved_ms, void (*come)(struct xf_turn *turn))
{
    *turns = (struct xf_turns){.clock = clock,
                               .timers = timers,
                               .come = come,
                               .each_ms = each_ms,
                               .saved_ms = saved_ms,
                               .owners = xf_map_new()};
    xf_list_init(&turns->ring);
    xf_timer_init(&turns->timer, on_time, turns);
}

void xf_turns_fini(struct xf_turns *turns)
{
    xf_require(xf_list_is_empty(&turns->ring));
    xf_timer_stop(&turns->timer);
    xf_map_free(&turns->owners);
}
