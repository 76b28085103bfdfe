/* SPDX-License-Identifier: MIT */
/*
 * The records to publish: whole sheets but for comments, in each of the ways nodes can be behind
 * addresses.
 */
#include "sheet_text.h"

#define ONE    "node n { host = x.a.example addresses = {\"203.0.113.5\", \"2001:db8::5\"} }\n"
#define DIRECT "listen { s2s-direct = {\"[::]:5270\"} }\n"

static const struct xf_sheet_cert certs[] = {
    {0, "a.example", {0xaa, 1}},
    {0, "a.example", {0xbb, 2}},
    {1, "b.example", {0xaa, 1}}, /* the same key again */
};

#define HEX_AA "aa01000000000000000000000000000000000000000000000000000000000000"
#define HEX_BB "bb02000000000000000000000000000000000000000000000000000000000000"

#define HOST "sip { host = sip.a.example }\n"
#define SIP  "peer \"*.sip.example\" { protocol = sip }\n"
#define SIPS(domain)                                                           \
    "_sipfederationtls._tcp." domain ". 3600 IN SRV 0 0 5061 sip.a.example.\n" \
    "_sips._tcp." domain ". 3600 IN SRV 0 0 5061 sip.a.example.\n"
#define ROOMS "_xmpp-server._tcp.rooms.a.example. 3600 IN SRV 0 10 5269 x.a.example.\n"
#define HOSTS "x.a.example. 3600 IN A 203.0.113.5\nx.a.example. 3600 IN AAAA 2001:db8::5\n"

/* clang-format off */
static const struct {
    const char *label, *conf;
    size_t certs;
    const char *zone, *want;
} sheets[] = {
    {"one node, one address of each family", SERVED ONE, 0, NULL,
     "_xmpp-server._tcp.a.example. 3600 IN SRV 0 10 5269 x.a.example.\n"
     "_xmpp-server._tcp.rooms.a.example. 3600 IN SRV 0 10 5269 x.a.example.\n"
     "x.a.example. 3600 IN A 203.0.113.5\n"
     "x.a.example. 3600 IN AAAA 2001:db8::5\n"},
    {"names in other letters", "served \"b\xc3\xbc" "cher.example\" { link = l }\nnode n { host = x.b\xc3\xbc" "cher.example addresses = {\"203.0.113.5\"} }\n",
     1, NULL,
     "_xmpp-server._tcp.xn--bcher-kva.example. 3600 IN SRV 0 10 5269 x.xn--bcher-kva.example.\n"
     "x.xn--bcher-kva.example. 3600 IN A 203.0.113.5\n"
     "_5269._tcp.x.xn--bcher-kva.example. 3600 IN TLSA 3 1 1 " HEX_AA "\n"},
    {"keys of certificates, each once", SERVED ONE "publish { ttl = 5m }", 3, NULL,
     "_xmpp-server._tcp.a.example. 300 IN SRV 0 10 5269 x.a.example.\n"
     "_xmpp-server._tcp.rooms.a.example. 300 IN SRV 0 10 5269 x.a.example.\n"
     "x.a.example. 300 IN A 203.0.113.5\n"
     "x.a.example. 300 IN AAAA 2001:db8::5\n"
     "_5269._tcp.x.a.example. 300 IN TLSA 3 1 1 " HEX_AA "\n"
     "_5269._tcp.x.a.example. 300 IN TLSA 3 1 1 " HEX_BB "\n"},
    {"direct TLS", SERVED ONE DIRECT, 1, "rooms.a.example",
     "_xmpp-server._tcp.rooms.a.example. 3600 IN SRV 0 10 5269 x.a.example.\n"
     "_xmpps-server._tcp.rooms.a.example. 3600 IN SRV 0 10 5270 x.a.example.\n"},
    {"direct TLS needs a certificate", SERVED ONE DIRECT, 0, "rooms.a.example",
     "_xmpp-server._tcp.rooms.a.example. 3600 IN SRV 0 10 5269 x.a.example.\n"},
    {"TLSA at both ports, the host alone in its zone",
     SERVED "node n { host = x.hosts.example addresses = {\"203.0.113.5\"} port = 15269 direct-port = 15270 }\n" DIRECT, 1, "hosts.example",
     "x.hosts.example. 3600 IN A 203.0.113.5\n"
     "_15269._tcp.x.hosts.example. 3600 IN TLSA 3 1 1 " HEX_AA "\n"
     "_15270._tcp.x.hosts.example. 3600 IN TLSA 3 1 1 " HEX_AA "\n"},
    {"one public address a node", SERVED "node n { host = x.a.example addresses = {\"203.0.113.5\"} }\n"
     "node m { host = y.a.example addresses = {\"203.0.113.6\"} }\n", 0, "a.example",
     "_xmpp-server._tcp.a.example. 3600 IN SRV 0 10 5269 x.a.example.\n"
     "_xmpp-server._tcp.a.example. 3600 IN SRV 0 10 5269 y.a.example.\n"
     "_xmpp-server._tcp.rooms.a.example. 3600 IN SRV 0 10 5269 x.a.example.\n"
     "_xmpp-server._tcp.rooms.a.example. 3600 IN SRV 0 10 5269 y.a.example.\n"
     "x.a.example. 3600 IN A 203.0.113.5\n"
     "y.a.example. 3600 IN A 203.0.113.6\n"},
    {"one public address for three nodes", SERVED
     "node n { host = x.a.example addresses = {\"203.0.113.5\"} nat = {\"10.0.0.1\"} }\n"
     "node m { host = x.a.example addresses = {\"203.0.113.5\"} nat = {\"10.0.0.2\"} port = 15269 }\n"
     "node o { host = x.a.example addresses = {\"203.0.113.5\"} nat = {\"10.0.0.3\"} port = 25269 }\n", 1, NULL,
     "_xmpp-server._tcp.a.example. 3600 IN SRV 0 10 5269 x.a.example.\n"
     "_xmpp-server._tcp.a.example. 3600 IN SRV 0 10 15269 x.a.example.\n"
     "_xmpp-server._tcp.a.example. 3600 IN SRV 0 10 25269 x.a.example.\n"
     "_xmpp-server._tcp.rooms.a.example. 3600 IN SRV 0 10 5269 x.a.example.\n"
     "_xmpp-server._tcp.rooms.a.example. 3600 IN SRV 0 10 15269 x.a.example.\n"
     "_xmpp-server._tcp.rooms.a.example. 3600 IN SRV 0 10 25269 x.a.example.\n"
     "x.a.example. 3600 IN A 203.0.113.5\n"
     "_5269._tcp.x.a.example. 3600 IN TLSA 3 1 1 " HEX_AA "\n"
     "_15269._tcp.x.a.example. 3600 IN TLSA 3 1 1 " HEX_AA "\n"
     "_25269._tcp.x.a.example. 3600 IN TLSA 3 1 1 " HEX_AA "\n"},
    {"two nodes behind one name and port", SERVED "node n { host = x.b.example addresses = {\"203.0.113.5\"} }\n"
     "node m { host = x.b.example addresses = {\"203.0.113.6\"} }\n", 1, NULL,
     "_xmpp-server._tcp.a.example. 3600 IN SRV 0 10 5269 x.b.example.\n"
     "_xmpp-server._tcp.rooms.a.example. 3600 IN SRV 0 10 5269 x.b.example.\n"
     "x.b.example. 3600 IN A 203.0.113.5\n"
     "x.b.example. 3600 IN A 203.0.113.6\n"
     "_5269._tcp.x.b.example. 3600 IN TLSA 3 1 1 " HEX_AA "\n"},
    {"mail domains are names like others", SERVED "served \"mail.example\" { link = l mail-only = yes }\n" ONE, 0, "mail.example",
     "_xmpp-server._tcp.mail.example. 3600 IN SRV 0 10 5269 x.a.example.\n"},
    {"a zone ends at a dot", SERVED "served \"ba.example\" { link = l }\n" ONE, 0, "ba.example",
     "_xmpp-server._tcp.ba.example. 3600 IN SRV 0 10 5269 x.a.example.\n"},
    {"a host for SIP, and no peer of it", SERVED ONE HOST, 0, "a.example",
     "_xmpp-server._tcp.a.example. 3600 IN SRV 0 10 5269 x.a.example.\n" ROOMS HOSTS},
#ifdef XF_HAVE_SIP
    {"a peer of SIP, and no host", SERVED ONE SIP, 0, "a.example",
     "_xmpp-server._tcp.a.example. 3600 IN SRV 0 10 5269 x.a.example.\n" ROOMS HOSTS},
    {"a host for SIP, for users but not for rooms", SERVED ONE SIP HOST, 0, NULL,
     "_xmpp-server._tcp.a.example. 3600 IN SRV 0 10 5269 x.a.example.\n" SIPS("a.example") ROOMS HOSTS},
    {"... when all without a section are SIP's", SERVED ONE "defaults { protocol = sip }\n" HOST, 0, NULL,
     "_xmpp-server._tcp.a.example. 3600 IN SRV 0 10 5269 x.a.example.\n" SIPS("a.example") ROOMS HOSTS},
    {"... also for e-mail addresses", "served \"m\xc3\xbc.example\" { link = l mail-only = yes }\n" ONE SIP HOST, 0, "m\xc3\xbc.example",
     "_xmpp-server._tcp.xn--m-eha.example. 3600 IN SRV 0 10 5269 x.a.example.\n" SIPS("xn--m-eha.example")},
#endif
};
/* clang-format on */

static char *sheet_of(const char *text, size_t cert_count, const char *zone, enum xf_err want)
{
    struct xf_conf *conf = conf_of(text);
    struct xf_error err = {0};
    char *sheet = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&sheet, &len);
    ck_assert_int_eq(xf_sheet_dns(conf, certs, cert_count, zone, out, &err), want);
    fclose(out);
    if (want != XF_ERR_OK) {
        ck_assert_str_eq(sheet, "");
        free(sheet);
        sheet = strdup(err.detail);
    }
    xf_conf_free(&conf);
    return sheet;
}

START_TEST(sheet_has_these_records)
{
    char *sheet = sheet_of(sheets[_i].conf, sheets[_i].certs, sheets[_i].zone, XF_ERR_OK),
         *records = without_comments(sheet, ';');
    ck_assert_msg(strcmp(records, sheets[_i].want) == 0, "%s: got\n%s", sheets[_i].label, records);
    xf_free(records);
    free(sheet);
}
END_TEST

/* clang-format off */
static const struct {
    const char *label, *conf, *want;
} remarks[] = {
    {"what a name is for", SERVED "served \"m.example\" { link = l mail-only = yes }\n" ONE,
     "; a.example: users\n; rooms.a.example: an alias\n; m.example: e-mail addresses of users\n!warning"},
    {"no certificate", SERVED ONE DIRECT, "; no TLSA\n; no _xmpps-server"},
    {"Sametime with one record", SERVED ONE "peer \"s.example\" { profile = sametime }\n", "!Sametime"},
    {"Sametime with two", SERVED ONE "node m { host = y.a.example addresses = {\"203.0.113.6\"} }\npeer \"*.s.example\" { profile = sametime }\n",
     "; warning: peer \"*.s.example\" is a Sametime gateway, which tries the first SRV record only"},
    {"no SIP", SERVED ONE HOST, "!SIP\n!sip"},
#ifdef XF_HAVE_SIP
    {"SIP without a host", SERVED ONE SIP, "; no records for SIP, although peers have protocol = sip: sip { host } is not set\n!5061"},
    {"SIP, at a host of its own", SERVED ONE SIP HOST, "; no addresses of sip.a.example, the host for SIP\n!warning"},
    {"SIP at a node's host", SERVED ONE SIP "sip { host = x.a.example }\n", "_sips._tcp.a.example. 3600 IN SRV 0 0 5061 x.a.example.\n!no addresses"},
    {"SIP at another port", SERVED ONE SIP "sip { host = x.a.example port = 5099 }\n", "_sips._tcp.a.example. 3600 IN SRV 0 0 5099 x.a.example.\n!5061"},
    {"a domain that SIP's host is not in", SERVED "served \"c.example\" { link = l }\n" ONE SIP HOST,
     "; warning: OCS, Lync and Skype for Business accept the next record only with a host in c.example\n!with a host in a.example"},
#endif
};
/* clang-format on */

START_TEST(sheet_remarks)
{
    char *sheet = sheet_of(remarks[_i].conf, 0, NULL, XF_ERR_OK);
    check_lines(remarks[_i].label, sheet, remarks[_i].want);
    free(sheet);
}
END_TEST

START_TEST(refuses_with_words)
{
    char *words = sheet_of(SERVED, 0, NULL, XF_ERR_BAD_VALUE);
    ck_assert_ptr_nonnull(strstr(words, "expected node \"xmpp1\" {"));
    free(words);
    words = sheet_of(SERVED ONE, 0, "elsewhere.example", XF_ERR_NOT_FOUND);
    ck_assert_str_eq(words, "--dns-records elsewhere.example: no name of ours is in this zone");
    free(words);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sheets/dns");
    TCase *tc = tcase_create("dns");
    tcase_add_loop_test(tc, sheet_has_these_records, 0, XF_ARRAY_LEN(sheets));
    tcase_add_loop_test(tc, sheet_remarks, 0, XF_ARRAY_LEN(remarks));
    tcase_add_test(tc, refuses_with_words);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
