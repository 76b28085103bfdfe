/* SPDX-License-Identifier: MIT */
/* test_digest_md5.c — SASL DIGEST-MD5 against the example of RFC 2831 §4, and against nonsense. */
#include <check.h>
#include <stdlib.h>

#include <xfed/base/alloc.h>

#include "digest_md5_priv.h"

#define RSPAUTH "ea40f60335c427b5527b84dbabcdfffd"

static const struct xf_digest_md5 chris = {
    .user = "chris",
    .secret = "secret",
    .uri = "imap/elwood.innosoft.com",
    .cnonce = {"OA6MHXh6VqTrRk", 14},
};

static char *base64(const char *text)
{
    char *out = xf_alloc(4 * (strlen(text) / 3 + 1) + 1);
    xf_base64_encode(xf_span_of(text), out);
    return out;
}

/* The response, decoded; NULL: the challenge is refused. */
static char *respond(const char *challenge, char rspauth[XF_MD5_HEX_BYTES + 1])
{
    struct xf_buf out;
    xf_buf_init(&out, 65536);
    struct xf_draft draft = xf_draft_begin(&out);
    char *encoded = base64(challenge), *text = NULL;
    size_t len = 0;
    if (xf_digest_md5_respond(&chris, xf_span_of(encoded), &draft, rspauth) == XF_ERR_OK) {
        ck_assert_int_eq(xf_draft_end(&draft), XF_ERR_OK);
        text = xf_alloc(out.len + 1);
        ck_assert_int_eq(xf_base64_decode(xf_buf_span(&out), text, &len), XF_ERR_OK);
    }
    xf_free(encoded);
    xf_buf_release(&out);
    return text;
}

START_TEST(answers_as_in_the_rfc)
{
    char rspauth[XF_MD5_HEX_BYTES + 1];
    char *text = respond("realm=\"elwood.innosoft.com\",nonce=\"OA6MG9tEQGm2hh\",qop=\"auth\","
                         "algorithm=md5-sess,charset=utf-8",
                         rspauth);
    ck_assert_pstr_eq(text,
                      "username=\"chris\",realm=\"elwood.innosoft.com\",nonce=\"OA6MG9tEQGm2hh\","
                      "cnonce=\"OA6MHXh6VqTrRk\",digest-uri=\"imap/elwood.innosoft.com\","
                      "nc=00000001,qop=auth,charset=utf-8,"
                      "response=d388dad90d4bbd760a152321f2143af7");
    ck_assert_str_eq(rspauth, RSPAUTH);
    xf_free(text);
}
END_TEST

/* clang-format off */
static const struct {
    const char *label, *challenge;
    bool is_good;
} challenges[] = {
    {"as jabberd2 writes it", "realm=\"jabberd-router\", nonce=\"x\", qop=\"auth\", charset=utf-8, algorithm=md5-sess", true},
    {"no qop: it is auth", "nonce=\"x\",algorithm=md5-sess", true},
    {"auth among several", "nonce=\"x\",algorithm=md5-sess,qop=\"auth-conf, auth ,auth-int\"", true},
    {"unknown directives, another case, empty elements", ",,NONCE = \"x\" , stale=true,,cipher=\"3des,rc4\",Algorithm=md5-sess,", true},
    {"a quoted quote", "nonce=\"a\\\"b\",algorithm=md5-sess", true},
    {"no auth", "nonce=\"x\",algorithm=md5-sess,qop=\"auth-int\"", false},
    {"no nonce", "realm=\"r\",algorithm=md5-sess", false},
    {"an empty nonce", "nonce=\"\",algorithm=md5-sess", false},
    {"no algorithm", "nonce=\"x\"", false},
    {"another algorithm", "nonce=\"x\",algorithm=md5", false},
    {"a quote that does not end", "nonce=\"x,algorithm=md5-sess", false},
    {"a backslash at the end", "algorithm=md5-sess,nonce=\"x\\", false},
    {"no value", "nonce,algorithm=md5-sess", false},
    {"nothing", "", false},
    {"the proof instead", "rspauth=" RSPAUTH, false},
};
/* clang-format on */

START_TEST(takes_only_what_it_understands)
{
    char rspauth[XF_MD5_HEX_BYTES + 1];
    char *text = respond(challenges[_i].challenge, rspauth);
    ck_assert_msg((text != NULL) == challenges[_i].is_good, "%s", challenges[_i].label);
    xf_free(text);
}
END_TEST

START_TEST(refuses_what_is_too_long_or_not_base64)
{
    char rspauth[XF_MD5_HEX_BYTES + 1], text[2 * XF_DIGEST_MD5_TEXT_MAX];
    struct xf_draft nowhere = xf_draft_begin(NULL);
    memset(text, 'A', sizeof(text));
    const struct xf_span too_long = {text, sizeof(text)};
    ck_assert_int_eq(xf_digest_md5_respond(&chris, too_long, &nowhere, rspauth), XF_ERR_BAD_VALUE);
    ck_assert_int_eq(xf_digest_md5_respond(&chris, XF_SPAN("not base64"), &nowhere, rspauth),
                     XF_ERR_BAD_VALUE);
    ck_assert(!xf_digest_md5_is_proof(too_long, RSPAUTH));
}
END_TEST

static const struct {
    const char *text;
    bool is_proof;
} proofs[] = {
    {"rspauth=" RSPAUTH, true},
    {"rspauth=\"" RSPAUTH "\"", true},
    {"rspauth=ea40f60335c427b5527b84dbabcdfffe", false},
    {"rspauth=", false},
    {"respauth=" RSPAUTH, false},
    {"", false},
};

START_TEST(knows_the_proof)
{
    char *encoded = base64(proofs[_i].text);
    ck_assert_int_eq(xf_digest_md5_is_proof(xf_span_of(encoded), RSPAUTH), proofs[_i].is_proof);
    xf_free(encoded);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("link/digest_md5");
    TCase *tc = tcase_create("client");
    tcase_add_test(tc, answers_as_in_the_rfc);
    tcase_add_loop_test(tc, takes_only_what_it_understands, 0, (int)XF_ARRAY_LEN(challenges));
    tcase_add_test(tc, refuses_what_is_too_long_or_not_base64);
    tcase_add_loop_test(tc, knows_the_proof, 0, (int)XF_ARRAY_LEN(proofs));
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
