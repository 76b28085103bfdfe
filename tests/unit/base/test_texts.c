/* SPDX-License-Identifier: MIT */
/* test_texts.c — a list of strings: what is added, found, compared and released. */
#include <xfed/base/texts.h>

#include <check.h>

#include <xfed/base/alloc.h>
#include <xfed/base/err.h>

static struct xf_texts texts_of(const char *a, const char *b)
{
    struct xf_texts texts = {0};
    if (a)
        xf_texts_add(&texts, xf_strdup(a));
    if (b)
        xf_texts_add(&texts, xf_strdup(b));
    return texts;
}

START_TEST(keeps_order_and_takes_a_new_text_once)
{
    struct xf_texts texts = {0};
    xf_texts_add_new(&texts, "b");
    xf_texts_add_new(&texts, "a");
    xf_texts_add_new(&texts, "b");
    ck_assert_uint_eq(texts.count, 2);
    ck_assert_str_eq(texts.item[0], "b");
    ck_assert_str_eq(texts.item[1], "a");
    ck_assert(xf_texts_has(&texts, "a"));
    ck_assert(!xf_texts_has(&texts, "A"));
    xf_texts_add(&texts, xf_strdup("b")); /* as often as it is told */
    ck_assert_uint_eq(texts.count, 3);
    xf_texts_release(&texts);
    ck_assert_uint_eq(texts.count, 0);
    ck_assert_ptr_null(texts.item);
}
END_TEST

/* clang-format off */
static const struct {
    const char *a[2], *b[2];
    bool is_same;
} pairs[] = {
    {{NULL, NULL}, {NULL, NULL}, true},
    {{"a", NULL},  {NULL, NULL}, false},
    {{"a", "b"},   {"a", "b"},   true},
    {{"a", "b"},   {"b", "a"},   false},
    {{"a", "b"},   {"a", NULL},  false},
    {{"a", NULL},  {"A", NULL},  false},
};
/* clang-format on */

START_TEST(are_the_same_with_the_same_texts_in_order)
{
    struct xf_texts a = texts_of(pairs[_i].a[0], pairs[_i].a[1]),
                    b = texts_of(pairs[_i].b[0], pairs[_i].b[1]);
    ck_assert_msg(xf_texts_eq(&a, &b) == pairs[_i].is_same, "row %d", _i);
    xf_texts_release(&a);
    xf_texts_release(&b);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("texts");
    TCase *tc = tcase_create("texts");
    tcase_add_test(tc, keeps_order_and_takes_a_new_text_once);
    tcase_add_loop_test(tc, are_the_same_with_the_same_texts_in_order, 0, XF_ARRAY_LEN(pairs));
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
