/* SPDX-License-Identifier: MIT */
/* test_book.c — what is told of the alarms, when the connections on both sides come and go. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "notify_priv.h"

#include <xfed/base/alloc.h>

static void row(struct xf_book *book, const char *change, const char *subject)
{
    json_t *object = json_pack("{s:s,s:s,s:s,s:s,s:s}", "change", change, "alarm", "peer.key",
                               "subject", subject, "text", "has another key", "detail", "");
    xf_book_take(book, object);
    json_decref(object);
}

/* clang-format off */
/* '+' raised, '=' stands, '-' ended, '~' lapsed, each with a subject; '(' a new connection, ')' all that stands was told; '!' tell. */
static const struct {
    const char *label, *steps, *want;
} cases[] = {
    {"nothing to tell",           "()!",        ""},
    {"what stands at the start",  "(=a)!",      "ALARM peer.key a: has another key;"},
    {"one that is raised",        "()+a!",      "ALARM peer.key a: has another key;"},
    {"... and ended",             "()+a!-a!",   "ALARM peer.key a: has another key;over: peer.key a: has another key;"},
    {"... or lapsed",             "()+a!~a!",   "ALARM peer.key a: has another key;over (nothing more was heard of it): peer.key a: has another key;"},
    {"raised twice",              "()+a+a!",    "ALARM peer.key a: has another key;"},
    {"an end of what nobody knows", "()-a!",    ""},
    {"a new connection tells it again", "(=a)!(=a)!", "ALARM peer.key a: has another key;"},
    {"over in between",           "(=a)!()!",   "ALARM peer.key a: has another key;over: peer.key a: has another key;"},
    {"another one in between",    "(=a)!(=b)!", "ALARM peer.key a: has another key;ALARM peer.key b: has another key\nover: peer.key a: has another key;"},
    {"a connection that broke off tells of no end", "(=a)!(!(=a)!", "ALARM peer.key a: has another key;"},
    {"several in one message",    "()+a+b-a!",  "ALARM peer.key a: has another key\nALARM peer.key b: has another key\nover: peer.key a: has another key;"},
};
/* clang-format on */

static void step(struct xf_book *book, const char **steps, char *told, size_t room)
{
    static const char changes[] = "+=-~";
    static const char *const words[] = {"raised", "stands", "ended", "lapsed"};
    const char *change = strchr(changes, **steps);
    struct xf_buf text;
    if (change) {
        char subject[2] = {*++*steps, '\0'};
        row(book, words[change - changes], subject);
    } else if (**steps == '(') {
        xf_book_begin_list(book);
    } else if (**steps == ')') {
        row(book, "following", "");
    } else if (xf_book_tell(book, false, &text)) {
        snprintf(told + strlen(told), room - strlen(told), "%.*s;",
                 XF_SPAN_ARGS(xf_buf_span(&text)));
        xf_buf_release(&text);
    }
}

START_TEST(each_change_is_told_once)
{
    struct xf_book book = {0};
    char told[1000] = "";
    for (const char *p = cases[_i].steps; *p; p++)
        step(&book, &p, told, sizeof(told));
    ck_assert_msg(strcmp(told, cases[_i].want) == 0, "%s: %s", cases[_i].label, told);
    xf_book_release(&book);
}
END_TEST

START_TEST(what_could_not_be_told_is_bounded)
{
    struct xf_book book = {0};
    struct xf_buf text;
    char subject[32];
    for (int i = 0; i < 5000; i++) {
        snprintf(subject, sizeof(subject), "p%d.example", i % 100);
        row(&book, i / 100 % 2 ? "ended" : "raised", subject);
    }
    ck_assert_uint_le(book.news.count, XF_BOOK_NEWS_MAX);
    ck_assert(xf_book_tell(&book, true, &text));
    ck_assert_uint_le(text.len, XF_NOTICE_TEXT_MAX);
    char *words = xf_span_dup(xf_buf_span(&text));
    ck_assert_ptr_nonnull(strstr(words, "While I was away:\nALARM peer.key p0.example"));
    ck_assert_msg(strstr(words, "and 4970 more: ask me \"alarms\"") != NULL, "%s", words);
    ck_assert(!xf_book_tell(&book, true, &text));
    xf_free(words);
    xf_buf_release(&text);
    xf_book_release(&book);
}
END_TEST

START_TEST(words_of_others_cannot_forge_a_line)
{
    struct xf_book book = {0};
    struct xf_buf text;
    json_t *object =
        json_pack("{s:s,s:s,s:s,s:s,s:s}", "change", "raised", "alarm", "peer.key", "subject",
                  "x\nALARM all is lost\xe2\x80\xae", "text", "t", "detail", "d\x01");
    xf_book_take(&book, object);
    ck_assert(xf_book_tell(&book, false, &text));
    ck_assert_msg(xf_span_is(xf_buf_span(&text), "ALARM peer.key x?ALARM all is lost?: t: d?"),
                  "%.*s", XF_SPAN_ARGS(xf_buf_span(&text)));
    json_decref(object);
    xf_buf_release(&text);
    xf_book_release(&book);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("notify/book");
    TCase *tc = tcase_create("book");
    tcase_add_loop_test(tc, each_change_is_told_once, 0, XF_ARRAY_LEN(cases));
    tcase_add_test(tc, what_could_not_be_told_is_bounded);
    tcase_add_test(tc, words_of_others_cannot_forge_a_line);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
