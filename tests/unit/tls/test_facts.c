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

static const struct {
    const char *label;
    int nid; /* 0: dNSName */
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
    /* clang-format on */
};

static GENERAL_NAME *raw_name(int nid, const char *bytes, int len)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    int type = nid == NID_XmppAddr ? V_ASN1_UTF8STRING : V_ASN1_IA5STRING;
    ASN1_STRING *text = ASN1_STRING_type_new(type);

    ASN1_STRING_set(text, bytes, len);
    if (nid == 0) {
        GENERAL_NAME_set0_value(name, GEN_DNS, text);
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
