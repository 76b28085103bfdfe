/* SPDX-License-Identifier: MIT */
/*
 * timer.h — one-shot timers in a heap over a struct xf_clock. No I/O: the loop (or a test) asks
 * when the next timer is due, and runs all that are due. A timer is embedded in its owner and must
 * be stopped before the owner dies.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <xfed/base/clock.h>
#include <xfed/base/err.h>

struct xf_timers;

struct xf_timer {
    struct xf_timers *timers; /* set while it runs */
    uint64_t at_ms;
    uint64_t order; /* order of starting: timers due at the same time fire in this order */
    size_t slot;
    void (*fire)(void *owner);
    void *owner;
};

/* `clock` is borrowed for the set's life. */
struct xf_timers *xf_timers_new(const struct xf_clock *clock);
void xf_timers_free(struct xf_timers **timers); /* no timer may be running */

static inline void xf_timer_init(struct xf_timer *timer, void (*fire)(void *owner), void *owner)
{
    *timer = (struct xf_timer){.fire = fire, .owner = owner};
}

/* (Re)start: fires once, `delay_ms` from the clock's now. */
void xf_timer_start(struct xf_timers *timers, struct xf_timer *timer, uint64_t delay_ms);
void xf_timer_stop(struct xf_timer *timer); /* does nothing for a stopped timer */

static inline bool xf_timer_is_running(const struct xf_timer *timer)
{
    return timer->timers != NULL;
}

/* When the next is due (clock's scale), UINT64_MAX for none. */
uint64_t xf_timers_next_ms(const struct xf_timers *timers);

/* Fire all timers that are due now; timers started meanwhile with delay 0 wait for the next run. */
void xf_timers_run(struct xf_timers *timers);
