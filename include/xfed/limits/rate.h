/* SPDX-License-Identifier: MIT */
/*
 * rate.h — how fast a peer may send: one token bucket for each peer, shared by all its streams.
 */
#pragma once

#include <xfed/base/lru.h>
#include <xfed/net/timer.h>

struct xf_rate_limits { /* a second; 0: any number */
    unsigned stanzas;
    size_t bytes;
    unsigned saved_ms; /* how much may be saved up; 0: two seconds' worth */
};

/*
 * The arithmetic, in thousandths, so that a rate per second is also one per millisecond. One stanza
 * may overdraw the bucket; the next one waits.
 */
struct xf_bucket {
    int64_t stanzas, bytes;
    uint64_t filled_ms;
};
/* Begin with a full bucket. */
void xf_bucket_begin(struct xf_bucket *bucket, const struct xf_rate_limits *limits,
                     uint64_t now_ms);
void xf_bucket_fill(struct xf_bucket *bucket, const struct xf_rate_limits *limits, uint64_t now_ms);
void xf_bucket_take(struct xf_bucket *bucket, const struct xf_rate_limits *limits, size_t bytes);
/* 0: the next stanza may pass now. */
uint64_t xf_bucket_wait_ms(const struct xf_bucket *bucket, const struct xf_rate_limits *limits);
/* 0: it is as full as a new one, which may take its place. */
uint64_t xf_bucket_full_ms(const struct xf_bucket *bucket, const struct xf_rate_limits *limits);

/* The table of buckets. */
#define XF_RATES_RESTING_MAX 4096  /* buckets for which nobody waits */
#define XF_RATE_REST_MS      60000 /* a bucket unused for this long is forgotten */

struct xf_rate_events {
    struct xf_rate_limits (*limits)(void *owner, struct xf_span peer); /* in force now */
    /* The peer has to wait for the first time since its bucket was created. */
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

struct xf_rate_waiter { /* embedded in the stream that stopped reading; starts zeroed */
    struct xf_node node;
    /* Called once for each wait; it may call xf_rates_take, and wait again. */
    void (*go_on)(struct xf_rate_waiter *waiter);
};

/* All are borrowed. */
void xf_rates_init(struct xf_rates *rates, const struct xf_clock *clock, struct xf_timers *timers,
                   const struct xf_rate_events *events, void *owner);
void xf_rates_fini(struct xf_rates *rates); /* nobody waits */

/*
 * Count a stanza of the peer. False: the next stanza must wait, and waiter->go_on is called later;
 * the longest waiter comes first. `waiter` NULL: nobody can wait, but those who come next pay.
 */
bool xf_rates_take(struct xf_rates *rates, struct xf_span peer, size_t bytes,
                   struct xf_rate_waiter *waiter);
/* Call when the result of events->limits has changed. */
void xf_rates_changed(struct xf_rates *rates);
/* It goes on in this turn, whatever it waits for. */
void xf_rates_hurry(struct xf_rates *rates, struct xf_rate_waiter *waiter);
void xf_rates_leave(struct xf_rate_waiter *waiter); /* or nothing */
