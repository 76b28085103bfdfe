/* SPDX-License-Identifier: MIT */
/*
 * rate.h — how fast a peer may send (rate.c): a bucket for each peer, whatever number of streams it
 * sends on.
 */
#pragma once

#include <xfed/base/lru.h>
#include <xfed/net/timer.h>

struct xf_rate_limits { /* a second; 0: any number */
    unsigned stanzas;
    size_t bytes;
};

/*
 * ---- the arithmetic. Thousandths, so that a rate a second is one a millisecond. A stanza may put
 * the bucket in debt, but only one.
 */
struct xf_bucket {
    int64_t stanzas, bytes;
    uint64_t filled_ms;
};
/* full: two seconds' worth */
void xf_bucket_begin(struct xf_bucket *bucket, const struct xf_rate_limits *limits,
                     uint64_t now_ms);
void xf_bucket_fill(struct xf_bucket *bucket, const struct xf_rate_limits *limits, uint64_t now_ms);
void xf_bucket_take(struct xf_bucket *bucket, const struct xf_rate_limits *limits, size_t bytes);
/* 0: the next stanza may pass now. */
uint64_t xf_bucket_wait_ms(const struct xf_bucket *bucket, const struct xf_rate_limits *limits);

/* ---- the table */
#define XF_RATES_RESTING_MAX 4096  /* buckets for which nobody waits */
#define XF_RATE_REST_MS      60000 /* one that was not used for so long is forgotten */

struct xf_rate_events {
    struct xf_rate_limits (*limits)(void *owner, struct xf_span peer); /* in force now */
    /* The peer has to wait for the first time since its bucket was made. */
    void (*slowed)(void *owner, struct xf_span peer, const struct xf_rate_limits *limits);
};

struct xf_rates {
    const struct xf_clock *clock;
    struct xf_timers *timers;
    const struct xf_rate_events *events;
    void *owner;
    bool is_on;             /* some peer has a limit; set by the owner */
    struct xf_lru by_peer;  /* struct xf_rate; those for which somebody waits are held */
    struct xf_node hurried; /* waiters that go on in this turn */
    struct xf_timer hurry;
};

struct xf_rate_waiter { /* embedded in whoever stopped reading; starts zeroed */
    struct xf_node node;
    void (*go_on)(struct xf_rate_waiter *waiter); /* once for each wait; may take, and wait again */
};

/* All are borrowed. */
void xf_rates_init(struct xf_rates *rates, const struct xf_clock *clock, struct xf_timers *timers,
                   const struct xf_rate_events *events, void *owner);
void xf_rates_fini(struct xf_rates *rates); /* nobody waits */

/*
 * A stanza of the peer passed. False: the next one must wait; waiter->go_on comes later, those who
 * wait longest first.
 */
bool xf_rates_take(struct xf_rates *rates, struct xf_span peer, size_t bytes,
                   struct xf_rate_waiter *waiter);
/* events->limits says other things now */
void xf_rates_changed(struct xf_rates *rates);
/* its wait ends in this turn */
void xf_rates_hurry(struct xf_rates *rates, struct xf_rate_waiter *waiter);
void xf_rates_leave(struct xf_rate_waiter *waiter); /* or nothing */
