/* SPDX-License-Identifier: MIT */
/* test_html.c — whatever a text is, it stays text. */
#include <check.h>
#include <stdlib.h>

#include "page_priv.h"

#define BAD "\xEF\xBF\xBD"

/* clang-format off */
static const struct {
    const char *label, *in, *want;
} texts[] = {
    {"plain",                        "b.example",               "b.example"},
    {"nothing",                      "",                        ""},
    {"a tag",                        "<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"},
    {"the end of an attribute",      "\" onload=\"x",           "&quot; onload=&quot;x"},
    {"... in single quotes",         "' onload='x",             "&#39; onload=&#39;x"},
    {"an entity",                    "&lt;",                    "&amp;lt;"},
    {"the end of a comment",         "--><b>",                  "--&gt;&lt;b&gt;"},
    {"other scripts",                "b\xC3\xBC" "cher.example", "b\xC3\xBC" "cher.example"},
    {"a per cent sign",              "100%s%n",                 "100%s%n"},
    {"lines",                        "a\nb\tc",                 "a b c"},
    {"a bell",                       "a\ab",                    "a" BAD "b"},
    {"an escape of a terminal",      "\x1B[2J",                 BAD "[2J"},
    {"DEL",                          "a\x7F",                   "a" BAD},
    {"NEL, which ends a line",       "a\xC2\x85" "b",            "a" BAD "b"},
    {"text from right to left",      "a\xE2\x80\xAE" "b",        "a" BAD "b"},
    {"an isolate",                   "a\xE2\x81\xA6" "b",        "a" BAD "b"},
    {"half a character",             "a\xC3",                   "a" BAD},
    {"a long form of <",             "\xC0\xBC",                BAD BAD},
    {"a surrogate",                  "\xED\xA0\x80",            BAD BAD BAD},
};
/* clang-format on */

static const char *written(struct xf_buf *buf, struct xf_draft *draft)
{
    ck_assert_int_eq(xf_draft_end(draft), XF_ERR_OK);
    xf_buf_append(buf, "", 1);
    return xf_buf_ptr(buf);
}

START_TEST(escapes)
{
    struct xf_buf buf;
    xf_buf_init(&buf, 4096);
    struct xf_draft draft = xf_draft_begin(&buf);
    xf_html_text(&draft, xf_span_of(texts[_i].in));
    const char *got = written(&buf, &draft);
    ck_assert_msg(strcmp(got, texts[_i].want) == 0, "%s: %s", texts[_i].label, got);
    xf_buf_release(&buf);
}
END_TEST

START_TEST(escapes_every_argument)
{
    struct xf_buf buf;
    xf_buf_init(&buf, 4096);
    struct xf_draft draft = xf_draft_begin(&buf);
    xf_html(&draft, "<a title=\"%s\">%s</a> %u %zu %llu %lu 5%%", "\"x", "<", 1u, (size_t)2, 3ull,
            4ul);
    ck_assert_str_eq(written(&buf, &draft), "<a title=\"&quot;x\">&lt;</a> 1 2 3 4 5%");
    xf_buf_release(&buf);
}
END_TEST

START_TEST(what_does_not_fit_is_not_there)
{
    struct xf_buf buf;
    xf_buf_init(&buf, 8);
    struct xf_draft draft = xf_draft_begin(&buf);
    xf_html(&draft, "<b>%s</b>", "long");
    ck_assert_int_eq(xf_draft_end(&draft), XF_ERR_LIMIT);
    ck_assert_uint_eq(buf.len, 0);
    xf_buf_release(&buf);
}
END_TEST

START_TEST(a_value_is_safe_in_an_address)
{
    struct xf_buf buf;
    xf_buf_init(&buf, 4096);
    struct xf_draft draft = xf_draft_begin(&buf);
    xf_html_value(&draft, "a-b.c_d~ \"<&=#/\xC3\xBC");
    ck_assert_str_eq(written(&buf, &draft), "a-b.c_d~%20%22%3C%26%3D%23%2F%C3%BC");
    xf_buf_release(&buf);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("page/html");
    TCase *tcase = tcase_create("page/html");
    tcase_add_loop_test(tcase, escapes, 0, XF_ARRAY_LEN(texts));
    tcase_add_test(tcase, escapes_every_argument);
    tcase_add_test(tcase, what_does_not_fit_is_not_there);
    tcase_add_test(tcase, a_value_is_safe_in_an_address);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
