/* SPDX-License-Identifier: MIT */
/* test_verdict.c — the gate to "authenticated": every combination of settings, certificate, method and direction. */
#include <check.h>
#include <stdlib.h>

#include <xfed/base/err.h>

#include "verdict_priv.h"

enum peer { CLEAR, NO_CERT, UNTRUSTED, WRONG_NAME, GOOD };

static const struct xf_verdict verdicts[] = {
    [CLEAR] = {false, XF_CERT_NONE, false},
    [NO_CERT] = {true, XF_CERT_NONE, false},
    [UNTRUSTED] = {true, XF_CERT_BAD, true},
    [WRONG_NAME] = {true, XF_CERT_TRUSTED, false},
    [GOOD] = {true, XF_CERT_TRUSTED, true},
};

/* Which of the five peers may pass: a letter each in the order of `enum peer`, '-' for refused. */
static const struct {
    const char *label;
    enum xf_tls_mode tls;
    enum xf_cert_mode certificate;
    bool sasl_in, sasl_out, dialback;
    const char *external_in, *external_out, *dialback_both, *nothing;
} cases[] = {
    {"required, preferred, all methods", XF_TLS_REQUIRED, XF_CERT_PREFERRED, true, true, true, "----g", "----g", "-nuwg", "-nuwg"},
    {"required, required, all methods", XF_TLS_REQUIRED, XF_CERT_REQUIRED, true, true, true, "----g", "----g", "----g", "----g"},
    {"required, ignore, all methods", XF_TLS_REQUIRED, XF_CERT_IGNORE, true, true, true, "----g", "-nuwg", "-nuwg", "-nuwg"},
    {"required, preferred, no dialback", XF_TLS_REQUIRED, XF_CERT_PREFERRED, true, true, false, "----g", "----g", "-----", "-nuwg"},
    {"required, preferred, no sasl", XF_TLS_REQUIRED, XF_CERT_PREFERRED, false, false, true, "-----", "-----", "-nuwg", "-nuwg"},
    {"optional, preferred, all methods", XF_TLS_OPTIONAL, XF_CERT_PREFERRED, true, true, true, "----g", "----g", "cnuwg", "cnuwg"},
    {"optional, required, all methods", XF_TLS_OPTIONAL, XF_CERT_REQUIRED, true, true, true, "----g", "----g", "----g", "----g"},
    {"none, ignore, dialback", XF_TLS_NONE, XF_CERT_IGNORE, false, false, true, "-----", "-----", "cnuwg", "cnuwg"},
};

static void check_row(const char *label, const char *what, const char *want, const struct xf_peer_settings *settings,
                      enum xf_auth_method method, bool outbound)
{
    for (int peer = CLEAR; peer <= GOOD; peer++) {
        bool refused = xf_auth_refusal(settings, &verdicts[peer], method, outbound) != NULL;
        ck_assert_msg(refused == (want[peer] == '-'), "%s: %s: peer %d is %s", label, what, peer, refused ? "refused" : "let in");
    }
}

START_TEST(gate_follows_settings)
{
    struct xf_peer_settings settings = {
        .tls = cases[_i].tls,
        .certificate = cases[_i].certificate,
        .sasl_in = cases[_i].sasl_in,
        .sasl_out = cases[_i].sasl_out,
        .dialback = cases[_i].dialback,
    };
    check_row(cases[_i].label, "external in", cases[_i].external_in, &settings, XF_AUTH_EXTERNAL, false);
    check_row(cases[_i].label, "external out", cases[_i].external_out, &settings, XF_AUTH_EXTERNAL, true);
    check_row(cases[_i].label, "dialback in", cases[_i].dialback_both, &settings, XF_AUTH_DIALBACK, false);
    check_row(cases[_i].label, "dialback out", cases[_i].dialback_both, &settings, XF_AUTH_DIALBACK, true);
    check_row(cases[_i].label, "verify", cases[_i].nothing, &settings, XF_AUTH_NONE, true);
}
END_TEST

START_TEST(text_names_presented_and_wanted)
{
    struct xf_cert_name name = {XF_CERT_DNS, (char[]){"x.example"}};
    struct xf_tls_facts facts = {.chain = XF_CERT_TRUSTED, .names = &name, .name_count = 1};
    struct xf_verdict verdict = xf_verdict_of(&facts, XF_SPAN("b.example"));
    char text[200];
    xf_verdict_text(&verdict, &facts, XF_SPAN("b.example"), text, sizeof(text));
    ck_assert_ptr_nonnull(strstr(text, "b.example"));
    ck_assert_ptr_nonnull(strstr(text, "x.example"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("s2s/verdict");
    TCase *tc = tcase_create("gate");
    tcase_add_loop_test(tc, gate_follows_settings, 0, (int)XF_ARRAY_LEN(cases));
    tcase_add_test(tc, text_names_presented_and_wanted);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
