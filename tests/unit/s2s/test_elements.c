/* SPDX-License-Identifier: MIT */
/*
 * test_elements.c — what an accepted stream does with each element in each phase. Written by phase,
 * apart from the table in in_elements.c, and complete: an element that is missing here fails.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <xfed/xmpp/ns.h>

#include "in_priv.h"

/* clang-format off */
/* db: without `type` a question, with it an answer. */
static const struct {
    const char *label, *ns, *name;
    bool has_type;
} elements[] = {
    {"db:result",    XF_NS_DIALBACK,     "result",    false}, {"db:result/type", XF_NS_DIALBACK,         "result",   true},
    {"db:verify",    XF_NS_DIALBACK,     "verify",    false}, {"db:verify/type", XF_NS_DIALBACK,         "verify",   true},
    {"db:other",     XF_NS_DIALBACK,     "other",     false}, {"db:other/type",  XF_NS_DIALBACK,         "other",    true},
    {"starttls",     XF_NS_TLS,          "starttls",  false}, {"proceed",        XF_NS_TLS,              "proceed",  false},
    {"auth",         XF_NS_SASL,         "auth",      false}, {"response",       XF_NS_SASL,             "response", false},
    {"abort",        XF_NS_SASL,         "abort",     false}, {"success",        XF_NS_SASL,             "success",  false},
    {"compress",     XF_NS_COMPRESS,     "compress",  false}, {"compressed",     XF_NS_COMPRESS,         "compressed", false},
    {"bidi",         XF_NS_BIDI,         "bidi",      false}, {"bidi:other",     XF_NS_BIDI,             "other",    false},
    {"bidi-feature", XF_NS_BIDI_FEATURE, "bidi",      false}, {"stream",         XF_NS_STREAM,           "stream",   false},
    {"features",     XF_NS_STREAM,       "features",  false}, {"query",          XF_NS_SERVER,           "query",    false},
    {"client:iq",    XF_NS_CLIENT,       "iq",        false},
    {"sm:enable",    XF_NS_SM,           "enable",    false}, {"sm:resume",      XF_NS_SM,               "resume",   false},
    {"sm:r",         XF_NS_SM,           "r",         false},
    {"unknown",      "urn:example:x",    "result",    false}, {"no-namespace",   "",                     "auth",     false},
};

#define NOTHING_AT_ANY_TIME " proceed compressed bidi:other bidi-feature unknown no-namespace "
#define REFUSED_AT_ANY_TIME " stream features query client:iq "

static const struct {
    enum xf_in_phase phase;
    enum xf_in_answer answer;
    const char *labels;
} expected[] = {
    /* Before the headers nobody has said who they are: nothing can be asked, proved or agreed on. */
    {XF_IN_HEADER_DUE,   XF_IN_DO_NOT_AUTHORIZED, " db:result db:result/type db:verify db:verify/type db:other db:other/type sm:enable sm:resume "},
    {XF_IN_HEADER_DUE,   XF_IN_DO_NO_STARTTLS,    " starttls "},
    {XF_IN_HEADER_DUE,   XF_IN_DO_SASL_NOT_DUE,   " auth response abort success "},
    {XF_IN_HEADER_DUE,   XF_IN_DO_NO_COMPRESSION, " compress "},
    {XF_IN_HEADER_DUE,   XF_IN_DO_BIDI_EARLY,     " bidi "},
    {XF_IN_HEADER_DUE,   XF_IN_DO_UNSUPPORTED,    REFUSED_AT_ANY_TIME},
    {XF_IN_HEADER_DUE,   XF_IN_DO_IGNORE,         NOTHING_AT_ANY_TIME " sm:r "},

    /* In clear: STARTTLS, or dialback where the settings allow it; never a SASL exchange. */
    {XF_IN_PLAIN,        XF_IN_DO_RESULT,         " db:result "},
    {XF_IN_PLAIN,        XF_IN_DO_VERIFY,         " db:verify "},
    {XF_IN_PLAIN,        XF_IN_DO_UNASKED,        " db:result/type db:verify/type db:other/type "},
    {XF_IN_PLAIN,        XF_IN_DO_STARTTLS,       " starttls "},
    {XF_IN_PLAIN,        XF_IN_DO_SASL_IN_CLEAR,  " auth "},
    {XF_IN_PLAIN,        XF_IN_DO_SASL_ABORT,     " abort "},
    {XF_IN_PLAIN,        XF_IN_DO_SASL_NOT_DUE,   " response success "},
    {XF_IN_PLAIN,        XF_IN_DO_NO_COMPRESSION, " compress "},
    {XF_IN_PLAIN,        XF_IN_DO_BIDI,           " bidi "},
    {XF_IN_PLAIN,        XF_IN_DO_UNSUPPORTED,    REFUSED_AT_ANY_TIME},
    {XF_IN_PLAIN,        XF_IN_DO_SM_EARLY,       " sm:enable sm:resume "},
    {XF_IN_PLAIN,        XF_IN_DO_IGNORE,         NOTHING_AT_ANY_TIME " db:other sm:r "},

    /* A pair was authenticated in clear: what carries it does not change under it. */
    {XF_IN_PLAIN_PAIRED, XF_IN_DO_RESULT,         " db:result "},
    {XF_IN_PLAIN_PAIRED, XF_IN_DO_VERIFY,         " db:verify "},
    {XF_IN_PLAIN_PAIRED, XF_IN_DO_UNASKED,        " db:result/type db:verify/type db:other/type "},
    {XF_IN_PLAIN_PAIRED, XF_IN_DO_NO_STARTTLS,    " starttls "},
    {XF_IN_PLAIN_PAIRED, XF_IN_DO_SASL_NOT_DUE,   " auth response abort success "},
    {XF_IN_PLAIN_PAIRED, XF_IN_DO_NO_COMPRESSION, " compress "},
    {XF_IN_PLAIN_PAIRED, XF_IN_DO_BIDI_LATE,      " bidi "},
    {XF_IN_PLAIN_PAIRED, XF_IN_DO_UNSUPPORTED,    REFUSED_AT_ANY_TIME},
    {XF_IN_PLAIN_PAIRED, XF_IN_DO_SM_ENABLE,      " sm:enable "},
    {XF_IN_PLAIN_PAIRED, XF_IN_DO_SM_EARLY,       " sm:resume "},
    {XF_IN_PLAIN_PAIRED, XF_IN_DO_SM,             " sm:r "},
    {XF_IN_PLAIN_PAIRED, XF_IN_DO_IGNORE,         NOTHING_AT_ANY_TIME " db:other "},

    /* Within TLS: EXTERNAL or dialback. */
    {XF_IN_TLS,          XF_IN_DO_RESULT,         " db:result "},
    {XF_IN_TLS,          XF_IN_DO_VERIFY,         " db:verify "},
    {XF_IN_TLS,          XF_IN_DO_UNASKED,        " db:result/type db:verify/type db:other/type "},
    {XF_IN_TLS,          XF_IN_DO_NO_STARTTLS,    " starttls "},
    {XF_IN_TLS,          XF_IN_DO_SASL_AUTH,      " auth "},
    {XF_IN_TLS,          XF_IN_DO_SASL_RESPONSE,  " response "},
    {XF_IN_TLS,          XF_IN_DO_SASL_ABORT,     " abort "},
    {XF_IN_TLS,          XF_IN_DO_SASL_NOT_DUE,   " success "},
    {XF_IN_TLS,          XF_IN_DO_NO_COMPRESSION, " compress "},
    {XF_IN_TLS,          XF_IN_DO_BIDI,           " bidi "},
    {XF_IN_TLS,          XF_IN_DO_UNSUPPORTED,    REFUSED_AT_ANY_TIME},
    {XF_IN_TLS,          XF_IN_DO_SM_EARLY,       " sm:enable sm:resume "},
    {XF_IN_TLS,          XF_IN_DO_IGNORE,         NOTHING_AT_ANY_TIME " db:other sm:r "},

    /* ... and once dialback authenticated a pair, SASL comes too late. */
    {XF_IN_TLS_PAIRED,   XF_IN_DO_RESULT,         " db:result "},
    {XF_IN_TLS_PAIRED,   XF_IN_DO_VERIFY,         " db:verify "},
    {XF_IN_TLS_PAIRED,   XF_IN_DO_UNASKED,        " db:result/type db:verify/type db:other/type "},
    {XF_IN_TLS_PAIRED,   XF_IN_DO_NO_STARTTLS,    " starttls "},
    {XF_IN_TLS_PAIRED,   XF_IN_DO_SASL_NOT_DUE,   " auth response abort success "},
    {XF_IN_TLS_PAIRED,   XF_IN_DO_NO_COMPRESSION, " compress "},
    {XF_IN_TLS_PAIRED,   XF_IN_DO_BIDI_LATE,      " bidi "},
    {XF_IN_TLS_PAIRED,   XF_IN_DO_UNSUPPORTED,    REFUSED_AT_ANY_TIME},
    {XF_IN_TLS_PAIRED,   XF_IN_DO_SM_ENABLE,      " sm:enable "},
    {XF_IN_TLS_PAIRED,   XF_IN_DO_SM_EARLY,       " sm:resume "},
    {XF_IN_TLS_PAIRED,   XF_IN_DO_SM,             " sm:r "},
    {XF_IN_TLS_PAIRED,   XF_IN_DO_IGNORE,         NOTHING_AT_ANY_TIME " db:other "},

    /* Behind SASL: dialback for further pairs, and nothing that was settled before. */
    {XF_IN_AUTH,         XF_IN_DO_RESULT,         " db:result "},
    {XF_IN_AUTH,         XF_IN_DO_VERIFY,         " db:verify "},
    {XF_IN_AUTH,         XF_IN_DO_UNASKED,        " db:result/type db:verify/type db:other/type "},
    {XF_IN_AUTH,         XF_IN_DO_NO_STARTTLS,    " starttls "},
    {XF_IN_AUTH,         XF_IN_DO_SASL_NOT_DUE,   " auth response abort success "},
    {XF_IN_AUTH,         XF_IN_DO_NO_COMPRESSION, " compress "},
    {XF_IN_AUTH,         XF_IN_DO_BIDI_LATE,      " bidi "},
    {XF_IN_AUTH,         XF_IN_DO_UNSUPPORTED,    REFUSED_AT_ANY_TIME},
    {XF_IN_AUTH,         XF_IN_DO_SM_ENABLE,      " sm:enable "},
    {XF_IN_AUTH,         XF_IN_DO_SM_RESUME,      " sm:resume "},
    {XF_IN_AUTH,         XF_IN_DO_SM,             " sm:r "},
    {XF_IN_AUTH,         XF_IN_DO_IGNORE,         NOTHING_AT_ANY_TIME " db:other "},
};

static const struct {
    enum xf_pass pass;
    bool is_open;
    unsigned valid_pairs;
    enum xf_in_phase want;
} phases[] = {
    {XF_PASS_PLAIN, false, 0, XF_IN_HEADER_DUE}, {XF_PASS_PLAIN, true, 0, XF_IN_PLAIN}, {XF_PASS_PLAIN, true, 1, XF_IN_PLAIN_PAIRED},
    {XF_PASS_TLS,   false, 0, XF_IN_HEADER_DUE}, {XF_PASS_TLS,   true, 0, XF_IN_TLS},   {XF_PASS_TLS,   true, 3, XF_IN_TLS_PAIRED},
    {XF_PASS_AUTH,  false, 1, XF_IN_HEADER_DUE}, {XF_PASS_AUTH,  true, 1, XF_IN_AUTH},  {XF_PASS_AUTH,  true, 2, XF_IN_AUTH},
};
/* clang-format on */

static bool lists(const char *labels, const char *label)
{
    char word[40];
    snprintf(word, sizeof(word), " %s ", label);
    return strstr(labels, word) != NULL;
}

/* The answer that is listed, once and only once. */
static enum xf_in_answer answer_listed(enum xf_in_phase phase, const char *label)
{
    enum xf_in_answer answer = XF_IN_ANSWER_COUNT;
    unsigned count = 0;
    for (size_t i = 0; i < XF_ARRAY_LEN(expected); i++)
        if (expected[i].phase == phase && lists(expected[i].labels, label)) {
            answer = expected[i].answer;
            count++;
        }
    ck_assert_msg(count == 1, "%s in phase %d is listed %u times", label, (int)phase, count);
    return answer;
}

START_TEST(answers_each_element_in_each_phase)
{
    struct xf_attr type = {.name = XF_SPAN("type"), .value = XF_SPAN("valid")};
    struct xf_elem elem = {
        .ns = xf_span_of(elements[_i].ns),
        .name = xf_span_of(elements[_i].name),
        .attrs = &type,
        .attr_count = elements[_i].has_type ? 1 : 0,
    };
    for (enum xf_in_phase phase = 0; phase < XF_IN_PHASE_COUNT; phase++) {
        enum xf_in_answer is = xf_in_answer_to(phase, &elem);
        enum xf_in_answer want = answer_listed(phase, elements[_i].label);
        ck_assert_msg(is == want, "%s in phase %d: answer %d, expected is %d", elements[_i].label,
                      (int)phase, (int)is, (int)want);
    }
}
END_TEST

START_TEST(knows_the_phase_of_a_stream)
{
    struct xf_in in = {.pass = phases[_i].pass,
                       .is_open = phases[_i].is_open,
                       .valid_pairs = phases[_i].valid_pairs};
    ck_assert_int_eq(xf_in_phase_of(&in), phases[_i].want);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("s2s/elements");
    TCase *tc = tcase_create("table");
    tcase_add_loop_test(tc, answers_each_element_in_each_phase, 0, (int)XF_ARRAY_LEN(elements));
    tcase_add_loop_test(tc, knows_the_phase_of_a_stream, 0, (int)XF_ARRAY_LEN(phases));
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
