/* SPDX-License-Identifier: MIT */
/* test_owner.c — whose name a domain is taken to be, in either form of labels. */
#include <check.h>
#include <stdlib.h>
#include <xfed/base/err.h>
#include <xfed/xmpp/owner.h>

/* clang-format off */
static const struct {
    const char *domain, *owner;
    bool is_suffix;
} cases[] = {
    {"example.org", "example.org", false},
    {"xmpp.example.org", "example.org", false},
    {"a.b.c.example.co.uk", "example.co.uk", false},
    {"co.uk", "co.uk", true},
    {"org", "org", true},
    {"me.github.io", "me.github.io", false}, /* the list's private part: others have names beside it */
    {"chat.me.github.io", "me.github.io", false},
    {"x.www.ck", "www.ck", false}, /* an exception of the list */
    {"a.evil.example", "evil.example", false}, /* a suffix that the list does not know has one label */
    {"localhost", "localhost", true},
    {"a.xn--85x722f.xn--55qx5d.cn", "xn--85x722f.xn--55qx5d.cn", false}, /* 公司.cn is a suffix */
    {"a.食狮.公司.cn", "食狮.公司.cn", false},
    {"a.bücher.example", "bücher.example", false},
    {"a.xn--bcher-kva.example", "xn--bcher-kva.example", false},
    {"192.0.2.1", "192.0.2.", false}, /* of an IP literal its network, whose other addresses cost nothing */
    {"192.0.2.254", "192.0.2.", false},
    {"[2001:db8:1:2:3:4:5:6]", "[2001:db8:1:", false},
    {"[2001:db8:1::5]", "[2001:db8:1:", false},
    {"[2001:db8:0:1::5]", "[2001:db8:0:", false},
    {"[2001:db8::1]", "[2001:db8::", false},
    {"[2001:db8::a:b:c:d]", "[2001:db8::", false},
    {"[2001::a:b:c:d]", "[2001::", false},
    {"[::1]", "[::", false},
    {"a.1.org", "1.org", false},
    {"", "", false},
};
/* clang-format on */

START_TEST(a_domain_has_an_owner)
{
    struct xf_span domain = xf_span_of(cases[_i].domain), owner = xf_domain_owner(domain);
    ck_assert_msg(xf_span_eq(owner, xf_span_of(cases[_i].owner)), "%s: %.*s", cases[_i].domain,
                  XF_SPAN_ARGS(owner));
    ck_assert_msg(xf_domain_is_public_suffix(domain) == cases[_i].is_suffix, "%s",
                  cases[_i].domain);
}
END_TEST

/* The last answer is remembered: of that very name, and whoever's memory it is in. */
START_TEST(each_name_has_its_own_owner)
{
    char first[] = "chat.example.org", second[] = "chat.example.net",
         longer[] = "a.chat.example.org";
    const struct xf_span names[] = {xf_span_of(first), xf_span_of(first), xf_span_of(second),
                                    xf_span_of(longer), xf_span_of(first)};
    const size_t skips[] = {5, 5, 5, 7, 5};
    for (size_t i = 0; i < XF_ARRAY_LEN(names); i++) {
        struct xf_span owner = xf_domain_owner(names[i]);
        ck_assert_ptr_eq(owner.ptr, names[i].ptr + skips[i]);
        ck_assert_uint_eq(owner.len, names[i].len - skips[i]);
    }
    first[6] = 'z'; /* another name, in the same place */
    ck_assert(xf_span_is(xf_domain_owner(names[0]), "ezample.org"));
    ck_assert_ptr_eq(xf_domain_owner(names[0]).ptr, first + 5);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("xmpp/owner");
    TCase *tc = tcase_create("owner");
    tcase_add_loop_test(tc, a_domain_has_an_owner, 0, XF_ARRAY_LEN(cases));
    tcase_add_test(tc, each_name_has_its_own_owner);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
