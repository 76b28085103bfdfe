/* SPDX-License-Identifier: MIT */
/*
 * timer.c — one-shot timers in a binary heap of borrowed pointers.
 *
 * The heap is ordered by due time, and by order of start among equals, so that timers of one turn
 * fire in the order in which they were started. Each timer knows its slot, so that stopping one
 * costs O(log n). A run reads the clock and the next order number once, at its start. So a timer
 * that is started during the run never fires in the same run, even with delay 0, and every run
 * ends. Test: tests/unit/net/test_timer.c.
 */
#include <xfed/net/timer.h>

#include <xfed/base/alloc.h>

#define FIRST_SLOTS 64

struct xf_timers {
    const struct xf_clock *clock;
    struct xf_timer **heap;
    size_t count, room;
    uint64_t next_order;
};

static bool is_before(const struct xf_timer *a, const struct xf_timer *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

static void put(struct xf_timers *timers, size_t slot, struct xf_timer *timer)
{
    timers->heap[slot] = timer;
    timer->slot = slot;
}

static void sift_up(struct xf_timers *timers, size_t slot, struct xf_timer *timer)
{
    while (slot > 0 && is_before(timer, timers->heap[(slot - 1) / 2])) {
        put(timers, slot, timers->heap[(slot - 1) / 2]);
        slot = (slot - 1) / 2;
    }
    put(timers, slot, timer);
}

static void sift_down(struct xf_timers *timers, size_t slot, struct xf_timer *timer)
{
    for (;;) {
        size_t child = 2 * slot + 1;
        if (child >= timers->count)
            break;
        if (child + 1 < timers->count && is_before(timers->heap[child + 1], timers->heap[child]))
            child++;
        if (!is_before(timers->heap[child], timer))
            break;
        put(timers, slot, timers->heap[child]);
        slot = child;
    }
    put(timers, slot, timer);
}

struct xf_timers *xf_timers_new(const struct xf_clock *clock)
{
    struct xf_timers *timers = xf_new(struct xf_timers);

    timers->clock = clock;
    return timers;
}

void xf_timers_free(struct xf_timers **timers)
{
    if (!*timers)
        return;
    xf_require((*timers)->count == 0);
    xf_free((*timers)->heap);
    xf_free(*timers);
    *timers = NULL;
}

void xf_timer_start(struct xf_timers *timers, struct xf_timer *timer, uint64_t delay_ms)
{
    xf_timer_stop(timer);
    if (timers->count == timers->room) {
        timers->room = timers->room ? 2 * timers->room : FIRST_SLOTS;
        timers->heap = xf_realloc(timers->heap, timers->room * sizeof(timers->heap[0]));
    }
    timer->timers = timers;
    timer->order = timers->next_order++;
    /* A delay beyond the scale means "never": saturate instead of wrapping into the past. */
    timer->at_ms = timers->clock->now_ms + delay_ms;
    if (timer->at_ms < delay_ms)
        timer->at_ms = UINT64_MAX;
    sift_up(timers, timers->count++, timer);
}

void xf_timer_stop(struct xf_timer *timer)
{
    struct xf_timers *timers = timer->timers;

    if (!timers)
        return;
    timer->timers = NULL;
    struct xf_timer *last = timers->heap[--timers->count];
    if (last == timer)
        return;
    if (timer->slot > 0 && is_before(last, timers->heap[(timer->slot - 1) / 2]))
        sift_up(timers, timer->slot, last);
    else
        sift_down(timers, timer->slot, last);
}

uint64_t xf_timers_next_ms(const struct xf_timers *timers)
{
    return timers->count ? timers->heap[0]->at_ms : UINT64_MAX;
}

void xf_timers_run(struct xf_timers *timers)
{
    uint64_t now_ms = timers->clock->now_ms;
    uint64_t end_order = timers->next_order;

    while (timers->count) {
        struct xf_timer *first = timers->heap[0];
        if (first->at_ms > now_ms || first->order >= end_order)
            return;
        xf_timer_stop(first);
        first->fire(first->owner);
    }
}
