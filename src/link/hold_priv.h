/* SPDX-License-Identifier: MIT */
/*
 * hold_priv.h — stanzas that wait for a component stream, in order, bounded by bytes and time.
 *
 * The clock of the hold starts when the component goes down. For hold_ms the hold keeps each stanza
 * that comes; then all of them expire, and new ones are refused until the component is up again,
 * except for results and errors, for which nothing can be returned: they wait longer.
 * While the component is up, the hold takes only stanzas that a congested stream did not take, and
 * each of them expires by its own age.
 */
#pragma once

#include <xfed/limits/quota.h>
#include <xfed/net/timer.h>
#include <xfed/xmpp/stanza_queue.h>

/*
 * One budget for all holds of a link. Holds with a place in a quota (for peers that the
 * configuration does not name) leave room for the others: all holds of one owner may use half of
 * the budget together, and all holds with a place three quarters.
 */
struct xf_hold_budget {
    size_t max_bytes;
    struct xf_stanza_sum held;
    struct xf_stanza_sum unproved; /* in the proofs of all legs; these count too */
    uint64_t hold_ms;
    /* By the link. Nothing waits any more while a component is down: */
    bool is_over;
    bool is_closed; /* what can be returned does not wait any more, even while a component is up */
};

struct xf_hold {
    struct xf_stanza_queue stanzas;
    struct xf_hold_budget *budget;
    /* Borrowed. While the place is held, its weight is the bytes of `stanzas`. NULL: no place. */
    struct xf_place *place;
    const struct xf_clock *clock;
    struct xf_timers *timers;
    struct xf_timer timer; /* runs while something is kept */
    bool is_up;
    bool has_only_results;  /* all else expired, while it is down; what is put back is in front */
    bool has_more;          /* more is due than was told */
    uint64_t down_since_ms; /* valid while not is_up */
    void (*expired)(void *owner, struct xf_stanza *stanza); /* borrowed */
    /* Follows the last of the stanzas that expired together: there is room. */
    void (*relieved)(void *owner);
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

/* budget->is_over was set: what is kept while the component is down is due now. */
void xf_hold_over(struct xf_hold *hold);

/* budget->is_closed was set: what can be returned expires now. */
void xf_hold_return(struct xf_hold *hold);

/* Call after the place was taken: its weight becomes the bytes that are kept. */
void xf_hold_weigh(struct xf_hold *hold);

/*
 * Keep a copy. XF_ERR_CLOSED: the component has been down for too long, or the budget or the
 * owner's share of it is used up.
 */
XF_MUST_USE enum xf_err xf_hold_push(struct xf_hold *hold, const struct xf_stanza *stanza);

/* Take over a stanza that came back, in front of all others, even if there is no room. */
void xf_hold_put_back(struct xf_hold *hold, struct xf_stanza_copy *copy);

/* Take the oldest one out if nobody knows whether it arrived (copy->is_unproved); else NULL. */
struct xf_stanza_copy *xf_hold_take_unproved(struct xf_hold *hold);

void xf_hold_remove(struct xf_hold *hold, struct xf_stanza_copy *copy); /* take any one out */

/*
 * Pass the stanzas to `send`, the oldest first, as long as it returns true: then it has taken over
 * the copy. `send` may use the hold but must not flush it.
 */
void xf_hold_flush(struct xf_hold *hold, bool (*send)(void *owner, struct xf_stanza_copy *copy),
                   void *owner);

/* Every stanza that is kept expires now. */
void xf_hold_expire_all(struct xf_hold *hold);
