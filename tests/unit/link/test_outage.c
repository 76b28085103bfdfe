/* SPDX-License-Identifier: MIT */
/* test_outage.c — what is logged about a link that is away, and when. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xfed/base/log.h>

#include "outage_priv.h"

static struct xf_clock test_clock;
static struct xf_timers *timers;
static struct xf_outage outage;
static char said[500]; /* "lasts 60000 2, ": event, ms, stanzas */

static void on_log(void *owner, enum xf_log_level level, const char *event, const char *line)
{
    unsigned long long ms = 0, stanzas = 0;
    size_t len = strlen(said);
    (void)owner;
    (void)level;
    ck_assert_int_eq(sscanf(strstr(line, " ms="), " ms=%llu stanzas=%llu", &ms, &stanzas), 2);
    snprintf(said + len, sizeof(said) - len, "%s %llu %llu, ", strrchr(event, '.') + 1, ms,
             stanzas);
}

static void setup(void)
{
    test_clock = (struct xf_clock){.now_ms = 5000};
    timers = xf_timers_new(&test_clock);
    said[0] = '\0';
    xf_log_set_sink(on_log, NULL);
    xf_outage_init(&outage, "presence", &test_clock, timers);
}

static void teardown(void)
{
    xf_outage_end(&outage);
    xf_log_set_sink(NULL, NULL);
    xf_timers_free(&timers);
}

static void pass(uint64_t ms)
{
    for (uint64_t i = 0; i < ms; i += 100) {
        test_clock.now_ms += 100;
        xf_timers_run(timers);
    }
}

START_TEST(a_short_one_is_not_worth_a_line)
{
    xf_outage_begin(&outage);
    xf_outage_cost(&outage);
    pass(59900);
    xf_outage_end(&outage);
    pass(200000);
    xf_outage_cost(&outage);
    ck_assert_str_eq(said, "");
}
END_TEST

START_TEST(a_long_one_is_told_each_minute_and_at_its_end)
{
    xf_outage_begin(&outage);
    pass(30000);
    xf_outage_begin(&outage); /* it lasts already */
    xf_outage_cost(&outage);
    pass(30000);
    ck_assert_str_eq(said, "lasts 60000 1, ");
    xf_outage_cost(&outage);
    pass(65000);
    xf_outage_end(&outage);
    xf_outage_end(&outage);
    ck_assert_str_eq(said, "lasts 60000 1, lasts 120000 2, ended 125000 2, ");
}
END_TEST

START_TEST(the_next_one_is_counted_anew)
{
    xf_outage_begin(&outage);
    xf_outage_cost(&outage);
    pass(61000);
    xf_outage_end(&outage);
    pass(1000);
    said[0] = '\0';
    xf_outage_begin(&outage);
    pass(60000);
    ck_assert_str_eq(said, "lasts 60000 0, ");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("link/outage");
    TCase *tc = tcase_create("all");
    SRunner *runner = srunner_create(suite);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_short_one_is_not_worth_a_line);
    tcase_add_test(tc, a_long_one_is_told_each_minute_and_at_its_end);
    tcase_add_test(tc, the_next_one_is_counted_anew);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
