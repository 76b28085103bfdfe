/* SPDX-License-Identifier: MIT */
/* test_query.c — values out of query strings and forms. */
#include <check.h>
#include <stdlib.h>

#include "page_priv.h"

/* clang-format off */
static const struct {
    const char *label, *query, *want; /* NULL: there is none */
} cases[] = {
    {"alone",                     "q=abc",            "abc"},
    {"between others",            "a=1&q=abc&b=2",    "abc"},
    {"the first of two",          "q=1&q=2",          "1"},
    {"empty",                     "q=",               ""},
    {"missing",                   "a=1",              NULL},
    {"no query",                  "",                 NULL},
    {"a name that ends like it",  "xq=1",             NULL},
    {"a name that begins like it", "qq=1",            NULL},
    {"no value",                  "q",                NULL},
    {"separators alone",          "&&=&",             NULL},
    {"a plus",                    "q=a+b",            "a b"},
    {"escapes",                   "q=%41%2b%c3%BC",   "A+\xC3\xBC"},
    {"an escaped separator",      "q=a%26b%3D",       "a&b="},
    {"NUL",                       "q=a%00b",          NULL},
    {"half an escape",            "q=a%4",            NULL},
    {"an escape that is none",    "q=%zz",            NULL},
    {"no UTF-8",                  "q=%C3",            NULL},
    {"as long as may be",         "q=123456789012345", "123456789012345"},
    {"too long",                  "q=1234567890123456", NULL},
};
/* clang-format on */

START_TEST(finds)
{
    char got[16] = "before";
    bool is_there = xf_query_get(xf_span_of(cases[_i].query), "q", got, sizeof(got));
    ck_assert_msg(is_there == (cases[_i].want != NULL), "%s", cases[_i].label);
    ck_assert_msg(strcmp(got, cases[_i].want ? cases[_i].want : "") == 0, "%s: %s", cases[_i].label,
                  got);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("page/query");
    TCase *tcase = tcase_create("page/query");
    tcase_add_loop_test(tcase, finds, 0, XF_ARRAY_LEN(cases));
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
