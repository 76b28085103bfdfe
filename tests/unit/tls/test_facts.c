/* SPDX-License-Identifier: MIT */
/* test_facts.c — what a certificate says of itself: names, key, usages. */
#include <check.h>
#include <stdlib.h>

#include <openssl/x509v3.h>

#include "certs.h"
#include "tls_priv.h"

#define XMPP_ADDR "otherName:1.3.6.1.5.5.7.8.5;"
#define SRV_NAME  "otherName:1.3.6.1.5.5.7.8.7;"

/* clang-format off */
static const struct {
    const char *label, *san, *want; /* names_text */
} san_rows[] = {
    {"no SAN: the CN does not count", NULL, ""},
    {"dNSName, lower case", "DNS:A.Example,DNS:*.b.example", "a.example, *.b.example"},
    {"xmppAddr and SRVName", XMPP_ADDR "UTF8:a.example," SRV_NAME "IA5:_xmpp-server.A.example", "a.example, _xmpp-server.a.example"},
    {"xmppAddr of another string type", XMPP_ADDR "IA5:a.example", ""},
    {"SRVName of another string type", SRV_NAME "UTF8:_xmpp-server.a.example", ""},
    {"other kinds", "email:u@a.example,IP:192.0.2.1,URI:xmpp:a.example,DNS:c.example", "c.example"},
    {"unknown other name", "otherName:1.2.3.4;UTF8:a.example", ""},
    {"SIP domain, lower case", "URI:sip:A.Example,URI:SIP:b.example", "sip:a.example, sip:b.example"},
    {"SIP URIs of no domain", "URI:sip:u@a.example,URI:sip:a.example:5061,URI:sip:a.example;lr,URI:sip:a.example?x=y,URI:sip:,URI:sip://a.example", ""},
    {"other schemes", "URI:sips:a.example,URI:im:a.example,URI:sipx:a.example,URI:a.example", ""},
    {"blank inside", "DNS:a .example,DNS:b.example", "b.example"},
};
/* clang-format on */

START_TEST(reads_names)
{
    struct cert cert = cert_make(&(struct cert_spec){.cn = "cn.example", .san = san_rows[_i].san});
    struct xf_tls_facts *facts = xf_tls_facts_new();
    char text[200];

    xf_tls_facts_of_cert(facts, cert.x509);
    xf_tls_facts_names_text(facts, text, sizeof(text));
    ck_assert_msg(strcmp(text, san_rows[_i].want) == 0, "%s: \"%s\"", san_rows[_i].label, text);
    xf_tls_facts_free(&facts);
    ck_assert_ptr_null(facts);
    xf_tls_facts_free(&facts);
    cert_free(&cert);
}
END_TEST

/* clang-format off */
static const struct {
    const char *label, *cn, *more, *san;
    const char *want; /* NULL: none */
    bool has_alt_names;
} cn_rows[] = {
    {"host", "Host.Example", NULL, NULL, "host.example", false},
    {"host beside other names", "host.example", NULL, "DNS:a.example", "host.example", true},
    {"an extension with names that say nothing", "host.example", NULL, "email:u@a.example", "host.example", true},
    {"two", "host.example", "other.example", NULL, NULL, false},
    {"the same twice", "host.example", "host.example", NULL, NULL, false},
    {"words", "Example Ltd", NULL, NULL, NULL, false},
    {"beyond ASCII", "h\xc3\xb6st.example", NULL, NULL, NULL, false},
};
/* clang-format on */

START_TEST(reads_the_common_name)
{
    struct cert cert = cert_make(&(struct cert_spec){.cn = cn_rows[_i].cn, .san = cn_rows[_i].san});
    struct xf_tls_facts *facts = xf_tls_facts_new();

    if (cn_rows[_i].more)
        X509_NAME_add_entry_by_txt(X509_get_subject_name(cert.x509), "CN", MBSTRING_UTF8,
                                   (const unsigned char *)cn_rows[_i].more, -1, -1, 0);
    xf_tls_facts_of_cert(facts, cert.x509);
    ck_assert_msg(!facts->common_name == !cn_rows[_i].want, "%s", cn_rows[_i].label);
    if (cn_rows[_i].want)
        ck_assert_str_eq(facts->common_name, cn_rows[_i].want);
    ck_assert_msg(facts->has_alt_names == cn_rows[_i].has_alt_names, "%s", cn_rows[_i].label);
    xf_tls_facts_free(&facts);
    cert_free(&cert);
}
END_TEST

/* clang-format off */
static const struct {
    const char *label;
    int type;
    const char *bytes;
    int len;
    const char *want; /* NULL: none */
} cn_bytes[] = {
    {"printable", V_ASN1_PRINTABLESTRING, "host.example", 12, "host.example"},
    {"NUL inside", V_ASN1_UTF8STRING, "host.example\0.evil.example", 26, NULL},
    {"another type", V_ASN1_BMPSTRING, "\0h\0o", 4, NULL},
    {"an old type", V_ASN1_T61STRING, "host.example", 12, NULL},
    {"empty", V_ASN1_UTF8STRING, "", 0, NULL},
};
/* clang-format on */

START_TEST(leaves_out_a_common_name_with_strange_bytes)
{
    X509 *cert = X509_new();
    struct xf_tls_facts *facts = xf_tls_facts_new();
    X509_NAME *name = X509_NAME_new();
    ASN1_STRING *value = ASN1_STRING_type_new(cn_bytes[_i].type);
    X509_NAME_ENTRY *entry;

    ASN1_STRING_set(value, cn_bytes[_i].bytes, cn_bytes[_i].len);
    entry = X509_NAME_ENTRY_create_by_NID(NULL, NID_commonName, cn_bytes[_i].type,
                                          ASN1_STRING_get0_data(value), cn_bytes[_i].len);
    ck_assert_ptr_nonnull(entry);
    ck_assert_int_eq(X509_NAME_add_entry(name, entry, -1, 0), 1);
    ck_assert_int_eq(X509_set_subject_name(cert, name), 1);
    xf_tls_facts_of_cert(facts, cert);
    ck_assert_msg(!facts->common_name == !cn_bytes[_i].want, "%s", cn_bytes[_i].label);
    if (cn_bytes[_i].want)
        ck_assert_str_eq(facts->common_name, cn_bytes[_i].want);
    X509_NAME_ENTRY_free(entry);
    X509_NAME_free(name);
    ASN1_STRING_free(value);
    xf_tls_facts_free(&facts);
    X509_free(cert);
}
END_TEST

/* clang-format off */
static const struct {
    const char *label, *cn, *san; /* of a real certificate */
    const char *name;             /* that is wanted */
    bool domain, host;            /* is it shown, by the one rule and by the other */
} sip_rows[] = {
    {"SIP URI", "x", "URI:sip:b.example", "b.example", true, false},
    {"SIP URI in another case", "x", "URI:SIP:B.Example", "b.example", true, false},
    {"SIP URI of a U-label", "x", "URI:sip:xn--bcher-kva.example", "b\xc3\xbc" "cher.example", true, false},
    {"SIP URI of another domain", "x", "URI:sip:c.example", "b.example", false, false},
    {"SIP URI of a child", "x", "URI:sip:a.b.example", "b.example", false, false},
    {"SIP URI of a user", "x", "URI:sip:b.example@c.example,URI:sip:u@b.example", "b.example", false, false},
    {"SIP URI with a wildcard", "x", "URI:sip:*.b.example", "a.b.example", false, false},
    {"dNSName", "x", "DNS:b.example", "b.example", true, true},
    {"dNSName beside SIP URIs does not name the domain", "x", "URI:sip:c.example,DNS:b.example", "b.example", false, true},
    {"dNSName beside a SIP URI of a user does", "x", "URI:sip:u@c.example,DNS:b.example", "b.example", true, true},
    {"dNSName beside other URIs does", "x", "URI:sips:c.example,DNS:b.example", "b.example", true, true},
    {"second dNSName", "x", "DNS:c.example,DNS:b.example", "b.example", true, true},
    {"wildcard", "x", "DNS:*.b.example", "a.b.example", false, false},
    {"wildcard asked for", "x", "DNS:*.b.example", "*.b.example", false, false},
    {"xmppAddr", "x", XMPP_ADDR "UTF8:b.example", "b.example", false, false},
    {"SRVName", "x", SRV_NAME "IA5:_xmpp-server.b.example", "b.example", false, false},
    {"CN alone", "B.example", NULL, "b.example", true, true},
    {"CN of another domain", "c.example", NULL, "b.example", false, false},
    {"CN with a wildcard", "*.b.example", NULL, "a.b.example", false, false},
    {"CN beside a dNSName", "b.example", "DNS:c.example", "b.example", false, false},
    {"CN beside an address", "b.example", "IP:192.0.2.1", "b.example", false, true},
    {"CN beside a SIP URI", "b.example", "URI:sip:c.example", "b.example", false, true},
    {"CN with a blank", "b.example x", NULL, "b.example", false, false},
    {"no name", "b.example", NULL, "", false, false},
};
/* clang-format on */

START_TEST(shows_a_name_for_sip)
{
    const char *label = sip_rows[_i].label;
    const char *const names[] = {"other.example", sip_rows[_i].name};
    struct cert cert =
        cert_make(&(struct cert_spec){.cn = sip_rows[_i].cn, .san = sip_rows[_i].san});
    struct xf_tls_facts *facts = xf_tls_facts_new();

    xf_tls_facts_of_cert(facts, cert.x509);
    ck_assert_msg(xf_tls_facts_sip(facts, XF_CERT_SIP_DOMAIN, names, 2) == sip_rows[_i].domain,
                  "%s, as domain", label);
    ck_assert_msg(xf_tls_facts_sip(facts, XF_CERT_SIP_HOST, names, 2) == sip_rows[_i].host,
                  "%s, as host", label);
    ck_assert_msg(!xf_tls_facts_sip(facts, XF_CERT_SIP_DOMAIN, names, 1), "%s: other", label);
    ck_assert_msg(!xf_tls_facts_sip(facts, XF_CERT_SIP_HOST, names, 0), "%s: no list", label);
    xf_tls_facts_free(&facts);
    cert_free(&cert);
}
END_TEST

static const struct {
    const char *label;
    int nid; /* 0: dNSName, -1: URI */
    const char *bytes;
    int len;
    size_t want;
} raw_rows[] = {
    /* clang-format off */
    {"plain", 0, "good.example", 12, 1},
    {"NUL inside", 0, "good.example\0.evil.example", 26, 0},
    {"NUL at the end", 0, "good.example\0", 13, 0},
    {"empty", 0, "", 0, 0},
    {"newline", 0, "good\n.example", 13, 0},
    {"beyond ASCII", 0, "g\xc3\xb6ood.example", 14, 0},
    {"xmppAddr", NID_XmppAddr, "good.example", 12, 1},
    {"xmppAddr beyond ASCII", NID_XmppAddr, "g\xc3\xb6ood.example", 14, 1},
    {"xmppAddr beyond ASCII that is no domain", NID_XmppAddr, "\xc3\xb6@a.example", 12, 0},
    {"xmppAddr of invalid UTF-8", NID_XmppAddr, "g\xc3.example", 10, 0},
    {"xmppAddr with NUL", NID_XmppAddr, "good.example\0.evil.example", 26, 0},
    {"SRVName with NUL", NID_SRVName, "_xmpp-server.good.example\0.evil.example", 39, 0},
    {"SRVName", NID_SRVName, "_xmpp-server.good.example", 25, 1},
    {"SIP URI", -1, "sip:good.example", 16, 1},
    {"SIP URI with NUL", -1, "sip:good.example\0.evil.example", 30, 0},
    {"SIP URI with NUL at its end", -1, "sip:good.example\0", 17, 0},
    {"SIP URI beyond ASCII", -1, "sip:g\xc3\xb6ood.example", 18, 0},
    {"SIP URI that is its scheme", -1, "sip:", 4, 0},
    {"SIP URI with newline", -1, "sip:good.example\n", 17, 0},
    /* clang-format on */
};

static GENERAL_NAME *raw_name(int nid, const char *bytes, int len)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    int type = nid == NID_XmppAddr ? V_ASN1_UTF8STRING : V_ASN1_IA5STRING;
    ASN1_STRING *text = ASN1_STRING_type_new(type);

    ASN1_STRING_set(text, bytes, len);
    if (nid <= 0) {
        GENERAL_NAME_set0_value(name, nid == 0 ? GEN_DNS : GEN_URI, text);
    } else {
        ASN1_TYPE *value = ASN1_TYPE_new();
        ASN1_TYPE_set(value, type, text);
        GENERAL_NAME_set0_othername(name, OBJ_nid2obj(nid), value);
    }
    return name;
}

static size_t count_names(GENERAL_NAMES *names)
{
    struct xf_tls_facts *facts = xf_tls_facts_new();
    X509 *cert = X509_new();

    ck_assert_int_eq(X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, 0), 1);
    xf_tls_facts_of_cert(facts, cert);
    size_t count = facts->name_count;
    xf_tls_facts_free(&facts);
    X509_free(cert);
    GENERAL_NAMES_free(names);
    return count;
}

START_TEST(leaves_out_names_with_strange_bytes)
{
    GENERAL_NAMES *names = GENERAL_NAMES_new();

    sk_GENERAL_NAME_push(names, raw_name(raw_rows[_i].nid, raw_rows[_i].bytes, raw_rows[_i].len));
    ck_assert_msg(count_names(names) == raw_rows[_i].want, "%s", raw_rows[_i].label);
}
END_TEST

/* RFC 6120 §13.7.1.4 has U-labels, as our domains do; who asks with A-labels means the same. */
START_TEST(address_in_u_labels_names_the_domain)
{
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    struct xf_tls_facts *facts = xf_tls_facts_new();
    X509 *cert = X509_new();

    sk_GENERAL_NAME_push(names, raw_name(NID_XmppAddr,
                                         "B\xc3\xbc"
                                         "cher.Example",
                                         15));
    ck_assert_int_eq(X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, 0), 1);
    xf_tls_facts_of_cert(facts, cert);
    ck_assert(xf_tls_facts_name(facts, XF_SPAN("b\xc3\xbc"
                                               "cher.example")));
    ck_assert(xf_tls_facts_name(facts, XF_SPAN("xn--bcher-kva.example")));
    xf_tls_facts_free(&facts);
    X509_free(cert);
    GENERAL_NAMES_free(names);
}
END_TEST

START_TEST(stops_at_256_names)
{
    GENERAL_NAMES *names = GENERAL_NAMES_new();

    for (int i = 0; i < 1000; i++)
        sk_GENERAL_NAME_push(names, raw_name(0, "a.example", 9));
    ck_assert_uint_eq(count_names(names), 256);
}
END_TEST

START_TEST(cuts_the_text_of_names)
{
    struct cert cert =
        cert_make(&(struct cert_spec){.cn = "x", .san = "DNS:a.example,DNS:b.example"});
    struct xf_tls_facts *facts = xf_tls_facts_new();
    char text[12] = "untouched";

    xf_tls_facts_of_cert(facts, cert.x509);
    xf_tls_facts_names_text(facts, text, 0);
    ck_assert_str_eq(text, "untouched");
    xf_tls_facts_names_text(facts, text, sizeof(text));
    ck_assert_str_eq(text, "a.example, ");
    xf_tls_facts_free(&facts);
    cert_free(&cert);
}
END_TEST

START_TEST(digests_the_key)
{
    struct cert cert = cert_make(&(struct cert_spec){.cn = "x"});
    struct xf_tls_facts *facts = xf_tls_facts_new();
    unsigned char *der = NULL;
    uint8_t want[32];
    int len = i2d_PUBKEY(cert.key, &der);

    ck_assert_int_eq(EVP_Digest(der, (size_t)len, want, NULL, EVP_sha256(), NULL), 1);
    xf_tls_facts_of_cert(facts, cert.x509);
    ck_assert_mem_eq(facts->spki_sha256, want, 32);
    OPENSSL_free(der);
    xf_tls_facts_free(&facts);
    cert_free(&cert);
}
END_TEST

static const struct {
    const char *label, *eku;
    bool for_server, for_client;
} usage_rows[] = {
    /* clang-format off */
    {"without the extension", NULL, true, true},
    {"server", "serverAuth", true, false},
    {"client", "clientAuth", false, true},
    {"both", "clientAuth,serverAuth", true, true},
    {"any", "anyExtendedKeyUsage", true, true},
    {"mail", "emailProtection", false, false},
    /* clang-format on */
};

START_TEST(reads_usages)
{
    struct cert cert = cert_make(&(struct cert_spec){.cn = "x", .eku = usage_rows[_i].eku});
    struct xf_tls_facts *facts = xf_tls_facts_new();

    xf_tls_facts_of_cert(facts, cert.x509);
    ck_assert_msg(facts->for_server == usage_rows[_i].for_server, "%s", usage_rows[_i].label);
    ck_assert_msg(facts->for_client == usage_rows[_i].for_client, "%s", usage_rows[_i].label);
    xf_tls_facts_free(&facts);
    cert_free(&cert);
}
END_TEST

START_TEST(is_bad_until_it_is_judged)
{
    struct cert cert = cert_make(&(struct cert_spec){.cn = "x"});
    struct xf_tls_facts *facts = xf_tls_facts_new();

    xf_tls_facts_of_cert(facts, cert.x509);
    ck_assert(!facts->is_judged);
    ck_assert_int_eq(facts->chain, XF_CERT_BAD);
    ck_assert_str_eq(facts->chain_text, "not judged");
    xf_tls_facts_free(&facts);
    cert_free(&cert);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tls/facts");
    TCase *names = tcase_create("names");

    tcase_add_loop_test(names, reads_names, 0, XF_ARRAY_LEN(san_rows));
    tcase_add_loop_test(names, reads_the_common_name, 0, XF_ARRAY_LEN(cn_rows));
    tcase_add_loop_test(names, leaves_out_a_common_name_with_strange_bytes, 0,
                        XF_ARRAY_LEN(cn_bytes));
    tcase_add_loop_test(names, shows_a_name_for_sip, 0, XF_ARRAY_LEN(sip_rows));
    tcase_add_loop_test(names, leaves_out_names_with_strange_bytes, 0, XF_ARRAY_LEN(raw_rows));
    tcase_add_test(names, address_in_u_labels_names_the_domain);
    tcase_add_test(names, stops_at_256_names);
    tcase_add_test(names, cuts_the_text_of_names);
    tcase_add_test(names, digests_the_key);
    tcase_add_loop_test(names, reads_usages, 0, XF_ARRAY_LEN(usage_rows));
    tcase_add_test(names, is_bad_until_it_is_judged);
    suite_add_tcase(suite, names);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
