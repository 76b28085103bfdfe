/* SPDX-License-Identifier: MIT */
/* test_text.c — what xfedctl prints for people. */
#include "../../../src/ctl/ctl_priv.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <xfed/base/err.h>

/* clang-format off */
static const struct {
    const char *label, *text, *want;
    size_t width;
} texts[] = {
    {"plain",              "b.example",            "b.example",             9},
    {"empty",              "",                     "",                      0},
    {"UTF-8",              "b\xc3\xbc" "cher",     "b\xc3\xbc" "cher",      6},
    {"an escape sequence", "\x1b[2Jx",             "\\x1b[2Jx",             8},
    {"a new line",         "a\nb",                 "a\\x0ab",               6},
    {"C1",                 "\xc2\x9b",             "\\xc2\\x9b",            8},
    {"no UTF-8",           "\xff",                 "\\xff",                 4},
    {"right to left",      "\xe2\x80\xae",         "\\xe2\\x80\\xae",       12},
};
/* clang-format on */

START_TEST(nothing_moves_the_cursor)
{
    char got[64] = "";
    FILE *out = fmemopen(got, sizeof(got), "w");
    xf_ctl_print_text(texts[_i].text, out);
    fclose(out);
    ck_assert_msg(strcmp(got, texts[_i].want) == 0, "%s: %s", texts[_i].label, got);
    ck_assert_uint_eq(xf_ctl_width(texts[_i].text), texts[_i].width);
}
END_TEST

START_TEST(a_key_may_be_in_an_object)
{
    json_t *row = json_loads("{\"a\":1,\"b\":{\"c\":2,\"t\":\"x\"},\"n\":-5}", 0, NULL);
    ck_assert_uint_eq(xf_ask_number_of(row, "a"), 1);
    ck_assert_uint_eq(xf_ask_number_of(row, "b.c"), 2);
    ck_assert_str_eq(xf_ask_text_of(row, "b.t"), "x");
    ck_assert_uint_eq(xf_ask_number_of(row, "n"), 0);
    ck_assert_str_eq(xf_ask_text_of(row, "b.none"), "");
    ck_assert_ptr_null(xf_ask_get(row, "a.c"));
    json_decref(row);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("text");
    TCase *tcase = tcase_create("text");
    tcase_add_loop_test(tcase, nothing_moves_the_cursor, 0, XF_ARRAY_LEN(texts));
    tcase_add_test(tcase, a_key_may_be_in_an_object);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
