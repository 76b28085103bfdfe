/* SPDX-License-Identifier: MIT */
/* test_machine.c — the table of a component stream: what brings it up, and how it ends. */
#include <check.h>
#include <stdlib.h>

#include "component_stream_priv.h"
#include "tables.h"

#define STATES (XF_COMPONENT_ENDING + 1)
#define EVENTS (XF_COMPONENT_ON_OVER + 1)

/* clang-format off */
/* All moves, written apart from the table. What is not here changes nothing. */
static const struct table_move moves[] = {
    {XF_COMPONENT_IDLE,       XF_COMPONENT_ON_WANT,      XF_COMPONENT_CONNECTING},
    {XF_COMPONENT_CONNECTING, XF_COMPONENT_ON_CONNECTED, XF_COMPONENT_OPENING},
    {XF_COMPONENT_OPENING,    XF_COMPONENT_ON_HEADER,    XF_COMPONENT_PROVING},
    {XF_COMPONENT_PROVING,    XF_COMPONENT_ON_ACCEPTED,  XF_COMPONENT_UP},
    {XF_COMPONENT_CONNECTING, XF_COMPONENT_ON_ENDS,      XF_COMPONENT_ENDING},
    {XF_COMPONENT_OPENING,    XF_COMPONENT_ON_ENDS,      XF_COMPONENT_ENDING},
    {XF_COMPONENT_PROVING,    XF_COMPONENT_ON_ENDS,      XF_COMPONENT_ENDING},
    {XF_COMPONENT_UP,         XF_COMPONENT_ON_ENDS,      XF_COMPONENT_ENDING},
    {XF_COMPONENT_ENDING,     XF_COMPONENT_ON_LOST,      XF_COMPONENT_WAITING},
    {XF_COMPONENT_ENDING,     XF_COMPONENT_ON_OVER,      XF_COMPONENT_IDLE},
    {XF_COMPONENT_WAITING,    XF_COMPONENT_ON_WANT,      XF_COMPONENT_CONNECTING},
    {XF_COMPONENT_WAITING,    XF_COMPONENT_ON_OVER,      XF_COMPONENT_IDLE},
};
/* clang-format on */

static unsigned next(unsigned state, unsigned event)
{
    return xf_machine_next(&xf_component_stream_machine, state, event);
}

START_TEST(is_sound)
{
    ck_assert_pstr_eq(table_fault(&xf_component_stream_machine), NULL);
    ck_assert_uint_eq(xf_component_stream_machine.state_count, STATES);
    ck_assert_uint_eq(xf_component_stream_machine.event_count, EVENTS);
}
END_TEST

START_TEST(is_as_expected)
{
    ck_assert_pstr_eq(table_difference(&xf_component_stream_machine, moves, XF_ARRAY_LEN(moves)),
                      NULL);
}
END_TEST

/* Only the server says that the secret is right. */
START_TEST(only_an_accepted_handshake_brings_it_up)
{
    for (unsigned state = 0; state < STATES; state++)
        for (unsigned event = 0; event < EVENTS; event++) {
            bool is_accepted = state == XF_COMPONENT_PROVING && event == XF_COMPONENT_ON_ACCEPTED;
            ck_assert_int_eq(next(state, event) == XF_COMPONENT_UP, is_accepted);
        }
}
END_TEST

/* A stream that was begun is over only behind ENDING, which every state with a stream can reach. */
START_TEST(each_stream_that_was_begun_ends_once)
{
    for (unsigned state = XF_COMPONENT_CONNECTING; state <= XF_COMPONENT_UP; state++) {
        ck_assert_uint_eq(next(state, XF_COMPONENT_ON_ENDS), XF_COMPONENT_ENDING);
        for (unsigned event = 0; event < EVENTS; event++) {
            unsigned to = next(state, event);
            ck_assert(to == XF_MACHINE_NONE || (to > state && to <= XF_COMPONENT_ENDING));
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("link/machine");
    TCase *tc = tcase_create("table");
    tcase_add_test(tc, is_sound);
    tcase_add_test(tc, is_as_expected);
    tcase_add_test(tc, only_an_accepted_handshake_brings_it_up);
    tcase_add_test(tc, each_stream_that_was_begun_ends_once);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
