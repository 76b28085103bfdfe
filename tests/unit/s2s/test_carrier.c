/* SPDX-License-Identifier: MIT */
/*
 * test_carrier.c — passengers of a stream are told that it has room again, each first in turn; what
 * one of them writes then may end the stream, and all leave.
 */
#include <check.h>

#include "carrier_priv.h"
#include "engine_priv.h"

#define SEATS 3

static struct xf_carrier carrier;
static struct xf_passenger seats[SEATS];
static char told[16];
static int ends_at; /* the passenger that ends the stream; -1: none */

static void on_drained(struct xf_passenger *passenger)
{
    size_t at = (size_t)(passenger - seats), len = strlen(told);
    told[len] = (char)('a' + at);
    if ((int)at == ends_at)
        xf_carrier_ended(&carrier, XF_CAUSE_STREAM, "the stream ended");
}

static void on_ended(struct xf_passenger *passenger, enum xf_cause cause, const char *text)
{
    (void)cause, (void)text;
    xf_carrier_leave(passenger);
}

static const struct xf_passenger_ops seat_ops = {.drained = on_drained, .ended = on_ended};

static void set_up(void)
{
    static struct xf_s2s s2s;
    static struct xf_stream stream;
    static const struct xf_proof_ops proof_ops;
    static const struct xf_carrier_ops ops = {.proof = &proof_ops};
    xf_carrier_init(&carrier, &s2s, &stream, &ops);
    memset(told, 0, sizeof(told));
    ends_at = -1;
    for (size_t i = 0; i < SEATS; i++) {
        seats[i] = (struct xf_passenger){.ops = &seat_ops};
        xf_carrier_sit(&carrier, &seats[i]);
    }
}

START_TEST(tells_each_first_in_turn)
{
    set_up();
    for (int i = 0; i < SEATS; i++)
        xf_carrier_drained(&carrier);
    ck_assert_str_eq(told, "abcbcacab");
}
END_TEST

START_TEST(survives_an_end_while_it_tells)
{
    static const char *const want[SEATS] = {"a", "ab", "abc"};
    set_up();
    ends_at = _i;
    xf_carrier_drained(&carrier);
    ck_assert_str_eq(told, want[_i]);
    xf_carrier_drained(&carrier);
    ck_assert_str_eq(told, want[_i]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("s2s/carrier");
    TCase *tcase = tcase_create("carrier");
    tcase_add_test(tcase, tells_each_first_in_turn);
    tcase_add_loop_test(tcase, survives_an_end_while_it_tells, 0, SEATS);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
