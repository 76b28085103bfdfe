/* SPDX-License-Identifier: MIT */
/*
 * test_identity.c — what loading of certificates, keys and anchors refuses, and with which words.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/pem.h>

#include "certs.h"
#include "tls_priv.h"

static struct cert root, middle, one, two, weak;

static void set_up(void)
{
    root = cert_make(&(struct cert_spec){.cn = "Root", .is_ca = 1});
    middle = cert_make(&(struct cert_spec){.issuer = &root, .cn = "Middle", .is_ca = 1});
    one = cert_make(&(struct cert_spec){
        .issuer = &middle, .cn = "one", .san = "DNS:one.example,DNS:*.one.example"});
    two = cert_make(&(struct cert_spec){.issuer = &middle, .cn = "two", .san = "DNS:two.example"});
    weak = cert_make(&(struct cert_spec){.issuer = &root, .cn = "weak", .key = CERT_RSA1024});
}

static void tear_down(void)
{
    cert_free(&root);
    cert_free(&middle);
    cert_free(&one);
    cert_free(&two);
    cert_free(&weak);
    pem_remove_all();
}

static char *text_file(const char *name, const char *text)
{
    char *path = pem_file(name, NULL, NULL);
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
    return path;
}

static struct xf_tls_identity *load_one(void)
{
    struct xf_tls_identity *identity = NULL;
    char *path = pem_file("one.pem", (const struct cert *[]){&one, &middle, NULL}, &one);

    ck_assert_int_eq(xf_tls_identity_load(path, path, &identity, NULL), XF_ERR_OK);
    free(path);
    return identity;
}

START_TEST(loads_chain_and_key_of_one_file)
{
    struct xf_tls_identity *identity = load_one();

    ck_assert_int_eq(sk_X509_num(identity->chain), 1);
    ck_assert(xf_tls_identity_names(identity, XF_SPAN("one.example")));
    ck_assert(xf_tls_identity_names(identity, XF_SPAN("chat.one.example")));
    ck_assert(!xf_tls_identity_names(identity, XF_SPAN("two.example")));
    xf_tls_identity_unref(&identity);
    ck_assert_ptr_null(identity);
    xf_tls_identity_unref(&identity);
}
END_TEST

START_TEST(expired_certificate_loads)
{
    struct xf_tls_identity *identity = NULL;
    struct cert old = cert_make(&(struct cert_spec){.cn = "old", .days_from = -9, .days_to = -1});
    char *path = pem_file("old.pem", (const struct cert *[]){&old, NULL}, &old);

    ck_assert_int_eq(xf_tls_identity_load(path, path, &identity, NULL), XF_ERR_OK);
    xf_tls_identity_unref(&identity);
    cert_free(&old);
    free(path);
}
END_TEST

static void refuse(const char *cert_file, const char *key_file, const char *culprit,
                   const char *words)
{
    struct xf_tls_identity *identity = NULL;
    struct xf_error err = {0};

    ck_assert_int_eq(xf_tls_identity_load(cert_file, key_file, &identity, &err),
                     XF_ERR_CERTIFICATE);
    ck_assert_ptr_null(identity);
    ck_assert_msg(strncmp(err.detail, culprit, strlen(culprit)) == 0, "names the file: %s",
                  err.detail);
    ck_assert_msg(strstr(err.detail, words) != NULL, "\"%s\" in: %s", words, err.detail);
}

START_TEST(refuses_with_words)
{
    char *good = pem_file("one.pem", (const struct cert *[]){&one, NULL}, &one);
    char *only_cert = pem_file("cert.pem", (const struct cert *[]){&one, NULL}, NULL);
    char *key_of_two = pem_file("two.key", NULL, &two);
    char *swapped = pem_file("swapped.pem", (const struct cert *[]){&middle, &one, NULL}, &one);
    char *weak_pem = pem_file("weak.pem", (const struct cert *[]){&weak, NULL}, &weak);
    char *text = text_file("text.pem", "not PEM at all\n");
    char *broken = text_file("broken.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n"
                                           "-----END CERTIFICATE-----\n");
    char *broken_key = text_file("broken.key", "-----BEGIN PRIVATE KEY-----\nAAAA\n"
                                               "-----END PRIVATE KEY-----\n");

    refuse("/nonexistent/cert.pem", good, "/nonexistent/cert.pem", "No such file");
    refuse(good, "/nonexistent/key.pem", "/nonexistent/key.pem", "No such file");
    refuse(text, good, text, "no certificate in PEM form");
    refuse(key_of_two, key_of_two, key_of_two, "no certificate in PEM form");
    refuse(broken, good, broken, "cannot be read");
    refuse(good, only_cert, only_cert, "no private key in PEM form");
    refuse(good, broken_key, broken_key, "cannot be read");
    refuse(good, key_of_two, key_of_two, "does not belong to the first certificate");
    refuse(swapped, swapped, swapped, "does not belong to the first certificate");
    refuse(weak_pem, weak_pem, weak_pem, "key too small");

    char *all[] = {good, only_cert, key_of_two, swapped, weak_pem, text, broken, broken_key};
    for (size_t i = 0; i < XF_ARRAY_LEN(all); i++)
        free(all[i]);
}
END_TEST

/*
 * A bundle of authorities in place of a chain, and a chain that is damaged behind its first
 * certificate.
 */
START_TEST(refuses_what_is_no_chain)
{
    const struct cert *many[19] = {&one};
    for (size_t i = 1; i < XF_ARRAY_LEN(many) - 1; i++)
        many[i] = &middle;
    char *bundle = pem_file("bundle.pem", many, &one);
    char *damaged = pem_file("damaged.pem", (const struct cert *[]){&one, &middle, NULL}, NULL);
    char *key = pem_file("one.key", NULL, &one);
    FILE *file = fopen(damaged, "a");

    ck_assert_ptr_nonnull(file);
    fputs("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", file);
    fclose(file);
    refuse(bundle, bundle, bundle, "more than 16 certificates");
    refuse(damaged, key, damaged, "certificate 3 of the chain cannot be read");
    free(bundle);
    free(damaged);
    free(key);
}
END_TEST

START_TEST(refuses_a_key_behind_a_passphrase)
{
    char *cert = pem_file("cert.pem", (const struct cert *[]){&one, NULL}, NULL);
    char *key = text_file("locked.key", "");
    FILE *file = fopen(key, "w");

    ck_assert_int_eq(
        PEM_write_PKCS8PrivateKey(file, one.key, EVP_aes_128_cbc(), "secret", 6, NULL, NULL), 1);
    fclose(file);
    refuse(cert, key, key, "passphrase");
    free(cert);
    free(key);
}
END_TEST

START_TEST(store_refuses_with_words)
{
    struct xf_tls_store *store = NULL;
    struct xf_error err;
    char *text = text_file("text.pem", "no anchors here\n");
    char *broken = text_file("broken.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n"
                                           "-----END CERTIFICATE-----\n");

    ck_assert_int_eq(xf_tls_store_load("/nonexistent/ca.pem", &store, &err), XF_ERR_CERTIFICATE);
    ck_assert_str_eq(err.detail, "/nonexistent/ca.pem: No such file or directory");
    ck_assert_int_eq(xf_tls_store_load(text, &store, &err), XF_ERR_CERTIFICATE);
    ck_assert_ptr_nonnull(strstr(err.detail, "holds no certificate"));
    ck_assert_int_eq(xf_tls_store_load(broken, &store, &err), XF_ERR_CERTIFICATE);
    ck_assert_ptr_nonnull(strstr(err.detail, "certificate 1 cannot be read"));
    ck_assert_ptr_null(store);
    free(text);
    free(broken);
}
END_TEST

START_TEST(set_maps_domains)
{
    struct xf_tls_store *store = NULL;
    struct xf_tls_identity *first = load_one(), *second = load_one();

    ck_assert_int_eq(xf_tls_store_load("", &store, NULL), XF_ERR_OK);
    struct xf_tls_identities *set = xf_tls_identities_new(store);
    xf_tls_store_unref(&store);
    ck_assert(!xf_tls_identities_has(set, XF_SPAN("a.example")));
    xf_tls_identities_set(set, XF_SPAN("a.example"), first);
    xf_tls_identities_set(set, XF_SPAN("b.example"), first);
    ck_assert_ptr_eq(set->first->identity[0], first);
    xf_tls_identities_set(set, XF_SPAN("a.example"), second);
    ck_assert(xf_tls_identities_has(set, XF_SPAN("a.example")));
    ck_assert(!xf_tls_identities_has(set, XF_SPAN("c.example")));
    ck_assert(!xf_tls_identities_has(set, XF_SPAN_NONE));
    ck_assert_uint_eq(xf_tls_identities_find(set, XF_SPAN("a.example"))->count, 1);
    ck_assert_ptr_eq(xf_tls_identities_find(set, XF_SPAN("a.example"))->identity[0], second);
    ck_assert_ptr_eq(xf_tls_identities_find(set, XF_SPAN("b.example"))->identity[0], first);
    struct xf_tls_identities *again = xf_tls_identities_ref(set);
    xf_tls_identity_unref(&first);
    xf_tls_identity_unref(&second);
    xf_tls_identities_unref(&set);
    ck_assert(xf_tls_identities_has(again, XF_SPAN("b.example")));
    xf_tls_identities_unref(&again);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tls/identity");
    TCase *tc = tcase_create("identity");

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, loads_chain_and_key_of_one_file);
    tcase_add_test(tc, expired_certificate_loads);
    tcase_add_test(tc, refuses_with_words);
    tcase_add_test(tc, refuses_what_is_no_chain);
    tcase_add_test(tc, refuses_a_key_behind_a_passphrase);
    tcase_add_test(tc, store_refuses_with_words);
    tcase_add_test(tc, set_maps_domains);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
