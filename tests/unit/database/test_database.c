/* SPDX-License-Identifier: MIT */
/* test_database.c — files that are ours, and files that are not: those stay as they are. */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include <xfed/base/alloc.h>
#include <xfed/database/database.h>

#define NOBODY   65534
#define FILE_MAX (1u << 20)

enum statement { ADD, READ, STATEMENT_COUNT };

static const char *const statements[STATEMENT_COUNT] = {
    [ADD] = "INSERT INTO things (number, word) VALUES (?1, ?2)",
    [READ] = "SELECT number, word FROM things ORDER BY number",
};

static const struct xf_database_form form = {
    .what = "collection",
    .remedy = "move it away",
    .application_id = 12345,
    .format = 3,
    .schema = "CREATE TABLE things (number INTEGER PRIMARY KEY, word TEXT CHECK (word <> 'no'));",
    .pragmas = "PRAGMA synchronous = NORMAL;",
    .statements = statements,
    .statement_count = STATEMENT_COUNT,
};

#define SCRATCH_FILE "file.db"
#include "scratch_file.h"

static struct xf_database *must_open(void)
{
    struct xf_database *database = NULL;
    struct xf_error err = {0};
    ck_assert_msg(xf_database_open(path, &form, &database, &err) == XF_ERR_OK, "%s", err.detail);
    return database;
}

static void must_fail(const char *label, enum xf_err want, const char *words)
{
    struct xf_database *database = NULL;
    struct xf_error err = {0};
    enum xf_err got = xf_database_open(path, &form, &database, &err);
    ck_assert_msg(got == want, "%s: %s", label, xf_err_text(got));
    ck_assert_ptr_null(database);
    ck_assert_msg(strstr(err.detail, words) && strstr(err.detail, path), "%s: %s", label,
                  err.detail);
}

static bool add(struct xf_database *database, int64_t number, struct xf_span word)
{
    xf_database_set_number(database, ADD, 1, number);
    xf_database_set_text(database, ADD, 2, word);
    return xf_database_run(database, ADD);
}

/* The words in the file, in the order of their numbers. */
static void expect(struct xf_database *database, const char *want)
{
    char got[200] = "";
    while (xf_database_next(database, READ)) {
        struct xf_span word = xf_database_text(database, READ, 1);
        size_t len = strlen(got);
        snprintf(got + len, sizeof(got) - len, "%d%.*s ",
                 (int)xf_database_number(database, READ, 0), (int)word.len, word.ptr);
    }
    ck_assert(xf_database_end(database, READ));
    ck_assert_str_eq(got, want);
}

static void write_file(const char *bytes, size_t len)
{
    FILE *file = fopen(path, "we");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, len, file), len);
    ck_assert_int_eq(fclose(file), 0);
}

static char *read_file(size_t *out_len)
{
    FILE *file = fopen(path, "re");
    ck_assert_ptr_nonnull(file);
    char *bytes = xf_alloc(FILE_MAX);
    *out_len = fread(bytes, 1, FILE_MAX, file);
    ck_assert_int_eq(fclose(file), 0);
    return bytes;
}

static off_t file_bytes(void)
{
    struct stat status;
    ck_assert_int_eq(stat(path, &status), 0);
    return status.st_size;
}

static void run_sql(const char *text)
{
    sqlite3 *db = NULL;
    char *words = NULL;
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(db, text, NULL, NULL, &words) == SQLITE_OK, "%s: %s", text, words);
    sqlite3_close(db);
}

START_TEST(keeps_what_was_written)
{
    struct stat status;
    struct xf_database *database = must_open();
    ck_assert(add(database, 2, XF_SPAN("two")));
    ck_assert(add(database, 1, XF_SPAN("'); DROP TABLE things; --")));
    xf_database_close(&database);
    ck_assert_ptr_null(database);
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_int_eq(status.st_mode & 0777, 0600);
    database = must_open();
    expect(database, "1'); DROP TABLE things; -- 2two ");
    expect(database, "1'); DROP TABLE things; -- 2two ");
    xf_database_close(&database);
    xf_database_close(&database);
}
END_TEST

START_TEST(writes_all_of_a_transaction_or_nothing)
{
    struct xf_error err = {0};
    struct xf_database *database = must_open();
    ck_assert(xf_database_begin(database) && add(database, 1, XF_SPAN("a")));
    ck_assert(!add(database, 2, XF_SPAN("no")));
    ck_assert_int_eq(xf_database_fail(database, "cannot be written", &err), XF_ERR_IO);
    ck_assert_msg(strstr(err.detail, "cannot be written: CHECK"), "%s", err.detail);
    xf_database_roll_back(database);
    xf_database_roll_back(database); /* there is none: nothing happens */
    expect(database, "");
    ck_assert(xf_database_begin(database) && add(database, 1, XF_SPAN("a")) &&
              xf_database_commit(database));
    expect(database, "1a ");
    xf_database_close(&database);
}
END_TEST

START_TEST(makes_an_empty_file_its_own)
{
    write_file("", 0);
    struct xf_database *database = must_open();
    ck_assert(add(database, 1, XF_SPAN("a")));
    xf_database_close(&database);
    database = must_open();
    expect(database, "1a ");
    xf_database_close(&database);
}
END_TEST

/*
 * As a process leaves it that is killed while it makes the file, which would be refused for ever:
 * with SQLite's header alone, or with half a transaction.
 */
static const char *const begun[] = {
    "PRAGMA journal_mode = WAL",
    "CREATE TABLE t (a); DROP TABLE t",
    "PRAGMA cache_size = 1; BEGIN; CREATE TABLE t (a); INSERT INTO t VALUES (zeroblob(100000))",
};

START_TEST(goes_on_with_a_file_that_was_only_begun)
{
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        sqlite3 *db = NULL;
        (void)(sqlite3_open(path, &db) == SQLITE_OK &&
               sqlite3_exec(db, begun[_i], NULL, NULL, NULL));
        (void)kill(getpid(), SIGKILL);
    }
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    ck_assert_int_gt(file_bytes(), 0);
    struct xf_database *database = must_open();
    ck_assert(add(database, 1, XF_SPAN("a")));
    xf_database_close(&database);
    database = must_open();
    expect(database, "1a ");
    xf_database_close(&database);
}
END_TEST

/* clang-format off */
static const struct {
    const char *label, *text, *sql, *words; /* `sql` upon a file of ours when there is no text, "new " first: upon a new one */
    bool is_damaged;
} foreign[] = {
    {"a text", "[interfaces]\naddress = 192.0.2.1\n", NULL, "is not a collection of xfedd, and is left unchanged", false},
    {"one byte", "x", NULL, "is left unchanged", false},
    {"another program's database", NULL, "new CREATE TABLE users (name TEXT)", "is left unchanged", false},
    {"another program's, which names itself", NULL, "new CREATE TABLE t (a); PRAGMA application_id = 7", "is left unchanged", false},
    {"another program's, so far only with a version", NULL, "new PRAGMA user_version = 3", "is left unchanged", false},
    {"a later format", NULL, "PRAGMA user_version = 4", "has format 4, and this xfedd reads 3", false},
    {"without our tables", NULL, "DROP TABLE things", "has not the tables", true},
    {"with other tables", NULL, "DROP TABLE things; CREATE TABLE things (nick TEXT)", "has not the tables", true},
};
/* clang-format on */

START_TEST(leaves_what_is_not_its_own)
{
    size_t before_len, after_len;
    bool is_new = foreign[_i].sql && strncmp(foreign[_i].sql, "new ", 4) == 0;
    if (foreign[_i].text) {
        write_file(foreign[_i].text, strlen(foreign[_i].text));
    } else if (is_new) {
        run_sql(foreign[_i].sql + 4);
    } else {
        struct xf_database *database = must_open();
        xf_database_close(&database);
        run_sql(foreign[_i].sql);
    }
    char *before = read_file(&before_len);
    must_fail(foreign[_i].label, foreign[_i].is_damaged ? XF_ERR_DAMAGED : XF_ERR_IO,
              foreign[_i].words);
    char *after = read_file(&after_len);
    /* In a file with our mark the counter of changes may move. */
    ck_assert_msg(before_len == after_len &&
                      ((!foreign[_i].text && !is_new) || memcmp(before, after, before_len) == 0),
                  "%s: it was written", foreign[_i].label);
    xf_free(before);
    xf_free(after);
}
END_TEST

START_TEST(refuses_a_damaged_file)
{
    size_t len;
    struct xf_database *database = must_open();
    ck_assert(xf_database_begin(database));
    for (int i = 0; i < 1000; i++)
        ck_assert(add(database, i, XF_SPAN("a word that takes some room in the file")));
    ck_assert(xf_database_commit(database));
    xf_database_close(&database);
    char *bytes = read_file(&len);
    ck_assert_uint_gt(len, 20000);
    memset(bytes + 8192, 0x5a, len - 12288); /* the first pages stay */
    write_file(bytes, len);
    must_fail("overwritten in the middle", XF_ERR_DAMAGED, "is damaged; move it away");
    write_file(bytes, 4096 + 100);
    must_fail("cut off", XF_ERR_IO, "is left unchanged");
    xf_free(bytes);
}
END_TEST

START_TEST(refuses_what_is_no_file)
{
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    must_fail("a pipe", XF_ERR_IO, "is not a regular file");
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    must_fail("a folder", XF_ERR_IO, "cannot be opened for writing");
}
END_TEST

static void expect_not_writable(void)
{
    struct xf_database *database = NULL;
    struct xf_error err = {0};
    int status = 0;
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) { /* root may write everywhere */
        bool is_refused = (geteuid() != 0 || setuid(NOBODY) == 0) &&
                          xf_database_open(path, &form, &database, &err) == XF_ERR_IO &&
                          strstr(err.detail, "cannot be");
        _exit(is_refused ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}

START_TEST(says_when_it_may_not_write)
{
    ck_assert_int_eq(chmod(folder, 0555), 0);
    expect_not_writable(); /* no file yet */
    ck_assert_int_eq(chmod(folder, 0755), 0);
    struct xf_database *database = must_open();
    xf_database_close(&database);
    ck_assert_int_eq(chmod(path, 0444), 0);
    expect_not_writable(); /* a file to read only */
    ck_assert_int_eq(chmod(path, 0666), 0);
    ck_assert_int_eq(chmod(folder, 0555), 0);
    expect_not_writable(); /* a file to write in a folder where SQLite can make none */
    ck_assert_int_eq(chmod(folder, 0755), 0);
}
END_TEST

/* Any bytes, also NULs, come back; a text is none. */
START_TEST(keeps_bytes)
{
    struct xf_database *database = must_open();
    xf_database_set_number(database, ADD, 1, 1);
    xf_database_set_bytes(database, ADD, 2, (struct xf_span){"a\0b\xff", 4});
    ck_assert(xf_database_run(database, ADD));
    ck_assert_uint_eq(xf_database_changes(database), 1);
    ck_assert(add(database, 2, XF_SPAN("text")));
    xf_database_set_number(database, ADD, 1, 3);
    xf_database_set_bytes(database, ADD, 2, XF_SPAN(""));
    ck_assert(xf_database_run(database, ADD));
    ck_assert(xf_database_next(database, READ));
    struct xf_span got = xf_database_bytes(database, READ, 1);
    ck_assert(got.len == 4 && memcmp(got.ptr, "a\0b\xff", 4) == 0);
    ck_assert(xf_database_next(database, READ));
    ck_assert_ptr_null(xf_database_bytes(database, READ, 1).ptr);
    ck_assert(xf_database_next(database, READ));
    got = xf_database_bytes(database, READ, 1);
    ck_assert(got.ptr && got.len == 0);
    ck_assert(xf_database_end(database, READ));
    xf_database_close(&database);
}
END_TEST

static void put_beside(const char *suffix)
{
    char name[sizeof(path) + 32];
    snprintf(name, sizeof(name), "%s%s", path, suffix);
    int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(close(fd), 0);
}

static bool take_from_beside(const char *suffix)
{
    char name[sizeof(path) + 32];
    snprintf(name, sizeof(name), "%s%s", path, suffix);
    return unlink(name) == 0;
}

/* A log that stayed would be taken for that of the new file. */
START_TEST(sets_aside_what_is_beside_too)
{
    char aside[sizeof(path) + 16];
    ck_assert(!xf_database_set_aside(path, aside, sizeof(aside)));
    put_beside("");
    put_beside("-wal");
    put_beside("-journal");
    put_beside(".unusable"); /* of an earlier time */
    ck_assert(xf_database_set_aside(path, aside, sizeof(aside)));
    ck_assert_ptr_nonnull(strstr(aside, SCRATCH_FILE ".unusable"));
    ck_assert(!take_from_beside("") && !take_from_beside("-wal") && !take_from_beside("-journal"));
    ck_assert(take_from_beside(".unusable") && take_from_beside(".unusable-wal") &&
              take_from_beside(".unusable-journal"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("database/database");
    TCase *tcase = tcase_create("database");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, make_folder, remove_folder);
    tcase_add_test(tcase, keeps_what_was_written);
    tcase_add_test(tcase, writes_all_of_a_transaction_or_nothing);
    tcase_add_test(tcase, makes_an_empty_file_its_own);
    tcase_add_loop_test(tcase, goes_on_with_a_file_that_was_only_begun, 0, XF_ARRAY_LEN(begun));
    tcase_add_loop_test(tcase, leaves_what_is_not_its_own, 0, XF_ARRAY_LEN(foreign));
    tcase_add_test(tcase, refuses_a_damaged_file);
    tcase_add_test(tcase, refuses_what_is_no_file);
    tcase_add_test(tcase, says_when_it_may_not_write);
    tcase_add_test(tcase, keeps_bytes);
    tcase_add_test(tcase, sets_aside_what_is_beside_too);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
