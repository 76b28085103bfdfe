/* SPDX-License-Identifier: MIT */
/*
 * test_wiped.c — no secret stays in memory that was freed: all writable memory of this process is
 * searched for keys and secrets, while they are loaded (they must be found, or the search is no
 * good) and when they are freed.
 *
 * What is searched for is known to this process only with every byte turned round, and the files
 * are written by another process, so that nothing is found but what loading left.
 */
#include "daemon_priv.h"
#include "files.h"

#include <check.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xfed/base/alloc.h>
#include <xfed/base/crypto.h>

#define MASK         0x5a
#define NEEDLE_BYTES 24

enum needle { LINK_SECRET, DIALBACK_SECRET, EC_SCALAR, RSA_PRIME, EC_PEM, RSA_PEM, NEEDLE_COUNT };

static const char *const labels[] = {
    "secret of the link",   "secret of dialback", "EC key",
    "prime of the RSA key", "PEM of the EC key",  "PEM of the RSA key"};

/* Shared with the process that makes the files; masked. */
struct needles {
    unsigned char bytes[NEEDLE_COUNT][NEEDLE_BYTES];
};

static struct needles *needles;
static struct files files;

/* ---- the process that makes the files */

static void keep(enum needle which, const void *bytes)
{
    for (size_t i = 0; i < NEEDLE_BYTES; i++)
        needles->bytes[which][i] = ((const unsigned char *)bytes)[i] ^ MASK;
}

/* As OpenSSL has it in memory: the least byte first. */
static void keep_number(enum needle which, const EVP_PKEY *key, const char *parameter)
{
    unsigned char bytes[512];
    BIGNUM *number = NULL;
    ck_assert_int_eq(EVP_PKEY_get_bn_param(key, parameter, &number), 1);
    ck_assert_int_ge(BN_num_bytes(number), NEEDLE_BYTES);
    ck_assert_int_gt(BN_bn2lebinpad(number, bytes, sizeof(bytes)), 0);
    keep(which, bytes);
    BN_free(number);
}

static void keep_line(enum needle which, const char *name, unsigned number)
{
    char *path = xf_asprintf("%s/%s", files.path, name), line[128];
    FILE *file = fopen(path, "r");
    for (unsigned i = 0; i < number; i++)
        ck_assert_ptr_nonnull(fgets(line, sizeof(line), file));
    ck_assert_uint_gt(strlen(line), NEEDLE_BYTES);
    keep(which, line);
    fclose(file);
    xf_free(path);
}

static void keep_secret(enum needle which, const char *name)
{
    char secret[XF_ID_CHARS + 1], more[XF_ID_CHARS + 1], text[2 * XF_ID_CHARS + 2];
    xf_rand_id(secret);
    xf_rand_id(more);
    snprintf(text, sizeof(text), "%s%s\n", secret, more);
    files_put_text(&files, name, text);
    keep(which, text);
}

static void put_identity(const struct cert *root, const char *name, enum cert_key kind,
                         enum needle number, const char *parameter, enum needle pem, unsigned line)
{
    char cert_name[32], key_name[32];
    struct cert cert = cert_make(&(struct cert_spec){
        .issuer = root, .cn = "A", .san = "DNS:a.example", .key = kind, .days_to = 90});
    snprintf(cert_name, sizeof(cert_name), "%s.pem", name);
    snprintf(key_name, sizeof(key_name), "%s.key", name);
    files_put_cert(&files, cert_name, &cert, NULL);
    files_put_key(&files, key_name, &cert);
    keep_number(number, cert.key, parameter);
    keep_line(pem, key_name, line);
    cert_free(&cert);
}

static void make_files(void)
{
    struct cert root =
        cert_make(&(struct cert_spec){.cn = "Root", .is_ca = 1, .days_from = -1, .days_to = 900});
    files_put_cert(&files, "ca.pem", &root, NULL);
    put_identity(&root, "ec", CERT_P256, EC_SCALAR, OSSL_PKEY_PARAM_PRIV_KEY, EC_PEM, 2);
    put_identity(&root, "rsa", CERT_RSA2048, RSA_PRIME, OSSL_PKEY_PARAM_RSA_FACTOR1, RSA_PEM, 9);
    keep_secret(LINK_SECRET, "secret");
    keep_secret(DIALBACK_SECRET, "dialback");
    files_put_text(&files, "conf",
                   "link l { nodes = {\"127.0.0.1:1\"} name = gw.example secret-file = secret }\n"
                   "dialback { secret-file = dialback }\n"
                   "trust { ca-file = ca.pem }\n"
                   "served \"a.example\" { link = l certificate = {ec.pem, rsa.pem} key = {ec.key, "
                   "rsa.key} }\n");
}

static void set_up(void)
{
    int status;
    files_make(&files);
    needles =
        mmap(NULL, sizeof(*needles), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert(needles != MAP_FAILED);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        make_files();
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void tear_down(void)
{
    files_remove(&files);
    munmap(needles, sizeof(*needles));
}

/* ---- the search */

static bool is_needle(const volatile unsigned char *at, const unsigned char *masked)
{
    for (size_t i = 0; i < NEEDLE_BYTES; i++)
        if ((at[i] ^ MASK) != masked[i])
            return false;
    return true;
}

static void search(const volatile unsigned char *from, const volatile unsigned char *to,
                   unsigned *counts)
{
    for (; from + NEEDLE_BYTES <= to; from++)
        for (unsigned i = 0; i < NEEDLE_COUNT; i++)
            counts[i] +=
                (*from ^ MASK) == needles->bytes[i][0] && is_needle(from, needles->bytes[i]);
}

/* Writable mappings; also the heap's free memory. */
static void search_all(unsigned counts[NEEDLE_COUNT])
{
    char line[512], rights[8];
    FILE *maps = fopen("/proc/self/maps", "r");
    memset(counts, 0, NEEDLE_COUNT * sizeof(*counts));
    ck_assert_ptr_nonnull(maps);
    while (fgets(line, sizeof(line), maps)) {
        char *rest;
        uintptr_t from = strtoull(line, &rest, 16), to = strtoull(rest + 1, &rest, 16);
        snprintf(rights, sizeof(rights), "%s", rest + 1);
        if (strncmp(rights, "rw", 2) == 0)
            search((const volatile unsigned char *)from, (const volatile unsigned char *)to,
                   counts);
    }
    fclose(maps);
}

static struct xf_conf *load(struct xf_certs *certs)
{
    struct xf_conf *conf = NULL;
    struct xf_report report;
    char *messages = NULL, *path = xf_asprintf("%s/conf", files.path);
    ck_assert_msg(xf_conf_load(path, &conf, &messages) == XF_ERR_OK, "%s", messages);
    xf_report_init(&report);
    xf_certs_load(conf, false, certs, &report);
    ck_assert_uint_eq(report.errors, 0);
    xf_certs_seal(conf, certs);
    xf_report_release(&report);
    xf_free(messages);
    xf_free(path);
    return conf;
}

START_TEST(nothing_stays)
{
    unsigned loaded[NEEDLE_COUNT], freed[NEEDLE_COUNT];
    struct xf_certs certs;
    struct xf_conf *conf = load(&certs);
    search_all(loaded);
    xf_certs_release(&certs);
    xf_conf_free(&conf);
    search_all(freed);
    for (unsigned i = 0; i < EC_PEM; i++)
        ck_assert_msg(loaded[i] > 0, "%s: is not found while it is loaded", labels[i]);
    for (unsigned i = 0; i < NEEDLE_COUNT; i++)
        ck_assert_msg(freed[i] == 0, "%s: %u times in memory when it is freed (%u while loaded)",
                      labels[i], freed[i], loaded[i]);
}
END_TEST

START_TEST(what_is_loaded_is_there_once)
{
    unsigned loaded[NEEDLE_COUNT];
    struct xf_certs certs;
    struct xf_conf *conf = load(&certs);
    search_all(loaded);
    xf_certs_release(&certs);
    xf_conf_free(&conf);
    for (unsigned i = 0; i < NEEDLE_COUNT; i++)
        ck_assert_msg(loaded[i] == (i < EC_PEM), "%s: %u times in memory while it is loaded",
                      labels[i], loaded[i]);
}
END_TEST

int main(void)
{
    if (XF_IS_SANITIZED) {
        fprintf(stderr, "left out: wiped: a sanitizer's memory is too large to be searched\n");
        return 77;
    }
    TCase *tcase = tcase_create("wiped");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, nothing_stays);
    tcase_add_test(tcase, what_is_loaded_is_there_once);
    Suite *suite = suite_create("wiped");
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
