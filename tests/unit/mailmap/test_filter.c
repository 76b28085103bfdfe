/* SPDX-License-Identifier: MIT */
/*
 * test_filter.c — what a peer writes into an address never means anything in an LDAP filter (RFC
 * 4515 section 3).
 */
#include <check.h>

#include "mailmap_priv.h"

#include <xfed/base/alloc.h>

static const struct {
    const char *value, *want;
} rows[] = {
    {"alice@a.example", "alice@a.example"},
    {"a-b_c+d.e", "a-b_c+d.e"},
    {"*", "\\2a"},
    {"*)(uid=*", "\\2a\\29\\28uid\\3d\\2a"},
    {"a)(|(objectClass=*", "a\\29\\28\\7c\\28objectClass\\3d\\2a"},
    {"a\\2a", "a\\5c2a"},
    {"a&b|c!d", "a\\26b\\7cc\\21d"},
    {"a<b>c~d/e", "a\\3cb\\3ec\\7ed\\2fe"},
    {"\xc3\xbc", "\\c3\\bc"},
    {" a", "\\20a"},
    {"\n\x01", "\\0a\\01"},
};

START_TEST(escapes)
{
    struct xf_buf out;
    xf_buf_init(&out, 256);
    struct xf_draft draft = xf_draft_begin(&out);
    xf_filter_escape(&draft, xf_span_of(rows[_i].value));
    ck_assert_int_eq(xf_draft_end(&draft), XF_ERR_OK);
    ck_assert_msg(xf_span_is(xf_buf_span(&out), rows[_i].want), "%s: %.*s", rows[_i].value,
                  XF_SPAN_ARGS(xf_buf_span(&out)));
    xf_buf_release(&out);
}
END_TEST

START_TEST(escapes_a_nul)
{
    struct xf_buf out;
    xf_buf_init(&out, 256);
    struct xf_draft draft = xf_draft_begin(&out);
    xf_filter_escape(&draft, (struct xf_span){"a\0b", 3});
    ck_assert_int_eq(xf_draft_end(&draft), XF_ERR_OK);
    ck_assert(xf_span_is(xf_buf_span(&out), "a\\00b"));
    xf_buf_release(&out);
}
END_TEST

START_TEST(joins_filters)
{
    char filter_a[] = "(objectClass=person)", filter_b[] = "objectClass=person";
    const struct xf_directory_settings with = {.filter = filter_a}, without = {.filter = filter_b};
    char *text = xf_directory_filter(&with, "(uid=a)");
    ck_assert_str_eq(text, "(&(objectClass=person)(uid=a))");
    xf_free(text);
    text = xf_directory_filter(&without, "");
    ck_assert_str_eq(text, "(&(objectClass=person))");
    xf_free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mailmap/filter");
    TCase *tests = tcase_create("filter");
    tcase_add_loop_test(tests, escapes, 0, (int)XF_ARRAY_LEN(rows));
    tcase_add_test(tests, escapes_a_nul);
    tcase_add_test(tests, joins_filters);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
