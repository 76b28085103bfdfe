/* SPDX-License-Identifier: MIT */
/* test_machine.c — the table of a leg: what brings it up, and how it ends. */
#include <check.h>
#include <stdlib.h>

#include "leg_priv.h"
#include "tables.h"

#define STATES (XF_LEG_ENDING + 1)
#define EVENTS (XF_LEG_ON_OVER + 1)

/* clang-format off */
/* All moves, written apart from the table. What is not here changes nothing. */
static const struct table_move moves[] = {
    {XF_LEG_IDLE,        XF_LEG_ON_WANT,      XF_LEG_CONNECTING},
    {XF_LEG_CONNECTING,  XF_LEG_ON_CONNECTED, XF_LEG_NEGOTIATING},
    {XF_LEG_NEGOTIATING, XF_LEG_ON_ACCEPTED,  XF_LEG_UP},
    {XF_LEG_CONNECTING,  XF_LEG_ON_ENDS,      XF_LEG_ENDING},
    {XF_LEG_NEGOTIATING, XF_LEG_ON_ENDS,      XF_LEG_ENDING},
    {XF_LEG_UP,          XF_LEG_ON_ENDS,      XF_LEG_ENDING},
    {XF_LEG_ENDING,      XF_LEG_ON_LOST,      XF_LEG_WAITING},
    {XF_LEG_ENDING,      XF_LEG_ON_OVER,      XF_LEG_IDLE},
    {XF_LEG_WAITING,     XF_LEG_ON_WANT,      XF_LEG_CONNECTING},
    {XF_LEG_WAITING,     XF_LEG_ON_OVER,      XF_LEG_IDLE},
};
/* clang-format on */

static unsigned next(unsigned state, unsigned event)
{
    return xf_machine_next(&xf_leg_machine, state, event);
}

START_TEST(is_as_expected)
{
    table_must_be(&xf_leg_machine, STATES, EVENTS, moves, XF_ARRAY_LEN(moves));
}
END_TEST

/* Only the driver, which has the server's word, brings it up. */
START_TEST(only_acceptance_brings_it_up)
{
    for (unsigned state = 0; state < STATES; state++)
        for (unsigned event = 0; event < EVENTS; event++) {
            bool is_accepted = state == XF_LEG_NEGOTIATING && event == XF_LEG_ON_ACCEPTED;
            ck_assert_int_eq(next(state, event) == XF_LEG_UP, is_accepted);
        }
}
END_TEST

/* A stream that was begun is over only behind ENDING, which every state with a stream can reach. */
START_TEST(each_stream_that_was_begun_ends_once)
{
    for (unsigned state = XF_LEG_CONNECTING; state <= XF_LEG_UP; state++) {
        ck_assert_uint_eq(next(state, XF_LEG_ON_ENDS), XF_LEG_ENDING);
        for (unsigned event = 0; event < EVENTS; event++) {
            unsigned to = next(state, event);
            ck_assert(to == XF_MACHINE_NONE || (to > state && to <= XF_LEG_ENDING));
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("link/machine");
    TCase *tc = tcase_create("table");
    tcase_add_test(tc, is_as_expected);
    tcase_add_test(tc, only_acceptance_brings_it_up);
    tcase_add_test(tc, each_stream_that_was_begun_ends_once);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
