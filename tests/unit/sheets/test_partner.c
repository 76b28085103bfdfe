/* SPDX-License-Identifier: MIT */
/* The page for a partner's operator: what it says of us, and of what applies to the partner. */
#include "sheet_text.h"

#define NODE "node \"n1\" { host = x.a.example addresses = {\"192.0.2.1\"} port = 443 }\n"

static const struct xf_sheet_cert certs[] = {
    {.served = 0, .name = "a.example", .spki_sha256 = {0x01, 0xab}},
};

/* clang-format off */
static const struct {
    const char *label, *conf;
    size_t cert_count;
    const char *want;
} pages[] = {
    {"our names and servers", SERVED NODE "listen { s2s-direct = {\"[::]:5270\"} }\n", 0,
     "# XMPP federation between a.example and p.example\n| a.example | users |\n| rooms.a.example | chat rooms, or another service |\n"
     "| x.a.example | 192.0.2.1 | 443 | 5270 |\n`_xmpps-server._tcp`\nNone yet.\nIts defaults fit.\n"
     "openssl s_client -connect x.a.example:443 -starttls xmpp-server -xmpphost a.example"},
    {"no nodes: DNS alone", SERVED, 0, "DNS names them\n!| host |\n!openssl s_client\ndig +short SRV _xmpp-server._tcp.a.example"},
    {"no direct TLS", SERVED NODE, 0, "| x.a.example | 192.0.2.1 | 443 | - |\n!_xmpps-server"},
    {"our keys, and a section with them", SERVED, 1,
     "| a.example | `01ab000000000000000000000000000000000000000000000000000000000000` |\n"
     "peer \"a.example\" { tls = required  certificate = required  pins = {\"sha256:01ab0000"},
    {"what the defaults ask", SERVED, 0,
     "- TLS: required, version 1.2 or later\n- Your certificate should be issued\n- Server dialback (XEP-0220): spoken both ways\n"
     "- Stanzas of up to 512 KiB\n!stanzas a second\n!e-mail addresses\n_xmpp-server._tcp.p.example"},
    {"what the peer's section asks", SERVED "peer \"p.example\" { tls-min = 1.3 certificate = required dialback = no stanza-rate = 50 max-stanza = 64k "
     "source = {\"192.0.2.9\"} }\n", 0,
     "- TLS: required, version 1.3 or later\n- Your certificate must be issued\n- Server dialback (XEP-0220): not accepted\n"
     "- Stanzas of up to 64 KiB\n- Up to 50 stanzas a second"},
    {"addresses that we connect from", SERVED NODE "peer \"p.example\" { source = {\"192.0.2.9\"} }\n", 0, "We connect from 192.0.2.9."},
    {"another peer's section does not count", SERVED "peer \"q.example\" { dialback = no certificate = required }\n", 0,
     "(XEP-0220): spoken both ways"},
    {"a pinned key", SERVED "peer \"p.example\" { pins = {\"sha256:01ab000000000000000000000000000000000000000000000000000000000000\"} }\n", 0,
     "- Your certificate must have the key that you told us"},
    {"whom to write to", SERVED "publish { test-jids = {\"echo@a.example\", \"x@a.example\"} }\n", 0, "Write to echo@a.example, x@a.example."},
};
/* clang-format on */

START_TEST(page_says)
{
    struct xf_conf *conf = conf_of(pages[_i].conf);
    char *page = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&page, &len);
    ck_assert_int_eq(xf_sheet_partner(conf, certs, pages[_i].cert_count, "p.example", out, NULL),
                     XF_ERR_OK);
    fclose(out);
    check_lines(pages[_i].label, page, pages[_i].want);
    free(page);
    xf_conf_free(&conf);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sheets/partner");
    TCase *tc = tcase_create("partner");
    tcase_add_loop_test(tc, page_says, 0, XF_ARRAY_LEN(pages));
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
