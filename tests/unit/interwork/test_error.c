/* SPDX-License-Identifier: MIT */
/*
 * test_error.c — every row of both tables (RFC 7247 section 7, and where we differ), the condition
 * of an error stanza, and the words for people.
 */
#include <xfed/interwork/error.h>

#include <check.h>

#include <xfed/base/utf8.h>
#include <xfed/xmpp/ns.h>

/* ------------------------------------------------------------------ XMPP to SIP */

/* clang-format off */
static const struct {
    const char *condition;
    unsigned bare, full;
    bool wants_retry_after;
} outward[] = {
    {"bad-request",             400, 400, false},
    {"conflict",                400, 400, false},
    {"feature-not-implemented", 501, 405, false},
    {"forbidden",               403, 403, false},
    {"gone",                    410, 410, false},
    {"internal-server-error",   500, 500, false},
    {"item-not-found",          404, 404, false},
    {"jid-malformed",           400, 400, false},
    {"not-acceptable",          406, 406, false},
    {"not-allowed",             403, 403, false},
    {"not-authorized",          403, 403, false},
    {"policy-violation",        403, 403, false},
    {"recipient-unavailable",   480, 480, false},
    {"redirect",                480, 480, false},
    {"registration-required",   403, 403, false},
    {"remote-server-not-found", 404, 404, false},
    {"remote-server-timeout",   504, 504, false},
    {"resource-constraint",     500, 500, true},
    {"service-unavailable",     480, 480, false},
    {"subscription-required",   400, 400, false},
    {"undefined-condition",     400, 400, false},
    {"unexpected-request",      400, 400, false},
};
/* clang-format on */

START_TEST(conditions_become_statuses)
{
    enum xf_stanza_error error = xf_stanza_error_find(xf_span_of(outward[_i].condition));
    struct xf_interwork_answer bare = xf_interwork_answer_of(error, XF_SIP_MESSAGE, false),
                               full = xf_interwork_answer_of(error, XF_SIP_SUBSCRIBE, true);

    ck_assert_str_eq(xf_stanza_error_name(error), outward[_i].condition);
    ck_assert_msg(bare.status == outward[_i].bare && full.status == outward[_i].full, "%s: %u, %u",
                  outward[_i].condition, bare.status, full.status);
    ck_assert_msg(bare.wants_retry_after == outward[_i].wants_retry_after, "%s",
                  outward[_i].condition);
}
END_TEST

START_TEST(only_invite_meets_491)
{
    const enum xf_stanza_error error = XF_STANZA_ERROR_UNEXPECTED_REQUEST;

    ck_assert_uint_eq(xf_interwork_answer_of(error, XF_SIP_INVITE, false).status, 491);
    ck_assert_uint_eq(xf_interwork_answer_of(error, XF_SIP_INVITE, true).status, 491);
    ck_assert_uint_eq(xf_interwork_answer_of(error, XF_SIP_MESSAGE, true).status, 400);
    ck_assert_uint_eq(
        xf_interwork_answer_of(XF_STANZA_ERROR_BAD_REQUEST, XF_SIP_INVITE, true).status, 400);
}
END_TEST

/* RFC 4320 section 4.2; 401 and 407 need a challenge; 6xx would end all branches of a fork. */
START_TEST(some_statuses_are_never_sent)
{
    for (size_t i = 0; i < XF_ARRAY_LEN(outward); i++) {
        unsigned status = outward[i].bare;

        ck_assert(status >= 400 && status < 600);
        ck_assert(status != 401 && status != 407 && status != 408 && status != 503);
    }
    ck_assert_uint_eq(XF_ARRAY_LEN(outward), XF_STANZA_ERROR_UNEXPECTED_REQUEST + 1);
}
END_TEST

/* ------------------------------------------------------------------ SIP to XMPP */

/* clang-format off */
static const struct {
    unsigned status;
    const char *condition;
} inward[] = {
    {300, "redirect"}, {301, "gone"}, {302, "redirect"}, {305, "redirect"}, {380, "not-acceptable"}, {399, "redirect"},
    {400, "bad-request"}, {401, "not-authorized"}, {402, "bad-request"}, {403, "forbidden"}, {404, "item-not-found"},
    {405, "feature-not-implemented"}, {406, "not-acceptable"}, {407, "registration-required"}, {408, "remote-server-timeout"},
    {410, "gone"}, {413, "policy-violation"}, {414, "policy-violation"}, {415, "not-acceptable"}, {416, "not-acceptable"},
    {420, "feature-not-implemented"}, {421, "not-acceptable"}, {423, "resource-constraint"}, {430, "recipient-unavailable"},
    {439, "feature-not-implemented"}, {440, "policy-violation"}, {480, "recipient-unavailable"}, {481, "item-not-found"},
    {482, "not-acceptable"}, {483, "not-acceptable"}, {484, "item-not-found"}, {485, "item-not-found"},
    {486, "recipient-unavailable"}, {487, "recipient-unavailable"}, {488, "not-acceptable"}, {489, "policy-violation"},
    {491, "unexpected-request"}, {493, "bad-request"}, {409, "bad-request"}, {499, "bad-request"},
    {500, "internal-server-error"}, {501, "feature-not-implemented"}, {502, "remote-server-not-found"},
    {503, "remote-server-timeout"}, {504, "remote-server-timeout"}, {505, "not-acceptable"}, {513, "policy-violation"},
    {580, "internal-server-error"}, {599, "internal-server-error"},
    {600, "recipient-unavailable"}, {603, "recipient-unavailable"}, {604, "item-not-found"}, {606, "not-acceptable"},
    {699, "recipient-unavailable"},
    {200, "undefined-condition"}, {299, "undefined-condition"}, {700, "undefined-condition"}, {0, "undefined-condition"},
};
/* clang-format on */

START_TEST(statuses_become_conditions)
{
    enum xf_stanza_error error = xf_interwork_condition_of(inward[_i].status);

    ck_assert_msg(xf_span_is(xf_span_of(xf_stanza_error_name(error)), inward[_i].condition),
                  "%u: %s", inward[_i].status, xf_stanza_error_name(error));
}
END_TEST

START_TEST(every_final_failure_has_a_condition)
{
    for (unsigned status = 300; status <= 699; status++)
        ck_assert_int_ne(xf_interwork_condition_of(status), XF_STANZA_ERROR_UNDEFINED_CONDITION);
}
END_TEST

/* ------------------------------------------------------------------ error stanzas */

#define E " xmlns=\"" XF_NS_STANZA_ERROR "\""

/* clang-format off */
static const struct {
    const char *label, *payload, *condition;
} stanzas[] = {
    {"a condition",              "<error type=\"cancel\"><item-not-found" E "/></error>", "item-not-found"},
    {"with content",             "<error type=\"cancel\"><gone" E ">xmpp:a@b.example</gone></error>", "gone"},
    {"behind a text",            "<error><text" E ">x</text><forbidden" E "/></error>", "forbidden"},
    {"in front of another one",  "<error><conflict" E "/><too-many xmlns=\"urn:a\"/></error>", "conflict"},
    {"behind another one",       "<error><gone xmlns=\"urn:a\"/><conflict" E "/></error>", "conflict"},
    {"behind what was sent",     "<body>x</body><error><redirect" E "/></error>", "redirect"},
    {"one that we do not know",  "<error><payment-required" E "/></error>", "undefined-condition"},
    {"none",                     "<error code=\"404\"/>", "undefined-condition"},
    {"only a text",              "<error><text" E ">x</text></error>", "undefined-condition"},
    {"an empty one",             "<error></error>", "undefined-condition"},
    {"an error of another kind", "<error xmlns=\"urn:a\"><gone" E "/></error>", "undefined-condition"},
    {"no error",                 "<body>x</body>", "undefined-condition"},
    {"nothing",                  "", "undefined-condition"},
};
/* clang-format on */

START_TEST(stanzas_tell_their_condition)
{
    struct xf_stanza stanza = {.payload = xf_span_of(stanzas[_i].payload)};
    enum xf_stanza_error error = xf_interwork_condition_read(&stanza);

    ck_assert_msg(xf_span_is(xf_span_of(xf_stanza_error_name(error)), stanzas[_i].condition),
                  "%s: %s", stanzas[_i].label, xf_stanza_error_name(error));
}
END_TEST

/* ------------------------------------------------------------------ words for people */

#define T10 "0123456789"
#define T80 T10 T10 T10 T10 T10 T10 T10 T10

/* clang-format off */
static const struct {
    const char *label;
    unsigned status;
    const char *reason, *diagnostics, *want;
} texts[] = {
    {"a reason phrase",         404, "Not Found", NULL, "the other side answered 404 Not Found"},
    {"no reason phrase",        404, "", NULL, "the other side answered 404"},
    {"diagnostics",             404, "Not Found", "1003;reason=\"User does not exist\";source=\"fe1.b.example\"",
     "the other side answered 404 Not Found: User does not exist"},
    {"diagnostics alone",       504, "", "1008; Reason = \"Unable to resolve DNS SRV record\"",
     "the other side answered 504: Unable to resolve DNS SRV record"},
    {"quoted quotes",           403, "No", "1;reason=\"a \\\"b\\\" \\\\c\"", "the other side answered 403 No: a \"b\" \\c"},
    {"diagnostics without a reason", 403, "Forbidden", "1010;source=\"a\"", "the other side answered 403 Forbidden"},
    {"a number alone",          403, "Forbidden", "1010", "the other side answered 403 Forbidden"},
    {"an empty reason",         403, "Forbidden", "1010;reason=\"\"", "the other side answered 403 Forbidden"},
    {"control characters",      400, "Bad\x1B[2J\tRequest\x7F", NULL, "the other side answered 400 Bad [2J Request"},
    {"a turn of direction",     400, "a\xE2\x80\xAE" "b", NULL, "the other side answered 400 a b"},
    {"beyond ASCII",            400, "Unbekannter Gr\xC3\xBC\xC3\x9F", NULL, "the other side answered 400 Unbekannter Gr\xC3\xBC\xC3\x9F"},
    {"a byte that is not UTF-8", 400, "a\xFF" "b", NULL, "the other side answered 400 a b"},
    {"spaces around it",        400, "  a  ", NULL, "the other side answered 400 a"},
    {"a long one is cut",       400, T80 "x", NULL, "the other side answered 400 " T80},
    {"at a whole character",    400, T10 T10 T10 T10 T10 T10 T10 "012345678\xC3\xBC", NULL,
     "the other side answered 400 " T10 T10 T10 T10 T10 T10 T10 "012345678"},
    {"long diagnostics are cut", 699, T80, "1;reason=\"" T80 T80 T80 "\"", "the other side answered 699 " T80 ": " T80 T80},
};
/* clang-format on */

START_TEST(answers_become_words)
{
    char out[XF_INTERWORK_TEXT_BYTES];

    xf_interwork_error_text(texts[_i].status, xf_span_of(texts[_i].reason),
                            xf_span_of(texts[_i].diagnostics), out);
    ck_assert_msg(xf_span_is(xf_span_of(out), texts[_i].want), "%s: %s", texts[_i].label, out);
    ck_assert(xf_utf8_valid(out, strlen(out)));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("error");
    TCase *tcase = tcase_create("error");
    SRunner *runner = srunner_create(suite);

    tcase_add_loop_test(tcase, conditions_become_statuses, 0, XF_ARRAY_LEN(outward));
    tcase_add_test(tcase, only_invite_meets_491);
    tcase_add_test(tcase, some_statuses_are_never_sent);
    tcase_add_loop_test(tcase, statuses_become_conditions, 0, XF_ARRAY_LEN(inward));
    tcase_add_test(tcase, every_final_failure_has_a_condition);
    tcase_add_loop_test(tcase, stanzas_tell_their_condition, 0, XF_ARRAY_LEN(stanzas));
    tcase_add_loop_test(tcase, answers_become_words, 0, XF_ARRAY_LEN(texts));
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
