/* SPDX-License-Identifier: MIT */
/*
 * test_journal.c — the journal over crashes: a case is a list of steps on a real file, with a clock
 * and a thread pool that do what the case says. Messages are named by a letter; `after_crash` is
 * what the next process is given, in that order.
 */
#include "journal_priv.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include <xfed/base/alloc.h>
#include <xfed/base/log.h>
#include <xfed/base/pool.h>

#define NOW_S    1700000000
#define WRITE_MS 50
#define LETTERS  26

#define SCRATCH_FILE "journal.db"
#include "scratch_file.h"

/* ------------------------------------------------------------------ the world */

static int64_t now_s;

static int64_t unix_s(void)
{
    return now_s;
}

struct world {
    struct xf_clock clock;
    struct xf_timers *timers;
    struct xf_pool pool;
    void (*work)(void *owner); /* the job that waits; NULL: none */
    void (*done)(void *owner);
    void *job;
    struct xf_journal *journal;
    struct xf_journal_settings settings;
    struct xf_stanza_copy *copies[LETTERS];
    char given[200];        /* by the replay: letters, "!" before one that is late */
    bool keeps_what_it_got; /* puts it into copies, as a queue would */
    unsigned failed, recovered, full, replayed;
};

static void on_log(void *owner, enum xf_log_level level, const char *event, const char *line)
{
    struct world *world = owner;
    (void)level;
    world->failed +=
        strcmp(event, "journal.write.failed") == 0 && strstr(line, "help=file-unwritable") != NULL;
    world->recovered += strcmp(event, "journal.write.recovered") == 0;
    world->full += strcmp(event, "journal.file.full") == 0;
    world->replayed += strcmp(event, "journal.messages.replayed") == 0;
}

static void run_job(struct xf_pool *pool, void (*work)(void *owner), void (*done)(void *owner),
                    void *owner)
{
    struct world *world = XF_CONTAINER(pool, struct world, pool);
    ck_assert(!world->work);
    world->work = work;
    world->done = done;
    world->job = owner;
}

/* The pool works, and the loop learns of it. */
static void finish_job(struct world *world)
{
    void (*work)(void *owner) = world->work;
    if (!work)
        return;
    work(world->job);
    world->work = NULL;
    world->done(world->job);
}

static void pass(struct world *world, uint64_t ms)
{
    world->clock.now_ms += ms;
    xf_timers_run(world->timers);
}

/* Until there is nothing to write. */
static void write_all(struct world *world)
{
    for (int i = 0; i < 20; i++) {
        pass(world, WRITE_MS);
        finish_job(world);
    }
}

static void world_begin(struct world *world)
{
    *world = (struct world){.clock.now_ms = 1000,
                            .settings = {.file = path,
                                         .bytes = 1u << 20,
                                         .messages = 1000,
                                         .age_ms = 60000,
                                         .keep_at_stop = true}};
    world->timers = xf_timers_new(&world->clock);
    world->pool.run = run_job;
    xf_log_set_sink(on_log, world);
}

static enum xf_err open_journal(struct world *world, struct xf_error *err)
{
    return xf_journal_open(&(struct xf_journal_opts){.settings = &world->settings,
                                                     .pool = &world->pool,
                                                     .timers = world->timers,
                                                     .clock = &world->clock,
                                                     .unix_s = unix_s},
                           &world->journal, err);
}

static void must_open(struct world *world)
{
    struct xf_error err = {0};
    ck_assert_msg(open_journal(world, &err) == XF_ERR_OK, "%s", err.detail);
}

static void world_end(struct world *world)
{
    finish_job(world);
    xf_journal_free(&world->journal);
    for (size_t i = 0; i < LETTERS; i++)
        xf_free(world->copies[i]);
    xf_timers_free(&world->timers);
    xf_log_set_sink(NULL, NULL);
}

static void push(struct world *world, size_t letter, const struct xf_stanza *stanza)
{
    world->copies[letter] = xf_stanza_copy_new(stanza, world->clock.now_ms);
    xf_journal_add(world->journal, world->copies[letter], stanza);
}

static void add_with(struct world *world, char letter, const char *body)
{
    char *payload = xf_asprintf("<body>%s</body>", body);
    struct xf_stanza stanza = {
        .kind = XF_STANZA_MESSAGE,
        .from = {.full = XF_SPAN("u@a.example"),
                 .local = XF_SPAN("u"),
                 .domain = XF_SPAN("a.example")},
        .to = {.full = XF_SPAN("v@b.example"),
               .local = XF_SPAN("v"),
               .domain = XF_SPAN("b.example")},
        .id = {&letter, 1},
        .payload = xf_span_of(payload),
    };
    push(world, (size_t)(letter - 'a'), &stanza);
    xf_free(payload);
}

static void add(struct world *world, const char *letters)
{
    for (; *letters; letters++)
        add_with(world, *letters, "hi");
}

static void take(struct world *world, const char *letters)
{
    for (; *letters; letters++) {
        struct xf_stanza_copy **copy = &world->copies[*letters - 'a'];
        xf_journal_remove(world->journal, *copy);
        xf_free(*copy);
        *copy = NULL;
    }
}

static void on_message(void *owner, struct xf_stanza *stanza, int64_t queued_s, bool is_late)
{
    static struct xf_stanza_scratch scratch;
    struct world *world = owner;
    bool is_from;
    ck_assert_int_le(queued_s, now_s);
    snprintf(world->given + strlen(world->given), sizeof(world->given) - strlen(world->given),
             "%s%.*s", is_late ? "!" : "", (int)stanza->id.len, stanza->id.ptr);
    if (world->keeps_what_it_got && xf_stanza_address(stanza, &scratch, &is_from) == XF_ERR_OK)
        push(world, (size_t)(stanza->id.ptr[0] - 'a'), stanza);
}

static void replay(struct world *world)
{
    world->given[0] = '\0';
    xf_journal_replay(world->journal, on_message, world);
}

/* ------------------------------------------------------------------ cases */

enum op { END, ADD, TAKE, TICK, WORK, WRITE, KEEPS };

struct step {
    enum op op;
    const char *text;
};

/* A step names what it needs, the rest is zero. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

/* clang-format off */
static const struct {
    const char *label;
    struct step steps[16];
    const char *after_crash; /* what the next process is given */
    unsigned messages;       /* of the settings; 0: plenty */
    size_t bytes;
} cases[] = {
    {"nothing", {{END}}, ""},
    {"what waits survives, in order", {{ADD, "cab"}, {WRITE}}, "cab"},
    {"of the last 50 ms nothing", {{ADD, "ab"}, {WRITE}, {ADD, "c"}}, "ab"},
    {"what was delivered is gone", {{ADD, "abc"}, {WRITE}, {TAKE, "b"}, {WRITE}}, "ac"},
    {"... but comes twice when it was delivered in the last 50 ms", {{ADD, "abc"}, {WRITE}, {TAKE, "b"}}, "abc"},
    {"delivered at once: never written", {{ADD, "a"}, {TAKE, "a"}, {WRITE}}, ""},
    {"delivered while it is written", {{ADD, "ab"}, {TICK}, {TAKE, "a"}, {WORK}, {WRITE}}, "b"},
    {"added while others are written", {{ADD, "ab"}, {TICK}, {ADD, "c"}, {WORK}, {WRITE}}, "abc"},
    {"kept by a stop only when it is in the file", {{ADD, "ab"}, {KEEPS, ""}, {TICK}, {KEEPS, ""}, {WORK}, {KEEPS, "ab"}, {ADD, "c"}, {KEEPS, "ab"}}, "ab"},
    {"full by count", {{ADD, "abc"}, {WRITE}}, "ab", .messages = 2},
    {"... until one is gone", {{ADD, "ab"}, {WRITE}, {TAKE, "a"}, {ADD, "c"}, {WRITE}}, "bc", .messages = 2},
    {"full by bytes", {{ADD, "abc"}, {WRITE}}, "a", .bytes = 250},
};
/* clang-format on */

static void expect_kept(const struct world *world, const char *label, const char *letters)
{
    for (size_t i = 0; i < LETTERS; i++)
        if (world->copies[i])
            ck_assert_msg(xf_journal_keeps(world->journal, world->copies[i]) ==
                              (strchr(letters, (int)('a' + i)) != NULL),
                          "%s: %c", label, (int)('a' + i));
}

static void play(struct world *world, const char *label, const struct step *step)
{
    switch (step->op) {
    case ADD:
        add(world, step->text);
        return;
    case TAKE:
        take(world, step->text);
        return;
    case TICK:
        pass(world, WRITE_MS);
        return;
    case WORK:
        finish_job(world);
        return;
    case WRITE:
        write_all(world);
        return;
    case KEEPS:
        expect_kept(world, label, step->text);
        return;
    default:
        return;
    }
}

/* A process that dies with all that it has not written. */
static void crash(void (*body)(int i), int i)
{
    int status = 0;
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        body(i);
        kill(getpid(), SIGKILL);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "status %d", status);
}

static void play_case(int i)
{
    struct world world;
    world_begin(&world);
    if (cases[i].messages)
        world.settings.messages = cases[i].messages;
    if (cases[i].bytes)
        world.settings.bytes = cases[i].bytes;
    must_open(&world);
    for (size_t s = 0; s < XF_ARRAY_LEN(cases[i].steps) && cases[i].steps[s].op != END; s++)
        play(&world, cases[i].label, &cases[i].steps[s]);
}

START_TEST(survives_a_crash)
{
    struct world world;
    now_s = NOW_S;
    crash(play_case, _i);
    world_begin(&world);
    must_open(&world);
    replay(&world);
    ck_assert_msg(strcmp(world.given, cases[_i].after_crash) == 0, "%s: %s", cases[_i].label,
                  world.given);
    world_end(&world); /* nobody kept them: they are delivered */
    world_begin(&world);
    must_open(&world);
    replay(&world);
    ck_assert_msg(strcmp(world.given, "") == 0, "%s, again: %s", cases[_i].label, world.given);
    world_end(&world);
}
END_TEST

/* What a replay puts into a queue is the same message, and not written again. */
START_TEST(waits_on_after_a_replay)
{
    struct world world;
    now_s = NOW_S;
    world_begin(&world);
    must_open(&world);
    add(&world, "abc");
    world_end(&world);
    for (int round = 0; round < 3; round++) {
        now_s += 10;
        world_begin(&world);
        must_open(&world);
        world.keeps_what_it_got = true;
        replay(&world);
        ck_assert_str_eq(world.given, "abc");
        ck_assert_uint_eq(world.replayed, 1);
        write_all(&world);
        ck_assert(!world.work);
        expect_kept(&world, "round", "abc");
        world_end(&world);
    }
    now_s += 31; /* and its time is that of the first process */
    world_begin(&world);
    must_open(&world);
    world.keeps_what_it_got = true;
    replay(&world);
    ck_assert_str_eq(world.given, "!a!b!c");
    take(&world, "ac");
    world_end(&world);
    world_begin(&world);
    must_open(&world);
    replay(&world);
    ck_assert_str_eq(world.given, "!b");
    world_end(&world);
}
END_TEST

/* A message may pass from one queue to another: it leaves the journal with its last copy. */
START_TEST(counts_the_copies)
{
    struct world world;
    struct xf_stanza stanza;
    now_s = NOW_S;
    world_begin(&world);
    must_open(&world);
    add(&world, "a");
    write_all(&world);
    xf_stanza_copy_read(world.copies[0], &stanza);
    push(&world, 1, &stanza);
    take(&world, "a");
    write_all(&world);
    expect_kept(&world, "the second copy", "b");
    take(&world, "b");
    xf_journal_remove(world.journal, &(struct xf_stanza_copy){0}); /* was never added */
    world_end(&world);
    world_begin(&world);
    must_open(&world);
    replay(&world);
    ck_assert_str_eq(world.given, "");
    world_end(&world);
}
END_TEST

/* The loop may still run timers in its last turn: the thread pool must not begin to write then. */
START_TEST(begins_no_write_at_the_end)
{
    struct world world;
    now_s = NOW_S;
    world_begin(&world);
    must_open(&world);
    add(&world, "a");
    xf_journal_finish(world.journal);
    add(&world, "b");
    pass(&world, 10 * WRITE_MS);
    ck_assert(!xf_journal_is_writing(world.journal));
    world_end(&world);
    world_begin(&world);
    must_open(&world);
    replay(&world);
    ck_assert_str_eq(world.given, "ab");
    world_end(&world);
    xf_journal_finish(NULL);
}
END_TEST

START_TEST(returns_at_stop_if_asked)
{
    struct world world;
    now_s = NOW_S;
    world_begin(&world);
    world.settings.keep_at_stop = false;
    must_open(&world);
    add(&world, "a");
    write_all(&world);
    expect_kept(&world, "return", "");
    world_end(&world);
}
END_TEST

START_TEST(keeps_what_comes_at_the_end)
{
    struct world world;
    now_s = NOW_S;
    for (int keeps = 0; keeps < 2; keeps++) {
        world_begin(&world);
        world.settings.keep_at_stop = keeps;
        must_open(&world);
        add(&world, "ab");
        for (size_t i = 0; i < 2; i++) {
            struct xf_stanza stanza;
            xf_stanza_copy_read(world.copies[i], &stanza);
            stanza.journal_entry = NULL;
            ck_assert_int_eq(xf_journal_keep(world.journal, &stanza), keeps);
        }
        take(&world, "ab");
        world_end(&world);
    }
    world_begin(&world);
    must_open(&world);
    replay(&world);
    ck_assert_str_eq(world.given, "ab");
    world_end(&world);
}
END_TEST

START_TEST(takes_nothing_without_a_journal)
{
    struct world world;
    struct xf_stanza stanza;
    struct xf_stanza_copy *copy;
    world_begin(&world);
    add(&world, "a");
    copy = world.copies[0];
    ck_assert_ptr_null(copy->journal_entry);
    ck_assert(!xf_journal_keeps(NULL, copy) && !xf_journal_is_writing(NULL));
    xf_journal_remove(NULL, copy);
    xf_stanza_copy_read(copy, &stanza);
    ck_assert(!xf_journal_keep(NULL, &stanza));
    world_end(&world);
}
END_TEST

/* ------------------------------------------------------------------ trouble */

static void limit_file_size(rlim_t bytes)
{
    const struct rlimit limit = {bytes, RLIM_INFINITY};
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* As on a full disk. */
START_TEST(goes_on_when_the_file_cannot_be_written)
{
    struct world world;
    char body[9000];
    memset(body, 'x', sizeof(body) - 1);
    body[sizeof(body) - 1] = '\0';
    now_s = NOW_S;
    signal(SIGXFSZ, SIG_IGN);
    world_begin(&world);
    must_open(&world);
    add(&world, "a");
    write_all(&world);
    limit_file_size(16384);
    for (char letter = 'b'; letter < 'g'; letter++)
        add_with(&world, letter, body);
    write_all(&world);
    ck_assert_uint_eq(world.failed, 1);
    add(&world, "z"); /* is only in memory */
    ck_assert_ptr_null(world.copies[25]->journal_entry);
    take(&world, "ac");
    write_all(&world);
    expect_kept(&world, "failed", "");
    limit_file_size(RLIM_INFINITY);
    pass(&world, 5000);
    finish_job(&world);
    write_all(&world);
    ck_assert_uint_eq(world.failed, 1);
    ck_assert_uint_eq(world.recovered, 1);
    expect_kept(&world, "recovered", "bdef");
    world_end(&world);
    world_begin(&world);
    must_open(&world);
    replay(&world);
    ck_assert_str_eq(world.given, "bdef");
    world_end(&world);
}
END_TEST

START_TEST(says_once_that_it_is_full)
{
    struct world world;
    now_s = NOW_S;
    world_begin(&world);
    world.settings.messages = 1;
    must_open(&world);
    add(&world, "abcdef");
    ck_assert_uint_eq(world.full, 1);
    pass(&world, 60000);
    add(&world, "g");
    ck_assert_uint_eq(world.full, 2);
    world_end(&world);
}
END_TEST

static void run_sql(const char *text)
{
    sqlite3 *db = NULL;
    char *words = NULL;
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(db, text, NULL, NULL, &words) == SQLITE_OK, "%s: %s", text, words);
    sqlite3_close(db);
}

/* clang-format off */
/* What somebody wrote into our file by hand. */
static const struct {
    const char *label, *sql, *given;
} edits[] = {
    {"nothing", "SELECT 1", "ab"},
    {"no XML", "UPDATE messages SET xml = 'x' WHERE id = 1", "b"},
    {"an empty text", "UPDATE messages SET xml = ''", ""},
    {"a number for a text", "UPDATE messages SET xml = 7 WHERE id = 2", "a"},
    {"bytes that are no text", "UPDATE messages SET xml = x'00ff' WHERE id = 1", "b"},
    {"a time that is none", "UPDATE messages SET queued_s = 'soon'", "!a!b"},
    {"a time to come", "UPDATE messages SET queued_s = 1700000000 WHERE id = 1", "ab"},
    {"another order", "UPDATE messages SET id = 9 WHERE id = 1", "ba"},
};
/* clang-format on */

START_TEST(believes_only_what_makes_sense)
{
    struct world world;
    now_s = NOW_S;
    world_begin(&world);
    must_open(&world);
    add(&world, "ab");
    world_end(&world);
    run_sql(edits[_i].sql);
    world_begin(&world);
    must_open(&world);
    replay(&world);
    ck_assert_msg(strcmp(world.given, edits[_i].given) == 0, "%s: %s", edits[_i].label,
                  world.given);
    add(&world, "z");
    world_end(&world);
    world_begin(&world);
    must_open(&world);
    replay(&world);
    ck_assert_msg(strcmp(world.given, "z") == 0, "%s: %s", edits[_i].label, world.given);
    world_end(&world);
}
END_TEST

static void expect_in_use(int i)
{
    struct world world;
    struct xf_error err = {0};
    (void)i;
    world_begin(&world);
    if (open_journal(&world, &err) == XF_ERR_OK ||
        !strstr(err.detail, "in use by another process")) {
        fprintf(stderr, "%s\n", err.detail);
        _exit(1);
    }
}

/* Both would deliver what is in it. */
START_TEST(belongs_to_one_process)
{
    struct world world;
    now_s = NOW_S;
    world_begin(&world);
    must_open(&world);
    add(&world, "a");
    write_all(&world);
    crash(expect_in_use, 0);
    world_end(&world);
}
END_TEST

START_TEST(is_for_its_owner_only)
{
    struct world world;
    struct stat status;
    char wal[sizeof(path) + 8];
    umask(022);
    now_s = NOW_S;
    world_begin(&world);
    must_open(&world);
    add(&world, "a");
    write_all(&world);
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_int_eq(status.st_mode & 0777, 0600);
    snprintf(wal, sizeof(wal), "%s-wal", path);
    ck_assert_int_eq(stat(wal, &status), 0);
    ck_assert_int_eq(status.st_mode & 0777, 0600);
    world_end(&world);
}
END_TEST

/* No text of a message stays in the file once it was delivered. */
START_TEST(leaves_no_text_behind)
{
    struct world world;
    static char bytes[1u << 20];
    now_s = NOW_S;
    world_begin(&world);
    must_open(&world);
    add_with(&world, 'a', "a secret between two");
    write_all(&world);
    take(&world, "a");
    world_end(&world);
    FILE *file = fopen(path, "re");
    ck_assert_ptr_nonnull(file);
    size_t len = fread(bytes, 1, sizeof(bytes), file);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_uint_gt(len, 0);
    ck_assert_ptr_null(memmem(bytes, len, "a secret", 8));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("journal/journal");
    TCase *tcase = tcase_create("journal");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, make_folder, remove_folder);
    tcase_add_loop_test(tcase, survives_a_crash, 0, XF_ARRAY_LEN(cases));
    tcase_add_test(tcase, waits_on_after_a_replay);
    tcase_add_test(tcase, counts_the_copies);
    tcase_add_test(tcase, begins_no_write_at_the_end);
    tcase_add_test(tcase, returns_at_stop_if_asked);
    tcase_add_test(tcase, keeps_what_comes_at_the_end);
    tcase_add_test(tcase, takes_nothing_without_a_journal);
    tcase_add_test(tcase, goes_on_when_the_file_cannot_be_written);
    tcase_add_test(tcase, says_once_that_it_is_full);
    tcase_add_loop_test(tcase, believes_only_what_makes_sense, 0, XF_ARRAY_LEN(edits));
    tcase_add_test(tcase, belongs_to_one_process);
    tcase_add_test(tcase, is_for_its_owner_only);
    tcase_add_test(tcase, leaves_no_text_behind);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
