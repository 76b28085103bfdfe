/* SPDX-License-Identifier: MIT */
/*
 * test_never.c — what the configuration refuses, and nothing else, can never authenticate: every
 * combination of settings is loaded, and put to the gate (xf_auth_refusal) with every certificate
 * that a peer could bring to it.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <xfed/auth/verdict.h>
#include <xfed/base/alloc.h>
#include <xfed/conf/conf.h>

#include "../conf/folder.h"

#define DIGEST       "\"sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\""
#define CERTIFICATES 6

static const char *const tls_words[] = {"none", "optional", "required"};
static const char *const certificate_words[] = {"ignore", "preferred", "required"};
static const char *const direction_words[] = {"none", "in", "out", "both"};

struct combination {
    struct xf_peer_settings settings;
    bool has_pins, has_authorities;
};

static struct folder folder;

static void make_files(void)
{
    folder_make(&folder);
    folder_put_text(&folder, "secret", "a secret that is long enough\n");
    folder_put_text(&folder, "ca.pem", "");
}

static void remove_files(void)
{
    folder_remove(&folder);
}

static const char *yes(bool is_on)
{
    return is_on ? "yes" : "no";
}

static bool loads(const struct combination *c)
{
    const struct xf_peer_settings *s = &c->settings;
    char path[128],
        *messages = NULL,
        *text = xf_asprintf(
            "link \"l\" { nodes = {\"127.0.0.1:5347\"} name = gw.example secret-file = secret }\n"
            "served \"a.example\" { link = l certificate = c.pem key = c.key }\ndialback { "
            "secret-file = secret }\n"
            "trust { ca-file = \"%s\" }\n"
            "peer \"x.example\" { tls = %s certificate = %s direction = %s sasl-in = %s sasl-out = "
            "%s dialback = %s dane = %s pins = {%s} }\n",
            c->has_authorities ? "ca.pem" : "", tls_words[s->tls],
            certificate_words[s->certificate], direction_words[s->direction], yes(s->sasl_in),
            yes(s->sasl_out), yes(s->dialback), yes(s->dane), c->has_pins ? DIGEST : "");
    struct xf_conf *conf = NULL;
    folder_put_text(&folder, "conf", text);
    snprintf(path, sizeof(path), "%s/conf", folder.path);
    enum xf_err err = xf_conf_load(path, &conf, &messages);
    ck_assert_msg(err == XF_ERR_OK || strstr(messages, "x.example"), "%s: %s", text, messages);
    xf_conf_free(&conf);
    xf_free(messages);
    xf_free(text);
    return err == XF_ERR_OK;
}

/* All that a peer could bring, as far as settings and authorities let it be judged. */
static size_t certificates(const struct combination *c, struct xf_verdict out[CERTIFICATES])
{
    enum xf_pin_match other = c->has_pins ? XF_PIN_MISMATCH : XF_PIN_NONE;
    size_t count = 0;
    out[count++] = (struct xf_verdict){.is_secure = false};
    if (c->settings.tls == XF_TLS_NONE)
        return count;
    out[count++] = (struct xf_verdict){.is_secure = true};
    out[count++] = (struct xf_verdict){
        .is_secure = true, .chain = XF_CERT_BAD, .name_matches = true, .pin = other};
    if (c->has_authorities)
        out[count++] = (struct xf_verdict){
            .is_secure = true, .chain = XF_CERT_TRUSTED, .name_matches = true, .pin = other};
    if (c->has_pins)
        out[count++] =
            (struct xf_verdict){.is_secure = true, .chain = XF_CERT_BAD, .pin = XF_PIN_MATCH};
    if (c->settings.dane)
        out[count++] = (struct xf_verdict){.is_secure = true,
                                           .chain = XF_CERT_BAD,
                                           .dane = XF_DANE_MATCH,
                                           .tlsa_exists = true,
                                           .pin = other};
    return count;
}

static bool can_authenticate(const struct combination *c, bool outbound)
{
    struct xf_verdict brought[CERTIFICATES];
    size_t count = certificates(c, brought);
    for (size_t i = 0; i < count; i++)
        for (enum xf_auth_method method = XF_AUTH_EXTERNAL; method <= XF_AUTH_DIALBACK; method++)
            if (xf_auth_may(&c->settings, &brought[i], method, outbound))
                return true;
    return false;
}

static void check_combination(const struct combination *c)
{
    const struct xf_peer_settings *s = &c->settings;
    bool is_never = ((s->direction & XF_DIRECTION_IN) && !can_authenticate(c, false)) ||
                    ((s->direction & XF_DIRECTION_OUT) && !can_authenticate(c, true));
    bool guards_nothing =
        c->has_pins && (s->tls == XF_TLS_NONE || s->certificate == XF_CERT_IGNORE);
    ck_assert_msg(loads(c) == (!is_never && !guards_nothing),
                  "tls %s certificate %s direction %s sasl-in %s sasl-out %s dialback %s dane %s "
                  "pins %s authorities %s: %s",
                  tls_words[s->tls], certificate_words[s->certificate],
                  direction_words[s->direction], yes(s->sasl_in), yes(s->sasl_out),
                  yes(s->dialback), yes(s->dane), yes(c->has_pins), yes(c->has_authorities),
                  is_never ? "never, but it loads" : "could, but is refused");
}

/* _i: tls x certificate x direction */
START_TEST(what_loads_can_authenticate)
{
    for (unsigned bits = 0; bits < 64; bits++) {
        struct combination c = {.has_pins = bits & 1, .has_authorities = bits & 2};
        c.settings = (struct xf_peer_settings){
            .tls = (enum xf_tls_mode)(_i % 3),
            .certificate = (enum xf_cert_mode)(_i / 3 % 3),
            .direction = (enum xf_direction)(_i / 9 + 1),
            .sasl_in = bits & 4,
            .sasl_out = bits & 8,
            .dialback = bits & 16,
            .dane = bits & 32,
        };
        check_combination(&c);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("auth/never");
    TCase *tc = tcase_create("never");
    tcase_add_unchecked_fixture(tc, make_files, remove_files);
    tcase_add_loop_test(tc, what_loads_can_authenticate, 0, 27);
    tcase_set_timeout(tc, 60);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
