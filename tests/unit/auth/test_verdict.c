/* SPDX-License-Identifier: MIT */
/*
 * test_verdict.c — the gate to "authenticated": every combination of settings, certificate, method
 * and direction.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <xfed/auth/verdict.h>
#include <xfed/base/err.h>

enum peer {
    CLEAR,
    NO_CERT,
    UNTRUSTED,
    WRONG_NAME,
    GOOD,
    PINNED,
    WRONG_PIN,
    DANE,
    WRONG_DANE,
    DANE_OPEN,
    REVOKED,
    NOT_FOR_CLIENTS,
    OLD,
    BARE,
    ELSEWHERE,
    PEERS
};

#define CHAIN(how) .is_secure = true, .chain = XF_CERT_##how

static const struct xf_verdict verdicts[PEERS] = {
    [CLEAR] = {.is_secure = false},
    [NO_CERT] = {CHAIN(NONE)},
    [UNTRUSTED] = {CHAIN(BAD), .name_matches = true},
    [WRONG_NAME] = {CHAIN(TRUSTED)},
    [GOOD] = {CHAIN(TRUSTED), .name_matches = true},
    [PINNED] = {CHAIN(BAD), .pin = XF_PIN_MATCH},
    [WRONG_PIN] = {CHAIN(TRUSTED), .name_matches = true, .pin = XF_PIN_MISMATCH},
    [DANE] = {CHAIN(BAD), .dane = XF_DANE_MATCH, .tlsa_exists = true},
    [WRONG_DANE] = {CHAIN(TRUSTED), .name_matches = true, .dane = XF_DANE_MISMATCH,
                    .tlsa_exists = true},
    [DANE_OPEN] = {CHAIN(TRUSTED), .name_matches = true, .dane_is_open = true},
    [REVOKED] = {CHAIN(TRUSTED), .name_matches = true, .is_revoked = true},
    [NOT_FOR_CLIENTS] = {CHAIN(TRUSTED), .name_matches = true, .lacks_client_eku = true},
    [OLD] = {CHAIN(TRUSTED), .name_matches = true, .is_old = true},
    [BARE] = {CHAIN(NONE), .lacks_proof = true},
    [ELSEWHERE] = {CHAIN(TRUSTED), .name_matches = true, .tlsa_exists = true, .lacks_proof = true},
};

/* clang-format off */
/* Which of the peers may pass: a letter each in the order of `enum peer`, '-' for refused. */
static const struct {
    const char *label;
    enum xf_tls_mode tls;
    enum xf_cert_mode certificate;
    bool sasl_in, sasl_out, dialback;
    const char *external_in, *external_out, *dialback_both, *verify, *question;
} cases[] = {
    {"required, preferred, all methods", XF_TLS_REQUIRED, XF_CERT_PREFERRED, true, true, true,
     "----gp-d-------", "----gp-d-------", "-nuwgp-d---c---", "-nuwgp-d---c---", "-nuwgp-d-o-c-be"},
    {"required, required, all methods", XF_TLS_REQUIRED, XF_CERT_REQUIRED, true, true, true,
     "----gp-d-------", "----gp-d-------", "----gp-d-------", "----gp-d-------", "----gp-d-------"},
    {"required, ignore, all methods", XF_TLS_REQUIRED, XF_CERT_IGNORE, true, true, true,
     "----gp-d-------", "-nuwgpPdDorc-be", "-nuwgpPdDorc-be", "-nuwgpPdDorc-be", "-nuwgpPdDorc-be"},
    {"required, preferred, no dialback", XF_TLS_REQUIRED, XF_CERT_PREFERRED, true, true, false,
     "----gp-d-------", "----gp-d-------", "---------------", "-nuwgp-d---c---", "-nuwgp-d-o-c-be"},
    {"required, preferred, no sasl", XF_TLS_REQUIRED, XF_CERT_PREFERRED, false, false, true,
     "---------------", "---------------", "-nuwgp-d---c---", "-nuwgp-d---c---", "-nuwgp-d-o-c-be"},
    {"optional, preferred, all methods", XF_TLS_OPTIONAL, XF_CERT_PREFERRED, true, true, true,
     "----gp-d-------", "----gp-d-------", "cnuwgp-d---c---", "cnuwgp-d---c---", "cnuwgp-d-o-c-be"},
    {"optional, required, all methods", XF_TLS_OPTIONAL, XF_CERT_REQUIRED, true, true, true,
     "----gp-d-------", "----gp-d-------", "----gp-d-------", "----gp-d-------", "----gp-d-------"},
    {"none, ignore, dialback", XF_TLS_NONE, XF_CERT_IGNORE, false, false, true,
     "---------------", "---------------", "cnuwgpPdDorc-be", "cnuwgpPdDorc-be", "cnuwgpPdDorc-be"},
};
/* clang-format on */

static void check_row(const char *label, const char *what, const char *want,
                      const struct xf_peer_settings *settings, enum xf_auth_method method,
                      bool outbound)
{
    for (int peer = CLEAR; peer < PEERS; peer++) {
        bool refused = !xf_auth_may(settings, &verdicts[peer], method, outbound);
        ck_assert_msg(refused == (want[peer] == '-'), "%s: %s: peer %d is %s", label, what, peer,
                      refused ? "refused" : "let in");
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
    check_row(cases[_i].label, "external in", cases[_i].external_in, &settings, XF_AUTH_EXTERNAL,
              false);
    check_row(cases[_i].label, "external out", cases[_i].external_out, &settings, XF_AUTH_EXTERNAL,
              true);
    check_row(cases[_i].label, "dialback in", cases[_i].dialback_both, &settings, XF_AUTH_DIALBACK,
              false);
    check_row(cases[_i].label, "dialback out", cases[_i].dialback_both, &settings, XF_AUTH_DIALBACK,
              true);
    check_row(cases[_i].label, "verify", cases[_i].verify, &settings, XF_AUTH_NONE, true);
    check_row(cases[_i].label, "question", cases[_i].question, &settings, XF_AUTH_NONE, false);
}
END_TEST

START_TEST(dialback_by_certificate_needs_a_good_one)
{
    struct xf_peer_settings settings = {.dialback = true, .dialback_by_certificate = true};
    const char *want = "----gp-d-------";
    check_row("on", "dialback by certificate", want, &settings, XF_AUTH_DIALBACK_CERT, false);
    settings.dialback_by_certificate = false;
    check_row("off", "dialback by certificate", "---------------", &settings, XF_AUTH_DIALBACK_CERT,
              false);
}
END_TEST

START_TEST(tlsa_records_ask_for_tls)
{
    struct xf_peer_settings settings = {
        .tls = XF_TLS_OPTIONAL, .certificate = XF_CERT_PREFERRED, .dialback = true};
    struct xf_verdict clear = {.tlsa_exists = true};
    ck_assert(!xf_auth_may(&settings, &clear, XF_AUTH_DIALBACK, true));
    settings.certificate = XF_CERT_IGNORE;
    ck_assert(xf_auth_may(&settings, &clear, XF_AUTH_DIALBACK, true));
}
END_TEST

/* ---- facts to verdict */

static uint8_t seven[1][32] = {{7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
                                7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7}};

#define B_EXAMPLE                                                                        \
    .for_client = true, .for_server = true, .is_judged = true, .chain = XF_CERT_TRUSTED, \
    .version = "TLSv1.2"

/* clang-format off */
static const struct {
    const char *label;
    struct xf_tls_facts facts;
    struct xf_peer_settings settings;
    const char *name, *word; /* in the certificate; of the verdict for b.example */
    const char *in_text;     /* that the text for the peer contains */
    enum xf_help help;       /* NONE: it is good */
} verdicts_of[] = {
    {"good", {B_EXAMPLE}, {0}, "b.example", "good", "is good", XF_HELP_NONE},
    {"other name", {B_EXAMPLE}, {0}, "x.example", "wrong-name", "does not name b.example (it names: x.example)", XF_HELP_CERT_WRONG_NAME},
    {"not judged", {.chain = XF_CERT_TRUSTED}, {0}, "b.example", "untrusted", "was not judged", XF_HELP_CERT_UNTRUSTED},
    {"judged by the anchors of another peer", {B_EXAMPLE, .ca_file = (char *)"other.pem"}, {0}, "b.example", "untrusted", "was not judged", XF_HELP_CERT_UNTRUSTED},
    {"judged by its own anchors", {B_EXAMPLE, .ca_file = (char *)"own.pem"}, {.ca_file = (char *)"own.pem"}, "b.example", "good", "is good", XF_HELP_NONE},
    {"own anchors were not used", {B_EXAMPLE}, {.ca_file = (char *)"own.pem"}, "b.example", "untrusted", "was not judged", XF_HELP_CERT_UNTRUSTED},
    {"pinned, whatever it names", {B_EXAMPLE, .spki_sha256 = {7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7}},
     {.pin_sha256 = seven, .pin_count = 1}, "x.example", "pinned", "is good", XF_HELP_NONE},
    {"another key is pinned", {B_EXAMPLE}, {.pin_sha256 = seven, .pin_count = 1}, "b.example", "wrong-pin", "is not pinned for b.example: it is sha256:", XF_HELP_CERT_PIN},
    {"TLSA of this domain", {B_EXAMPLE, .dane = XF_DANE_MATCH, .dane_domain = (char *)"b.example"}, {.dane = true}, "x.example", "dane", "is good", XF_HELP_NONE},
    {"TLSA of another domain", {B_EXAMPLE, .dane = XF_DANE_MATCH, .dane_domain = (char *)"c.example"}, {.dane = true}, "x.example", "wrong-name", "does not name", XF_HELP_CERT_WRONG_NAME},
    {"TLSA that does not match", {B_EXAMPLE, .dane = XF_DANE_MISMATCH, .dane_domain = (char *)"b.example"}, {.dane = true}, "b.example", "wrong-dane", "TLSA", XF_HELP_CERT_DANE},
    {"TLSA switched off", {B_EXAMPLE, .dane = XF_DANE_MISMATCH, .dane_domain = (char *)"b.example"}, {0}, "b.example", "good", "is good", XF_HELP_NONE},
    {"revoked", {B_EXAMPLE, .revocation = XF_CERT_REVOKED, .revocation_text = "revoked on a day"}, {.revocation = XF_REVOCATION_SOFT}, "b.example", "revoked", "revoked on a day", XF_HELP_CERT_REVOKED},
    {"revoked, nobody asks", {B_EXAMPLE, .revocation = XF_CERT_REVOKED}, {.revocation = XF_REVOCATION_OFF}, "b.example", "good", "is good", XF_HELP_NONE},
    {"unknown, soft", {B_EXAMPLE, .revocation = XF_CERT_UNKNOWN}, {.revocation = XF_REVOCATION_SOFT}, "b.example", "good", "is good", XF_HELP_NONE},
    {"unknown, hard", {B_EXAMPLE, .revocation = XF_CERT_UNKNOWN}, {.revocation = XF_REVOCATION_HARD}, "b.example", "unsure", "not known whether", XF_HELP_CERT_REVOCATION_OPEN},
    {"not checked, hard", {B_EXAMPLE}, {.revocation = XF_REVOCATION_HARD}, "b.example", "unsure", "not known whether", XF_HELP_CERT_REVOCATION_OPEN},
    {"checked, hard", {B_EXAMPLE, .revocation = XF_CERT_NOT_REVOKED}, {.revocation = XF_REVOCATION_HARD}, "b.example", "good", "is good", XF_HELP_NONE},
    {"for servers only, as client", {.is_judged = true, .chain = XF_CERT_TRUSTED, .is_server = true, .for_server = true}, {.client_eku = true}, "b.example", "not-for-clients", "clientAuth", XF_HELP_CERT_NOT_FOR_CLIENTS},
    {"for servers only, nobody minds", {.is_judged = true, .chain = XF_CERT_TRUSTED, .is_server = true, .for_server = true}, {0}, "b.example", "good", "is good", XF_HELP_NONE},
    {"for servers only, as server", {.is_judged = true, .chain = XF_CERT_TRUSTED, .for_server = true}, {.client_eku = true}, "b.example", "good", "is good", XF_HELP_NONE},
    {"expired", {.is_judged = true, .chain = XF_CERT_BAD, .chain_text = "certificate has expired", .chain_help = XF_HELP_CERT_EXPIRED},
     {0}, "b.example", "untrusted", "is not trusted: certificate has expired", XF_HELP_CERT_EXPIRED},
    {"not signed by anybody known", {.is_judged = true, .chain = XF_CERT_BAD, .chain_text = "no issuer"}, {0}, "b.example", "untrusted", "is not trusted: no issuer", XF_HELP_CERT_UNTRUSTED},
    {"no certificate", {.is_judged = true, .chain = XF_CERT_NONE}, {0}, "b.example", "none", "no certificate was", XF_HELP_CERT_NONE},
    {"old TLS", {B_EXAMPLE}, {.tls_min = 13}, "b.example", "good", "TLS 1.3 is required", XF_HELP_TLS_TOO_OLD},
};
/* clang-format on */

START_TEST(facts_and_settings_make_the_verdict)
{
    struct xf_cert_name name = {XF_CERT_DNS, (char *)verdicts_of[_i].name};
    struct xf_tls_facts facts = verdicts_of[_i].facts;
    char text[300];
    facts.names = &name;
    facts.name_count = 1;
    struct xf_verdict verdict =
        xf_verdict_of(&facts, &verdicts_of[_i].settings, XF_SPAN("b.example"));
    xf_verdict_text(&verdict, &facts, XF_SPAN("b.example"), text, sizeof(text));
    ck_assert_msg(strcmp(xf_verdict_word(&verdict), verdicts_of[_i].word) == 0, "%s: %s",
                  verdicts_of[_i].label, xf_verdict_word(&verdict));
    ck_assert_msg(strstr(text, verdicts_of[_i].in_text) != NULL, "%s: %s", verdicts_of[_i].label,
                  text);
    enum xf_help help = xf_verdict_help(&verdict);
    ck_assert_msg(help == verdicts_of[_i].help, "%s: help=%s", verdicts_of[_i].label,
                  help ? xf_help_code(help) : "none");
}
END_TEST

START_TEST(secure_srv_adds_the_target_as_a_name)
{
    struct xf_cert_name name = {XF_CERT_DNS, (char[]){"xmpp.host.example"}};
    char *target = (char[]){"xmpp.host.example"};
    struct xf_tls_facts facts = {B_EXAMPLE, .names = &name, .name_count = 1, .targets = &target,
                                 .target_count = 1};
    struct xf_peer_settings settings = {0};
    facts.dane_domain = (char[]){"b.example"};
    ck_assert(xf_verdict_of(&facts, &settings, XF_SPAN("b.example")).name_matches);
    ck_assert(!xf_verdict_of(&facts, &settings, XF_SPAN("c.example")).name_matches);
}
END_TEST

#define TRUSTED                                     \
    {                                               \
        .is_judged = true, .chain = XF_CERT_TRUSTED \
    }

/* clang-format off */
static const struct {
    const char *label;
    enum xf_cert_name_kind kind;
    const char *name; /* that the certificate has */
    enum xf_sip_name_check check;
    const char *listed, *route, *target; /* NULL: none */
    bool is_named;
} sip_names[] = {
    {"the domain", XF_CERT_SIP, "sip:b.example", XF_SIP_NAMES_DOMAIN, NULL, NULL, NULL, true},
    {"the domain, as host", XF_CERT_DNS, "b.example", XF_SIP_NAMES_DOMAIN, NULL, NULL, NULL, true},
    {"the host that was reached, not asked for", XF_CERT_DNS, "sip.b.example", XF_SIP_NAMES_DOMAIN, NULL, NULL, "sip.b.example", false},
    {"a wildcard", XF_CERT_DNS, "*.example", XF_SIP_NAMES_DOMAIN, NULL, NULL, NULL, false},
    {"a listed host beside the domain", XF_CERT_DNS, "gw.host.example", XF_SIP_NAMES_DOMAIN, "gw.host.example", NULL, NULL, true},
    {"a listed host", XF_CERT_DNS, "gw.host.example", XF_SIP_NAMES_LIST, "gw.host.example", NULL, NULL, true},
    {"the domain beside a list", XF_CERT_DNS, "b.example", XF_SIP_NAMES_LIST, "gw.host.example", NULL, NULL, false},
    {"a listed host as SIP domain", XF_CERT_SIP, "sip:gw.host.example", XF_SIP_NAMES_LIST, "gw.host.example", NULL, NULL, false},
    {"the host of the SRV record", XF_CERT_DNS, "sip.b.example", XF_SIP_NAMES_TARGET, NULL, NULL, "sip.b.example", true},
    {"the domain as host of the SRV record", XF_CERT_DNS, "b.example", XF_SIP_NAMES_TARGET, NULL, NULL, "b.example", true},
    {"a host that DNS chose elsewhere", XF_CERT_DNS, "evil.example", XF_SIP_NAMES_TARGET, NULL, NULL, "evil.example", false},
    {"a host that only ends like it", XF_CERT_DNS, "xb.example", XF_SIP_NAMES_TARGET, NULL, NULL, "xb.example", false},
    {"another host than the one that was reached", XF_CERT_DNS, "sip2.b.example", XF_SIP_NAMES_TARGET, NULL, NULL, "sip.b.example", false},
    {"a host of the domain that connects", XF_CERT_DNS, "sip.b.example", XF_SIP_NAMES_TARGET, NULL, NULL, NULL, false},
    {"the host of the route", XF_CERT_DNS, "fe.host.example", XF_SIP_NAMES_TARGET, NULL, "fe.host.example:5061", "fe.host.example", true},
    {"... which connects", XF_CERT_DNS, "fe.host.example", XF_SIP_NAMES_TARGET, NULL, "fe.host.example:5061", NULL, true},
    {"the domain beside a route", XF_CERT_DNS, "b.example", XF_SIP_NAMES_TARGET, NULL, "fe.host.example:5061", "b.example", false},
    {"a route that is an address", XF_CERT_DNS, "2001", XF_SIP_NAMES_TARGET, NULL, "[2001:db8::1]:5061", "2001:db8::1", false},
};
/* clang-format on */

START_TEST(sip_peer_shows_a_name_that_counts)
{
    struct xf_cert_name name = {sip_names[_i].kind, (char *)(uintptr_t)sip_names[_i].name};
    struct xf_tls_facts facts = TRUSTED;
    char *listed = (char *)(uintptr_t)sip_names[_i].listed;
    char *route = (char *)(uintptr_t)sip_names[_i].route;
    struct xf_peer_settings settings = {.sip_name_check = sip_names[_i].check,
                                        .sip_names = {&listed, listed ? 1 : 0},
                                        .route = {&route, route ? 1 : 0}};
    facts.names = &name;
    facts.name_count = 1;
    facts.has_alt_names = true;
    struct xf_verdict verdict =
        xf_verdict_of_sip(&facts, &settings, "b.example", sip_names[_i].target);
    ck_assert_msg(xf_verdict_is_good(&verdict) == sip_names[_i].is_named, "%s",
                  sip_names[_i].label);
    if (!sip_names[_i].is_named)
        ck_assert_int_eq(xf_verdict_help(&verdict), XF_HELP_CERT_WRONG_NAME);
    facts.chain = XF_CERT_BAD; /* a name is nothing without the chain */
    verdict = xf_verdict_of_sip(&facts, &settings, "b.example", sip_names[_i].target);
    ck_assert(!xf_verdict_is_good(&verdict));
    facts.chain = XF_CERT_NONE;
    verdict = xf_verdict_of_sip(&facts, &settings, "b.example", sip_names[_i].target);
    ck_assert(!verdict.name_matches && !xf_verdict_is_good(&verdict));
    verdict = xf_verdict_of_sip(NULL, &settings, "b.example", sip_names[_i].target);
    ck_assert(!xf_verdict_is_good(&verdict));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("auth/verdict");
    TCase *tc = tcase_create("gate");
    tcase_add_loop_test(tc, gate_follows_settings, 0, (int)XF_ARRAY_LEN(cases));
    tcase_add_test(tc, dialback_by_certificate_needs_a_good_one);
    tcase_add_test(tc, tlsa_records_ask_for_tls);
    tcase_add_loop_test(tc, facts_and_settings_make_the_verdict, 0, (int)XF_ARRAY_LEN(verdicts_of));
    tcase_add_loop_test(tc, sip_peer_shows_a_name_that_counts, 0, (int)XF_ARRAY_LEN(sip_names));
    tcase_add_test(tc, secure_srv_adds_the_target_as_a_name);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
