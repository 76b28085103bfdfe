/* SPDX-License-Identifier: MIT */
/*
 * test_judge.c — what a judgement finds: every variant of a certificate, and on what it is judged.
 */
#include <check.h>
#include <stdlib.h>

#include "certs.h"
#include "judge_priv.h"

#define XMPP_ADDR "otherName:1.3.6.1.5.5.7.8.5;"
#define SRV_NAME  "otherName:1.3.6.1.5.5.7.8.7;"

static struct cert root, middle, narrow, without;
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
    middle = cert_make(&(struct cert_spec){.issuer = &root, .cn = "Middle", .is_ca = 1});
    narrow = cert_make(&(struct cert_spec){.issuer = &root,
                                           .cn = "Narrow",
                                           .is_ca = 1,
                                           .constraints = "critical,permitted;DNS:inside.example"});
    without =
        cert_make(&(struct cert_spec){.issuer = &root,
                                      .cn = "Without",
                                      .is_ca = 1,
                                      .constraints = "critical,excluded;DNS:outside.example"});
    store = store_of(&root);
    middle_only = store_of(&middle);
    ck_assert_int_eq(xf_tls_store_load("", &nobody, NULL), XF_ERR_OK);
}

static void free_authorities(void)
{
    cert_free(&root);
    cert_free(&middle);
    cert_free(&narrow);
    cert_free(&without);
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

/* clang-format off */
/* What needs an anchor of its own; test_variants.c has the rest. */
static const struct {
    const char *label;
    struct cert_spec leaf;
    const struct cert *sent;
    struct xf_tls_store **store;
    const char *want; /* chain_text; "" for TRUSTED */
} chain_rows[] = {
    {"intermediate is the anchor", {.issuer = &middle}, NULL, &middle_only, ""},
    {"below an anchor that is an intermediate", {.issuer = &root}, NULL, &middle_only, "unable to get local issuer certificate"},
    {"store trusts nobody", {.issuer = &root}, &root, &nobody, "self-signed certificate in certificate chain"},
    {"inside the name constraint", {.issuer = &narrow, .san = "DNS:a.inside.example"}, &narrow, &store, ""},
    {"outside the name constraint", {.issuer = &narrow, .san = "DNS:outside.example"}, &narrow, &store, "permitted subtree violation"},
    {"address inside the name constraint", {.issuer = &narrow, .san = XMPP_ADDR "UTF8:a.Inside.example"}, &narrow, &store, ""},
    {"address that is the name constraint", {.issuer = &narrow, .san = XMPP_ADDR "UTF8:inside.example"}, &narrow, &store, ""},
    {"address outside the name constraint", {.issuer = &narrow, .san = "DNS:a.inside.example," XMPP_ADDR "UTF8:outside.example"}, &narrow, &store, "permitted subtree violation"},
    {"address that only ends like it", {.issuer = &narrow, .san = XMPP_ADDR "UTF8:notinside.example"}, &narrow, &store, "permitted subtree violation"},
    {"service inside the name constraint", {.issuer = &narrow, .san = SRV_NAME "IA5:_xmpp-server.inside.example"}, &narrow, &store, ""},
    {"service outside the name constraint", {.issuer = &narrow, .san = SRV_NAME "IA5:_xmpp-server.outside.example"}, &narrow, &store, "permitted subtree violation"},
    {"address in an excluded domain", {.issuer = &without, .san = XMPP_ADDR "UTF8:a.outside.example"}, &without, &store, "excluded subtree violation"},
    {"service in an excluded domain", {.issuer = &without, .san = SRV_NAME "IA5:_xmpp-server.outside.example"}, &without, &store, "excluded subtree violation"},
    {"address beside an excluded domain", {.issuer = &without, .san = XMPP_ADDR "UTF8:inside.example"}, &without, &store, ""},
    {"SIP domain inside the name constraint", {.issuer = &narrow, .san = "URI:sip:a.Inside.example"}, &narrow, &store, ""},
    {"SIP domain outside the name constraint", {.issuer = &narrow, .san = "DNS:a.inside.example,URI:sip:outside.example"}, &narrow, &store, "permitted subtree violation"},
    {"SIP domain in an excluded domain", {.issuer = &without, .san = "URI:sip:a.outside.example"}, &without, &store, "excluded subtree violation"},
    {"for any use", {.issuer = &root, .eku = "anyExtendedKeyUsage"}, NULL, &store, ""},
};
/* clang-format on */

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

/* A peer's self-signed certificate as its `ca-file`. No list can cover it, which "hard" has to
 * know. */
START_TEST(certificate_may_be_its_own_anchor)
{
    struct cert leaf = cert_make(&(struct cert_spec){.cn = "leaf", .days_to = 9});
    struct xf_tls_store *own = store_of(&leaf);
    const struct xf_tls_basis basis = {.ca_file = NULL};

    struct xf_tls_facts *facts = facts_of(&leaf, NULL, own, &basis);
    ck_assert_int_eq(facts->chain, XF_CERT_TRUSTED);
    ck_assert_int_eq(facts->revocation, XF_CERT_NOT_CHECKED);
    xf_tls_facts_free(&facts);
    own->has_lists = true;
    facts = facts_of(&leaf, NULL, own, &basis);
    ck_assert_int_eq(facts->chain, XF_CERT_TRUSTED);
    ck_assert_int_eq(facts->revocation, XF_CERT_UNKNOWN);
    xf_tls_facts_free(&facts);
    xf_tls_store_unref(&own);
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
    tcase_add_test(chains, certificate_may_be_its_own_anchor);
    suite_add_tcase(suite, chains);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
