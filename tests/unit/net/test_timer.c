/* SPDX-License-Identifier: MIT */
/* test_timer.c — the timer heap under a clock of our own. */
#include <check.h>
#include <stdlib.h>

#include <xfed/net/timer.h>

#define MANY 500

static struct xf_clock clock_of_test;
static struct xf_timers *timers;
static int fired[2 * MANY];
static size_t fired_count;

struct probe {
    struct xf_timer timer;
    int number;
    struct probe *stops, *starts;
    uint64_t starts_in_ms;
};

static void on_fire(void *owner)
{
    struct probe *probe = owner;

    ck_assert(!xf_timer_is_running(&probe->timer));
    ck_assert_uint_lt(fired_count, XF_ARRAY_LEN(fired));
    fired[fired_count++] = probe->number;
    if (probe->stops)
        xf_timer_stop(&probe->stops->timer);
    if (probe->starts)
        xf_timer_start(timers, &probe->starts->timer, probe->starts_in_ms);
}

static void probe_init(struct probe *probe, int number)
{
    *probe = (struct probe){.number = number};
    xf_timer_init(&probe->timer, on_fire, probe);
}

static void set_up(void)
{
    clock_of_test.now_ms = 1000;
    fired_count = 0;
    timers = xf_timers_new(&clock_of_test);
}

static void tear_down(void)
{
    xf_timers_free(&timers);
    ck_assert_ptr_null(timers);
    xf_timers_free(&timers);
}

START_TEST(fires_in_order_of_time_then_of_start)
{
    static const uint64_t delays_ms[] = {30, 10, 20, 10, 0};
    static const int want[] = {4, 1, 3, 2, 0};
    struct probe probes[5];

    for (int i = 0; i < 5; i++) {
        probe_init(&probes[i], i);
        xf_timer_start(timers, &probes[i].timer, delays_ms[i]);
    }
    ck_assert_uint_eq(xf_timers_next_ms(timers), 1000);
    clock_of_test.now_ms += 29;
    xf_timers_run(timers);
    ck_assert_uint_eq(fired_count, 4);
    ck_assert_uint_eq(xf_timers_next_ms(timers), 1030);
    clock_of_test.now_ms += 1;
    xf_timers_run(timers);
    ck_assert_uint_eq(fired_count, 5);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(fired[i], want[i]);
    ck_assert_uint_eq(xf_timers_next_ms(timers), UINT64_MAX);
}
END_TEST

START_TEST(stops_and_restarts)
{
    struct probe a, b;

    probe_init(&a, 1);
    probe_init(&b, 2);
    xf_timer_stop(&a.timer); /* never started: nothing */
    xf_timer_start(timers, &a.timer, 10);
    xf_timer_start(timers, &b.timer, 20);
    ck_assert(xf_timer_is_running(&a.timer));
    xf_timer_stop(&a.timer);
    xf_timer_stop(&a.timer);
    ck_assert(!xf_timer_is_running(&a.timer));
    xf_timer_start(timers, &b.timer, 50); /* later than before, once only */
    clock_of_test.now_ms += 49;
    xf_timers_run(timers);
    ck_assert_uint_eq(fired_count, 0);
    clock_of_test.now_ms += 1000;
    xf_timers_run(timers);
    ck_assert_uint_eq(fired_count, 1);
    ck_assert_int_eq(fired[0], 2);
}
END_TEST

START_TEST(one_that_fires_may_stop_another_that_is_due)
{
    struct probe a, b;

    probe_init(&a, 1);
    probe_init(&b, 2);
    a.stops = &b;
    xf_timer_start(timers, &a.timer, 1);
    xf_timer_start(timers, &b.timer, 1);
    clock_of_test.now_ms += 5;
    xf_timers_run(timers);
    ck_assert_uint_eq(fired_count, 1);
}
END_TEST

START_TEST(delay_zero_from_within_waits_for_the_next_run)
{
    struct probe a;

    probe_init(&a, 1);
    a.starts = &a;
    xf_timer_start(timers, &a.timer, 0);
    xf_timers_run(timers);
    ck_assert_uint_eq(fired_count, 1);
    ck_assert_uint_eq(xf_timers_next_ms(timers), clock_of_test.now_ms);
    xf_timers_run(timers);
    ck_assert_uint_eq(fired_count, 2);
    xf_timer_stop(&a.timer);
}
END_TEST

START_TEST(delay_beyond_the_scale_is_never)
{
    struct probe a;

    probe_init(&a, 1);
    xf_timer_start(timers, &a.timer, UINT64_MAX);
    clock_of_test.now_ms += 1u << 30;
    xf_timers_run(timers);
    ck_assert_uint_eq(fired_count, 0);
    xf_timer_stop(&a.timer);
}
END_TEST

/* Against the plain definition, with random delays and random stops. */
START_TEST(many_fire_sorted)
{
    static struct probe probes[MANY];
    static uint64_t due_ms[MANY];
    size_t left = 0;

    srand((unsigned)_i + 1);
    for (int i = 0; i < MANY; i++) {
        probe_init(&probes[i], i);
        due_ms[i] = clock_of_test.now_ms + (uint64_t)(rand() % 100);
        xf_timer_start(timers, &probes[i].timer, due_ms[i] - clock_of_test.now_ms);
    }
    for (int i = 0; i < MANY; i++) {
        if (rand() % 3 == 0)
            xf_timer_stop(&probes[i].timer);
        else
            left++;
    }
    clock_of_test.now_ms += 100;
    xf_timers_run(timers);
    ck_assert_uint_eq(fired_count, left);
    for (size_t i = 1; i < fired_count; i++) {
        ck_assert_uint_le(due_ms[fired[i - 1]], due_ms[fired[i]]);
        if (due_ms[fired[i - 1]] == due_ms[fired[i]])
            ck_assert_int_lt(fired[i - 1], fired[i]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("net/timer");
    TCase *tc = tcase_create("timer");

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, fires_in_order_of_time_then_of_start);
    tcase_add_test(tc, stops_and_restarts);
    tcase_add_test(tc, one_that_fires_may_stop_another_that_is_due);
    tcase_add_test(tc, delay_zero_from_within_waits_for_the_next_run);
    tcase_add_test(tc, delay_beyond_the_scale_is_never);
    tcase_add_loop_test(tc, many_fire_sorted, 0, 20);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
