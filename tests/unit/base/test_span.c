/* SPDX-License-Identifier: MIT */
/* test_span.c — comparisons of borrowed text. */
#include <xfed/base/span.h>

#include <check.h>

#include <xfed/base/alloc.h>
#include <xfed/base/err.h>

/* clang-format off */
static const struct {
    const char *label, *a, *b;
    bool eq, eq_nocase, ends_with;
} cases[] = {
    {"equal",                      "abc",  "abc",  true,  true,  true},
    {"other case",                 "aBc",  "AbC",  false, true,  false},
    {"other letter",               "abc",  "abd",  false, false, false},
    {"a tail",                     "abc",  "bc",   false, false, true},
    {"a tail in other case",       "abc",  "BC",   false, false, false},
    {"longer tail than text",      "bc",   "abc",  false, false, false},
    {"empty tail",                 "abc",  "",     false, false, true},
    {"absent tail",                "abc",  NULL,   false, false, true},
    {"absent and empty",           NULL,   "",     true,  true,  true},
    {"absent and something",       NULL,   "a",    false, false, false},
    {"signs beside the letters",   "@[`{", "`{@[", false, false, false},
    {"high bytes have no case",    "\xc3\x84", "\xc3\xa4", false, false, false},
};
/* clang-format on */

START_TEST(compares)
{
    struct xf_span a = xf_span_of(cases[_i].a), b = xf_span_of(cases[_i].b);

    ck_assert_msg(xf_span_eq(a, b) == cases[_i].eq, "%s", cases[_i].label);
    ck_assert_msg(xf_span_is(a, cases[_i].b) == cases[_i].eq, "%s", cases[_i].label);
    ck_assert_msg(xf_span_eq_nocase(a, b) == cases[_i].eq_nocase, "%s", cases[_i].label);
    ck_assert_msg(xf_span_ends_with(a, b) == cases[_i].ends_with, "%s", cases[_i].label);
}
END_TEST

/* clang-format off */
static const struct {
    const char *label, *in, *want;
} trims[] = {
    {"nothing to trim",       "a b",             "a b"},
    {"both ends",             "\r\n\t a b \t\r\n", "a b"},
    {"one end",               "a ",              "a"},
    {"only white space",      " \n ",            ""},
    {"not white space of XML", "\f\v\u00a0",     "\f\v\u00a0"},
};
/* clang-format on */

START_TEST(trims_white_space)
{
    struct xf_span got = xf_span_trim(xf_span_of(trims[_i].in));

    ck_assert_msg(got.ptr && xf_span_is(got, trims[_i].want), "%s", trims[_i].label);
}
END_TEST

START_TEST(absence_stays_when_trimmed)
{
    ck_assert_ptr_null(xf_span_trim(XF_SPAN_NONE).ptr);
}
END_TEST

START_TEST(copies_are_text_and_absence_stays)
{
    char *copy = xf_span_dup((struct xf_span){"abcd", 2}), *empty = xf_span_dup(XF_SPAN(""));

    ck_assert_str_eq(copy, "ab");
    ck_assert_str_eq(empty, "");
    ck_assert_ptr_null(xf_span_dup(XF_SPAN_NONE));
    xf_free(copy);
    xf_free(empty);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("span");
    TCase *tcase = tcase_create("span");
    SRunner *runner = srunner_create(suite);

    tcase_add_loop_test(tcase, compares, 0, XF_ARRAY_LEN(cases));
    tcase_add_loop_test(tcase, trims_white_space, 0, XF_ARRAY_LEN(trims));
    tcase_add_test(tcase, absence_stays_when_trimmed);
    tcase_add_test(tcase, copies_are_text_and_absence_stays);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
