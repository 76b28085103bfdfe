/* SPDX-License-Identifier: MIT */
/* test_draft.c — text in the making: whole or not at all. */
#include <xfed/base/draft.h>

#include <check.h>
#include <stdlib.h>

/* clang-format off */
static const struct {
    const char *label, *before;
    size_t max;
    const char *pieces[4], *want;
} cases[] = {
    {"all fits", "x", 10, {"ab", "cd", "ef"}, "xabcdef"},
    {"to the last byte", "x", 7, {"ab", "cd", "ef"}, "xabcdef"},
    {"one byte too many", "x", 6, {"ab", "cd", "ef"}, "x"},
    {"the first is too long, the others would fit", "x", 4, {"abcd", "e"}, "x"},
    {"one in the middle is too long", "x", 6, {"a", "bcdefgh", "i"}, "x"},
    {"a full buffer", "xyz", 3, {"a"}, "xyz"},
    {"nothing, into a full buffer", "xyz", 3, {""}, "xyz"},
};
/* clang-format on */

START_TEST(is_whole_or_nothing)
{
    struct xf_buf out;
    size_t len = strlen(cases[_i].before);

    xf_buf_init(&out, cases[_i].max);
    xf_buf_append_str(&out, cases[_i].before);
    struct xf_draft draft = xf_draft_begin(&out);
    for (const char *const *piece = cases[_i].pieces; *piece; piece++) {
        xf_draft_str(&draft, *piece);
        len += strlen(*piece);
    }
    bool is_whole = len == strlen(cases[_i].want);
    ck_assert_msg(xf_draft_end(&draft) == (is_whole ? XF_ERR_OK : XF_ERR_LIMIT), "%s",
                  cases[_i].label);
    ck_assert_msg(xf_span_is(xf_buf_span(&out), cases[_i].want), "%s", cases[_i].label);
    xf_buf_release(&out);
}
END_TEST

START_TEST(every_way_to_append_counts)
{
    struct xf_buf out;

    xf_buf_init(&out, 100);
    struct xf_draft draft = xf_draft_begin(&out);
    xf_draft_append(&draft, "a\0b", 3);
    xf_draft_span(&draft, XF_SPAN("cd"));
    xf_draft_span(&draft, XF_SPAN_NONE);
    xf_draft_printf(&draft, "%s-%d", "e", 7);
    ck_assert_uint_eq(xf_draft_len(&draft), 8);
    ck_assert_int_eq(xf_draft_end(&draft), XF_ERR_OK);
    ck_assert(xf_span_eq(xf_buf_span(&out), XF_SPAN("a\0bcde-7")));
    draft = xf_draft_begin(&out);
    xf_draft_printf(&draft, "%0100d", 7);
    ck_assert_int_eq(xf_draft_end(&draft), XF_ERR_LIMIT);
    ck_assert_uint_eq(out.len, 8);
    xf_buf_release(&out);
}
END_TEST

START_TEST(without_a_buffer_goes_nowhere)
{
    struct xf_draft draft = xf_draft_begin(NULL);

    xf_draft_str(&draft, "a");
    xf_draft_printf(&draft, "%d", 7);
    ck_assert_uint_eq(xf_draft_len(&draft), 0);
    ck_assert_int_eq(xf_draft_end(&draft), XF_ERR_OK);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base/draft");
    TCase *tc = tcase_create("all");
    SRunner *runner = srunner_create(suite);

    tcase_add_loop_test(tc, is_whole_or_nothing, 0, (int)XF_ARRAY_LEN(cases));
    tcase_add_test(tc, every_way_to_append_counts);
    tcase_add_test(tc, without_a_buffer_goes_nowhere);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
