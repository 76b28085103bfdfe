/* SPDX-License-Identifier: MIT */
/* test_words.c — answers in plain text, of whatever xfedd says. */
#include <check.h>
#include <stdlib.h>

#include "notify_priv.h"

#include <xfed/base/alloc.h>

typedef void (*answer_fn)(struct xf_buf *out, const json_t *rows, const json_t *result);

/* clang-format off */
static const struct {
    const char *label;
    answer_fn answer;
    const char *rows, *result, *want;
} cases[] = {
    {"no alarm", xf_words_alarms, "[]", "{}", "No alarm."},
    {"a peer that can be reached", xf_words_check, "[]", "{\"peer\":\"b.example\",\"local\":\"a.example\",\"reachable\":true}",
     "b.example can be reached from a.example"},
    {"... but not by our users", xf_words_check, "[]",
     "{\"peer\":\"b.example\",\"local\":\"a.example\",\"reachable\":true,\"links\":[{\"link\":\"cluster\",\"up\":false,\"down_ms\":3000}]}",
     "b.example can be reached from a.example\nlink cluster: DOWN for 3.0 s"},
    {"one that cannot", xf_words_check, "[]",
     "{\"peer\":\"b.example\",\"local\":\"a.example\",\"reachable\":false,\"text\":\"t\",\"detail\":\"no route\",\"advice\":\"go\"}",
     "b.example cannot be reached from a.example: no route\nadvice: go"},
    {"a peer", xf_words_peer,
     "[{\"kind\":\"route\",\"local\":\"a.example\",\"state\":\"bounce\",\"queued\":{\"stanzas\":2},\"text\":\"w\"},"
     "{\"kind\":\"attempt\",\"dir\":\"out\",\"outcome\":\"failed\",\"reason\":\"tls\",\"detail\":\"d\\ne\"},{\"kind\":\"attempt\",\"dir\":\"in\"}]",
     "{\"peer\":\"b.example\",\"policy\":[{\"local\":\"a.example\",\"out\":{\"passes\":true,\"rule\":\"none\"},\"in\":{\"passes\":false,\"rule\":\"deny\"}}]}",
     "peer b.example\npolicy for a.example: out passes, in refused by deny\nroute of a.example: bounce, 2 stanzas wait, w\n"
     "last attempt, out: failed, tls: d?e"},
    {"nothing known", xf_words_peer, "[]", "{\"peer\":\"b.example\"}",
     "peer b.example\nno route, no stream, and no attempt that is remembered"},
    {"a long explanation", xf_words_explain, "[]", "{\"policy\":\"1\\n2\\n3\\n4\\n5\\n6\\n7\\n8\\n9\\n10\\n11\\n12\\n13\"}",
     "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n... (xfedctl explain shows all settings)\n"
     "no route, no stream, and no attempt that is remembered"},
    {"something else", xf_words_status, "[]", "{\"links\":7,\"certificates\":[1,null,\"x\"]}",
     " for 0 ms\nstreams: in 0, out 0 (0 ready)\nwaiting: 0 stanzas, 0 B: EXPIRED: EXPIRED: EXPIRED"},
};
/* clang-format on */

START_TEST(an_answer_is_a_few_lines)
{
    struct xf_buf out;
    json_t *rows = json_loads(cases[_i].rows, 0, NULL),
           *result = json_loads(cases[_i].result, 0, NULL);
    char *text;
    xf_notice_text_init(&out);
    cases[_i].answer(&out, rows, result);
    text = xf_span_dup(xf_buf_span(&out));
    ck_assert_msg(strcmp(text, cases[_i].want) == 0, "%s: %s", cases[_i].label, text);
    xf_free(text);
    xf_buf_release(&out);
    json_decref(rows);
    json_decref(result);
}
END_TEST

START_TEST(an_answer_is_bounded)
{
    struct xf_buf out;
    json_t *rows = json_array();
    char *long_text = xf_alloc(100001);
    memset(long_text, 'a', 100000);
    for (int i = 0; i < 1000; i++)
        json_array_append_new(rows, json_pack("{s:s,s:s}", "alarm", "x", "text", long_text));
    xf_notice_text_init(&out);
    xf_words_alarms(&out, rows, NULL);
    ck_assert_uint_le(out.len, XF_NOTICE_TEXT_MAX);
    ck_assert(xf_span_ends_with(xf_buf_span(&out), XF_SPAN(" ...")));
    xf_free(long_text);
    xf_buf_release(&out);
    json_decref(rows);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("notify/words");
    TCase *tc = tcase_create("words");
    tcase_add_loop_test(tc, an_answer_is_a_few_lines, 0, XF_ARRAY_LEN(cases));
    tcase_add_test(tc, an_answer_is_bounded);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
