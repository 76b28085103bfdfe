/* SPDX-License-Identifier: MIT */
/* test_judge.c — what a judgement finds: every variant of a certificate, and on what it is judged.
 */
#include <check.h>
#include <stdlib.h>

#include "certs.h"
#include "judge_priv.h"

static struct cert root, other_root, middle, no_ca, narrow;
static struct xf_tls_store *store, *nobody, *middle_only;

static struct xf_tls_store *store_of(const struct cert *anchor)
{
    struct xf_tls_store *made = NULL;
    char *path = pem_file("ca.pem", (const struct cert *[]){anchor, anchor, NULL}, NULL);

    ck_assert_int_eq(xf_tls_store_load(path, &made, NULL), XF_ERR_OK);
    free(path);
    return made;
}

static void make_authorities(void)
{
    root = cert_make(&(struct cert_spec){.cn = "Root", .is_ca = 1});
    other_root = cert_make(&(struct cert_spec){.cn = "Other Root", .is_ca = 1});
    middle = cert_make(&(struct cert_spec){.issuer = &root, .cn = "Middle", .is_ca = 1});
    no_ca = cert_make(&(struct cert_spec){.issuer = &root, .cn = "A mere leaf"});
    narrow = cert_make(&(struct cert_spec){.issuer = &root,
                                           .cn = "Narrow",
                                           .is_ca = 1,
                                           .constraints = "critical,permitted;DNS:inside.example"});
    store = store_of(&root);
    middle_only = store_of(&middle);
    ck_assert_int_eq(xf_tls_store_load("", &nobody, NULL), XF_ERR_OK);
}

static void free_authorities(void)
{
    cert_free(&root);
    cert_free(&other_root);
    cert_free(&middle);
    cert_free(&no_ca);
    cert_free(&narrow);
    xf_tls_store_unref(&store);
    xf_tls_store_unref(&nobody);
    xf_tls_store_unref(&middle_only);
    pem_remove_all();
}

/* Facts as after a handshake in which the peer sent `leaf`, and `sent` if that is not NULL. */
static struct xf_tls_facts *facts_of(const struct cert *leaf, const struct cert *sent,
                                     struct xf_tls_store *anchors, const struct xf_tls_basis *basis)
{
    struct xf_tls_identities *set = xf_tls_identities_new(anchors);
    struct xf_tls_facts *facts = xf_tls_facts_new();
    struct xf_tls_grounds grounds;
    struct xf_tls_finding finding;
    struct xf_tls_evidence evidence = {
        .leaf = leaf->x509, .sent = sk_X509_new_null(), .identities = set};

    if (sent)
        sk_X509_push(evidence.sent, sent->x509);
    xf_tls_facts_of_cert(facts, leaf->x509);
    xf_tls_grounds_init(&grounds, basis);
    xf_tls_find(&finding, &evidence, &grounds, xf_tls_grounds_named(&grounds, facts));
    xf_tls_facts_take(facts, &finding, &grounds);
    sk_X509_free(evidence.sent);
    xf_tls_identities_unref(&set);
    return facts;
}

static const struct {
    const char *label;
    struct cert_spec leaf;
    const struct cert *sent;
    struct xf_tls_store **store;
    const char *want; /* chain_text; "" for TRUSTED */
} chain_rows[] = {
    /* clang-format off */
    {"from the root", {.issuer = &root}, NULL, &store, ""},
    {"over an intermediate", {.issuer = &middle}, &middle, &store, ""},
    {"intermediate not sent", {.issuer = &middle}, NULL, &store, "unable to get local issuer certificate"},
    {"intermediate is the anchor", {.issuer = &middle}, NULL, &middle_only, ""},
    {"store trusts nobody", {.issuer = &root}, &root, &nobody, "self-signed certificate in certificate chain"},
    {"unknown root, not sent", {.issuer = &other_root}, NULL, &store, "unable to get local issuer certificate"},
    {"self-signed", {.issuer = NULL}, NULL, &store, "self-signed certificate"},
    {"expired", {.issuer = &root, .days_from = -9, .days_to = -1}, NULL, &store, "certificate has expired"},
    {"not yet valid", {.issuer = &root, .days_from = 1, .days_to = 9}, NULL, &store, "certificate is not yet valid"},
    {"issued by a leaf", {.issuer = &no_ca}, &no_ca, &store, "invalid CA certificate"},
    {"weak key", {.issuer = &root, .key = CERT_RSA1024}, NULL, &store, "EE certificate key too weak"},
    {"SHA-1 signature", {.issuer = &root, .digest = "SHA1"}, NULL, &store, "CA signature digest algorithm too weak"},
    {"inside the name constraint", {.issuer = &narrow, .san = "DNS:a.inside.example"}, &narrow, &store, ""},
    {"outside the name constraint", {.issuer = &narrow, .san = "DNS:outside.example"}, &narrow, &store, "permitted subtree violation"},
    {"for servers only", {.issuer = &root, .eku = "serverAuth"}, NULL, &store, ""},
    {"for clients only", {.issuer = &root, .eku = "clientAuth"}, NULL, &store, ""},
    {"for any use", {.issuer = &root, .eku = "anyExtendedKeyUsage"}, NULL, &store, ""},
    {"for mail only", {.issuer = &root, .eku = "emailProtection"}, NULL, &store, "unsuitable certificate purpose"},
    /* clang-format on */
};

START_TEST(judges_chains)
{
    struct cert_spec spec = chain_rows[_i].leaf;

    spec.cn = "leaf";
    struct cert leaf = cert_make(&spec);
    struct xf_tls_facts *facts = facts_of(&leaf, chain_rows[_i].sent, *chain_rows[_i].store,
                                          &(struct xf_tls_basis){.ca_file = NULL});
    ck_assert_msg(strcmp(facts->chain_text, chain_rows[_i].want) == 0, "%s: \"%s\"",
                  chain_rows[_i].label, facts->chain_text);
    ck_assert_int_eq(facts->chain, *chain_rows[_i].want ? XF_CERT_BAD : XF_CERT_TRUSTED);
    ck_assert_int_eq(facts->revocation, XF_CERT_NOT_CHECKED);
    ck_assert_int_eq(facts->dane, XF_DANE_NONE);
    ck_assert(facts->is_judged);
    xf_tls_facts_free(&facts);
    cert_free(&leaf);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tls/judge");
    TCase *chains = tcase_create("chains");

    tcase_add_checked_fixture(chains, make_authorities, free_authorities);
    tcase_set_timeout(chains, 30);
    tcase_add_loop_test(chains, judges_chains, 0, XF_ARRAY_LEN(chain_rows));
    suite_add_tcase(suite, chains);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
