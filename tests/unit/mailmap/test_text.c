/* SPDX-License-Identifier: MIT */
/* test_text.c — values of files and directories as prepared bare JIDs, and back to names. */
#include <check.h>
#include <string.h>

#include "mailmap_priv.h"

#include <xfed/base/alloc.h>

/* clang-format off */
static const struct {
    const char *label, *value, *domain, *want; /* NULL: refused */
} rows[] = {
    {"an address",                        "alice@a.example",              "",          "alice@a.example"},
    {"case is nothing",                   "Alice.Smith@A.Example",        "",          "alice.smith@a.example"},
    {"a name with the domain",            "Alice",                        "a.example", "alice@a.example"},
    {"a domain of its own is stronger",   "alice@b.example",              "a.example", "alice@b.example"},
    {"a name without domain",             "alice",                        "",          NULL},
    {"sip: of Active Directory",          "sip:alice@a.example",          "",          "alice@a.example"},
    {"SMTP: of Active Directory",         "SMTP:alice@a.example",         "",          "alice@a.example"},
    {"mailto:",                           "mailto:alice@a.example",       "",          "alice@a.example"},
    {"no other scheme",                   "x400:c=de@a.example",          "",          "x400\\3ac=de@a.example"},
    {"an apostrophe is escaped",          "o'brien@a.example",            "",          "o\\27brien@a.example"},
    {"a plus is plain",                   "alice+im@a.example",           "",          "alice+im@a.example"},
    {"what is escaped stays",             "o\\27brien@a.example",         "",          "o\\27brien@a.example"},
    {"a slash is escaped in a name",      "a/b",                          "a.example", "a\\2fb@a.example"},
    {"umlauts",                           "J\xc3\x9cRGEN@b\xc3\xbc" "cher.example", "", "j\xc3\xbcrgen@b\xc3\xbc" "cher.example"},
    {"nothing",                           "",                             "a.example", NULL},
    {"no local part",                     "@a.example",                   "",          NULL},
    {"no domain behind the @",            "alice@",                       "a.example", NULL},
    {"two @",                             "a@b@a.example",                "",          NULL},
    {"a resource",                        "alice@a.example/x",            "",          NULL},
    {"not UTF-8",                         "al\xff@a.example",             "",          NULL},
    {"a blank in the domain",             "alice@a. example",             "",          NULL},
};
/* clang-format on */

START_TEST(makes)
{
    struct xf_bare out;
    bool is_good = xf_bare_make(xf_span_of(rows[_i].value), xf_span_of(rows[_i].domain), &out);
    ck_assert_msg(is_good == (rows[_i].want != NULL), "%s: %s", rows[_i].label,
                  is_good ? "accepted" : "refused");
    if (is_good)
        ck_assert_msg(xf_span_is(out.text, rows[_i].want), "%s: %.*s", rows[_i].label,
                      XF_SPAN_ARGS(out.text));
}
END_TEST

START_TEST(refuses_what_is_too_long_or_cut_by_a_nul)
{
    struct xf_bare out;
    char text[1200];
    memset(text, 'a', sizeof(text));
    memcpy(text + 1188, "@a.example", 10);
    ck_assert(!xf_bare_make((struct xf_span){text, 1198}, XF_SPAN_NONE, &out));
    ck_assert(!xf_bare_make((struct xf_span){"a\0b@a.example", 13}, XF_SPAN_NONE, &out));
    ck_assert(xf_bare_make((struct xf_span){text + 300, 898}, XF_SPAN_NONE, &out));
}
END_TEST

START_TEST(unescapes)
{
    static const char *const pairs[][2] = {{"o\\27brien", "o'brien"}, {"a\\2fb\\20c", "a/b c"},
                                           {"\\5c", "\\5c"},          {"x\\2", "x\\2"},
                                           {"\\00", "\\00"},          {"a", "a"}};
    char out[64];
    for (size_t i = 0; i < XF_ARRAY_LEN(pairs); i++) {
        struct xf_span got = xf_bare_unescape(xf_span_of(pairs[i][0]), out);
        ck_assert_msg(xf_span_is(got, pairs[i][1]), "%s: %.*s", pairs[i][0], XF_SPAN_ARGS(got));
    }
}
END_TEST

START_TEST(keeps_a_bounded_number_of_notes)
{
    struct xf_notes notes = {0};
    for (int i = 0; i < XF_NOTES_MAX + 7; i++)
        xf_note(&notes, "note %d", i);
    ck_assert_uint_eq(notes.count, XF_NOTES_MAX + 7);
    ck_assert_str_eq(notes.line[XF_NOTES_MAX - 1], "note 99");
    xf_notes_release(&notes);
    ck_assert_uint_eq(notes.count, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mailmap/text");
    TCase *tests = tcase_create("text");
    tcase_add_loop_test(tests, makes, 0, (int)XF_ARRAY_LEN(rows));
    tcase_add_test(tests, refuses_what_is_too_long_or_cut_by_a_nul);
    tcase_add_test(tests, unescapes);
    tcase_add_test(tests, keeps_a_bounded_number_of_notes);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
