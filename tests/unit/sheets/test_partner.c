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
    {"no EXTERNAL where our certificate is not shown", SERVED "peer \"p.example\" { show-certificate = no }\n", 0,
     "- SASL EXTERNAL: we accept it from you, and do not use it"},
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

START_TEST(no_page_for_ourselves)
{
    struct xf_conf *conf = conf_of(SERVED);
    struct xf_error err = {0};
    struct xf_our_name ours;
    char *page = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&page, &len);
    size_t count = 0;
    for (; xf_our_name_at(conf, count, &ours); count++) {
        ck_assert_int_eq(xf_sheet_partner(conf, NULL, 0, ours.name, out, &err), XF_ERR_NOT_FOUND);
        ck_assert_ptr_nonnull(strstr(err.detail, ": is a domain of ours: expected a remote one"));
    }
    ck_assert_uint_gt(count, 0);
    fclose(out);
    ck_assert_str_eq(page, "");
    free(page);
    xf_conf_free(&conf);
}
END_TEST

#ifdef XF_HAVE_SIP
#define SIP_NODE \
    "node \"n1\" { host = sip.a.example addresses = {\"192.0.2.1\", \"2001:db8::1\"} }\n"
#define SIP_OF(more)                                                             \
    "listen { sip = {\"[::]:5061\"} sip-tcp = {\"192.0.2.1:5060\"} }\n"          \
    "sip { host = sip.a.example certificate = {c.pem} key = {c.key} " more "}\n" \
    "served \"mail.example\" { link = l mail-only = yes }\n"
#define SIP_ON SIP_OF("")
#define PEER   "peer \"p.example\" { protocol = sip "

static const struct xf_sheet_cert sip_certs[] = {
    {.name = "sip.a.example", .spki_sha256 = {0x02, 0xcd}},
};

/* clang-format off */
static const struct {
    const char *label, *conf;
    size_t cert_count;
    const char *want;
} sip_pages[] = {
    {"our domains, without rooms, and our server", SERVED SIP_NODE SIP_ON PEER "}\n", 0,
     "# SIP federation between a.example and p.example\n| a.example | users |\n| mail.example | e-mail addresses of users |\n"
     "| sip.a.example | 192.0.2.1, 2001:db8::1 | 5061 | TLS |\n_sips._tcp.a.example. IN SRV 0 0 5061 sip.a.example.\n"
     "_sips._tcp.mail.example. IN SRV 0 0 5061 sip.a.example.\n!rooms\n!_sipfederationtls\n!XMPP\n!dialback\nNone yet.\n!| TCP |"},
    {"a port that is translated", SERVED SIP_NODE SIP_OF("port = 15061 ") PEER "}\n", 0, "| 15061 | TLS |\nSRV 0 0 15061 sip.a.example.\n!| 5061 |"},
    {"a host that is no node's", SERVED SIP_ON PEER "}\n", 0, "| sip.a.example | see DNS | 5061 | TLS |"},
    {"our certificate", SERVED SIP_NODE SIP_ON PEER "}\n", 1,
     "The name in it: sip.a.example.\n| sip.a.example | `02cd000000000000000000000000000000000000000000000000000000000000` |\n"
     "    peer \"a.example\" { protocol = sip  pins = {\"sha256:02cd0000\n    peer \"mail.example\" { protocol = sip  pins\n!peer \"sip.a.example"},
    {"what holds", SERVED SIP_NODE SIP_ON PEER "}\n", 0,
     "- TLS: version 1.2 or later, and each side shows a certificate, whoever connects\n"
     "- Your certificate must be issued by an authority that we trust, and name p.example (RFC 5922); wildcards match nothing\n"
     "- Messages: MESSAGE with text/plain\n- Presence: SUBSCRIBE and NOTIFY\n- No sessions (INVITE)\nof up to 8 KiB\n!requests a second\n!e-mail addresses"
     " of our\n- Users of p.example\n"},
    {"what the section asks", SERVED SIP_NODE SIP_ON PEER "tls-min = 1.3 sip-rate = 15 sip-body = 16k sip-names = {\"gw.p.example\"} sip-domains = {\"q.example\"} }\n"
     "peer \"q.example\" { protocol = sip }\n", 0,
     "version 1.3 or later\nand name p.example (RFC 5922), or gw.p.example\nof up to 16 KiB\n- We send up to 15 requests a second\n- Users of p.example, q.example\n"},
    {"names by a list", SERVED SIP_NODE SIP_ON PEER "sip-name-check = list sip-names = {\"g.example\", \"h.example\"} }\n", 0,
     "and name g.example or h.example; wildcards\n_sipfederationtls._tcp.a.example. IN SRV 0 0 5061 sip.a.example.\n`_sipfederationtls._tcp.p.example. IN SRV 0 0 5061 HOST.`\n"
     "!_sips._tcp.p.example"},
    {"names of what we connect to", SERVED SIP_NODE SIP_ON PEER "sip-name-check = target direction = out }\n", 0,
     "and name the host that the SRV record leads to"},
    {"... by a route", SERVED SIP_NODE SIP_ON PEER "sip-name-check = target route = {\"gw.p.example:5061\"} }\n", 0,
     "and name the host that we connect to (gw.p.example:5061)\n- we connect to gw.p.example:5061, and do not ask DNS"},
    {"records of theirs", SERVED SIP_NODE SIP_ON PEER "}\n", 0,
     "- a record `_sips._tcp.p.example. IN SRV 0 0 5061 HOST.` that leads to your server\nopenssl s_client -connect sip.a.example:5061\n"
     "dig +short SRV _sips._tcp.a.example"},
    {"a pinned key", SERVED SIP_NODE SIP_ON PEER "pins = {\"sha256:01ab000000000000000000000000000000000000000000000000000000000000\"} }\n", 0,
     "- Your certificate must have the key that you told us"},
    {"in clear", SERVED SIP_NODE SIP_ON PEER "sip-transport = tcp sip-from = {192.0.2.20} route = {\"192.0.2.20:5060\"} }\n", 0,
     "| sip.a.example | 192.0.2.1, 2001:db8::1 | 5060 | TCP |\n- TCP in clear; you connect from 192.0.2.20, and nowhere else\n- we connect to 192.0.2.20:5060\n"
     "!certificate\n!TLS\n!openssl\n!IN SRV\n    peer \"a.example\" { protocol = sip  sip-transport = tcp  sip-from = {\"192.0.2.1\", \"2001:db8::1\"}  route = {\"192.0.2.1:5060\"} }"},
    {"addresses that we connect from", SERVED SIP_NODE SIP_ON PEER "source = {\"192.0.2.9\"} }\n", 0, "We connect from 192.0.2.9."},
    {"mail addresses, whom to write to", SERVED SIP_NODE SIP_ON PEER "mail = yes }\nmail { file = s }\npublish { test-jids = {\"echo@a.example\"} }\n", 0,
     "- You see our users by their e-mail addresses\nWrite to echo@a.example."},
    {"either protocol: the page of XMPP says so", SERVED SIP_NODE SIP_ON "peer \"p.example\" { protocol = auto }\n", 0,
     "# XMPP federation between a.example and p.example\n- Where you have no XMPP server we reach you by SIP, and you reach us at sip.a.example:5061"},
};
/* clang-format on */

START_TEST(page_of_sip_says)
{
    struct xf_conf *conf = conf_of(sip_pages[_i].conf);
    struct xf_error err = {0};
    char *page = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&page, &len);
    ck_assert_msg(xf_sheet_partner(conf, sip_certs, sip_pages[_i].cert_count, "p.example", out,
                                   &err) == XF_ERR_OK,
                  "%s: %s", sip_pages[_i].label, err.detail);
    fclose(out);
    check_lines(sip_pages[_i].label, page, sip_pages[_i].want);
    free(page);
    xf_conf_free(&conf);
}
END_TEST

START_TEST(no_page_while_sip_is_off)
{
    struct xf_conf *conf = conf_of(SERVED "peer \"p.example\" { protocol = sip }\n");
    struct xf_error err = {0};
    char *page = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&page, &len);
    ck_assert_int_eq(xf_sheet_partner(conf, NULL, 0, "p.example", out, &err), XF_ERR_BAD_VALUE);
    fclose(out);
    ck_assert_str_eq(page, "");
    ck_assert_ptr_nonnull(strstr(err.detail,
                                 "--partner p.example: this peer has protocol = sip, and "
                                 "SIP is off"));
    free(page);
    xf_conf_free(&conf);
}
END_TEST
#endif

int main(void)
{
    Suite *suite = suite_create("sheets/partner");
    TCase *tc = tcase_create("partner");
    tcase_add_loop_test(tc, page_says, 0, XF_ARRAY_LEN(pages));
    tcase_add_test(tc, no_page_for_ourselves);
#ifdef XF_HAVE_SIP
    tcase_add_loop_test(tc, page_of_sip_says, 0, XF_ARRAY_LEN(sip_pages));
    tcase_add_test(tc, no_page_while_sip_is_off);
#endif
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
