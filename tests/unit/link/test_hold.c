/* SPDX-License-Identifier: MIT */
/* test_hold.c — how stanzas expire that waited for a component stream; more in test_link.c. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "hold_priv.h"

#define HOLD_MS 10000
#define MANY    1200u
#define AT_ONCE 500u
#define STEP_MS 50

static struct xf_clock test_clock;
static struct xf_timers *timers;
static struct xf_hold_budget budget;
static struct xf_hold hold;
static unsigned told, relieved;

static void on_expired(void *owner, struct xf_stanza *stanza)
{
    char id[20];
    (void)owner;
    snprintf(id, sizeof(id), "%u", told++);
    ck_assert_msg(xf_span_is(stanza->id, id), "not %s in its turn", id);
}

static void on_relieved(void *owner)
{
    (void)owner;
    relieved++;
}

static void set_up(void)
{
    test_clock = (struct xf_clock){.now_ms = 5000};
    timers = xf_timers_new(&test_clock);
    budget = (struct xf_hold_budget){.max_bytes = 16u << 20, .hold_ms = HOLD_MS};
    xf_hold_init(&hold, &budget, &test_clock, timers);
    hold.expired = on_expired;
    hold.relieved = on_relieved;
    told = relieved = 0;
    for (unsigned i = 0; i < MANY; i++) {
        char id[20];
        snprintf(id, sizeof(id), "%u", i);
        struct xf_stanza stanza = {.kind = XF_STANZA_MESSAGE, .id = xf_span_of(id)};
        ck_assert_int_eq(xf_hold_push(&hold, &stanza), XF_ERR_OK);
    }
}

static void tear_down(void)
{
    xf_hold_fini(&hold);
    xf_timers_free(&timers);
}

static void pass(uint64_t ms)
{
    test_clock.now_ms += ms;
    xf_timers_run(timers);
}

/* Errors to one peer go through its queue: it must not get more than that holds at once. */
START_TEST(they_expire_some_at_a_time)
{
    pass(HOLD_MS - 1);
    ck_assert_uint_eq(told, 0);
    pass(1);
    ck_assert_uint_eq(told, AT_ONCE);
    pass(STEP_MS - 1);
    ck_assert_uint_eq(told, AT_ONCE);
    pass(1);
    ck_assert_uint_eq(told, 2 * AT_ONCE);
    pass(STEP_MS);
    ck_assert_uint_eq(told, MANY);
    ck_assert_uint_eq(relieved, 3);
    ck_assert(!xf_timer_is_running(&hold.timer));
}
END_TEST

START_TEST(those_that_are_left_wait_again_behind_another_outage)
{
    pass(HOLD_MS);
    xf_hold_up(&hold);
    xf_hold_down(&hold);
    pass(HOLD_MS - 1);
    ck_assert_uint_eq(told, AT_ONCE);
    pass(1);
    ck_assert_uint_eq(told, 2 * AT_ONCE);
}
END_TEST

START_TEST(at_the_end_all_expire_at_once)
{
    pass(HOLD_MS);
    ck_assert_uint_eq(told, AT_ONCE);
    budget.is_over = true;
    xf_hold_over(&hold);
    pass(0);
    ck_assert_uint_eq(told, MANY);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("link/hold");
    TCase *tc = tcase_create("expiry");
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, they_expire_some_at_a_time);
    tcase_add_test(tc, those_that_are_left_wait_again_behind_another_outage);
    tcase_add_test(tc, at_the_end_all_expire_at_once);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
