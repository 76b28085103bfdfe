/* SPDX-License-Identifier: MIT */
/*
 * rate.c — how fast a peer may send (stanza-rate, byte-rate): token buckets.
 *
 * All streams of a peer share its bucket, which holds two seconds' worth and starts full. Each
 * stanza that passed takes out what it cost. When nothing is left for another, the stream that
 * brought the stanza is not read (gate.c holds it after that stanza), so TCP slows the peer down:
 * no stanza is refused, lost or reordered. Waiting streams continue in turn, each for as much as
 * the bucket holds.
 *
 * The table holds a bucket for each peer with a waiting stream, so no more than there are streams,
 * and XF_RATES_RESTING_MAX others. A bucket that is unused for a minute is forgotten: by then it is
 * full again.
 */
#include <xfed/limits/rate.h>

#include <xfed/base/alloc.h>

#define SAVED_MS   2000
#define STANZA     1000
#define LONGEST_MS 1000000000 /* keeps the products in range; twelve days */

struct xf_rate {
    struct xf_rates *rates;
    struct xf_lru_entry lru; /* its key is the peer */
    struct xf_bucket bucket;
    struct xf_node waiting; /* struct xf_rate_waiter */
    struct xf_timer timer;  /* for the next waiter to continue, or for the bucket to be forgotten */
    bool is_at_work;        /* within on_time */
    bool was_told;          /* events->slowed was called */
};

/* ------------------------------------------------------------------ the arithmetic */

static uint64_t saved_ms(const struct xf_rate_limits *limits)
{
    return limits->saved_ms ? limits->saved_ms : SAVED_MS;
}

static int64_t more(int64_t tokens, uint64_t rate, uint64_t passed_ms, uint64_t most_ms)
{
    int64_t capacity = (int64_t)(rate * most_ms);
    tokens += (int64_t)(rate * passed_ms);
    return tokens < capacity ? tokens : capacity;
}

void xf_bucket_begin(struct xf_bucket *bucket, const struct xf_rate_limits *limits, uint64_t now_ms)
{
    uint64_t most_ms = saved_ms(limits);
    *bucket = (struct xf_bucket){.filled_ms = now_ms};
    bucket->stanzas = more(0, limits->stanzas, most_ms, most_ms);
    bucket->bytes = more(0, limits->bytes, most_ms, most_ms);
}

void xf_bucket_fill(struct xf_bucket *bucket, const struct xf_rate_limits *limits, uint64_t now_ms)
{
    uint64_t passed_ms = now_ms - bucket->filled_ms;
    passed_ms = passed_ms < LONGEST_MS ? passed_ms : LONGEST_MS;
    bucket->stanzas = more(bucket->stanzas, limits->stanzas, passed_ms, saved_ms(limits));
    bucket->bytes = more(bucket->bytes, limits->bytes, passed_ms, saved_ms(limits));
    bucket->filled_ms = now_ms;
}

void xf_bucket_take(struct xf_bucket *bucket, const struct xf_rate_limits *limits, size_t bytes)
{
    if (limits->stanzas)
        bucket->stanzas -= STANZA;
    if (limits->bytes)
        bucket->bytes -= (int64_t)bytes * 1000;
}

static uint64_t wait_for(int64_t tokens, int64_t needed, uint64_t rate)
{
    if (!rate || tokens >= needed)
        return 0;
    return ((uint64_t)(needed - tokens) + rate - 1) / rate;
}

uint64_t xf_bucket_wait_ms(const struct xf_bucket *bucket, const struct xf_rate_limits *limits)
{
    /* The size of the next stanza is unknown, so wait until there is room for one byte. */
    uint64_t stanzas_ms = wait_for(bucket->stanzas, STANZA, limits->stanzas),
             bytes_ms = wait_for(bucket->bytes, 1, limits->bytes);
    return stanzas_ms > bytes_ms ? stanzas_ms : bytes_ms;
}

uint64_t xf_bucket_full_ms(const struct xf_bucket *bucket, const struct xf_rate_limits *limits)
{
    uint64_t most_ms = saved_ms(limits);
    int64_t stanzas = more(0, limits->stanzas, most_ms, most_ms),
            bytes = more(0, limits->bytes, most_ms, most_ms);
    uint64_t stanzas_ms = wait_for(bucket->stanzas, stanzas, limits->stanzas),
             bytes_ms = wait_for(bucket->bytes, bytes, limits->bytes);
    return stanzas_ms > bytes_ms ? stanzas_ms : bytes_ms;
}

/* ------------------------------------------------------------------ the table */

static struct xf_rate *rate_of(struct xf_lru_entry *lru)
{
    return XF_CONTAINER(lru, struct xf_rate, lru);
}

static void forget(struct xf_rate *rate)
{
    xf_timer_stop(&rate->timer);
    xf_lru_remove(&rate->rates->by_peer, &rate->lru);
    xf_free(rate);
}

static struct xf_rate_limits limits_of(struct xf_rate *rate)
{
    return rate->rates->events->limits(rate->rates->owner, rate->lru.key);
}

/* Nobody waits for it: put it at the end of the resting ones. */
static void rest(struct xf_rate *rate)
{
    struct xf_rates *rates = rate->rates;
    xf_lru_rest(&rates->by_peer, &rate->lru);
    if (!xf_timer_is_running(&rate->timer))
        xf_timer_start(rates->timers, &rate->timer, XF_RATE_REST_MS);
    if (rates->by_peer.resting_count > XF_RATES_RESTING_MAX)
        forget(rate_of(xf_lru_oldest(&rates->by_peer)));
}

static void let_go_on(struct xf_rate *rate)
{
    for (;;) {
        struct xf_rate_limits limits = limits_of(rate);
        xf_bucket_fill(&rate->bucket, &limits, rate->rates->clock->now_ms);
        uint64_t wait_ms = xf_bucket_wait_ms(&rate->bucket, &limits);
        if (xf_list_is_empty(&rate->waiting))
            return;
        if (wait_ms > 0) {
            xf_timer_start(rate->rates->timers, &rate->timer, wait_ms);
            return;
        }
        struct xf_rate_waiter *waiter =
            XF_CONTAINER(rate->waiting.next, struct xf_rate_waiter, node);
        xf_list_remove(&waiter->node);
        waiter->go_on(waiter);
    }
}

static void on_time(void *owner)
{
    struct xf_rate *rate = owner;
    uint64_t unused_ms = rate->rates->clock->now_ms - rate->bucket.filled_ms;
    if (xf_list_is_empty(&rate->waiting)) {
        if (unused_ms >= XF_RATE_REST_MS)
            forget(rate);
        else
            rest(rate);
        return;
    }
    rate->is_at_work = true;
    let_go_on(rate);
    rate->is_at_work = false;
    struct xf_rate_limits limits = limits_of(rate);
    if (!limits.stanzas && !limits.bytes)
        forget(rate); /* a reload removed the limits */
    else if (xf_list_is_empty(&rate->waiting))
        rest(rate);
}

static struct xf_rate *get(struct xf_rates *rates, struct xf_span peer)
{
    struct xf_lru_entry *known = xf_lru_find(&rates->by_peer, peer);
    if (known)
        return rate_of(known);
    struct xf_rate *rate = xf_new(struct xf_rate);
    rate->rates = rates;
    xf_list_init(&rate->waiting);
    xf_timer_init(&rate->timer, on_time, rate);
    xf_lru_add(&rates->by_peer, peer, &rate->lru);
    struct xf_rate_limits limits = limits_of(rate);
    xf_bucket_begin(&rate->bucket, &limits, rates->clock->now_ms);
    return rate;
}

static void tell(struct xf_rate *rate, const struct xf_rate_limits *limits)
{
    if (!rate->was_told)
        rate->rates->events->slowed(rate->rates->owner, rate->lru.key, limits);
    rate->was_told = true;
}

bool xf_rates_take(struct xf_rates *rates, struct xf_span peer, size_t bytes,
                   struct xf_rate_waiter *waiter)
{
    struct xf_rate_limits limits = rates->events->limits(rates->owner, peer);
    if (!limits.stanzas && !limits.bytes)
        return true;
    struct xf_rate *rate = get(rates, peer);
    xf_bucket_fill(&rate->bucket, &limits, rates->clock->now_ms);
    xf_bucket_take(&rate->bucket, &limits, bytes);
    uint64_t wait_ms = xf_bucket_wait_ms(&rate->bucket, &limits);
    if (wait_ms == 0 || !waiter) {
        if (!rate->is_at_work && xf_list_is_empty(&rate->waiting))
            rest(rate);
        return true;
    }
    xf_lru_hold(&rates->by_peer, &rate->lru);
    if (xf_list_is_empty(&rate->waiting))
        xf_timer_start(rates->timers, &rate->timer, wait_ms);
    xf_list_push(&rate->waiting, &waiter->node);
    tell(rate, &limits);
    return false;
}

void xf_rates_changed(struct xf_rates *rates)
{
    size_t cursor = 0;
    struct xf_lru_entry *entry;
    while (xf_lru_next(&rates->by_peer, &cursor, &entry)) {
        struct xf_rate *rate = rate_of(entry);
        if (xf_list_is_empty(&rate->waiting))
            forget(rate);
        else
            xf_timer_start(rates->timers, &rate->timer, 0);
    }
}

static void on_hurry(void *owner)
{
    struct xf_rates *rates = owner;
    while (!xf_list_is_empty(&rates->hurried)) {
        struct xf_rate_waiter *waiter =
            XF_CONTAINER(rates->hurried.next, struct xf_rate_waiter, node);
        xf_list_remove(&waiter->node);
        waiter->go_on(waiter);
    }
}

void xf_rates_hurry(struct xf_rates *rates, struct xf_rate_waiter *waiter)
{
    xf_list_remove(&waiter->node);
    xf_list_push(&rates->hurried, &waiter->node);
    xf_timer_start(rates->timers, &rates->hurry, 0);
}

void xf_rates_leave(struct xf_rate_waiter *waiter)
{
    xf_list_remove(&waiter->node);
}

void xf_rates_init(struct xf_rates *rates, const struct xf_clock *clock, struct xf_timers *timers,
                   const struct xf_rate_events *events, void *owner)
{
    *rates = (struct xf_rates){.clock = clock, .timers = timers, .events = events, .owner = owner};
    xf_lru_init(&rates->by_peer);
    xf_list_init(&rates->hurried);
    xf_timer_init(&rates->hurry, on_hurry, rates);
}

void xf_rates_fini(struct xf_rates *rates)
{
    size_t cursor = 0;
    struct xf_lru_entry *entry;
    xf_timer_stop(&rates->hurry);
    while (xf_lru_next(&rates->by_peer, &cursor, &entry)) {
        xf_require(xf_list_is_empty(&rate_of(entry)->waiting));
        forget(rate_of(entry));
    }
    xf_lru_fini(&rates->by_peer);
}
