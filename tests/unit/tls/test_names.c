/* SPDX-License-Identifier: MIT */
/* test_names.c — which certificate names match which domain (RFC 9525 §6.3, RFC 6120 §13.7). */
#include <check.h>
#include <stdlib.h>

#include <xfed/tls/facts.h>

/* clang-format off */
static const struct {
    const char *label;
    enum xf_cert_name_kind kind;
    const char *name, *domain;
    bool want;
} rows[] = {
    {"dNSName is the domain", XF_CERT_DNS, "a.example", "a.example", true},
    {"dNSName of a parent", XF_CERT_DNS, "example", "a.example", false},
    {"dNSName of a child", XF_CERT_DNS, "b.a.example", "a.example", false},
    {"dNSName is a suffix only", XF_CERT_DNS, "a.example", "xa.example", false},
    {"wildcard is one label", XF_CERT_DNS, "*.a.example", "b.a.example", true},
    {"wildcard is not two labels", XF_CERT_DNS, "*.a.example", "c.b.a.example", false},
    {"wildcard is not nothing", XF_CERT_DNS, "*.a.example", "a.example", false},
    {"wildcard is not an empty label", XF_CERT_DNS, "*.a.example", ".a.example", false},
    {"wildcard takes an A-label", XF_CERT_DNS, "*.a.example", "xn--mnchen-3ya.a.example", true},
    {"wildcard takes a U-label", XF_CERT_DNS, "*.a.example", "m\xc3\xbcnchen.a.example", true},
    {"wildcard below a U-label", XF_CERT_DNS, "*.xn--mnchen-3ya.example", "a.m\xc3\xbcnchen.example", true},
    {"dNSName of a U-label", XF_CERT_DNS, "xn--mnchen-3ya.example", "m\xc3\xbcnchen.example", true},
    {"dNSName of another U-label", XF_CERT_DNS, "munchen.example", "m\xc3\xbcnchen.example", false},
    {"SRVName of a U-label", XF_CERT_SRV, "_xmpp-server.xn--mnchen-3ya.example", "m\xc3\xbcnchen.example", true},
    {"xmppAddr of a U-label", XF_CERT_XMPP, "xn--mnchen-3ya.example", "m\xc3\xbcnchen.example", true},
    {"wildcard below a top-level domain", XF_CERT_DNS, "*.example", "a.example", false},
    {"bare star", XF_CERT_DNS, "*", "example", false},
    {"star and dot", XF_CERT_DNS, "*.", "a.", false},
    {"part of a label", XF_CERT_DNS, "b*.a.example", "bc.a.example", false},
    {"star at the end of a label", XF_CERT_DNS, "*b.a.example", "cb.a.example", false},
    {"star in the middle", XF_CERT_DNS, "b.*.example", "b.a.example", false},
    {"two stars", XF_CERT_DNS, "*.*.example", "b.a.example", false},
    {"star against itself", XF_CERT_DNS, "*.a.example", "*.a.example", false},
    {"bare star against itself", XF_CERT_DNS, "*", "*", false},
    {"wildcard against an IPv4 literal", XF_CERT_DNS, "*.0.0.1", "127.0.0.1", false},
    {"SRVName", XF_CERT_SRV, "_xmpp-server.a.example", "a.example", true},
    {"SRVName of the client service", XF_CERT_SRV, "_xmpp-client.a.example", "a.example", false},
    {"SRVName of another domain", XF_CERT_SRV, "_xmpp-server.b.example", "a.example", false},
    {"SRVName of a child", XF_CERT_SRV, "_xmpp-server.b.a.example", "a.example", false},
    {"SRVName with a wildcard", XF_CERT_SRV, "_xmpp-server.*.a.example", "b.a.example", false},
    {"SRVName without service", XF_CERT_SRV, "a.example", "a.example", false},
    {"xmppAddr", XF_CERT_XMPP, "a.example", "a.example", true},
    {"xmppAddr of a user", XF_CERT_XMPP, "user@a.example", "a.example", false},
    {"xmppAddr with a wildcard", XF_CERT_XMPP, "*.a.example", "b.a.example", false},
    {"SIP domain", XF_CERT_SIP, "sip:a.example", "a.example", false},
    {"no domain", XF_CERT_DNS, "a.example", "", false},
};
/* clang-format on */

START_TEST(matches)
{
    struct xf_cert_name name = {rows[_i].kind, (char *)(uintptr_t)rows[_i].name};
    struct xf_tls_facts facts = {.names = &name, .name_count = 1};

    bool got = xf_tls_facts_name(&facts, xf_span_of(rows[_i].domain));
    ck_assert_msg(got == rows[_i].want, "%s", rows[_i].label);
    facts.name_count = 0;
    ck_assert(!xf_tls_facts_name(&facts, xf_span_of(rows[_i].domain)));
}
END_TEST

START_TEST(any_of_several_names_matches)
{
    char one[] = "x.example", two[] = "*.a.example", three[] = "a.example";
    struct xf_cert_name names[] = {{XF_CERT_DNS, one}, {XF_CERT_DNS, two}, {XF_CERT_XMPP, three}};
    struct xf_tls_facts facts = {.names = names, .name_count = 3};

    ck_assert(xf_tls_facts_name(&facts, XF_SPAN("x.example")));
    ck_assert(xf_tls_facts_name(&facts, XF_SPAN("b.a.example")));
    ck_assert(xf_tls_facts_name(&facts, XF_SPAN("a.example")));
    ck_assert(!xf_tls_facts_name(&facts, XF_SPAN("y.example")));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tls/names");
    TCase *tc = tcase_create("names");

    tcase_add_loop_test(tc, matches, 0, sizeof(rows) / sizeof(rows[0]));
    tcase_add_test(tc, any_of_several_names_matches);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
