/* SPDX-License-Identifier: MIT */
/*
 * test_table.c — the map of both directions: uniqueness, who is heard of duplicates, and what
 * 50,000 users cost.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "mailmap_priv.h"

#include <xfed/base/alloc.h>

/*
 * "jid=mail ..." with the letters that add() answers; then "jid:mail" as found, - for none, ? for
 * not known.
 */
static const struct {
    const char *label, *adds, *answers, *mail_of, *jid_of;
} rows[] = {
    {"two users", "a=x b=y", "++", "a:x b:y c:?", "x:a y:b z:?"},
    {"the same line twice", "a=x a=x", "+=", "a:x", "x:a"},
    {"an address of two: nobody's", "a=x b=x", "+m", "a:- b:?", "x:-"},
    {"... nor a third's", "a=x b=x c=x", "+mm", "a:- c:?", "x:-"},
    {"... and another user is not touched", "a=x b=x c=z", "+m+", "c:z", "z:c"},
    {"a second address: the first stays", "a=x a=y", "+j", "a:x", "x:a y:?"},
    {"an address may look like another's JID", "a=b b=c", "++", "a:b b:c", "b:a c:b"},
    {"full", "a=1 b=2 c=3 d=4 e=5", "++++f", "d:4 e:?", "4:d 5:?"},
};

static char answer_of(enum xf_table_add result)
{
    return "+=mjf"[result];
}

static void look(const char *label, const struct xf_table *table, const char *want, bool of_mail)
{
    for (const char *c = want; *c; c += c[3] ? 4 : 3) {
        struct xf_span out = XF_SPAN("");
        enum xf_mailmap_answer answer =
            (of_mail ? xf_table_jid : xf_table_mail)(table, (struct xf_span){c, 1}, &out);
        char got = answer == XF_MAILMAP_FOUND ? out.ptr[0] : answer == XF_MAILMAP_NONE ? '-' : '?';
        ck_assert_msg(got == c[2], "%s: %c is %c, wanted %c", label, c[0], got, c[2]);
    }
}

START_TEST(is_unique)
{
    struct xf_table *table = xf_table_new(4);
    char answers[16] = "";
    size_t count = 0;
    for (const char *c = rows[_i].adds; *c; c += c[3] ? 4 : 3) {
        struct xf_user other, user = {.jid = {c, 1}, .mail = {c + 2, 1}};
        answers[count++] = answer_of(xf_table_add(table, &user, &other));
    }
    ck_assert_msg(strcmp(answers, rows[_i].answers) == 0, "%s: %s", rows[_i].label, answers);
    look(rows[_i].label, table, rows[_i].mail_of, false);
    look(rows[_i].label, table, rows[_i].jid_of, true);
    xf_table_free(&table);
    ck_assert_ptr_null(table);
    xf_table_free(&table);
}
END_TEST

START_TEST(names_duplicates)
{
    struct xf_notes notes = {0};
    const struct xf_user user = {XF_SPAN("b@a"), XF_SPAN("x@m"), 7},
                         other = {XF_SPAN("a@a"), XF_SPAN("x@m"), 3},
                         again = {XF_SPAN("b@a"), XF_SPAN("y@m"), 0};
    xf_table_note(&notes, "map", XF_TABLE_ADDED, &user, &other);
    xf_table_note(&notes, "map", XF_TABLE_SAME, &user, &other);
    ck_assert_uint_eq(notes.count, 0);
    xf_table_note(&notes, "map", XF_TABLE_MAIL_TAKEN, &user, &other);
    ck_assert_str_eq(notes.line[0], "map:7: b@a has the address x@m of a@a (line 3): neither is "
                                    "known by it, expected one user for an address");
    xf_table_note(&notes, "", XF_TABLE_JID_TAKEN, &again, &user);
    ck_assert_str_eq(notes.line[1],
                     "b@a has a second address y@m: x@m is used, expected one address for a user");
    xf_notes_release(&notes);
}
END_TEST

#define USERS 50000

static void fill(char jid[32], char mail[64], int i)
{
    (void)snprintf(jid, 32, "u%05d@im.example.org", i);
    (void)snprintf(mail, 64, "first.last-%05d@mail.example.org", i);
}

START_TEST(is_compact)
{
    struct xf_table *table = xf_table_new(USERS);
    char jid[32], mail[64];
    struct xf_span out;
    struct xf_user other;
    for (int i = 0; i < USERS; i++) {
        fill(jid, mail, i);
        const struct xf_user user = {.jid = xf_span_of(jid), .mail = xf_span_of(mail)};
        ck_assert_int_eq(xf_table_add(table, &user, &other), XF_TABLE_ADDED);
    }
    for (int i = 0; i < USERS; i++) {
        fill(jid, mail, i);
        ck_assert(xf_table_mail(table, xf_span_of(jid), &out) == XF_MAILMAP_FOUND &&
                  xf_span_is(out, mail));
        ck_assert(xf_table_jid(table, xf_span_of(mail), &out) == XF_MAILMAP_FOUND &&
                  xf_span_is(out, jid));
    }
    ck_assert_uint_eq(xf_table_count(table), USERS);
    ck_assert_uint_le(xf_table_bytes(table), (size_t)USERS * 160);
    xf_table_free(&table);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mailmap/table");
    TCase *tests = tcase_create("table");
    tcase_add_loop_test(tests, is_unique, 0, (int)XF_ARRAY_LEN(rows));
    tcase_add_test(tests, names_duplicates);
    tcase_add_test(tests, is_compact);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
