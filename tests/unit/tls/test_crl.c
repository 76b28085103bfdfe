/* SPDX-License-Identifier: MIT */
/*
 * test_crl.c — revocation lists from files and directories, and the words when one cannot be read.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certs.h"
#include "tls_priv.h"

static struct cert root, other;
static X509_CRL *list, *list_of_other;
static struct xf_tls_store *store;
static char dir[64];

static void set_up(void)
{
    root = cert_make(&(struct cert_spec){.cn = "Root", .is_ca = 1});
    other = cert_make(&(struct cert_spec){.cn = "Other", .is_ca = 1});
    list = crl_make(&(struct crl_spec){.issuer = &root});
    list_of_other = crl_make(&(struct crl_spec){.issuer = &other});
    ck_assert_int_eq(xf_tls_store_load("", &store, NULL), XF_ERR_OK);
    snprintf(dir, sizeof(dir), "/tmp/xfed-crl-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void tear_down(void)
{
    cert_free(&root);
    cert_free(&other);
    X509_CRL_free(list);
    X509_CRL_free(list_of_other);
    xf_tls_store_unref(&store);
    rmdir(dir);
    pem_remove_all();
}

static int count_lists(void)
{
    STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(store->anchors);
    int count = 0;

    for (int i = 0; i < sk_X509_OBJECT_num(objects); i++)
        count += X509_OBJECT_get_type(sk_X509_OBJECT_value(objects, i)) == X509_LU_CRL;
    return count;
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

START_TEST(reads_files)
{
    char *pem = crl_file("both.pem", (X509_CRL *const[]){list, list_of_other, NULL}, 0);
    char *der = crl_file("one.crl", (X509_CRL *const[]){list, NULL}, 1);
    const char *files[] = {_i == 1 ? der : pem};

    ck_assert(!store->has_lists);
    ck_assert_int_eq(xf_tls_store_add_crls(store, files, 1, NULL, NULL), XF_ERR_OK);
    ck_assert(store->has_lists);
    ck_assert_int_eq(count_lists(), _i == 1 ? 1 : 2);
    free(pem);
    free(der);
}
END_TEST

START_TEST(nothing_configured_is_nothing)
{
    ck_assert_int_eq(xf_tls_store_add_crls(store, NULL, 0, "", NULL), XF_ERR_OK);
    ck_assert(!store->has_lists);
}
END_TEST

static void move(const char *from, const char *name)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    ck_assert_int_eq(rename(from, path), 0);
}

static void remove_from_dir(const char *name)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    unlink(path);
}

START_TEST(reads_a_directory)
{
    char *pem = crl_file("x", (X509_CRL *const[]){list, NULL}, 0);
    char *der = crl_file("x", (X509_CRL *const[]){list_of_other, NULL}, 1);
    char *text = pem_file("x", NULL, NULL), *hidden = pem_file("x", NULL, NULL);

    move(pem, "root.pem");
    move(der, "other.crl");
    move(text, "README");
    move(hidden, ".half-written.crl");
    ck_assert_int_eq(xf_tls_store_add_crls(store, NULL, 0, dir, NULL), XF_ERR_OK);
    ck_assert_int_eq(count_lists(), 2);
    const char *names[] = {"root.pem", "other.crl", "README", ".half-written.crl"};
    for (size_t i = 0; i < XF_ARRAY_LEN(names); i++)
        remove_from_dir(names[i]);
    free(pem);
    free(der);
    free(text);
    free(hidden);
}
END_TEST

/* What should be checked and cannot be is not silently left out. */
START_TEST(empty_directory_counts_as_lists)
{
    ck_assert_int_eq(xf_tls_store_add_crls(store, NULL, 0, dir, NULL), XF_ERR_OK);
    ck_assert(store->has_lists);
    ck_assert_int_eq(count_lists(), 0);
}
END_TEST

static void refuse(const char *file, const char *in_dir, const char *culprit, const char *words)
{
    struct xf_error err = {0};

    ck_assert_int_eq(xf_tls_store_add_crls(store, &file, file ? 1 : 0, in_dir, &err),
                     XF_ERR_CERTIFICATE);
    ck_assert_msg(strncmp(err.detail, culprit, strlen(culprit)) == 0, "names the file: %s",
                  err.detail);
    ck_assert_msg(strstr(err.detail, words) != NULL, "\"%s\" in: %s", words, err.detail);
    ck_assert(!store->has_lists);
}

START_TEST(refuses_with_words)
{
    char *cert = pem_file("cert.pem", (const struct cert *[]){&root, NULL}, NULL);
    char *text = pem_file("text.pem", NULL, NULL), *broken = pem_file("broken.pem", NULL, NULL);
    char *in_dir = pem_file("x", NULL, NULL), path[128];

    write_text(text, "no list here\n");
    write_text(broken, "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n");
    refuse("/nonexistent/a.crl", NULL, "/nonexistent/a.crl", "No such file");
    refuse(NULL, "/nonexistent", "/nonexistent", "No such file");
    refuse(cert, NULL, cert, "holds no revocation list");
    refuse(text, NULL, text, "holds no revocation list");
    refuse(broken, NULL, broken, "revocation list 1 cannot be read");
    write_text(in_dir, "no list either\n");
    move(in_dir, "bad.crl");
    snprintf(path, sizeof(path), "%s/bad.crl", dir);
    refuse(NULL, dir, path, "holds no revocation list");
    remove_from_dir("bad.crl");
    free(cert);
    free(text);
    free(broken);
    free(in_dir);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tls/crl");
    TCase *tc = tcase_create("crl");

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_loop_test(tc, reads_files, 0, 2);
    tcase_add_test(tc, nothing_configured_is_nothing);
    tcase_add_test(tc, reads_a_directory);
    tcase_add_test(tc, empty_directory_counts_as_lists);
    tcase_add_test(tc, refuses_with_words);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
