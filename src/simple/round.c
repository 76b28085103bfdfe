/* SPDX-License-Identifier: MIT */
/*
 * round.c — looks at each entry of a map, some at a time, so that nobody waits while there are
 * many. Entries may come and go meanwhile (xf_map_next).
 */
#include "simple_priv.h"

#define STEP_MS    250  /* in this time, at most: */
#define LOOK_COUNT 1000 /* ... so many are looked at, */
#define ACT_COUNT  100  /* ... and so many of them have something to do */

/* False: the round is over, and no other one has to follow. */
static bool next(struct xf_round *round, void **out)
{
    if (xf_map_next(round->map, &round->at, NULL, out))
        return true;
    bool goes_again = round->goes_again;
    round->at = 0;
    round->goes_again = false;
    return goes_again && xf_map_next(round->map, &round->at, NULL, out);
}

static void go_on(void *owner)
{
    struct xf_round *round = owner;
    void *value;
    for (unsigned looked = 0, acted = 0; looked < LOOK_COUNT && acted < ACT_COUNT; looked++) {
        if (!next(round, &value))
            return;
        acted += round->look_at(value);
    }
    xf_timer_start(round->timers, &round->timer, STEP_MS);
}

void xf_round_init(struct xf_round *round, struct xf_timers *timers, const struct xf_map *map,
                   bool (*look_at)(void *value))
{
    *round = (struct xf_round){.timers = timers, .map = map, .look_at = look_at};
    xf_timer_init(&round->timer, go_on, round);
}

void xf_round_begin(struct xf_round *round)
{
    if (!xf_timer_is_running(&round->timer))
        xf_timer_start(round->timers, &round->timer, 0);
    else if (round->at > 0)
        round->goes_again = true;
}

void xf_round_stop(struct xf_round *round)
{
    xf_timer_stop(&round->timer);
}
