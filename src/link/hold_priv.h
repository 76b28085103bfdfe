/* SPDX-License-Identifier: MIT */
/*
 * hold_priv.h — stanzas that wait for a component stream, in order, bounded by bytes and time.
 *
 * The clock of the hold starts when the component goes down: for hold_ms what comes is kept, then
 * all of it expires and what comes is refused, until the component is up again. While it is up a
 * hold only takes what a congested stream did not, by the age of each.
 */
#pragma once

#include <xfed/limits/quota.h>
#include <xfed/net/timer.h>
#include <xfed/xmpp/stanza_queue.h>

/*
 * One for all holds of a link. Those that have a place in a quota (peers that the configuration
 * does not name) leave room to the others: all of one owner may use the half, all of them three
 * quarters.
 */
struct xf_hold_budget {
    size_t max_bytes;
    struct xf_stanza_sum held;
    uint64_t hold_ms;
};

struct xf_hold {
    struct xf_stanza_queue stanzas;
    struct xf_hold_budget *budget;
    struct xf_place
        *place; /* borrowed; while it is held, the bytes of `stanzas` are its weight. NULL: never */
    const struct xf_clock *clock;
    struct xf_timers *timers;
    struct xf_timer timer; /* runs while something is kept */
    bool is_up;
    uint64_t down_since_ms;                                 /* when not is_up */
    void (*expired)(void *owner, struct xf_stanza *stanza); /* borrowed */
    /* after the last of those that expired together */
    void (*emptied)(void *owner);
    void *owner;
};

void xf_hold_init(struct xf_hold *hold, struct xf_hold_budget *budget, const struct xf_clock *clock,
                  struct xf_timers *timers);
void xf_hold_fini(struct xf_hold *hold); /* drops what is kept */

/* The component went down (the clock starts, unless it runs already) or came up. */
void xf_hold_down(struct xf_hold *hold);
void xf_hold_up(struct xf_hold *hold);

static inline bool xf_hold_is_empty(const struct xf_hold *hold)
{
    return xf_stanza_queue_is_empty(&hold->stanzas);
}

/* The place was taken: it weighs what is kept. */
void xf_hold_weigh(struct xf_hold *hold);

/*
 * Keep a copy. XF_ERR_CLOSED: down too long, or the budget, or the share of the place's owner, is
 * used up.
 */
XF_MUST_USE enum xf_err xf_hold_push(struct xf_hold *hold, const struct xf_stanza *stanza);

/*
 * Hand out the oldest ones while `send` takes them (true). The hold may be used from within `send`,
 * but not flushed.
 */
void xf_hold_flush(struct xf_hold *hold, bool (*send)(void *owner, const struct xf_stanza *stanza),
                   void *owner);

/* All that is kept expires now. */
void xf_hold_expire_all(struct xf_hold *hold);
