/* SPDX-License-Identifier: MIT */
/* test_key.c — which requests are one transaction, and which are not (RFC 3261 section 17.2.3). */
#include <check.h>
#include <stdlib.h>

#include <xfed/base/alloc.h>

#include "ua_priv.h"

#define BASE "From: <sip:v@b.example>;tag=f\r\nCall-ID: c\r\nContent-Length: 0\r\n"

static struct xf_sip_message message;

static void parse(const char *start, const char *via, const char *more, char **out_bytes)
{
    static const struct xf_sip_limits limits = XF_SIP_LIMITS_DEFAULT;
    struct xf_sip_error error = {0};
    char *text = xf_asprintf("%s\r\nVia: %s\r\n" BASE "%s\r\n", start, via, more);
    xf_free(*out_bytes);
    *out_bytes = text;
    ck_assert_msg(xf_sip_parse(text, strlen(text), &limits, &message, &error) == XF_ERR_OK,
                  "%s: %s", text, error.text);
}

#define INVITE "INVITE sip:u@a.example SIP/2.0"
#define ACK    "ACK sip:u@a.example SIP/2.0"
#define HEAD   "To: <sip:u@a.example>\r\nCSeq: 1 INVITE\r\n"
#define HEAD_A "To: <sip:u@a.example>;tag=t\r\nCSeq: 1 ACK\r\n"
#define VIA    "SIP/2.0/TLS h.example:5061;branch=z9hG4bK1"

/* clang-format off */
static const struct {
    const char *label, *start, *via, *more, *peer;
    bool is_same; /* as the INVITE of peer p with VIA */
} cases[] = {
    {"the same",             INVITE, VIA, HEAD, "p", true},
    {"its ACK",              ACK, VIA, HEAD_A, "p", true},
    {"the cookie in another case", INVITE, "SIP/2.0/TLS h.example:5061;branch=Z9HG4BK1", HEAD, "p", false},
    {"another branch",       INVITE, "SIP/2.0/TLS h.example:5061;branch=z9hG4bK2", HEAD, "p", false},
    {"another host",         INVITE, "SIP/2.0/TLS i.example:5061;branch=z9hG4bK1", HEAD, "p", false},
    {"another port",         INVITE, "SIP/2.0/TLS h.example:5062;branch=z9hG4bK1", HEAD, "p", false},
    {"without port",         INVITE, "SIP/2.0/TLS h.example;branch=z9hG4bK1", HEAD, "p", false},
    {"another peer",         INVITE, VIA, HEAD, "q", false},
    {"another URI, which counts without branch only", "INVITE sip:w@a.example SIP/2.0", VIA, HEAD, "p", true},
};
/* clang-format on */

START_TEST(branch_sent_by_and_peer_count)
{
    struct xf_ua_key first, other;
    char *bytes = NULL;
    parse(INVITE, VIA, HEAD, &bytes);
    xf_ua_key_of_server(&first, XF_SPAN("p"), &message, XF_SIP_INVITE);
    parse(cases[_i].start, cases[_i].via, cases[_i].more, &bytes);
    xf_ua_key_of_server(&other, xf_span_of(cases[_i].peer), &message, XF_SIP_INVITE);
    ck_assert_msg(xf_span_eq(xf_ua_key_span(&first), xf_ua_key_span(&other)) == cases[_i].is_same,
                  "%s", cases[_i].label);
    xf_ua_key_of_server(&other, xf_span_of(cases[_i].peer), &message, XF_SIP_MESSAGE);
    ck_assert_msg(!xf_span_eq(xf_ua_key_span(&first), xf_ua_key_span(&other)), "%s: method",
                  cases[_i].label);
    xf_free(bytes);
}
END_TEST

/* A key with a part of this length before and after a change of its last byte. */
START_TEST(long_parts_count_to_the_last_byte)
{
    struct xf_ua_key keys[2];
    char branch[2000];
    memset(branch, 'x', sizeof(branch));
    for (size_t len = 1; len < sizeof(branch); len += 13) {
        for (int i = 0; i < 2; i++) {
            branch[len - 1] = (char)('a' + i);
            xf_ua_key_of_client(&keys[i], (struct xf_span){branch, len}, XF_SIP_INFO);
            ck_assert_uint_le(keys[i].len, XF_UA_KEY_MAX);
        }
        ck_assert_msg(!xf_span_eq(xf_ua_key_span(&keys[0]), xf_ua_key_span(&keys[1])), "%zu", len);
        branch[len - 1] = 'x';
    }
}
END_TEST

START_TEST(parts_do_not_run_together)
{
    struct xf_ua_key one, other;
    xf_ua_key_of_hop(&one, XF_SPAN("ab"), XF_SPAN("c"));
    xf_ua_key_of_hop(&other, XF_SPAN("a"), XF_SPAN("bc"));
    ck_assert(!xf_span_eq(xf_ua_key_span(&one), xf_ua_key_span(&other)));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ua/key");
    TCase *tc = tcase_create("keys");
    tcase_add_loop_test(tc, branch_sent_by_and_peer_count, 0, XF_ARRAY_LEN(cases));
    tcase_add_test(tc, long_parts_count_to_the_last_byte);
    tcase_add_test(tc, parts_do_not_run_together);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
