/* SPDX-License-Identifier: MIT */
/*
 * test_file.c — the map file: lines, comments, what is refused with its line, and what tells one
 * state from another.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mailmap_priv.h"

#include <xfed/base/alloc.h>

static char path[64];

static void write_file(const char *text)
{
    FILE *file = fopen(path, "we");
    ck_assert_ptr_nonnull(file);
    ck_assert(fputs(text, file) >= 0 && fclose(file) == 0);
}

static void set_up(void)
{
    (void)snprintf(path, sizeof(path), "/tmp/xf-map-XXXXXX");
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
}

static void tear_down(void)
{
    (void)unlink(path);
}

/* clang-format off */
static const struct {
    const char *label, *text;
    size_t users, notes;
    const char *problem; /* behind the file's name; NULL: none */
} rows[] = {
    {"nothing", "", 0, 0, NULL},
    {"two users", "alice@im.x alice.smith@x\nbob@im.x bob@x\n", 2, 0, NULL},
    {"no newline at the end", "alice@im.x alice@x", 1, 0, NULL},
    {"comments and blank lines", "# all\n\n  \t\nalice@im.x\t\talice@x # she\n", 1, 0, NULL},
    {"lines of Windows", "alice@im.x alice@x\r\nbob@im.x bob@x\r\n", 2, 0, NULL},
    {"a mark of Windows before a comment", "\xEF\xBB\xBF# all\r\nalice@im.x alice@x\r\n", 1, 0, NULL},
    {"duplicates are notes", "alice@im.x a@x\nbob@im.x A@X\nalice@im.x b@x\n", 1, 2, NULL},
    {"the same line twice is nothing", "alice@im.x a@x\nAlice@IM.x A@x\n", 1, 0, NULL},
    {"one word", "alice@im.x a@x\nbob@im.x\n", 0, 0, ":2: there is no e-mail address: expected a JID and an e-mail address"},
    {"one word and a comment", "bob@im.x # b@x\n", 0, 0, ":1: there is no e-mail address: expected a JID and an e-mail address"},
    {"three words", "# x\n\nbob@im.x b@x c\n", 0, 0, ":3: there is a third word: expected a JID and an e-mail address"},
    {"no JID", "bob b@x\n", 0, 0, ":1: the first word is not a bare JID: expected a JID and an e-mail address"},
    {"a full JID", "bob@x/y b@x\n", 0, 0, ":1: the first word is not a bare JID: expected a JID and an e-mail address"},
    {"no address", "bob@im.x b\n", 0, 0, ":1: the second word is not an e-mail address: expected a JID and an e-mail address"},
    {"not UTF-8", "# all\nbob@im.x b\xff@x\n", 0, 0, ":2: is not UTF-8 text"},
    {"a comment in Latin-1", "# M\xfcnchen\nalice@im.x alice@x # B\xfcro\n", 1, 0, NULL},
    {"UTF-16 of Windows", "\xff\xfe" "b o b @ i m . x", 0, 0, ":1: is not UTF-8 text"},
};
/* clang-format on */

START_TEST(reads)
{
    struct xf_table *table = NULL;
    struct xf_notes notes = {0};
    struct xf_error err = {0};
    write_file(rows[_i].text);
    enum xf_err result = xf_file_read(path, &table, &notes, &err);
    if (rows[_i].problem) {
        ck_assert_int_eq(result, XF_ERR_BAD_VALUE);
        ck_assert_ptr_null(table);
        ck_assert_msg(strncmp(err.detail, path, strlen(path)) == 0 &&
                          strcmp(err.detail + strlen(path), rows[_i].problem) == 0,
                      "%s: %s", rows[_i].label, err.detail);
    } else {
        ck_assert_msg(result == XF_ERR_OK, "%s: %s", rows[_i].label, err.detail);
        ck_assert_uint_eq(xf_table_count(table), rows[_i].users);
        ck_assert_uint_eq(notes.count, rows[_i].notes);
    }
    xf_notes_release(&notes);
    xf_table_free(&table);
}
END_TEST

START_TEST(says_why_it_cannot_read)
{
    struct xf_table *table = NULL;
    struct xf_notes notes = {0};
    struct xf_error err;
    ck_assert_int_eq(xf_file_read("/nonexistent/map", &table, &notes, &err), XF_ERR_IO);
    ck_assert_str_eq(err.detail, "/nonexistent/map: cannot be opened: No such file or directory");
    ck_assert_int_eq(xf_file_read("/tmp", &table, &notes, &err), XF_ERR_IO);
    ck_assert_str_eq(err.detail, "/tmp: is not a regular file");
}
END_TEST

START_TEST(tells_states_apart)
{
    struct xf_stamp first, second;
    write_file("a@x b@x\n");
    ck_assert(xf_stamp_take(path, &first) && xf_stamp_take(path, &second) &&
              xf_stamp_eq(&first, &second));
    write_file("a@x b@x\nc@x d@x\n");
    ck_assert(xf_stamp_take(path, &second) && !xf_stamp_eq(&first, &second));
    ck_assert(!xf_stamp_take("/nonexistent/map", &first));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mailmap/file");
    TCase *tests = tcase_create("file");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, reads, 0, (int)XF_ARRAY_LEN(rows));
    tcase_add_test(tests, says_why_it_cannot_read);
    tcase_add_test(tests, tells_states_apart);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
