/* SPDX-License-Identifier: MIT */
/* The names of a certificate, as openssl req reads them. */
#include "sheet_text.h"

#define LABEL_63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define TWO      SERVED "served \"mail.example\" { link = l mail-only = yes }\n"

#define SIP_HOST "sip { host = sip.a.example }\n"

/* clang-format off */
static const struct {
    const char *label, *conf, *only, *want;
} sheets[] = {
    {"all names of ours", TWO, NULL,
     "CN = a.example\nDNS.1 = a.example\nDNS.2 = rooms.a.example\nDNS.3 = mail.example\n"
     "otherName.1 = 1.3.6.1.5.5.7.8.7;IA5STRING:_xmpp-server.a.example\n"
     "otherName.3 = 1.3.6.1.5.5.7.8.7;IA5STRING:_xmpp-server.mail.example\n"
     "otherName.6 = 1.3.6.1.5.5.7.8.5;UTF8:mail.example\n!DNS.4\n!otherName.7\nextendedKeyUsage = serverAuth\n!serverAuth, clientAuth"},
    {"an authority of our own signs the other usage too", TWO "publish { private-ca = yes }\n", NULL,
     "extendedKeyUsage = serverAuth, clientAuth"},
    {"a served section: the domain and its aliases", TWO, "a.example", "CN = a.example\nDNS.2 = rooms.a.example\n!mail.example\n!DNS.3"},
    {"an alias alone", TWO, "rooms.a.example", "CN = rooms.a.example\nDNS.1 = rooms.a.example\n!DNS.2"},
    {"a name in other letters: A-labels, but in an address", "served \"b\xc3\xbc" "cher.example\" { link = l }\n", NULL,
     "CN = xn--bcher-kva.example\nDNS.1 = xn--bcher-kva.example\n"
     "otherName.1 = 1.3.6.1.5.5.7.8.7;IA5STRING:_xmpp-server.xn--bcher-kva.example\n"
     "otherName.2 = 1.3.6.1.5.5.7.8.5;UTF8:b\xc3\xbc" "cher.example"},
    {"... named in U-labels", "served \"xn--bcher-kva.example\" { link = l }\n", "b\xc3\xbc" "cher.example", "DNS.1 = xn--bcher-kva.example"},
    {"all names, the host for SIP too", TWO SIP_HOST, NULL,
     "DNS.3 = mail.example\nDNS.4 = sip.a.example\n!_xmpp-server.sip.a.example\n!UTF8:sip.a.example\n!DNS.5\nCN = a.example"},
    {"... which is a domain of ours", TWO "sip { host = a.example }\n", NULL, "DNS.3 = mail.example\n!DNS.4"},
    {"a section has not, and says who has", TWO SIP_HOST, "a.example",
     "DNS.2 = rooms.a.example\n!DNS.3\n# For sip { certificate }: xfedd --csr-names sip.a.example"},
    {"without SIP nothing is said of it", TWO, "a.example", "!sip"},
    {"the certificate for SIP", TWO SIP_HOST, "sip.a.example",
     "CN = sip.a.example\nDNS.1 = sip.a.example\nDNS.2 = a.example\nDNS.3 = mail.example\n!DNS.4\n!otherName\n!rooms\n"
     "-keyout sip.a.example.key\nextendedKeyUsage = serverAuth\n!serverAuth, clientAuth\n!-reqexts\n!dialback\n# Names of the certificate in sip { }"},
    {"... by an authority of our own", TWO SIP_HOST "publish { private-ca = yes }\n", "sip.a.example", "extendedKeyUsage = serverAuth, clientAuth"},
    {"a host that is an alias is the alias", TWO "sip { host = rooms.a.example }\n", "rooms.a.example",
     "CN = rooms.a.example\n_xmpp-server.rooms.a.example\n!DNS.2\n!For sip {"},
    {"too long for a CN", "served \"" LABEL_63 ".example\" { link = l aliases = {\"b.example\"} }\n", NULL,
     "CN = b.example\nDNS.1 = " LABEL_63 ".example"},
    {"all too long for a CN", "served \"" LABEL_63 ".example\" { link = l }\n", NULL, "CN = xfedd\nDNS.1 = " LABEL_63 ".example"},
};
/* clang-format on */

START_TEST(sheet_has_these_names)
{
    struct xf_conf *conf = conf_of(sheets[_i].conf);
    char *sheet = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&sheet, &len);
    ck_assert_int_eq(xf_sheet_csr(conf, sheets[_i].only, out, NULL), XF_ERR_OK);
    fclose(out);
    check_lines(sheets[_i].label, sheet, sheets[_i].want);
    free(sheet);
    xf_conf_free(&conf);
}
END_TEST

START_TEST(refuses_names_of_others)
{
    struct xf_conf *conf = conf_of(TWO);
    struct xf_error err = {0};
    ck_assert_int_eq(xf_sheet_csr(conf, "x.a.example", stderr, &err), XF_ERR_NOT_FOUND);
    ck_assert_str_eq(err.detail, "--csr-names x.a.example: is not a domain or alias of a served "
                                 "section, nor sip { host }: expected one, or none for all");
    xf_conf_free(&conf);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sheets/csr");
    TCase *tc = tcase_create("csr");
    tcase_add_loop_test(tc, sheet_has_these_names, 0, XF_ARRAY_LEN(sheets));
    tcase_add_test(tc, refuses_names_of_others);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
