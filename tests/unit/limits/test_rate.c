/* SPDX-License-Identifier: MIT */
/*
 * test_rate.c — token buckets: what passes at once, how long the next waits, who goes on first, and
 * how many buckets there may be.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <xfed/base/alloc.h>

#include <xfed/limits/rate.h>

/* ------------------------------------------------------------------ the arithmetic */

/* clang-format off */
static const struct {
    const char *label;
    struct xf_rate_limits limits;
    unsigned stanzas; /* each of `bytes`, at once, then after a pause as many again */
    size_t bytes;
    uint64_t pause_ms, wait_ms;
} cases[] = {
    {"no limit is never reached",               {0, 0, 0},         100000, 100000, 0,    0},
    {"less than two seconds' worth",            {10, 0, 0},        19,     1,      0,    0},
    {"two seconds' worth",                      {10, 0, 0},        20,     1,      0,    100},
    {"one too many",                            {10, 0, 0},        21,     1,      0,    200},
    {"one a second",                            {1, 0, 0},         2,      1,      0,    1000},
    {"more than one a millisecond",             {5000, 0, 0},      10000,  1,      0,    1},
    {"nothing is saved up",                     {10, 0, 100},      1,      1,      0,    100},
    {"... also after a pause",                  {10, 0, 100},      1,      1,      9999, 100},
    {"after a pause it is fuller",              {10, 0, 0},        10,     1,      500,  0},
    {"... but never more than full",            {10, 0, 0},        20,     1,      9999, 100},
    {"... also after years",                    {10, 0, 0},        20,     1,      100000000000, 100},
    {"bytes within two seconds' worth",         {0, 1000, 0},      2,      999,    0,    0},
    {"bytes all taken: one more millisecond",   {0, 1000, 0},      2,      1000,   0,    1},
    {"a stanza of ten seconds",                 {0, 1000, 0},      1,      10000,  0,    8001},
    {"the largest stanza at the highest rate",  {0, 1u << 30, 0},  1,      1u << 28, 0,  0},
    {"both: bytes are scarcer",                 {100, 1000, 0},    1,      5000,   0,    3001},
    {"both: stanzas are scarcer",               {1, 1000000, 0},   4,      10,     0,    3000},
};
/* clang-format on */

START_TEST(makes_the_next_one_wait)
{
    struct xf_bucket bucket;
    uint64_t now_ms = 5000;
    xf_bucket_begin(&bucket, &cases[_i].limits, now_ms);
    for (unsigned round = 0; round < (cases[_i].pause_ms ? 2u : 1u); round++) {
        xf_bucket_fill(&bucket, &cases[_i].limits, now_ms);
        for (unsigned i = 0; i < cases[_i].stanzas; i++)
            xf_bucket_take(&bucket, &cases[_i].limits, cases[_i].bytes);
        if (round == 0)
            now_ms += cases[_i].pause_ms;
    }
    uint64_t wait_ms = xf_bucket_wait_ms(&bucket, &cases[_i].limits);
    ck_assert_msg(wait_ms == cases[_i].wait_ms, "%s: %llu ms", cases[_i].label,
                  (unsigned long long)wait_ms);
    if (wait_ms == 0)
        return;
    struct xf_bucket early = bucket;
    xf_bucket_fill(&early, &cases[_i].limits, now_ms + wait_ms - 1);
    ck_assert_msg(xf_bucket_wait_ms(&early, &cases[_i].limits) > 0, "%s: open too early",
                  cases[_i].label);
    xf_bucket_fill(&bucket, &cases[_i].limits, now_ms + wait_ms);
    struct xf_bucket fresh;
    uint64_t full_ms = xf_bucket_full_ms(&bucket, &cases[_i].limits);
    xf_bucket_begin(&fresh, &cases[_i].limits, now_ms);
    ck_assert_msg(full_ms == 0 || bucket.stanzas < fresh.stanzas || bucket.bytes < fresh.bytes,
                  "%s: full too late", cases[_i].label);
    early = bucket;
    xf_bucket_fill(&early, &cases[_i].limits, now_ms + wait_ms + full_ms);
    ck_assert_msg(early.stanzas == fresh.stanzas && early.bytes == fresh.bytes, "%s: not full",
                  cases[_i].label);
    ck_assert_msg(xf_bucket_wait_ms(&bucket, &cases[_i].limits) == 0, "%s: not open in time",
                  cases[_i].label);
}
END_TEST

/* ------------------------------------------------------------------ the table */

static struct xf_clock test_clock;
static struct xf_timers *timers;
static struct xf_rates rates;
static struct xf_rate_limits limits;

struct stream { /* has `left` stanzas of one byte to bring */
    struct xf_rate_waiter waiter;
    const char *peer;
    unsigned left;
    char name;
};

static char order[64]; /* names of streams whose stanza passed */

static void bring(struct stream *stream)
{
    while (stream->left > 0) {
        size_t len = strlen(order);
        ck_assert_uint_lt(len, sizeof(order) - 1);
        order[len] = stream->name;
        stream->left--;
        if (!xf_rates_take(&rates, xf_span_of(stream->peer), 1, &stream->waiter))
            return;
    }
}

static void on_go_on(struct xf_rate_waiter *waiter)
{
    bring(XF_CONTAINER(waiter, struct stream, waiter));
}

static struct xf_rate_limits limits_of(void *owner, struct xf_span peer)
{
    (void)owner, (void)peer;
    return limits;
}

static unsigned slowed;

static void on_slowed(void *owner, struct xf_span peer, const struct xf_rate_limits *in_force)
{
    (void)owner, (void)peer, (void)in_force;
    slowed++;
}

static const struct xf_rate_events events = {.limits = limits_of, .slowed = on_slowed};

static void pass(uint64_t ms)
{
    for (uint64_t until_ms = test_clock.now_ms + ms; test_clock.now_ms < until_ms;) {
        uint64_t next_ms = xf_timers_next_ms(timers);
        test_clock.now_ms = next_ms > test_clock.now_ms && next_ms < until_ms ? next_ms
                            : next_ms <= test_clock.now_ms                    ? test_clock.now_ms
                                                                              : until_ms;
        xf_timers_run(timers);
    }
}

static void begin(void)
{
    test_clock = (struct xf_clock){.now_ms = 1000};
    timers = xf_timers_new(&test_clock);
    limits = (struct xf_rate_limits){.stanzas = 1};
    memset(order, 0, sizeof(order));
    slowed = 0;
    xf_rates_init(&rates, &test_clock, timers, &events, NULL);
}

static void end(void)
{
    xf_rates_fini(&rates);
    xf_timers_free(&timers);
}

START_TEST(streams_of_a_peer_go_on_in_turn)
{
    struct stream a = {{.go_on = on_go_on}, "b.example", 5, 'a'},
                  b = {{.go_on = on_go_on}, "b.example", 3, 'b'},
                  c = {{.go_on = on_go_on}, "c.example", 2, 'c'};
    bring(&a);
    bring(&b);
    bring(&c);
    ck_assert_str_eq(order, "aabcc");
    ck_assert_uint_eq(slowed, 2); /* once for each peer, not for each stream */
    pass(5000);
    ck_assert_str_eq(order, "aabccabab");
    pass(1000);
    ck_assert_str_eq(order, "aabccababa");
    pass(2000);
}
END_TEST

START_TEST(limits_that_change_hold_at_once)
{
    struct stream a = {{.go_on = on_go_on}, "b.example", 9, 'a'};
    bring(&a);
    ck_assert_str_eq(order, "aa");
    limits = (struct xf_rate_limits){0};
    xf_rates_changed(&rates);
    pass(1);
    ck_assert_str_eq(order, "aaaaaaaaa");
    ck_assert_uint_eq(xf_lru_count(&rates.by_peer), 0);
}
END_TEST

START_TEST(one_that_leaves_is_not_called)
{
    struct stream a = {{.go_on = on_go_on}, "b.example", 9, 'a'},
                  b = {{.go_on = on_go_on}, "b.example", 2, 'b'};
    bring(&a);
    bring(&b);
    xf_rates_hurry(&rates, &a.waiter);
    xf_rates_hurry(&rates, &b.waiter);
    xf_rates_leave(&a.waiter);
    pass(1);
    ck_assert_str_eq(order, "aabb");
    xf_rates_leave(&b.waiter);
    pass(2 * XF_RATE_REST_MS + 1);
    ck_assert_str_eq(order, "aabb");
    ck_assert_uint_eq(xf_lru_count(&rates.by_peer), 0);
}
END_TEST

START_TEST(buckets_are_bounded_and_forgotten)
{
    char name[32];
    struct stream waits = {{.go_on = on_go_on}, "busy.example", 9, 'w'};
    bring(&waits);
    for (unsigned i = 0; i < XF_RATES_RESTING_MAX + 1000; i++) {
        struct xf_rate_waiter nobody = {.go_on = on_go_on};
        snprintf(name, sizeof(name), "%u.example", i);
        ck_assert(xf_rates_take(&rates, xf_span_of(name), 1, &nobody));
    }
    ck_assert_uint_eq(xf_lru_count(&rates.by_peer), XF_RATES_RESTING_MAX + 1);
    ck_assert(xf_lru_find(&rates.by_peer, XF_SPAN("busy.example")));
    ck_assert(!xf_lru_find(&rates.by_peer, XF_SPAN("0.example")));
    pass(2 * XF_RATE_REST_MS + 10000);
    ck_assert_uint_eq(xf_lru_count(&rates.by_peer), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("limits/rate");
    TCase *arithmetic = tcase_create("arithmetic"), *table = tcase_create("table");
    tcase_add_loop_test(arithmetic, makes_the_next_one_wait, 0, XF_ARRAY_LEN(cases));
    tcase_add_checked_fixture(table, begin, end);
    tcase_add_test(table, streams_of_a_peer_go_on_in_turn);
    tcase_add_test(table, limits_that_change_hold_at_once);
    tcase_add_test(table, one_that_leaves_is_not_called);
    tcase_add_test(table, buckets_are_bounded_and_forgotten);
    suite_add_tcase(suite, arithmetic);
    suite_add_tcase(suite, table);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
