/* SPDX-License-Identifier: MIT */
/* test_own.c — what is said of our own certificates, and of lists of ciphers. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "certs.h"
#include "tls_priv.h"

#define DAY_S 86400

static struct cert root, middle, late_middle, stranger;
static struct xf_tls_store *store;

static void set_up(void)
{
    root =
        cert_make(&(struct cert_spec){.cn = "Root", .is_ca = 1, .days_from = -1, .days_to = 900});
    middle = cert_make(&(struct cert_spec){
        .issuer = &root, .cn = "Middle", .is_ca = 1, .days_from = -1, .days_to = 900});
    late_middle = cert_make(&(struct cert_spec){
        .issuer = &root, .cn = "Late", .is_ca = 1, .days_from = -9, .days_to = -1});
    stranger = cert_make(&(struct cert_spec){.cn = "Stranger", .is_ca = 1});
    char *path = pem_file("ca.pem", (const struct cert *[]){&root, NULL}, NULL);
    ck_assert_int_eq(xf_tls_store_load(path, &store, NULL), XF_ERR_OK);
    free(path);
}

static void tear_down(void)
{
    cert_free(&root);
    cert_free(&middle);
    cert_free(&late_middle);
    cert_free(&stranger);
    xf_tls_store_unref(&store);
    pem_remove_all();
}

static struct xf_tls_identity *load(const struct cert *leaf, const struct cert *behind)
{
    struct xf_tls_identity *identity = NULL;
    char *path = pem_file("id.pem", (const struct cert *[]){leaf, behind, NULL}, leaf);

    ck_assert_int_eq(xf_tls_identity_load(path, path, &identity, NULL), XF_ERR_OK);
    free(path);
    return identity;
}

/* clang-format off */
static const struct {
    const char *label;
    struct cert_spec leaf;
    const struct cert *behind; /* in the file */
    int after_days;            /* from now: when it is looked at */
    const char *want;          /* a part of the words; "" for nothing wrong */
} check_rows[] = {
    {"complete", {.issuer = &middle, .days_to = 90}, &middle, 0, ""},
    {"issued by an anchor", {.issuer = &root, .days_to = 90}, NULL, 0, ""},
    {"a private root behind it", {.issuer = &stranger, .days_to = 90}, &stranger, 0, ""},
    {"self-signed", {.days_to = 90}, NULL, 0, ""},
    {"intermediate missing", {.issuer = &middle, .days_to = 90}, NULL, 0, "the certificate of \"Middle\" is missing"},
    {"wrong certificate behind it", {.issuer = &middle, .days_to = 90}, &late_middle, 0, "the certificate of \"Middle\" is missing"},
    {"intermediate out of date", {.issuer = &late_middle, .days_to = 90}, &late_middle, 0, "in its chain \"Late\": certificate has expired"},
    {"more than 30 days left", {.issuer = &root, .days_to = 32}, NULL, 0, ""},
    {"fewer than 30 days left", {.issuer = &root, .days_to = 30}, NULL, 1, "expires in 28 days, on 2"},
    {"last day", {.issuer = &root, .days_to = 1}, NULL, 0, "expires in 0 days, on 2"},
    {"out of date", {.issuer = &root, .days_to = 5}, NULL, 6, "expired on 2"},
    {"not yet", {.issuer = &root, .days_to = 90, .days_from = 2}, NULL, 0, "not valid before 2"},
    {"two faults", {.issuer = &middle, .days_to = 5}, NULL, 6, "; the chain is not complete"},
};
/* clang-format on */

START_TEST(checks_what_peers_will_not_like)
{
    struct cert_spec spec = check_rows[_i].leaf;
    char words[300] = "untouched";

    spec.cn = "leaf";
    struct cert leaf = cert_make(&spec);
    struct xf_tls_identity *identity = load(&leaf, check_rows[_i].behind);
    bool is_good =
        xf_tls_identity_check(identity, store, time(NULL) + check_rows[_i].after_days * DAY_S + 60,
                              30 * DAY_S, words, sizeof(words));
    ck_assert_msg(is_good == (*check_rows[_i].want == '\0'), "%s: %s", check_rows[_i].label, words);
    ck_assert_msg(strstr(words, check_rows[_i].want) != NULL, "%s: %s", check_rows[_i].label,
                  words);
    if (is_good)
        ck_assert_str_eq(words, "");
    xf_tls_identity_unref(&identity);
    cert_free(&leaf);
}
END_TEST

static const struct {
    enum cert_key key;
    const char *type;
    unsigned bits;
} about_rows[] = {{CERT_P256, "EC", 256}, {CERT_RSA2048, "RSA", 2048}};

START_TEST(tells_key_and_dates)
{
    struct cert leaf =
        cert_make(&(struct cert_spec){.cn = "x", .key = about_rows[_i].key, .days_to = 2});
    struct xf_tls_identity *identity = load(&leaf, NULL);
    struct xf_tls_about about;
    int64_t now_s = time(NULL);

    xf_tls_identity_about(identity, &about);
    ck_assert_str_eq(about.key_type, about_rows[_i].type);
    ck_assert_uint_eq(about.key_bits, about_rows[_i].bits);
    ck_assert_int_le(llabs(now_s - about.not_before_s), 60);
    ck_assert_int_le(llabs(now_s + 2 * DAY_S - about.not_after_s), 60);
    xf_tls_identity_unref(&identity);
    cert_free(&leaf);
}
END_TEST

static const struct {
    const char *list;
    bool is_valid;
} cipher_rows[] = {
    /* clang-format off */
    {"AES128-SHA:ECDHE-RSA-AES256-SHA384", true}, /* RSA key exchange, CBC: for an old peer */
    {"ECDHE+AESGCM:ECDHE+CHACHA20", true},
    {"HIGH:!aNULL:!MD5:@STRENGTH", true},
    {"DEFAULT,-SHA +RSA", true},
    {"ECDHE-RSA-AES128-GCM-SHA256:AES128-SHAH", false}, /* OpenSSL would skip the second */
    {"TYPO", false},
    {"", false},
    {":", false},
    {"!", false},
    {"AES128-SHA:!AES128-SHA", false}, /* nothing left */
    {"DEFAULT@SECLEVEL=0", false},
    {"AES128-SHA:@SECLEVEL=0", false},
    {"aNULL", false}, /* known, but never without a certificate */
    {"eNULL", false},
    {"NULL-SHA256", false},
    {"TLS_AES_128_GCM_SHA256", false}, /* of TLS 1.3, which is always on */
    /* clang-format on */
};

START_TEST(judges_lists_of_ciphers)
{
    ck_assert_msg(xf_tls_ciphers_valid(cipher_rows[_i].list) == cipher_rows[_i].is_valid, "%s",
                  cipher_rows[_i].list);
}
END_TEST

START_TEST(refuses_a_list_beyond_measure)
{
    char list[2000];

    for (size_t i = 0; i + 11 < sizeof(list); i += 11)
        memcpy(list + i, "AES128-SHA:", 12);
    ck_assert(!xf_tls_ciphers_valid(list));
    list[10 * 11] = '\0';
    ck_assert(xf_tls_ciphers_valid(list));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tls/own");
    TCase *tc = tcase_create("own");

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_set_timeout(tc, 30);
    tcase_add_loop_test(tc, checks_what_peers_will_not_like, 0, XF_ARRAY_LEN(check_rows));
    tcase_add_loop_test(tc, tells_key_and_dates, 0, XF_ARRAY_LEN(about_rows));
    tcase_add_loop_test(tc, judges_lists_of_ciphers, 0, XF_ARRAY_LEN(cipher_rows));
    tcase_add_test(tc, refuses_a_list_beyond_measure);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
