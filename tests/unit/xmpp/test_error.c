/* SPDX-License-Identifier: MIT */
/* test_error.c — conditions by name and back; types of stanza errors as RFC 6120 section 8.3.3 has
 * them. */
#include <xfed/xmpp/error.h>

#include <check.h>

#include <xfed/base/err.h>

static const enum xf_stream_error stream_errors[] = {
#define X(name, text) XF_STREAM_ERROR_##name,
    XF_STREAM_ERROR_MAP(X)
#undef X
};

START_TEST(each_stream_error_is_found_by_its_name)
{
    enum xf_stream_error error = stream_errors[_i];
    const char *name = xf_stream_error_name(error);

    if (error == XF_STREAM_ERROR_NONE) {
        ck_assert_str_eq(name, "");
        return;
    }
    ck_assert_uint_gt(strlen(name), 0);
    ck_assert_msg(xf_stream_error_find(xf_span_of(name)) == error, "%s", name);
}
END_TEST

static const char *const strange_names[] = {"",          "unheard-of", "Conflict",
                                            "conflict ", "conflic",    NULL};

START_TEST(strange_names_are_undefined)
{
    ck_assert_int_eq(xf_stream_error_find(xf_span_of(strange_names[_i])),
                     XF_STREAM_ERROR_UNDEFINED_CONDITION);
    ck_assert_int_eq(xf_stanza_error_find(xf_span_of(strange_names[_i])),
                     XF_STANZA_ERROR_UNDEFINED_CONDITION);
}
END_TEST

/* clang-format off */
static const struct {
    enum xf_stanza_error error;
    const char *type, *name;
} stanza_errors[] = {
    {XF_STANZA_ERROR_BAD_REQUEST,             "modify", "bad-request"},
    {XF_STANZA_ERROR_CONFLICT,                "cancel", "conflict"},
    {XF_STANZA_ERROR_FEATURE_NOT_IMPLEMENTED, "cancel", "feature-not-implemented"},
    {XF_STANZA_ERROR_FORBIDDEN,               "auth",   "forbidden"},
    {XF_STANZA_ERROR_GONE,                    "cancel", "gone"},
    {XF_STANZA_ERROR_INTERNAL_SERVER_ERROR,   "cancel", "internal-server-error"},
    {XF_STANZA_ERROR_ITEM_NOT_FOUND,          "cancel", "item-not-found"},
    {XF_STANZA_ERROR_JID_MALFORMED,           "modify", "jid-malformed"},
    {XF_STANZA_ERROR_NOT_ACCEPTABLE,          "modify", "not-acceptable"},
    {XF_STANZA_ERROR_NOT_ALLOWED,             "cancel", "not-allowed"},
    {XF_STANZA_ERROR_NOT_AUTHORIZED,          "auth",   "not-authorized"},
    {XF_STANZA_ERROR_POLICY_VIOLATION,        "modify", "policy-violation"},
    {XF_STANZA_ERROR_RECIPIENT_UNAVAILABLE,   "wait",   "recipient-unavailable"},
    {XF_STANZA_ERROR_REDIRECT,                "modify", "redirect"},
    {XF_STANZA_ERROR_REGISTRATION_REQUIRED,   "auth",   "registration-required"},
    {XF_STANZA_ERROR_REMOTE_SERVER_NOT_FOUND, "cancel", "remote-server-not-found"},
    {XF_STANZA_ERROR_REMOTE_SERVER_TIMEOUT,   "wait",   "remote-server-timeout"},
    {XF_STANZA_ERROR_RESOURCE_CONSTRAINT,     "wait",   "resource-constraint"},
    {XF_STANZA_ERROR_SERVICE_UNAVAILABLE,     "cancel", "service-unavailable"},
    {XF_STANZA_ERROR_SUBSCRIPTION_REQUIRED,   "auth",   "subscription-required"},
    {XF_STANZA_ERROR_UNDEFINED_CONDITION,     "cancel", "undefined-condition"},
    {XF_STANZA_ERROR_UNEXPECTED_REQUEST,      "wait",   "unexpected-request"},
};
/* clang-format on */

START_TEST(stanza_errors_have_their_type)
{
    ck_assert_str_eq(xf_stanza_error_type(stanza_errors[_i].error), stanza_errors[_i].type);
    ck_assert_str_eq(xf_stanza_error_name(stanza_errors[_i].error), stanza_errors[_i].name);
    ck_assert_int_eq(xf_stanza_error_find(xf_span_of(stanza_errors[_i].name)),
                     stanza_errors[_i].error);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("error");
    TCase *tcase = tcase_create("error");
    SRunner *runner = srunner_create(suite);

    tcase_add_loop_test(tcase, each_stream_error_is_found_by_its_name, 0,
                        XF_ARRAY_LEN(stream_errors));
    tcase_add_loop_test(tcase, strange_names_are_undefined, 0, XF_ARRAY_LEN(strange_names));
    tcase_add_loop_test(tcase, stanza_errors_have_their_type, 0, XF_ARRAY_LEN(stanza_errors));
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
