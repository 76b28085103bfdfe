/* SPDX-License-Identifier: MIT */
/* test_dialback_key.c — keys of XEP-0185. */
#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <xfed/auth/dialback_key.h>
#include <xfed/xmpp/jid.h>

static const char secret_text[] = "s3cr3tf0rd14lb4ck";

/* clang-format off */
static const struct {
    const char *label, *receiving, *originating, *id, *key;
    bool ours;
} cases[] = {
    {"the example of XEP-0185 §2", "xmpp.example.com", "example.org", "D60000229F",
     "37c69b1cf07a3f67c04a5ef5902fa5114f2c76fe4a2686482ba5b89323075643", true},
    {"another stream id", "xmpp.example.com", "example.org", "D60000229E",
     "37c69b1cf07a3f67c04a5ef5902fa5114f2c76fe4a2686482ba5b89323075643", false},
    {"receiving and originating swapped", "example.org", "xmpp.example.com", "D60000229F",
     "37c69b1cf07a3f67c04a5ef5902fa5114f2c76fe4a2686482ba5b89323075643", false},
    {"the id takes over a part of the domain (CVE-2016-0756)", "xmpp.example.com", "example", ".org D60000229F",
     "37c69b1cf07a3f67c04a5ef5902fa5114f2c76fe4a2686482ba5b89323075643", false},
    {"upper-case hex is another text", "xmpp.example.com", "example.org", "D60000229F",
     "37C69B1CF07A3F67C04A5EF5902FA5114F2C76FE4A2686482BA5B89323075643", false},
    {"a prefix of the key", "xmpp.example.com", "example.org", "D60000229F", "37c69b1cf07a3f67", false},
    {"the empty key", "xmpp.example.com", "example.org", "D60000229F", "", false},
    {"the empty id", "xmpp.example.com", "example.org", "", "00", false},
};
/* clang-format on */

START_TEST(key_is_ours)
{
    struct xf_dialback_secret secret;
    xf_dialback_secret_prepare(xf_span_of(secret_text), &secret);
    bool ours = xf_dialback_key_is_ours(&secret, xf_span_of(cases[_i].receiving),
                                        xf_span_of(cases[_i].originating), xf_span_of(cases[_i].id),
                                        xf_span_of(cases[_i].key));
    ck_assert_msg(ours == cases[_i].ours, "%s", cases[_i].label);
}
END_TEST

START_TEST(oversize_id_gets_no_key)
{
    struct xf_dialback_secret secret;
    char id[600];
    struct xf_span stream_id = {id, sizeof(id)};
    memset(id, 'x', sizeof(id));
    xf_dialback_secret_prepare(xf_span_of(secret_text), &secret);
    struct xf_dialback_key key = xf_dialback_key_of(&secret, XF_SPAN("a"), XF_SPAN("b"), stream_id);
    ck_assert(!xf_dialback_key_is_ours(&secret, XF_SPAN("a"), XF_SPAN("b"), stream_id,
                                       xf_span_of(key.hex)));
}
END_TEST

/* Unprepared domains are a mistake of ours: no key is made of half of them. */
START_TEST(oversize_domain_aborts)
{
    struct xf_dialback_secret secret;
    static char domain[2 * XF_DOMAIN_MAX + 2];
    memset(domain, 'x', sizeof(domain));
    xf_dialback_secret_prepare(xf_span_of(secret_text), &secret);
    xf_dialback_key_of(&secret, (struct xf_span){domain, sizeof(domain)},
                       (struct xf_span){domain, sizeof(domain)}, XF_SPAN("D60000229F"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("auth/dialback_key");
    TCase *tc = tcase_create("keys");
    tcase_add_loop_test(tc, key_is_ours, 0, (int)XF_ARRAY_LEN(cases));
    tcase_add_test(tc, oversize_id_gets_no_key);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    if (srunner_fork_status(runner) == CK_FORK)
        tcase_add_test_raise_signal(tc, oversize_domain_aborts, SIGABRT);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
