/* SPDX-License-Identifier: MIT */
/*
 * test_backoff.c — how many may stand before a host, and how long one that did not open is left
 * alone.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <xfed/base/alloc.h>

#include <xfed/limits/backoff.h>

static struct xf_clock test_clock;
static struct xf_backoff backoff;

static void begin(void)
{
    test_clock = (struct xf_clock){.now_ms = 1000};
    xf_backoff_init(&backoff, &test_clock, 5000, 60000);
}

static void end(void)
{
    xf_backoff_fini(&backoff);
}

START_TEST(only_so_many_stand_there)
{
    ck_assert(xf_backoff_begin(&backoff, "b.example", 2));
    ck_assert(xf_backoff_begin(&backoff, "b.example", 2));
    ck_assert(!xf_backoff_begin(&backoff, "b.example", 2));
    ck_assert(xf_backoff_begin(&backoff, "c.example", 2));
    xf_backoff_end(&backoff, "b.example");
    ck_assert(xf_backoff_begin(&backoff, "b.example", 2));
    xf_backoff_end(&backoff, "b.example");
    xf_backoff_end(&backoff, "b.example");
    xf_backoff_end(&backoff, "c.example");
    ck_assert_uint_eq(xf_backoff_under_way(&backoff, "b.example"), 0);
}
END_TEST

/* How long it stays shut after each failure in a row. */
static const uint64_t shut_ms[] = {5000, 10000, 20000, 40000, 60000, 60000};

START_TEST(stays_shut_longer_with_each_failure)
{
    const char *text = NULL;
    int note = 0;
    for (size_t i = 0; i < XF_ARRAY_LEN(shut_ms); i++) {
        ck_assert(!xf_backoff_is_waiting(&backoff, "b.example", NULL, NULL));
        xf_backoff_failed(&backoff, "b.example", 7, "nobody there");
        test_clock.now_ms += shut_ms[i] - 1;
        ck_assert_msg(xf_backoff_is_waiting(&backoff, "b.example", &note, &text),
                      "failure %zu: open too early", i);
        ck_assert_int_eq(note, 7);
        ck_assert_str_eq(text, "nobody there");
        test_clock.now_ms += 1;
    }
    ck_assert(!xf_backoff_is_waiting(&backoff, "c.example", NULL, NULL));
}
END_TEST

START_TEST(forgets_failures_when_it_opens_or_in_time)
{
    for (int i = 0; i < 4; i++)
        xf_backoff_failed(&backoff, "b.example", 0, "");
    xf_backoff_clear(&backoff, "b.example");
    ck_assert(!xf_backoff_is_waiting(&backoff, "b.example", NULL, NULL));
    for (int i = 0; i < 4; i++)
        xf_backoff_failed(&backoff, "b.example", 0, "");
    test_clock.now_ms += 10 * 60000;
    xf_backoff_failed(&backoff, "b.example", 0, "");
    test_clock.now_ms += 5000;
    ck_assert(!xf_backoff_is_waiting(&backoff, "b.example", NULL, NULL));
}
END_TEST

/*
 * A stranger makes up a million names: the latest 4096 are kept, and those where somebody stands.
 */
START_TEST(remembers_only_so_many)
{
    char name[32];
    ck_assert(xf_backoff_begin(&backoff, "busy.example", 1));
    xf_backoff_failed(&backoff, "busy.example", 0, "");
    for (int i = 0; i < 100000; i++) {
        snprintf(name, sizeof(name), "%d.example", i);
        xf_backoff_failed(&backoff, name, 0, "");
    }
    ck_assert_uint_eq(backoff.hosts.resting_count, 4096);
    ck_assert_uint_eq(xf_lru_count(&backoff.hosts), 4097);
    ck_assert(xf_backoff_is_waiting(&backoff, "busy.example", NULL, NULL));
    ck_assert(xf_backoff_is_waiting(&backoff, "99999.example", NULL, NULL));
    ck_assert(!xf_backoff_is_waiting(&backoff, "1.example", NULL, NULL));
    xf_backoff_end(&backoff, "busy.example");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("s2s/backoff");
    TCase *tc = tcase_create("backoff");
    tcase_add_checked_fixture(tc, begin, end);
    tcase_add_test(tc, only_so_many_stand_there);
    tcase_add_test(tc, stays_shut_longer_with_each_failure);
    tcase_add_test(tc, forgets_failures_when_it_opens_or_in_time);
    tcase_add_test(tc, remembers_only_so_many);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
