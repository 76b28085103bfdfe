/* SPDX-License-Identifier: MIT */
/* test_questions.c — what is made of a message: a question of the table, or words about it. */
#include <check.h>
#include <stdlib.h>

#include "notify_priv.h"

#include <xfed/base/alloc.h>

#define HELP "You may ask:"
#define A64  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A512 A64 A64 A64 A64 A64 A64 A64 A64

/* clang-format off */
static const struct {
    const char *label, *text;
    const char *want; /* the request, or how the answer begins */
} cases[] = {
    {"a word",                    "status",              "{\"verb\":\"status\"}"},
    {"as a telephone writes it",  "Status ",             "{\"verb\":\"status\"}"},
    {"with a newline behind it",  "\n alarms\r\n",       "{\"verb\":\"alarms\"}"},
    {"an argument",               "peer b.example",      "{\"verb\":\"peer\",\"peer\":\"b.example\"}"},
    {"with many spaces",          "check    b.example ", "{\"verb\":\"check\",\"peer\":\"b.example\"}"},
    {"two arguments",             "explain a@x b@y",     "{\"verb\":\"explain\",\"from\":\"a@x\",\"to\":\"b@y\"}"},
    {"an IDN",                    "peer b\xc3\xbc""cher.example", "{\"verb\":\"peer\",\"peer\":\"b\xc3\xbc""cher.example\"}"},
    {"quotes stay in the word",   "peer \"},{\"",        "{\"verb\":\"peer\",\"peer\":\"\\\"},{\\\"\"}"},
    {"so does what a shell likes", "peer $(id)",         "{\"verb\":\"peer\",\"peer\":\"$(id)\"}"},
    {"help",                      "help",                HELP},
    {"nothing",                   "",                    HELP},
    {"blanks",                    " \n ",                HELP},
    {"what acts is no question",  "close b.example",     HELP},
    {"nor is federation",         "federation off",      HELP},
    {"nor reload",                "reload",              HELP},
    {"nor drain",                 "drain",               HELP},
    {"nor log",                   "log debug",           HELP},
    {"nor trace",                 "trace b.example",     HELP},
    {"two lines",                 "status\nclose b",     HELP},
    {"a control character",       "peer b\x07",          HELP},
    {"a tab between words",       "peer\tb.example",     HELP},
    {"many words",                "status a b c",        HELP},
    {"an argument too much",      "status now",          "Please ask: status"},
    {"an argument too few",       "explain a@x",         "Please ask: explain FROM TO"},
    {"none",                      "peer",                "Please ask: peer DOMAIN"},
    {"too long",                  "peer " A512 A512,     "That is too long"},
};
/* clang-format on */

START_TEST(a_message_is_words)
{
    struct xf_buf words;
    json_t *request = NULL;
    xf_notice_text_init(&words);
    const struct xf_question *question =
        xf_question_parse(xf_span_of(cases[_i].text), &request, &words);
    char *got = question ? json_dumps(request, JSON_COMPACT) : NULL;
    const char *want = cases[_i].want;
    ck_assert_msg((*want == '{') == (question != NULL), "%s: a question: %d", cases[_i].label,
                  question != NULL);
    if (question)
        ck_assert_msg(strcmp(got, want) == 0, "%s: %s", cases[_i].label, got);
    else
        ck_assert_msg(strncmp(xf_buf_ptr(&words), want, strlen(want)) == 0, "%s: %.*s",
                      cases[_i].label, XF_SPAN_ARGS(xf_buf_span(&words)));
    free(got);
    json_decref(request);
    xf_buf_release(&words);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("notify/questions");
    TCase *tc = tcase_create("questions");
    tcase_add_loop_test(tc, a_message_is_words, 0, XF_ARRAY_LEN(cases));
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
