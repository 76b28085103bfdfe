/* SPDX-License-Identifier: MIT */
/* test_machine.c — the table of a route: what opens a stream, what bounces, and the way back. */
#include <check.h>
#include <stdlib.h>

#include "route_priv.h"
#include "tables.h"

#define STATES (XF_ROUTE_PROBE + 1)
#define EVENTS (XF_ROUTE_ON_SEEN + 1)

/* clang-format off */
/* All moves, written apart from the table. Every other event would be a bug. */
static const struct table_move moves[] = {
    {XF_ROUTE_IDLE,   XF_ROUTE_ON_STANZA,  XF_ROUTE_QUEUE},
    {XF_ROUTE_QUEUE,  XF_ROUTE_ON_FLUSHED, XF_ROUTE_SEND},
    {XF_ROUTE_QUEUE,  XF_ROUTE_ON_LOST,    XF_ROUTE_QUEUE},
    {XF_ROUTE_QUEUE,  XF_ROUTE_ON_SEEN,    XF_ROUTE_QUEUE},
    {XF_ROUTE_QUEUE,  XF_ROUTE_ON_GONE,    XF_ROUTE_IDLE},
    {XF_ROUTE_QUEUE,  XF_ROUTE_ON_REFUSED, XF_ROUTE_IDLE},
    {XF_ROUTE_QUEUE,  XF_ROUTE_ON_FAILED,  XF_ROUTE_BOUNCE},
    {XF_ROUTE_SEND,   XF_ROUTE_ON_BLOCKED, XF_ROUTE_QUEUE},
    {XF_ROUTE_SEND,   XF_ROUTE_ON_GONE,    XF_ROUTE_IDLE},
    {XF_ROUTE_SEND,   XF_ROUTE_ON_REFUSED, XF_ROUTE_IDLE},
    {XF_ROUTE_SEND,   XF_ROUTE_ON_FAILED,  XF_ROUTE_BOUNCE},
    {XF_ROUTE_BOUNCE, XF_ROUTE_ON_OVER,    XF_ROUTE_IDLE},
    {XF_ROUTE_BOUNCE, XF_ROUTE_ON_SEEN,    XF_ROUTE_IDLE},
    {XF_ROUTE_BOUNCE, XF_ROUTE_ON_WAITED,  XF_ROUTE_QUEUE},
    {XF_ROUTE_BOUNCE, XF_ROUTE_ON_DUE,     XF_ROUTE_PROBE},
    {XF_ROUTE_PROBE,  XF_ROUTE_ON_WELL,    XF_ROUTE_QUEUE},
    {XF_ROUTE_PROBE,  XF_ROUTE_ON_FAILED,  XF_ROUTE_BOUNCE},
    {XF_ROUTE_PROBE,  XF_ROUTE_ON_REFUSED, XF_ROUTE_IDLE},
    {XF_ROUTE_PROBE,  XF_ROUTE_ON_SEEN,    XF_ROUTE_IDLE},
    {XF_ROUTE_PROBE,  XF_ROUTE_ON_WAITED,  XF_ROUTE_QUEUE},
};
/* clang-format on */

static unsigned next(unsigned state, unsigned event)
{
    return xf_machine_next(&xf_route_machine, state, event);
}

START_TEST(is_as_expected)
{
    table_must_be(&xf_route_machine, STATES, EVENTS, moves, XF_ARRAY_LEN(moves));
}
END_TEST

/* Stanzas leave in order: nothing is sent straight until the queue is empty. */
START_TEST(only_a_flushed_queue_leads_to_send)
{
    for (unsigned state = 0; state < STATES; state++)
        for (unsigned event = 0; event < EVENTS; event++)
            ck_assert_int_eq(next(state, event) == XF_ROUTE_SEND,
                             state == XF_ROUTE_QUEUE && event == XF_ROUTE_ON_FLUSHED);
}
END_TEST

/* Policy and shutdown say nothing of the peer: no back-off begins by them. */
START_TEST(only_failures_begin_a_back_off)
{
    for (unsigned state = 0; state < STATES; state++)
        for (unsigned event = 0; event < EVENTS; event++)
            if (next(state, event) == XF_ROUTE_BOUNCE)
                ck_assert_uint_eq(event, XF_ROUTE_ON_FAILED);
}
END_TEST

/* A peer that talks to us is well: from wherever that matters there is a way out. */
START_TEST(a_peer_that_is_seen_ends_its_back_off)
{
    ck_assert_uint_eq(next(XF_ROUTE_BOUNCE, XF_ROUTE_ON_SEEN), XF_ROUTE_IDLE);
    ck_assert_uint_eq(next(XF_ROUTE_PROBE, XF_ROUTE_ON_SEEN), XF_ROUTE_IDLE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("routing/machine");
    TCase *tc = tcase_create("table");
    tcase_add_test(tc, is_as_expected);
    tcase_add_test(tc, only_a_flushed_queue_leads_to_send);
    tcase_add_test(tc, only_failures_begin_a_back_off);
    tcase_add_test(tc, a_peer_that_is_seen_ends_its_back_off);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
