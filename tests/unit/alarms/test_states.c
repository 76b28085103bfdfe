/* SPDX-License-Identifier: MIT */
/* test_states.c — the table of an alarm: what is told, and what keeps it from flapping. */
#include <check.h>
#include <stdlib.h>

#include "alarms_priv.h"
#include "tables.h"

#define STATES (XF_ALARM_IS_FORGOTTEN + 1)
#define EVENTS (XF_ALARM_ON_DUE + 1)

/* clang-format off */
/* All moves, written apart from the table. Every other event changes nothing. */
static const struct table_move moves[] = {
    {XF_ALARM_IS_QUIET,  XF_ALARM_ON_SEEN, XF_ALARM_IS_WAITS},
    {XF_ALARM_IS_QUIET,  XF_ALARM_ON_DUE,  XF_ALARM_IS_FORGOTTEN},
    {XF_ALARM_IS_WAITS,  XF_ALARM_ON_GONE, XF_ALARM_IS_QUIET},
    {XF_ALARM_IS_WAITS,  XF_ALARM_ON_DUE,  XF_ALARM_IS_STANDS},
    {XF_ALARM_IS_STANDS, XF_ALARM_ON_SEEN, XF_ALARM_IS_STANDS},
    {XF_ALARM_IS_STANDS, XF_ALARM_ON_GONE, XF_ALARM_IS_CALMS},
    {XF_ALARM_IS_STANDS, XF_ALARM_ON_DUE,  XF_ALARM_IS_QUIET},
    {XF_ALARM_IS_CALMS,  XF_ALARM_ON_SEEN, XF_ALARM_IS_STANDS},
    {XF_ALARM_IS_CALMS,  XF_ALARM_ON_DUE,  XF_ALARM_IS_QUIET},
};
/* clang-format on */

START_TEST(is_as_expected)
{
    table_must_be(&xf_alarm_machine, STATES, EVENTS, moves, XF_ARRAY_LEN(moves));
}
END_TEST

/* A log event never raises or ends an alarm by itself: only time does. */
START_TEST(only_time_tells)
{
    for (unsigned state = 0; state < STATES; state++) {
        ck_assert_uint_ne(xf_machine_next(&xf_alarm_machine, state, XF_ALARM_ON_GONE),
                          XF_ALARM_IS_STANDS);
        if (state == XF_ALARM_IS_QUIET || state == XF_ALARM_IS_WAITS)
            ck_assert_uint_ne(xf_machine_next(&xf_alarm_machine, state, XF_ALARM_ON_SEEN),
                              XF_ALARM_IS_STANDS);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("alarms/states");
    TCase *tc = tcase_create("table");
    tcase_add_test(tc, is_as_expected);
    tcase_add_test(tc, only_time_tells);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
