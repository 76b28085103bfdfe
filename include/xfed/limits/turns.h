/* SPDX-License-Identifier: MIT */
/*
 * turns.h — who may do something next, where all together may do it so often: owners come in turn,
 * however many each has that wait. Who waits alone waits for nobody. Test:
 * tests/unit/limits/test_turns.c.
 */
#pragma once

#include <xfed/base/list.h>
#include <xfed/base/map.h>
#include <xfed/net/timer.h>

struct xf_turn_owner; /* those of an owner that wait, the longest waiter first */

struct xf_turn { /* embedded in who waits; starts zeroed */
    struct xf_node node;
    struct xf_turn_owner *owner; /* set while it waits */
};

static inline bool xf_turn_waits(const struct xf_turn *turn)
{
    return turn->owner != NULL;
}

struct xf_turns {
    struct xf_timers *timers;
    const struct xf_clock *clock;
    /* Its turn has come, and is used up. Called from a timer. It may take and leave turns. */
    void (*come)(struct xf_turn *turn);
    uint64_t each_ms, saved_ms; /* between two; what may be saved up while nobody waits */
    uint64_t next_ms;           /* when the next turn is */
    struct xf_map *owners;      /* text -> struct xf_turn_owner, of those that wait */
    struct xf_node ring;        /* of them, whose turn is next first */
    struct xf_timer timer;
};

/* `clock` and `timers` are borrowed. */
void xf_turns_init(struct xf_turns *turns, const struct xf_clock *clock, struct xf_timers *timers,
                   uint64_t each_ms, uint64_t saved_ms, void (*come)(struct xf_turn *turn));
void xf_turns_fini(struct xf_turns *turns); /* nobody waits */

/* True: now. False: it waits, and is called; it does not wait already. `owner` is copied. */
bool xf_turns_take(struct xf_turns *turns, struct xf_span owner, struct xf_turn *turn);
/* It waits no longer; or nothing. */
void xf_turns_leave(struct xf_turn *turn);
