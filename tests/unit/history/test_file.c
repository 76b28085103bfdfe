/* SPDX-License-Identifier: MIT */
/*
 * test_file.c — the memory over restarts: a real SQLite file, files that are none of ours, disks
 * that do not write, the thread pool.
 */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include <xfed/base/alloc.h>
#include <xfed/base/log.h>
#include <xfed/history/history.h>
#include <xfed/net/loop.h>

#define NOW_S       1700000000
#define NOBODY      65534
#define PATIENCE_MS 20000

#define SCRATCH_FILE "peers.db"
#include "scratch_file.h"

static struct xf_history *must_open(size_t max_peers)
{
    struct xf_history *history = NULL;
    struct xf_error err = {0};
    ck_assert_msg(xf_history_open(&(struct xf_history_opts){.file = path, .max_peers = max_peers},
                                  &history, &err) == XF_ERR_OK,
                  "%s", err.detail);
    return history;
}

static void must_fail(const char *label, const char *words)
{
    struct xf_history *history = NULL;
    struct xf_error err = {0};
    enum xf_err result =
        xf_history_open(&(struct xf_history_opts){.file = path, .max_peers = 10}, &history, &err);
    ck_assert_msg(result == XF_ERR_IO || result == XF_ERR_DAMAGED, "%s: it opened", label);
    ck_assert_ptr_null(history);
    ck_assert_msg(strstr(err.detail, words) && strstr(err.detail, path), "%s: %s", label,
                  err.detail);
}

static struct xf_history_sight sight_of(enum xf_history_auth auth, int key,
                                        enum xf_history_ground ground)
{
    struct xf_history_sight sight = {.auth = auth, .ground = ground, .has_key = key != 0};
    memset(sight.spki_sha256, key, sizeof(sight.spki_sha256));
    return sight;
}

static void see(struct xf_history *history, const char *peer, enum xf_history_auth auth, int key,
                int64_t now_s)
{
    struct xf_history_sight sight = sight_of(auth, key, XF_HISTORY_GROUND_CA);
    xf_history_note(history, xf_span_of(peer), true, &sight, now_s);
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
    char *bytes = xf_alloc(1u << 20);
    *out_len = fread(bytes, 1, 1u << 20, file);
    ck_assert_int_eq(fclose(file), 0);
    return bytes;
}

static void run_sql(const char *text)
{
    sqlite3 *db = NULL;
    char *words = NULL;
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(db, text, NULL, NULL, &words) == SQLITE_OK, "%s: %s", text, words);
    sqlite3_close(db);
}

/* ------------------------------------------------------------------ restarts */

START_TEST(outlives_a_restart)
{
    struct xf_history *history = must_open(10);
    struct xf_history_sight out = sight_of(XF_HISTORY_DIALBACK_TLS, 7, XF_HISTORY_GROUND_NONE);
    see(history, "b.example", XF_HISTORY_EXTERNAL, 1, NOW_S);
    see(history, "b.example", XF_HISTORY_EXTERNAL, 2, NOW_S + 10);
    see(history, "b.example", XF_HISTORY_DIALBACK_TLS, 1, NOW_S + 20);
    xf_history_note(history, XF_SPAN("b.example"), false, &out, NOW_S + 30);
    see(history,
        "stra\xc3\x9f"
        "e.example",
        XF_HISTORY_DIALBACK_CLEAR, 0, NOW_S);
    xf_history_free(&history);

    struct stat status;
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_int_eq(status.st_mode & 07777, 0600);

    history = must_open(10);
    ck_assert_uint_eq(xf_history_count(history), 2);
    const struct xf_history_entry *entry = xf_history_find(history, XF_SPAN("b.example"), true);
    ck_assert_ptr_nonnull(entry);
    ck_assert_int_eq(entry->auth, XF_HISTORY_EXTERNAL);
    ck_assert_int_eq(entry->first_s, NOW_S);
    ck_assert_int_eq(entry->last_s, NOW_S + 20);
    ck_assert_uint_eq(entry->key_count, 2);
    ck_assert_int_eq(entry->keys[0].spki_sha256[31], 1);
    ck_assert_int_eq(entry->keys[0].ground, XF_HISTORY_GROUND_CA);
    ck_assert_int_eq(entry->keys[0].first_s, NOW_S);
    ck_assert_int_eq(entry->keys[0].last_s, NOW_S + 20);
    ck_assert_int_eq(entry->keys[1].spki_sha256[0], 2);
    entry = xf_history_find(history, XF_SPAN("b.example"), false);
    ck_assert_int_eq(entry->keys[0].spki_sha256[0], 7);
    ck_assert_int_eq(entry->keys[0].ground, XF_HISTORY_GROUND_NONE);
    ck_assert_uint_eq(xf_history_find(history,
                                      XF_SPAN("stra\xc3\x9f"
                                              "e.example"),
                                      true)
                          ->key_count,
                      0);
    xf_history_forget(history, XF_SPAN("b.example"));
    xf_history_free(&history);

    history = must_open(10);
    ck_assert_ptr_null(xf_history_find(history, XF_SPAN("b.example"), true));
    ck_assert_uint_eq(xf_history_count(history), 1);
    xf_history_free(&history);
}
END_TEST

START_TEST(forgets_in_the_file_too)
{
    char name[32];
    struct xf_history *history = must_open(5000);
    for (int i = 0; i < 3000; i++) { /* several batches */
        snprintf(name, sizeof(name), "p%d.example", i);
        see(history, name, XF_HISTORY_EXTERNAL, 1, NOW_S + i);
    }
    xf_history_free(&history);
    history = must_open(100); /* the setting was lowered */
    ck_assert_uint_eq(xf_history_count(history), 100);
    ck_assert_ptr_nonnull(xf_history_find(history, XF_SPAN("p2999.example"), true));
    ck_assert_ptr_null(xf_history_find(history, XF_SPAN("p2899.example"), true));
    see(history, "p2899.example", XF_HISTORY_DIALBACK_TLS, 3,
        NOW_S + 4000); /* comes back, as another */
    xf_history_free(&history);
    history = must_open(5000);
    ck_assert_uint_eq(xf_history_count(history), 100);
    ck_assert_int_eq(xf_history_find(history, XF_SPAN("p2899.example"), true)->auth,
                     XF_HISTORY_DIALBACK_TLS);
    ck_assert_uint_eq(xf_history_find(history, XF_SPAN("p2899.example"), true)->key_count, 1);
    xf_history_free(&history);
}
END_TEST

START_TEST(takes_texts_for_texts)
{
    static const char name[] = "'); DROP TABLE peers; --";
    struct xf_history *history = must_open(10);
    see(history, "b.example", XF_HISTORY_EXTERNAL, 1, NOW_S);
    see(history, name, XF_HISTORY_EXTERNAL, 1, NOW_S + 1);
    xf_history_free(&history);
    history = must_open(10);
    ck_assert_ptr_nonnull(xf_history_find(history, XF_SPAN("b.example"), true));
    /* no domain: not written */
    ck_assert_ptr_null(xf_history_find(history, xf_span_of(name), true));
    xf_history_free(&history);
}
END_TEST

/* A file of before U-labels were what we compare by, and every one since. */
START_TEST(has_a_labels)
{
    struct xf_history *history = must_open(10);
    see(history, "b.example", XF_HISTORY_EXTERNAL, 1, NOW_S);
    xf_history_free(&history);
    run_sql("UPDATE peers SET peer = 'xn--bcher-kva.example'; UPDATE keys SET peer = "
            "'xn--bcher-kva.example'");
    history = must_open(10);
    const struct xf_history_entry *entry = xf_history_find(history,
                                                           XF_SPAN("b\xc3\xbc"
                                                                   "cher.example"),
                                                           true);
    ck_assert_ptr_nonnull(entry);
    ck_assert_uint_eq(entry->key_count, 1);
    see(history,
        "b\xc3\xbc"
        "cher.example",
        XF_HISTORY_EXTERNAL, 2, NOW_S + 10);
    see(history, "\xe4\xbe\x8b\xe3\x81\x88.example", XF_HISTORY_EXTERNAL, 3, NOW_S + 20);
    xf_history_free(&history);
    run_sql("CREATE TABLE t (x CHECK (x = 1)); INSERT INTO t SELECT count(*) FROM keys WHERE peer "
            "= 'xn--r8jz45g.example';"
            "INSERT INTO t SELECT count(*) = 2 FROM keys WHERE peer = 'xn--bcher-kva.example'; "
            "DROP TABLE t");
    history = must_open(10);
    ck_assert_uint_eq(xf_history_count(history), 2);
    xf_history_forget(history, XF_SPAN("b\xc3\xbc"
                                       "cher.example"));
    xf_history_free(&history);
    history = must_open(10);
    ck_assert_uint_eq(xf_history_count(history), 1);
    xf_history_free(&history);
}
END_TEST

/* clang-format off */
/* What somebody wrote into our file by hand. */
static const struct {
    const char *label, *sql;
    size_t want; /* peers */
} edits[] = {
    {"nothing", "SELECT 1", 1},
    {"a peer cleared", "DELETE FROM peers", 0},
    {"a key cleared", "DELETE FROM keys", 1},
    {"no such auth", "UPDATE peers SET auth = 'blindly'", 0},
    {"no such direction", "UPDATE peers SET direction = 'both'", 0},
    {"an auth that is a number", "UPDATE peers SET auth = 3", 0},
    {"a name that is a blob with a NUL", "UPDATE peers SET peer = x'620063'", 0},
    {"an empty name", "UPDATE peers SET peer = ''", 0},
    {"a name without end", "UPDATE peers SET peer = printf('%0300d', 0)", 0},
    {"a key that is too short", "UPDATE keys SET spki_sha256 = 'ab'", 1},
    {"a key in other letters", "UPDATE keys SET spki_sha256 = printf('%064d', 0) || 'Z'", 1},
    {"times that are no times", "UPDATE peers SET first_s = 'soon', last_s = 9223372036854775807", 1},
    {"more keys than there is room for",
     "WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 99) "
     "INSERT INTO keys SELECT 'b.example', 'in', printf('%064d', i), 'ca', 1, i FROM n", 1},
};
/* clang-format on */

START_TEST(believes_only_what_makes_sense)
{
    struct xf_history *history = must_open(10);
    see(history, "b.example", XF_HISTORY_EXTERNAL, 1, NOW_S);
    xf_history_free(&history);
    run_sql(edits[_i].sql);
    history = must_open(10);
    ck_assert_msg(xf_history_count(history) == edits[_i].want, "%s: %zu peers", edits[_i].label,
                  xf_history_count(history));
    const struct xf_history_entry *entry = xf_history_find(history, XF_SPAN("b.example"), true);
    ck_assert_msg(!entry || entry->key_count <= XF_HISTORY_KEYS, "%s", edits[_i].label);
    see(history, "b.example", XF_HISTORY_EXTERNAL, 2, NOW_S + 9);
    xf_history_free(&history);
    history = must_open(10);
    ck_assert_msg(xf_history_find(history, XF_SPAN("b.example"), true) != NULL,
                  "%s: not written over", edits[_i].label);
    xf_history_free(&history);
}
END_TEST

/* ------------------------------------------------------------------ files that are not ours */

START_TEST(makes_an_empty_file_its_own)
{
    write_file("", 0);
    struct xf_history *history = must_open(10);
    see(history, "b.example", XF_HISTORY_EXTERNAL, 1, NOW_S);
    xf_history_free(&history);
    history = must_open(10);
    ck_assert_uint_eq(xf_history_count(history), 1);
    xf_history_free(&history);
}
END_TEST

/* clang-format off */
static const struct {
    const char *label, *text, *sql, *words; /* `sql` upon a file of ours when there is no text, "new " first: upon a new one */
} foreign[] = {
    {"a text", "[interfaces]\naddress = 192.0.2.1\n", NULL, "is not a history of xfedd"},
    {"one byte", "x", NULL, "is left unchanged"},
    {"another program's database", NULL, "new CREATE TABLE users (name TEXT)", "is a database of another program"},
    {"another program's, which names itself", NULL, "new CREATE TABLE t (a); PRAGMA application_id = 7", "is a database of another program"},
    {"a later format", NULL, "PRAGMA user_version = 2", "has format 2"},
    {"without our tables", NULL, "DROP TABLE keys", "has not the tables"},
    {"with other tables", NULL, "DROP TABLE peers; CREATE TABLE peers (nick TEXT)", "has not the tables"},
};
/* clang-format on */

START_TEST(leaves_what_is_not_its_own)
{
    size_t before_len, after_len;
    if (foreign[_i].text) {
        write_file(foreign[_i].text, strlen(foreign[_i].text));
    } else if (strncmp(foreign[_i].sql, "new ", 4) == 0) {
        run_sql(foreign[_i].sql + 4);
    } else {
        struct xf_history *history = must_open(10);
        see(history, "b.example", XF_HISTORY_EXTERNAL, 1, NOW_S);
        xf_history_free(&history);
        run_sql(foreign[_i].sql);
    }
    char *before = read_file(&before_len);
    must_fail(foreign[_i].label, foreign[_i].words);
    char *after = read_file(&after_len);
    bool has_our_mark = !foreign[_i].text && strncmp(foreign[_i].sql, "new ", 4) !=
                                                 0; /* then the change counter may move */
    ck_assert_msg(before_len == after_len &&
                      (has_our_mark || memcmp(before, after, before_len) == 0),
                  "%s: it was written", foreign[_i].label);
    xf_free(before);
    xf_free(after);
}
END_TEST

START_TEST(refuses_a_damaged_file)
{
    char name[32];
    size_t len;
    struct xf_history *history = must_open(1000);
    for (int i = 0; i < 500; i++) {
        snprintf(name, sizeof(name), "p%d.example", i);
        see(history, name, XF_HISTORY_EXTERNAL, i % 250 + 1, NOW_S + i);
    }
    xf_history_free(&history);
    char *bytes = read_file(&len);
    ck_assert_uint_gt(len, 20000);
    memset(bytes + 8192, 0x5a, len - 12288); /* the first pages stay */
    write_file(bytes, len);
    must_fail("overwritten in the middle", "damaged");
    write_file(bytes, 4096 + 100);
    must_fail("cut off", "malformed");
    xf_free(bytes);
}
END_TEST

START_TEST(refuses_what_is_no_file)
{
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    must_fail("a pipe", "is not a regular file");
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    must_fail("a folder", "cannot be opened for writing");
    ck_assert_int_eq(rmdir(path), 0);
}
END_TEST

/* Root may write everywhere: be somebody else for it. */
static void as_nobody(void (*body)(void))
{
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        if (geteuid() == 0 && setuid(NOBODY) != 0)
            _exit(99);
        body();
        _exit(0);
    }
    int status = 0;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %d", status);
}

static void expect_not_writable(void)
{
    struct xf_history *history = NULL;
    struct xf_error err = {0};
    if (xf_history_open(&(struct xf_history_opts){.file = path, .max_peers = 10}, &history, &err) !=
            XF_ERR_IO ||
        !strstr(err.detail, "cannot be"))
        _exit(1);
}

START_TEST(says_when_it_may_not_write)
{
    ck_assert_int_eq(chmod(folder, 0555), 0);
    as_nobody(expect_not_writable); /* no file yet */
    ck_assert_int_eq(chmod(folder, 0755), 0);
    struct xf_history *history = must_open(10);
    xf_history_free(&history);
    ck_assert_int_eq(chmod(path, 0444), 0);
    as_nobody(expect_not_writable); /* a file to read only */
    ck_assert_int_eq(chmod(path, 0666), 0);
    ck_assert_int_eq(chmod(folder, 0555), 0);
    as_nobody(expect_not_writable); /* a file to write in a folder where there can be no journal */
    ck_assert_int_eq(chmod(folder, 0755), 0);
}
END_TEST

/* ------------------------------------------------------------------ behind the loop */

static struct {
    struct xf_loop *loop;
    struct xf_history *history;
    struct xf_timer timer;
    unsigned failed, recovered;
    uint64_t began_ms;
} world;

static void on_log(void *owner, enum xf_log_level level, const char *event, const char *line)
{
    (void)owner;
    (void)level;
    (void)line;
    world.failed += strcmp(event, "memory.write.failed") == 0;
    world.recovered += strcmp(event, "memory.write.recovered") == 0;
}

static int peers_in_file(void)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    ck_assert_int_eq(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    sqlite3_busy_timeout(db, 10000); /* the thread of the memory may be writing */
    ck_assert_int_eq(sqlite3_prepare_v2(db, "SELECT count(*) FROM peers", -1, &statement, NULL),
                     SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
    int count = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return count;
}

static void watch(void (*look)(void *owner))
{
    xf_log_set_sink(on_log, NULL);
    world.failed = world.recovered = 0;
    world.loop = xf_loop_new();
    ck_assert_int_eq(
        xf_history_open(&(struct xf_history_opts){.file = path,
                                                  .max_peers = 10,
                                                  .pool = xf_loop_pool(world.loop),
                                                  .timers = xf_loop_timers(world.loop)},
                        &world.history, NULL),
        XF_ERR_OK);
    world.began_ms = xf_loop_clock(world.loop)->now_ms;
    see(world.history, "b.example", XF_HISTORY_EXTERNAL, 1, NOW_S);
    xf_timer_init(&world.timer, look, NULL);
    xf_timer_start(xf_loop_timers(world.loop), &world.timer, 100);
}

static void unwatch(void)
{
    xf_history_free(&world.history);
    xf_loop_free(&world.loop);
    xf_log_set_sink(NULL, NULL);
}

static void look_again(void)
{
    ck_assert_msg(xf_loop_clock(world.loop)->now_ms - world.began_ms < PATIENCE_MS,
                  "it took too long");
    xf_timer_start(xf_loop_timers(world.loop), &world.timer, 100);
}

static void until_written(void *owner)
{
    (void)owner;
    if (peers_in_file() == 1 && !xf_history_is_writing(world.history))
        xf_loop_stop(world.loop);
    else
        look_again();
}

START_TEST(writes_behind_by_itself)
{
    watch(until_written);
    ck_assert_int_eq(peers_in_file(), 0);
    xf_loop_run(world.loop);
    /* a batch, not each note */
    ck_assert_uint_ge(xf_loop_clock(world.loop)->now_ms - world.began_ms, 1900);
    ck_assert_uint_eq(world.failed, 0);
    xf_history_forget(world.history,
                      XF_SPAN("b.example")); /* what this process wrote, it takes back */
    unwatch();
    ck_assert_int_eq(peers_in_file(), 0);
}
END_TEST

static void until_failed(void *owner)
{
    (void)owner;
    if (world.failed && !xf_history_is_writing(world.history))
        xf_loop_stop(world.loop);
    else
        look_again();
}

START_TEST(goes_on_when_the_file_cannot_be_written)
{
    sqlite3 *db = NULL;
    watch(until_failed);
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL),
                     SQLITE_OK); /* somebody holds it */
    xf_loop_run(world.loop);
    ck_assert_uint_eq(world.failed, 1);
    see(world.history, "c.example", XF_HISTORY_EXTERNAL, 1, NOW_S);
    ck_assert_uint_eq(xf_history_count(world.history), 2); /* it remembers all the same */
    ck_assert_int_eq(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    unwatch(); /* nothing is lost */
    ck_assert_uint_eq(world.failed, 1);
    ck_assert_uint_eq(world.recovered, 1);
    ck_assert_int_eq(peers_in_file(), 2);
}
END_TEST

START_TEST(notices_that_its_file_is_gone)
{
    struct xf_history *history = must_open(10);
    xf_log_set_sink(on_log, NULL);
    world.failed = 0;
    ck_assert_int_eq(unlink(path), 0);
    see(history, "b.example", XF_HISTORY_EXTERNAL, 1, NOW_S);
    xf_history_free(&history);
    ck_assert_uint_eq(world.failed, 1);
    xf_log_set_sink(NULL, NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("history/file");
    TCase *tcase = tcase_create("file");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, make_folder, remove_folder);
    tcase_add_test(tcase, outlives_a_restart);
    tcase_add_test(tcase, forgets_in_the_file_too);
    tcase_add_test(tcase, takes_texts_for_texts);
    tcase_add_test(tcase, has_a_labels);
    tcase_add_loop_test(tcase, believes_only_what_makes_sense, 0, XF_ARRAY_LEN(edits));
    tcase_add_test(tcase, makes_an_empty_file_its_own);
    tcase_add_loop_test(tcase, leaves_what_is_not_its_own, 0, XF_ARRAY_LEN(foreign));
    tcase_add_test(tcase, refuses_a_damaged_file);
    tcase_add_test(tcase, refuses_what_is_no_file);
    tcase_add_test(tcase, says_when_it_may_not_write);
    tcase_add_test(tcase, writes_behind_by_itself);
    tcase_add_test(tcase, goes_on_when_the_file_cannot_be_written);
    tcase_add_test(tcase, notices_that_its_file_is_gone);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
