/* SPDX-License-Identifier: MIT */
/* test_pair.c — keys of pairs: one for each pair, whatever its two names would be in a row. */
#include <xfed/xmpp/pair.h>

#include <check.h>
#include <stdlib.h>
#include <xfed/base/err.h>

/* clang-format off */
static const struct {
    const char *label, *local, *peer;
    struct xf_span want;
} pairs[] = {
    {"two domains",               "a.example", "b.example", XF_SPAN_INIT("a.example\0b.example")},
    {"the same, other way round", "b.example", "a.example", XF_SPAN_INIT("b.example\0a.example")},
    {"the same in a row",         "a.exampleb", ".example", XF_SPAN_INIT("a.exampleb\0.example")},
    {"one the head of another",   "a.example", "b.exampl",  XF_SPAN_INIT("a.example\0b.exampl")},
    {"no peer",                   "a.example", "",          XF_SPAN_INIT("a.example\0")},
};
/* clang-format on */

START_TEST(a_key_names_its_pair)
{
    struct xf_pair_key key;
    struct xf_span text =
        xf_pair_key(xf_span_of(pairs[_i].local), xf_span_of(pairs[_i].peer), &key);
    ck_assert_msg(xf_span_eq(text, pairs[_i].want), "%s", pairs[_i].label);
    ck_assert_msg(text.ptr == key.text && text.len == key.len, "%s", pairs[_i].label);
}
END_TEST

START_TEST(a_key_is_of_its_pair_alone)
{
    struct xf_pair_key key;
    (void)xf_pair_key(xf_span_of(pairs[_i].local), xf_span_of(pairs[_i].peer), &key);
    for (int i = 0; i < (int)XF_ARRAY_LEN(pairs); i++)
        ck_assert_msg(xf_pair_key_is(&key, xf_span_of(pairs[i].local), xf_span_of(pairs[i].peer)) ==
                          (i == _i),
                      "%s, asked for %s", pairs[_i].label, pairs[i].label);
}
END_TEST

START_TEST(an_empty_key_is_of_no_pair)
{
    static const struct xf_pair_key none;
    ck_assert(!xf_pair_key_is(&none, XF_SPAN("a.example"), XF_SPAN("b.example")));
    ck_assert(!xf_pair_key_is(&none, XF_SPAN(""), XF_SPAN("")));
}
END_TEST

START_TEST(the_longest_domains_fit)
{
    static char longest[XF_DOMAIN_MAX];
    static struct xf_pair_key key;
    struct xf_span domain = {longest, sizeof(longest)};
    memset(longest, 'a', sizeof(longest));
    ck_assert_uint_eq(xf_pair_key(domain, domain, &key).len, XF_PAIR_KEY_MAX);
    ck_assert(xf_pair_key_is(&key, domain, domain));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("xmpp/pair");
    TCase *tc = tcase_create("pair");
    tcase_add_loop_test(tc, a_key_names_its_pair, 0, XF_ARRAY_LEN(pairs));
    tcase_add_loop_test(tc, a_key_is_of_its_pair_alone, 0, XF_ARRAY_LEN(pairs));
    tcase_add_test(tc, an_empty_key_is_of_no_pair);
    tcase_add_test(tc, the_longest_domains_fit);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
