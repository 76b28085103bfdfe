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

int main(void)
{
    Suite *suite = suite_create("text");
    TCase *tcase = tcase_create("text");
    tcase_add_loop_test(tcase, nothing_moves_the_cursor, 0, XF_ARRAY_LEN(texts));
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
