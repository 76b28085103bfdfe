/* SPDX-License-Identifier: MIT */
/* test_machine.c — the table of an outgoing stream: what leads to READY, and what can never. */
#include <check.h>
#include <stdlib.h>

#include "out_priv.h"
#include "tables.h"

static enum xf_out_state next_state(enum xf_out_state state, enum xf_out_event event)
{
    return xf_machine_next(&xf_out_machine, state, event);
}

/* From every state but ENDED, and to nowhere else. */
static const struct table_move from_anywhere[] = {
    {XF_MACHINE_ANY, XF_OUT_ON_NEXT, XF_OUT_DIALING},
    {XF_MACHINE_ANY, XF_OUT_ON_CLEAR, XF_OUT_RESOLVING},
    {XF_MACHINE_ANY, XF_OUT_ON_END, XF_OUT_ENDED},
};

static bool is_from_anywhere(enum xf_out_event event)
{
    return event == XF_OUT_ON_NEXT || event == XF_OUT_ON_CLEAR || event == XF_OUT_ON_END;
}

START_TEST(is_sound)
{
    ck_assert_pstr_eq(table_fault(&xf_out_machine), NULL);
}
END_TEST

START_TEST(rows_from_anywhere_lead_back_or_to_the_end)
{
    for (enum xf_out_state state = 0; state < XF_OUT_STATE_COUNT; state++)
        for (size_t i = 0; i < XF_ARRAY_LEN(from_anywhere); i++)
            ck_assert_uint_eq(next_state(state, from_anywhere[i].on),
                              state == XF_OUT_ENDED ? XF_MACHINE_NONE : from_anywhere[i].to);
}
END_TEST

/* clang-format off */
/* Every edge into READY. A new one is a new way to be authenticated: it must be argued here. */
static const struct {
    enum xf_out_state state;
    enum xf_out_event event;
} into_ready[] = {
    {XF_OUT_PLAIN_HEADER, XF_OUT_ON_OFFER_VERIFY},   {XF_OUT_PLAIN_FEATURES, XF_OUT_ON_OFFER_VERIFY},
    {XF_OUT_TLS_HEADER, XF_OUT_ON_OFFER_VERIFY},     {XF_OUT_TLS_FEATURES, XF_OUT_ON_OFFER_VERIFY},
    {XF_OUT_PLAIN_DIALBACK, XF_OUT_ON_DIALBACK_OK},  {XF_OUT_TLS_DIALBACK, XF_OUT_ON_DIALBACK_OK},
    {XF_OUT_AUTH_FEATURES, XF_OUT_ON_FEATURES},
    {XF_OUT_RESUMING, XF_OUT_ON_RESUME_OVER},
    /* riders (carrier.c): the peer proved the pair on its stream, or said valid to our db:result on ours */
    {XF_OUT_BOARDING, XF_OUT_ON_BOARDED},            {XF_OUT_ASKING, XF_OUT_ON_DIALBACK_OK},
};
/* clang-format on */

static bool is_listed(enum xf_out_state state, enum xf_out_event event)
{
    for (size_t i = 0; i < XF_ARRAY_LEN(into_ready); i++)
        if (into_ready[i].state == state && into_ready[i].event == event)
            return true;
    return false;
}

START_TEST(only_listed_edges_reach_ready)
{
    for (enum xf_out_state state = 0; state < XF_OUT_STATE_COUNT; state++)
        for (enum xf_out_event event = 0; event < XF_OUT_EVENT_COUNT; event++)
            ck_assert_msg((next_state(state, event) == XF_OUT_READY) == is_listed(state, event),
                          "%s on event %d", xf_out_machine.states[state], (int)event);
}
END_TEST

START_TEST(sasl_is_unreachable_without_tls)
{
    for (enum xf_out_state state = 0; state < XF_OUT_STATE_COUNT; state++)
        for (enum xf_out_event event = 0; event < XF_OUT_EVENT_COUNT; event++)
            if (next_state(state, event) == XF_OUT_TLS_SASL)
                ck_assert_int_eq(state, XF_OUT_TLS_FEATURES);
    ck_assert_int_eq(next_state(XF_OUT_PLAIN_FEATURES, XF_OUT_ON_OFFER_SASL), XF_MACHINE_NONE);
}
END_TEST

/*
 * What has neither conn nor stream is on its way to one, or a rider; a rider never falls into a
 * negotiation that it did not begin.
 */
START_TEST(riders_begin_from_nothing)
{
    for (enum xf_out_state state = 0; state < XF_OUT_STATE_COUNT; state++)
        for (enum xf_out_event event = 0; event < XF_OUT_EVENT_COUNT; event++) {
            enum xf_out_state to = next_state(state, event);
            if (to == XF_OUT_ASKING)
                ck_assert_int_eq(state, XF_OUT_IDLE);
            if (to == XF_OUT_BOARDING) /* neither has begun anything */
                ck_assert(state == XF_OUT_IDLE || state == XF_OUT_AWAITING);
            if ((state == XF_OUT_BOARDING || state == XF_OUT_ASKING) && to != XF_MACHINE_NONE &&
                !is_from_anywhere(event))
                ck_assert_msg(to == XF_OUT_READY || to == XF_OUT_RESOLVING, "%s on event %d",
                              xf_out_machine.states[state], (int)event);
        }
}
END_TEST

START_TEST(tls_begins_with_a_new_header)
{
    for (enum xf_out_event event = 0; event < XF_OUT_EVENT_COUNT; event++)
        if (event != XF_OUT_ON_TLS_UP && !is_from_anywhere(event))
            ck_assert_int_eq(next_state(XF_OUT_HANDSHAKE, event), XF_MACHINE_NONE);
    ck_assert_int_eq(next_state(XF_OUT_HANDSHAKE, XF_OUT_ON_TLS_UP), XF_OUT_TLS_HEADER);
}
END_TEST

START_TEST(ready_and_ended_have_no_way_on)
{
    for (enum xf_out_event event = 0; event < XF_OUT_EVENT_COUNT; event++) {
        if (!is_from_anywhere(event))
            ck_assert_int_eq(next_state(XF_OUT_READY, event), XF_MACHINE_NONE);
        ck_assert_int_eq(next_state(XF_OUT_ENDED, event), XF_MACHINE_NONE);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("s2s/machine");
    TCase *tc = tcase_create("table");
    tcase_add_test(tc, is_sound);
    tcase_add_test(tc, rows_from_anywhere_lead_back_or_to_the_end);
    tcase_add_test(tc, only_listed_edges_reach_ready);
    tcase_add_test(tc, sasl_is_unreachable_without_tls);
    tcase_add_test(tc, riders_begin_from_nothing);
    tcase_add_test(tc, tls_begins_with_a_new_header);
    tcase_add_test(tc, ready_and_ended_have_no_way_on);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
