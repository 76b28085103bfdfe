/* SPDX-License-Identifier: MIT */
/* test_json.c — words of peers in JSON, lines in buffers, and values out of objects. */
#include <xfed/json/json.h>

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <xfed/base/err.h>

/* clang-format off */
static const struct {
    const char *label;
    struct xf_span text;
    const char *want;
} texts[] = {
    {"plain",              XF_SPAN_INIT("b.example"),    "{\"k\":\"b.example\"}"},
    {"empty",              XF_SPAN_INIT(""),             "{\"k\":\"\"}"},
    {"absent",             {NULL, 0},                    "{}"},
    {"quotes and lines",   XF_SPAN_INIT("a\"\n\\"),      "{\"k\":\"a\\\"\\n\\\\\"}"},
    {"a control character", XF_SPAN_INIT("\x1b[2J"),     "{\"k\":\"\\u001B[2J\"}"},
    {"UTF-8",              XF_SPAN_INIT("b\xc3\xbc"),    "{\"k\":\"b\\u00FC\"}"},
    {"cut UTF-8",          XF_SPAN_INIT("b\xc3"),        "{\"k\":\"b?\"}"},
    {"Latin-1",            XF_SPAN_INIT("\xe9t\xe9"),    "{\"k\":\"?t?\"}"},
};
/* clang-format on */

START_TEST(words_of_peers_are_always_json)
{
    char got[128];
    json_t *object = json_object();
    xf_json_put_span(object, "k", texts[_i].text);
    size_t len = json_dumpb(object, got, sizeof(got) - 1, JSON_COMPACT | JSON_ENSURE_ASCII);
    got[len] = '\0';
    ck_assert_msg(strcmp(got, texts[_i].want) == 0, "%s: %s", texts[_i].label, got);
    json_decref(object);
}
END_TEST

START_TEST(a_line_fits_or_leaves_nothing)
{
    struct xf_buf out;
    json_t *object = json_object();
    xf_json_put_signed(object, "n", -5);
    xf_buf_init(&out, 16);
    ck_assert_int_eq(xf_json_append_line(&out, object), XF_ERR_OK);
    ck_assert(xf_span_is(xf_buf_span(&out), "{\"n\":-5}\n"));
    ck_assert_int_eq(xf_json_append_line(&out, object), XF_ERR_LIMIT);
    ck_assert_uint_eq(out.len, 9);
    xf_buf_release(&out);
    json_decref(object);
}
END_TEST

START_TEST(a_key_may_be_in_an_object)
{
    json_t *row = json_loads("{\"a\":1,\"b\":{\"c\":2,\"t\":\"x\"},\"n\":-5,\"y\":true}", 0, NULL);
    ck_assert_uint_eq(xf_json_number(row, "a"), 1);
    ck_assert_uint_eq(xf_json_number(row, "b.c"), 2);
    ck_assert_str_eq(xf_json_text(row, "b.t"), "x");
    ck_assert_uint_eq(xf_json_number(row, "n"), 0);
    ck_assert_str_eq(xf_json_text(row, "b.none"), "");
    ck_assert_int_eq(xf_json_signed(row, "n"), -5);
    ck_assert(xf_json_is(row, "y") && !xf_json_is(row, "a"));
    ck_assert_ptr_null(xf_json_get(row, "a.c"));
    json_decref(row);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("json");
    TCase *tcase = tcase_create("json");
    tcase_add_loop_test(tcase, words_of_peers_are_always_json, 0, XF_ARRAY_LEN(texts));
    tcase_add_test(tcase, a_key_may_be_in_an_object);
    tcase_add_test(tcase, a_line_fits_or_leaves_nothing);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
