/* SPDX-License-Identifier: MIT */
/* The time of the local server (XEP-0202), and how far ours is from it. */
#include <check.h>
#include <inttypes.h>
#include <stdlib.h>

#include <xfed/base/err.h>
#include <xfed/selfcheck/skew.h>

#define NOW_S     1166551115 /* 2006-12-19T17:58:35Z */
#define TIME(utc) "<time xmlns=\"urn:xmpp:time\"><tzo>-06:00</tzo><utc>" utc "</utc></time>"

static const struct {
    const char *label, *type, *payload;
    bool is_read;
    int64_t seconds;
} cases[] = {
    {"the same second", "result", TIME("2006-12-19T17:58:35Z"), true, 0},
    {"with a fraction", "result", TIME("2006-12-19T17:58:35.123Z"), true, 0},
    {"a day behind", "result", TIME("2006-12-18T17:58:35Z"), true, -86400},
    {"a day ahead", "result", TIME("2006-12-20T17:58:35Z"), true, 86400},
    {"six seconds ahead", "result", TIME("2006-12-19T17:58:41Z"), true, 6},
    {"an error", "error", TIME("2006-12-19T17:58:35Z"), false, 0},
    {"no time", "result", "<time xmlns=\"urn:xmpp:time\"/>", false, 0},
    {"nothing", "result", NULL, false, 0},
    {"cut", "result", "<time><utc>2006-12-19T17:58", false, 0},
    {"not a time", "result", TIME("yesterday at five o'clock"), false, 0},
    {"a space for the T", "result", TIME("2006-12-19 17:58:35Z"), false, 0},
    {"a sign", "result", TIME("-006-12-19T17:58:35Z"), false, 0},
};

START_TEST(reads_times)
{
    int64_t seconds = 7;
    const struct xf_stanza answer = {.kind = XF_STANZA_IQ,
                                     .type = xf_span_of(cases[_i].type),
                                     .payload = xf_span_of(cases[_i].payload)};
    bool is_read = xf_selfcheck_read_skew(&answer, NOW_S * 1000ll, NOW_S * 1000ll + 900, &seconds);
    ck_assert_msg(is_read == cases[_i].is_read, "%s", cases[_i].label);
    ck_assert_msg(seconds == (is_read ? cases[_i].seconds : 7), "%s: %" PRId64, cases[_i].label,
                  seconds);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("skew");
    TCase *tcase = tcase_create("all");
    tcase_add_loop_test(tcase, reads_times, 0, XF_ARRAY_LEN(cases));
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
