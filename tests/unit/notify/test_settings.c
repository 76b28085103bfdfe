/* SPDX-License-Identifier: MIT */
/* test_settings.c — which configurations are taken, and what becomes of them. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "notify_priv.h"

#define GOOD "jid = gateway@A.example\noperators = {Alice@a.example}\npassword-file = PASSWORD\n"

static char folder[32], file[64], password[64];

static void put(const char *path, const char *text, mode_t mode)
{
    FILE *out = fopen(path, "w");
    ck_assert_ptr_nonnull(out);
    for (const char *p = text; *p;) {
        bool is_path = strncmp(p, "PASSWORD", 8) == 0;
        fputs(is_path ? password : (const char[]){*p, '\0'}, out);
        p += is_path ? 8 : 1;
    }
    fclose(out);
    ck_assert_int_eq(chmod(path, mode), 0);
}

static void setup(void)
{
    snprintf(folder, sizeof(folder), "/tmp/xfed-notify-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(file, sizeof(file), "%s/conf", folder);
    snprintf(password, sizeof(password), "%s/password", folder);
    put(password, "\xEF\xBB\xBFthe secret\r\nno secret\n", 0600);
}

static void teardown(void)
{
    unlink(file);
    unlink(password);
    rmdir(folder);
}

/* clang-format off */
static const struct {
    const char *label, *text;
    bool want;
} cases[] = {
    {"the least",                     GOOD, true},
    {"all",                           GOOD "server = \"[::1]:5223\"\nca-file = PASSWORD\ntls = required\ncontrol = /x.sock\n", true},
    {"an authority that is not there", GOOD "ca-file = /nowhere/x.pem\n", false},
    {"any certificate",               GOOD "tls = any-certificate\n", true},
    {"an operator elsewhere",         GOOD "operators = {bob@b.example}\n", true},
    {"no file's syntax",              GOOD "operators = {", false},
    {"an unknown key",                GOOD "passwort = x\n", false},
    {"no operator",                   GOOD "operators = {}\n", false},
    {"an operator that is no JID",    GOOD "operators = {alice}\n", false},
    {"a domain as operator",          GOOD "operators = {a.example}\n", false},
    {"an operator with a resource",   GOOD "operators = {alice@a.example/phone}\n", false},
    {"ourselves as operator",         GOOD "operators = {gateway@a.example}\n", false},
    {"no account",                    GOOD "jid = \"\"\n", false},
    {"a domain as account",           GOOD "jid = a.example\n", false},
    {"no TLS",                        GOOD "tls = none\n", false},
    {"a port that is none",           GOOD "server = \"127.0.0.1:x\"\n", false},
    {"port 0",                        GOOD "server = \"127.0.0.1:0\"\n", false},
    {"a port that is too large",      GOOD "server = \"127.0.0.1:65536\"\n", false},
    {"no password",                   GOOD "password-file = /nowhere/at/all\n", false},
    {"an empty password",             GOOD "password-file = /dev/null\n", false},
};
/* clang-format on */

START_TEST(is_taken_or_refused)
{
    struct xf_notice_settings settings;
    put(file, cases[_i].text, 0644);
    bool got = xf_notice_settings_load(file, &settings);
    ck_assert_msg(got == cases[_i].want, "%s: %d", cases[_i].label, got);
    if (got) {
        ck_assert_str_eq(settings.jid, "gateway@a.example");
        ck_assert_str_eq(settings.password, "the secret");
    }
    xf_notice_settings_release(&settings);
}
END_TEST

/* clang-format off */
static const struct {
    const char *server, *host;
    unsigned port;
} servers[] = {
    {"127.0.0.1", "127.0.0.1", 5222}, {"127.0.0.1:5000", "127.0.0.1", 5000}, {"[::1]", "::1", 5222},
    {"[::1]:5000", "::1", 5000},      {"xmpp.a.example:1", "xmpp.a.example", 1},
};
/* clang-format on */

START_TEST(a_server_has_a_port)
{
    struct xf_notice_settings settings;
    char text[300];
    snprintf(text, sizeof(text), GOOD "server = \"%s\"\n", servers[_i].server);
    put(file, text, 0644);
    ck_assert(xf_notice_settings_load(file, &settings));
    ck_assert_str_eq(settings.host, servers[_i].host);
    ck_assert_uint_eq(settings.port, servers[_i].port);
    xf_notice_settings_release(&settings);
}
END_TEST

/* The password lies beside it. */
START_TEST(the_sample_is_taken)
{
    struct xf_notice_settings settings;
    char text[4096], beside[64];
    FILE *in = fopen(SAMPLE, "r");
    ck_assert_ptr_nonnull(in);
    size_t len = fread(text, 1, sizeof(text) - 1, in);
    fclose(in);
    text[len] = '\0';
    snprintf(beside, sizeof(beside), "%s/xfed-notify.password", folder);
    put(beside, "beside", 0600);
    put(file, text, 0644);
    bool is_taken = xf_notice_settings_load(file, &settings);
    unlink(beside);
    ck_assert(is_taken);
    ck_assert_str_eq(settings.password, "beside");
    ck_assert_uint_eq(settings.operators.count, 2);
    xf_notice_settings_release(&settings);
}
END_TEST

START_TEST(a_password_that_others_can_write_is_refused)
{
    struct xf_notice_settings settings;
    put(file, GOOD, 0644);
    ck_assert_int_eq(chmod(password, 0666), 0);
    ck_assert(!xf_notice_settings_load(file, &settings));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("notify/settings");
    TCase *tc = tcase_create("settings");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, is_taken_or_refused, 0, XF_ARRAY_LEN(cases));
    tcase_add_loop_test(tc, a_server_has_a_port, 0, XF_ARRAY_LEN(servers));
    tcase_add_test(tc, the_sample_is_taken);
    tcase_add_test(tc, a_password_that_others_can_write_is_refused);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
