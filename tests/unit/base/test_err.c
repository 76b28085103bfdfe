/* SPDX-License-Identifier: MIT */
/* test_err.c — texts of codes, errors with words, allocation and the clock: the small things. */
#include <xfed/base/err.h>

#include <check.h>
#include <signal.h>
#include <string.h>

#include <xfed/base/alloc.h>
#include <xfed/base/clock.h>

static const enum xf_err codes[] = {
#define X(name, text) XF_ERR_##name,
    XF_ERR_MAP(X)
#undef X
};

START_TEST(each_code_has_its_own_text)
{
    const char *text = xf_err_text(codes[_i]);

    ck_assert_uint_gt(strlen(text), 0);
    for (int other = 0; other < _i; other++)
        ck_assert_str_ne(text, xf_err_text(codes[other]));
}
END_TEST

START_TEST(an_unknown_code_has_a_text_too)
{
    ck_assert_str_eq(xf_err_text((enum xf_err)XF_ARRAY_LEN(codes)), "unknown error");
    ck_assert_str_eq(xf_err_text((enum xf_err) - 1), "unknown error");
}
END_TEST

START_TEST(fail_fills_the_error_and_returns_its_code)
{
    struct xf_error err = {0};

    ck_assert_int_eq(xf_fail(&err, XF_ERR_TLS, "%s: %d", "key", 7), XF_ERR_TLS);
    ck_assert_int_eq(err.code, XF_ERR_TLS);
    ck_assert_str_eq(err.detail, "key: 7");
    ck_assert_int_eq(xf_fail(NULL, XF_ERR_IO, "%s", "nobody reads it"), XF_ERR_IO);
}
END_TEST

START_TEST(fail_cuts_long_words)
{
    struct xf_error err;
    char words[sizeof(err.detail) + 10];

    memset(words, 'x', sizeof(words) - 1);
    words[sizeof(words) - 1] = '\0';
    (void)xf_fail(&err, XF_ERR_IO, "%s", words); /* returns what it was given */
    ck_assert_uint_eq(strlen(err.detail), sizeof(err.detail) - 1);
}
END_TEST

START_TEST(fail_can_put_words_in_front)
{
    struct xf_error err;

    (void)xf_fail(&err, XF_ERR_IO, "gone");
    (void)xf_fail(&err, XF_ERR_CONFIG, "a.conf: %s", err.detail);
    ck_assert_str_eq(err.detail, "a.conf: gone");
    ck_assert_int_eq(err.code, XF_ERR_CONFIG);
}
END_TEST

START_TEST(a_bug_aborts)
{
    xf_require(1 + 1 == 2);
    xf_require(1 + 1 == 3);
}
END_TEST

START_TEST(exhaustion_aborts)
{
    xf_free(xf_alloc((size_t)1 << 62));
}
END_TEST

START_TEST(memory_is_zeroed_and_never_null)
{
    static const char zeros[4096];
    void *none = xf_alloc(0), *some = xf_alloc(sizeof(zeros));

    ck_assert_ptr_nonnull(none);
    ck_assert_int_eq(memcmp(some, zeros, sizeof(zeros)), 0);
    some = xf_realloc(some, 0);
    ck_assert_ptr_nonnull(some);
    xf_free(some);
    xf_free(none);
    xf_free(NULL);
}
END_TEST

START_TEST(copies_end_in_nul)
{
    char *all = xf_strdup("abc"), *part = xf_strndup("abc", 2), *empty = xf_strndup(NULL, 0);
    char *printed = xf_asprintf("%s/%03d", "a", 7);

    ck_assert_str_eq(all, "abc");
    ck_assert_str_eq(part, "ab");
    ck_assert_str_eq(empty, "");
    ck_assert_str_eq(printed, "a/007");
    ck_assert_ptr_null(xf_strdup(NULL));
    xf_free(all);
    xf_free(part);
    xf_free(empty);
    xf_free(printed);
}
END_TEST

START_TEST(the_clock_moves_forward_and_is_never_zero)
{
    uint64_t before = xf_monotonic_ms(), after;

    ck_assert_uint_gt(before, 0);
    do {
        after = xf_monotonic_ms();
        ck_assert_uint_ge(after, before);
    } while (after == before);
    ck_assert_uint_lt(after - before, 60000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("err");
    TCase *tcase = tcase_create("err");
    SRunner *runner = srunner_create(suite);

    tcase_add_loop_test(tcase, each_code_has_its_own_text, 0, XF_ARRAY_LEN(codes));
    tcase_add_test(tcase, an_unknown_code_has_a_text_too);
    tcase_add_test(tcase, fail_fills_the_error_and_returns_its_code);
    tcase_add_test(tcase, fail_cuts_long_words);
    tcase_add_test(tcase, fail_can_put_words_in_front);
    tcase_add_test(tcase, memory_is_zeroed_and_never_null);
    tcase_add_test(tcase, copies_end_in_nul);
    tcase_add_test(tcase, the_clock_moves_forward_and_is_never_zero);
    if (srunner_fork_status(runner) == CK_FORK) {
        tcase_add_test_raise_signal(tcase, a_bug_aborts, SIGABRT);
        tcase_add_test_raise_signal(tcase, exhaustion_aborts, SIGABRT);
    }
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
