/* SPDX-License-Identifier: MIT */
/*
 * test_dialogs.c — the store of dialogs over crashes: a case is a line of steps on a real file,
 * with clocks and a thread pool that do what the case says. Steps:
 *
 *     a=1      put the record 1 under the key a; a=1@5: until 5 s from the start
 *     a-       remove it
 *     ~        half a second passes, and the pool gets a job if there is one to do
 *     !        the pool does it
 *     .        both, until nothing is to be written
 *     x, o     the file cannot be written any more; it can
 *     w5       it is 5 s later by the wall clock
 */
#include "dialogs_priv.h"

#include <check.h>
#include <fcntl.h>
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

#define NOW_S    1700000000
#define LASTS_S  1000
#define WRITE_MS 500
#define KEYS     26

#define SCRATCH_FILE "sip.db"
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
    size_t jobs;
    struct xf_dialogs *store;
    size_t records, waiting_bytes;
    size_t failed, recovered, dropped, renewed, damaged;
    char line[512]; /* the last one about dropped records */
};

static void on_log(void *owner, enum xf_log_level level, const char *event, const char *line)
{
    struct world *world = owner;
    (void)level;
    world->failed +=
        strcmp(event, "dialogs.write.failed") == 0 && strstr(line, "help=file-unwritable") != NULL;
    world->recovered += strcmp(event, "dialogs.write.recovered") == 0;
    world->dropped += strcmp(event, "dialogs.record.dropped") == 0;
    world->renewed +=
        strcmp(event, "dialogs.file.renewed") == 0 && strstr(line, "help=file-refused") != NULL;
    world->damaged += strcmp(event, "dialogs.file.read") == 0 && level == XF_LOG_ERROR;
    if (strcmp(event, "dialogs.record.dropped") == 0)
        snprintf(world->line, sizeof(world->line), "%s", line);
}

static void run_job(struct xf_pool *pool, void (*work)(void *owner), void (*done)(void *owner),
                    void *owner)
{
    struct world *world = XF_CONTAINER(pool, struct world, pool);
    ck_assert(!world->work);
    world->work = work;
    world->done = done;
    world->job = owner;
    world->jobs++;
}

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

static void write_all(struct world *world)
{
    for (int i = 0; i < 12; i++) { /* a retry comes after 5 s */
        pass(world, WRITE_MS);
        finish_job(world);
    }
}

static void world_begin(struct world *world)
{
    *world = (struct world){.clock.now_ms = 1000, .records = 1000, .waiting_bytes = 1u << 20};
    world->timers = xf_timers_new(&world->clock);
    world->pool.run = run_job;
    now_s = NOW_S;
    xf_log_set_sink(on_log, world);
}

static enum xf_err open_store(struct world *world, struct xf_error *err)
{
    return xf_dialogs_open(&(struct xf_dialogs_opts){.file = path,
                                                     .records = world->records,
                                                     .waiting_bytes = world->waiting_bytes,
                                                     .pool = &world->pool,
                                                     .timers = world->timers,
                                                     .clock = &world->clock,
                                                     .unix_s = unix_s},
                           &world->store, err);
}

static void must_open(struct world *world)
{
    struct xf_error err = {0};
    ck_assert_msg(open_store(world, &err) == XF_ERR_OK, "%s", err.detail);
}

static void world_end(struct world *world)
{
    finish_job(world);
    xf_dialogs_free(&world->store);
    xf_timers_free(&world->timers);
    xf_log_set_sink(NULL, NULL);
}

static struct xf_span key_of(const char *letter)
{
    return (struct xf_span){letter, 1};
}

/* ------------------------------------------------------------------ steps */

static void limit_files(rlim_t bytes)
{
    const struct rlimit limit = {bytes, RLIM_INFINITY};
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* As on a full disk: what SQLite appends to its log finds no room. */
static void fill_disk(void)
{
    char wal[sizeof(path) + 8];
    struct stat status;
    signal(SIGXFSZ, SIG_IGN);
    snprintf(wal, sizeof(wal), "%s-wal", path);
    ck_assert_int_eq(stat(wal, &status), 0);
    limit_files((rlim_t)status.st_size);
}

static void put(struct world *world, const char *step, size_t len)
{
    const char *at = memchr(step, '@', len);
    int64_t lasts_s = at ? strtol(at + 1, NULL, 10) : LASTS_S;
    size_t record_len = (at ? (size_t)(at - step) : len) - 2;
    (void)xf_dialogs_put(world->store, key_of(step), (struct xf_span){step + 2, record_len},
                         NOW_S + lasts_s);
}

static void take_step(struct world *world, const char *step, size_t len)
{
    if (len > 1 && step[1] == '=')
        put(world, step, len);
    else if (len > 1 && step[1] == '-')
        xf_dialogs_remove(world->store, key_of(step));
    else if (*step == '~')
        pass(world, WRITE_MS);
    else if (*step == '!')
        finish_job(world);
    else if (*step == '.')
        write_all(world);
    else if (*step == 'x')
        fill_disk();
    else if (*step == 'o')
        limit_files(RLIM_INFINITY);
    else if (*step == 'w')
        now_s += strtol(step + 1, NULL, 10);
    else
        ck_abort_msg("step: %s", step);
}

static void take_steps(struct world *world, const char *steps)
{
    for (const char *at = steps; *at; at += strspn(at, " ")) {
        size_t len = strcspn(at, " ");
        take_step(world, at, len);
        at += len;
    }
}

/* ------------------------------------------------------------------ what the next process has */

struct found {
    char records[KEYS][32];
};

static void on_record(void *owner, struct xf_span key, struct xf_span record, int64_t expires_s,
                      uint32_t starts)
{
    struct found *found = owner;
    (void)starts;
    ck_assert_int_gt(expires_s, now_s);
    ck_assert_uint_eq(key.len, 1);
    snprintf(found->records[*key.ptr - 'a'], sizeof(found->records[0]), "%c=%.*s ", *key.ptr,
             XF_SPAN_ARGS(record));
}

static void expect(struct world *world, const char *label, const char *want)
{
    struct found found = {0};
    char got[KEYS * 32] = "";
    xf_dialogs_each(world->store, on_record, &found);
    for (size_t i = 0; i < KEYS; i++)
        strcat(got, found.records[i]); /* banned-ok: has the room of all */
    ck_assert_msg(strcmp(got, want) == 0, "%s: has %s, not %s", label, got, want);
}

/* In a process of its own, which ends without a word. */
static void crash(void (*run)(int i), int i)
{
    int status = 0;
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        run(i);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(status == 0, "it ended with %d", status);
}

/* clang-format off */
static const struct {
    const char *label, *steps, *after_crash, *after_stop; /* what is found 10 s after the start; with a space after each */
    size_t records, waiting_bytes; /* 0: plenty */
} cases[] = {
    {"what is written is kept", "a=1 b=2 .", "a=1 b=2 ", "a=1 b=2 ", 0, 0},
    {"what is not written yet goes with a crash", "a=1 . b=2", "a=1 ", "a=1 b=2 ", 0, 0},
    {"... also when the pool has it", "a=1 ~", "", "a=1 ", 0, 0},
    {"the last one counts", "a=1 a=2 a=3 .", "a=3 ", "a=3 ", 0, 0},
    {"... in the next batch too", "a=1 . a=2 .", "a=2 ", "a=2 ", 0, 0},
    {"... while a batch is written", "a=1 ~ a=2 !", "a=1 ", "a=2 ", 0, 0},
    {"... and then", "a=1 ~ a=2 ! .", "a=2 ", "a=2 ", 0, 0},
    {"removed before it was written", "a=1 a- .", "", "", 0, 0},
    {"removed afterwards", "a=1 b=2 . a- .", "b=2 ", "b=2 ", 0, 0},
    {"removed while it is written", "a=1 ~ a- ! .", "", "", 0, 0},
    {"removed and put again", "a=1 . a- a=2 .", "a=2 ", "a=2 ", 0, 0},
    {"removed, though never put", "a- .", "", "", 0, 0},
    {"an empty record", "a= .", "a= ", "a= ", 0, 0},
    {"what has expired is not given", "a=1@5 b=2@10 c=3@11 .", "c=3 ", "c=3 ", 0, 0},
    {"... unless it was put again", "a=1@5 . a=2@20 .", "a=2 ", "a=2 ", 0, 0},
    {"a record too many is dropped", "a=1 b=2 . c=3 .", "a=1 b=2 ", "a=1 b=2 ", 2, 0},
    {"... but one that is there may change", "a=1 b=2 . b=3 .", "a=1 b=3 ", "a=1 b=3 ", 2, 0},
    {"... and one that goes makes room", "a=1 b=2 . a- c=3 .", "b=2 c=3 ", "b=2 c=3 ", 2, 0},
    {"... and one that has expired", "a=1@5 b=2 . w6 c=3 .", "b=2 c=3 ", "b=2 c=3 ", 2, 0},
    {"a file that cannot be written", "a=1 . x b=2 . a- .", "a=1 ", "a=1 ", 0, 0},
    {"... and can again", "a=1 . x b=2 . a- . o .", "b=2 ", "b=2 ", 0, 0},
    {"... keeps the order", "a=1 . x a=2 . a=3 . a=4 o .", "a=4 ", "a=4 ", 0, 0},
    {"... and the count", "a=1 . x b=2 . a- o . c=3 .", "b=2 c=3 ", "b=2 c=3 ", 2, 0},
    {"what finds no room makes the rest go", "a=1 . x b=2 ~ ! c=3 d=4 e=5 o .", "c=3 d=4 ", "c=3 d=4 ", 0, 400},
    {"... also the removal", "a=1 b=2 . x c=3 ~ ! d=4 e=5 a- o .", "d=4 e=5 ", "d=4 e=5 ", 0, 400},
    {"... and it is kept again later", "a=1 . x b=2 ~ ! c=3 d=4 e=5 o . e=6 .", "c=3 d=4 e=6 ", "c=3 d=4 e=6 ", 0, 400},
    {"... and a change of what waits needs none", "a=1 b=2 c=3 c=4 c=5 .", "a=1 b=2 c=5 ", "a=1 b=2 c=5 ", 0, 400},
};
/* clang-format on */

static void begin_case(struct world *world, int i)
{
    world_begin(world);
    if (cases[i].records)
        world->records = cases[i].records;
    if (cases[i].waiting_bytes)
        world->waiting_bytes = cases[i].waiting_bytes;
    must_open(world);
    take_steps(world, cases[i].steps);
}

static void run_case(int i)
{
    struct world world;
    begin_case(&world, i);
}

static void expect_after(const char *label, const char *want)
{
    struct world world;
    world_begin(&world);
    must_open(&world);
    now_s = NOW_S + 10;
    expect(&world, label, want);
    write_all(&world);
    expect(&world, label, want);
    ck_assert_uint_eq(world.failed + world.damaged + world.renewed, 0);
    world_end(&world);
}

START_TEST(survives_a_crash)
{
    crash(run_case, _i);
    expect_after(cases[_i].label, cases[_i].after_crash);
}
END_TEST

static void run_to_the_end(int i)
{
    struct world world;
    begin_case(&world, i);
    xf_dialogs_finish(world.store);
    world_end(&world);
}

START_TEST(survives_a_stop)
{
    crash(run_to_the_end, _i);
    expect_after(cases[_i].label, cases[_i].after_stop);
}
END_TEST

/* ------------------------------------------------------------------ killed in the middle */

/* Each batch writes one number under all keys, and enough of it that SQLite spills its cache. */
static void write_numbers(struct world *world, unsigned number)
{
    char record[XF_DIALOGS_RECORD_MAX];
    memset(record, '.', sizeof(record));
    memcpy(record, &number, sizeof(number));
    for (unsigned i = 0; i < 200; i++)
        ck_assert(xf_dialogs_put(world->store, (struct xf_span){(const char *)&i, sizeof(i)},
                                 (struct xf_span){record, sizeof(record)}, NOW_S + LASTS_S));
    pass(world, WRITE_MS);
    finish_job(world);
    ck_assert_uint_eq(world->failed, 0);
}

struct numbers {
    size_t count;
    unsigned first;
};

static void on_number(void *owner, struct xf_span key, struct xf_span record, int64_t expires_s,
                      uint32_t starts)
{
    struct numbers *numbers = owner;
    unsigned number;
    (void)key;
    (void)expires_s;
    (void)starts;
    ck_assert_uint_eq(record.len, XF_DIALOGS_RECORD_MAX);
    memcpy(&number, record.ptr, sizeof(number));
    if (numbers->count++ == 0)
        numbers->first = number;
    ck_assert_uint_eq(number, numbers->first);
}

/*
 * Check hears of each assertion by a file that this process and its children share: of one that is
 * killed it would read half a message.
 */
static void leave_check(int kept)
{
    int null = open("/dev/null", O_WRONLY);
    ck_assert_int_ge(null, 0);
    for (int fd = 3; fd < 64; fd++)
        if (fd != kept && fcntl(fd, F_GETFD) >= 0)
            (void)dup2(null, fd);
}

/* A byte to *out_written for each batch. */
static pid_t start_writing(unsigned from, int *out_written)
{
    struct world world;
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid != 0) {
        close(ends[1]);
        *out_written = ends[0];
        return pid;
    }
    leave_check(ends[1]);
    world_begin(&world);
    world.waiting_bytes = 8u << 20;
    must_open(&world);
    for (unsigned number = from;; number++) {
        write_numbers(&world, number);
        (void)!write(ends[1], "", 1);
    }
}

START_TEST(has_whole_batches_after_kill_9)
{
    struct numbers before = {0};
    for (unsigned round = 0; round < 12; round++) {
        struct world world;
        struct numbers numbers = {0};
        int written;
        char byte;
        pid_t pid = start_writing(before.first + 1, &written);
        if (round % 4 != 0) /* else it may be killed while it makes the file */
            ck_assert_int_eq(read(written, &byte, 1), 1);
        usleep(30000 + 7919 * round);
        ck_assert_int_eq(kill(pid, SIGKILL), 0);
        ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
        close(written);
        world_begin(&world);
        must_open(&world);
        xf_dialogs_each(world.store, on_number, &numbers);
        ck_assert_msg(numbers.count == 0 || numbers.count == 200, "%zu records", numbers.count);
        ck_assert_uint_ge(numbers.first, before.first);
        before = numbers;
        world_end(&world);
    }
    ck_assert_uint_gt(before.first, 0); /* it came to writing */
}
END_TEST

/* ------------------------------------------------------------------ limits */

START_TEST(writes_a_batch_at_a_time)
{
    struct world world;
    world_begin(&world);
    must_open(&world);
    take_steps(&world, "a=1 b=2 c=3 a=4");
    pass(&world, WRITE_MS - 1);
    ck_assert_uint_eq(world.jobs, 0);
    pass(&world, 1);
    ck_assert_uint_eq(world.jobs, 1);
    ck_assert(xf_dialogs_is_writing(world.store));
    take_steps(&world, "d=5 ~ ~ ~");
    ck_assert_uint_eq(world.jobs, 1);
    take_steps(&world, "! ~ ! ~ ~");
    ck_assert_uint_eq(world.jobs, 2);
    ck_assert(!xf_dialogs_is_writing(world.store));
    world_end(&world);
}
END_TEST

START_TEST(writes_nothing_once_it_is_finished)
{
    struct world world;
    world_begin(&world);
    must_open(&world);
    take_steps(&world, "a=1");
    xf_dialogs_finish(world.store);
    take_steps(&world, "b=2 ~ ~");
    ck_assert_uint_eq(world.jobs, 0);
    world_end(&world);
    expect_after("written by free", "a=1 b=2 ");
}
END_TEST

START_TEST(refuses_what_is_too_long)
{
    struct world world;
    static const char bytes[XF_DIALOGS_RECORD_MAX + 1];
    world_begin(&world);
    must_open(&world);
    take_steps(&world, "a=1 b=2 .");
    ck_assert(xf_dialogs_put(world.store, (struct xf_span){bytes, XF_DIALOGS_KEY_MAX},
                             (struct xf_span){bytes, XF_DIALOGS_RECORD_MAX}, NOW_S + 5));
    ck_assert(!xf_dialogs_put(world.store, (struct xf_span){bytes, XF_DIALOGS_KEY_MAX + 1},
                              XF_SPAN("1"), NOW_S + 5));
    ck_assert(!xf_dialogs_put(world.store, XF_SPAN(""), XF_SPAN("1"), NOW_S + 5));
    ck_assert(!xf_dialogs_put(world.store, XF_SPAN("b"),
                              (struct xf_span){bytes, XF_DIALOGS_RECORD_MAX + 1}, NOW_S + 5));
    xf_dialogs_remove(world.store, XF_SPAN(""));
    ck_assert_uint_eq(world.dropped, 1);
    ck_assert_msg(strstr(world.line, "reason=size") && strstr(world.line, "records=1"), "%s",
                  world.line);
    write_all(&world);
    world_end(&world);
    expect_after("what was there is out of date", "a=1 ");
}
END_TEST

/* Of what is dropped, a line a minute. */
START_TEST(says_now_and_then_what_it_drops)
{
    struct world world;
    world_begin(&world);
    world.records = 1;
    must_open(&world);
    take_steps(&world, "a=1 . b=2 c=3 .");
    ck_assert_uint_eq(world.dropped, 1);
    ck_assert_msg(strstr(world.line, "reason=records") && strstr(world.line, "records=2"), "%s",
                  world.line);
    take_steps(&world, "b=2 . c=3 .");
    ck_assert_uint_eq(world.dropped, 1);
    pass(&world, 60000);
    take_steps(&world, "b=2 .");
    ck_assert_uint_eq(world.dropped, 2);
    ck_assert_msg(strstr(world.line, "records=3"), "%s", world.line);
    xf_dialogs_set_limit(world.store, 2);
    take_steps(&world, "b=2 .");
    expect(&world, "after a reload", "a=1 b=2 ");
    world_end(&world);
}
END_TEST

/* However long the disk is away. */
START_TEST(bounds_what_waits)
{
    struct world world;
    static const char bytes[XF_DIALOGS_RECORD_MAX];
    size_t kept = 0;
    world_begin(&world);
    world.waiting_bytes = 100000;
    must_open(&world);
    take_steps(&world, "a=1 . x");
    for (uint32_t i = 0; i < 200; i++) {
        kept += xf_dialogs_put(world.store, (struct xf_span){(const char *)&i, sizeof(i)},
                               (struct xf_span){bytes, sizeof(bytes)}, NOW_S + LASTS_S);
        pass(&world, WRITE_MS);
        finish_job(&world);
    }
    ck_assert_uint_eq(kept, 100000 / (sizeof(bytes) + sizeof(uint32_t) + 128));
    ck_assert_uint_eq(world.failed, 1);
    ck_assert_msg(strstr(world.line, "reason=waiting"), "%s", world.line);
    limit_files(RLIM_INFINITY);
    write_all(&world);
    ck_assert_uint_eq(world.recovered, 1);
    world_end(&world);
}
END_TEST

START_TEST(keeps_nothing_without_a_file)
{
    struct xf_dialogs *none = NULL;
    ck_assert(!xf_dialogs_put(none, XF_SPAN("a"), XF_SPAN("1"), NOW_S + 5));
    xf_dialogs_remove(none, XF_SPAN("a"));
    xf_dialogs_each(none, on_record, NULL);
    xf_dialogs_set_limit(none, 1);
    xf_dialogs_finish(none);
    ck_assert(!xf_dialogs_is_writing(none));
    xf_dialogs_free(&none);
}
END_TEST

/* Also when nothing else changes. */
START_TEST(deletes_what_has_expired)
{
    struct world world;
    struct xf_dialogs_file file = {0};
    world_begin(&world);
    must_open(&world);
    take_steps(&world, "a=1@5 b=2 .");
    world_end(&world);
    world_begin(&world);
    must_open(&world);
    expect(&world, "before", "a=1 b=2 ");
    take_steps(&world, "~ w5 ~");
    ck_assert_uint_eq(world.jobs, 0);
    expect(&world, "afterwards", "b=2 ");
    take_steps(&world, "~ ! ~");
    ck_assert_uint_eq(world.jobs, 1);
    world_end(&world);
    ck_assert_int_eq(xf_dialogs_file_open(path, &file, NULL), XF_ERR_OK);
    ck_assert_int_eq(file.count, 1);
    xf_dialogs_file_close(&file);
}
END_TEST

static void put_again(void *owner, struct xf_span key, struct xf_span record, int64_t expires_s,
                      uint32_t starts)
{
    struct world *world = owner;
    (void)record;
    (void)starts;
    if (xf_span_is(key, "a"))
        xf_dialogs_remove(world->store, key);
    else
        ck_assert(xf_dialogs_put(world->store, key, XF_SPAN("new"), expires_s));
}

static void on_starts(void *owner, struct xf_span key, struct xf_span record, int64_t expires_s,
                      uint32_t starts)
{
    uint32_t *found = owner;
    (void)record;
    (void)expires_s;
    found[*key.ptr - 'a'] = starts;
}

/* Also of processes that write nothing. */
START_TEST(counts_the_starts_since_a_record_was_written)
{
    static const char *const steps[] = {"a=1 b=2 c=3 .", "", "b=4 .", "a- d=5 ."};
    static const uint32_t want[KEYS] = {[1] = 2, [2] = 4, [3] = 1};
    uint32_t found[KEYS] = {0};
    struct world world;
    for (size_t i = 0; i < XF_ARRAY_LEN(steps); i++) {
        world_begin(&world);
        must_open(&world);
        take_steps(&world, steps[i]);
        world_end(&world);
    }
    world_begin(&world);
    must_open(&world);
    xf_dialogs_each(world.store, on_starts, found);
    for (size_t i = 0; i < KEYS; i++)
        ck_assert_msg(found[i] == want[i], "%c: %u", (int)('a' + i), found[i]);
    world_end(&world);
}
END_TEST

START_TEST(may_be_changed_while_it_is_read)
{
    struct world world;
    world_begin(&world);
    must_open(&world);
    take_steps(&world, "a=1 b=2 .");
    xf_dialogs_each(world.store, put_again, &world);
    write_all(&world);
    expect(&world, "changed", "b=new ");
    world_end(&world);
}
END_TEST

/* ------------------------------------------------------------------ files */

static void run_sql(const char *text)
{
    sqlite3 *db = NULL;
    char *words = NULL;
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(db, text, NULL, NULL, &words) == SQLITE_OK, "%s: %s", text, words);
    sqlite3_close(db);
}

static void overwrite(off_t at, size_t len)
{
    char bytes[4096];
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    memset(bytes, 0x5a, sizeof(bytes));
    for (size_t done = 0; done < len; done += sizeof(bytes))
        ck_assert_int_eq(pwrite(fd, bytes, sizeof(bytes), at + (off_t)done), sizeof(bytes));
    ck_assert_int_eq(close(fd), 0);
}

static void make_file(void)
{
    struct world world;
    world_begin(&world);
    must_open(&world);
    for (unsigned i = 0; i < 20; i++)
        write_numbers(&world, i);
    take_steps(&world, "a=1 .");
    world_end(&world);
}

enum use { TAKEN, SET_ASIDE, REFUSED };

/* clang-format off */
static const struct {
    const char *label, *sql; /* `sql` upon a file of ours; NULL: see below */
    enum use want;
    const char *words;
} files[] = {
    {"as it was", "PRAGMA user_version = 1", TAKEN, ""},
    {"overwritten in the middle", NULL, SET_ASIDE, ""},
    {"without our table", "DROP TABLE dialogs", SET_ASIDE, ""},
    {"with another table", "DROP TABLE dialogs; CREATE TABLE dialogs (key BLOB)", SET_ASIDE, ""},
    {"of a later xfedd", "PRAGMA user_version = 2", REFUSED, "has format 2, and this xfedd reads 1"},
    {"of another program", "PRAGMA application_id = 7", REFUSED, "is a database of another program"},
    {"no database", NULL, REFUSED, "is not a store of dialogs of xfedd, and is left unchanged"},
};
/* clang-format on */

static bool is_aside(void)
{
    char aside[sizeof(path) + 16];
    snprintf(aside, sizeof(aside), "%s.unusable", path);
    return unlink(aside) == 0;
}

START_TEST(sets_damage_aside_and_leaves_what_is_not_ours)
{
    struct world world;
    struct xf_error err = {0};
    make_file();
    if (files[_i].sql)
        run_sql(files[_i].sql);
    else
        overwrite(files[_i].want == SET_ASIDE ? 8192 : 0, 65536);
    world_begin(&world);
    enum xf_err result = open_store(&world, &err);
    ck_assert_msg((result == XF_ERR_OK) == (files[_i].want != REFUSED), "%s: %s", files[_i].label,
                  err.detail);
    ck_assert_uint_eq(world.renewed, files[_i].want == SET_ASIDE);
    ck_assert_msg(is_aside() == (files[_i].want == SET_ASIDE), "%s", files[_i].label);
    ck_assert_msg(strstr(err.detail, files[_i].words), "%s: %s", files[_i].label, err.detail);
    if (files[_i].want == SET_ASIDE) { /* and the new file is as good as any */
        take_steps(&world, "b=2 .");
        expect(&world, files[_i].label, "b=2 ");
    }
    world_end(&world);
}
END_TEST

/* Rows that somebody else wrote. */
START_TEST(skips_rows_that_make_no_sense)
{
    struct world world;
    world_begin(&world);
    must_open(&world);
    take_steps(&world, "a=1 .");
    world_end(&world);
    run_sql("INSERT INTO dialogs VALUES ('text', 99999999999, x'00', 1),"
            " (x'', 99999999999, x'00', 1), (x'62', 99999999999, 'text', 1),"
            " (zeroblob(3073), 99999999999, x'00', 1), (x'63', 99999999999, zeroblob(4097), 1),"
            " (x'64', 'never', x'00', 1), (x'65', 99999999999, x'00', 7)");
    world_begin(&world);
    must_open(&world);
    struct found found = {0};
    xf_dialogs_each(world.store, on_record, &found);
    ck_assert_str_eq(found.records[0], "a=1 ");
    ck_assert_str_eq(found.records[1], "");
    ck_assert_str_eq(found.records[2], "");
    ck_assert_str_eq(found.records[4], "");
    ck_assert_uint_eq(world.damaged, 1);
    world_end(&world);
}
END_TEST

static void expect_in_use(int i)
{
    struct world world;
    struct xf_error err = {0};
    (void)i;
    world_begin(&world);
    if (open_store(&world, &err) == XF_ERR_OK || !strstr(err.detail, "in use by another process") ||
        is_aside())
        _exit(1);
}

/* Both would speak in its dialogs. */
START_TEST(belongs_to_one_process)
{
    struct world world;
    world_begin(&world);
    must_open(&world);
    take_steps(&world, "a=1 .");
    crash(expect_in_use, 0);
    take_steps(&world, "b=2 .");
    expect(&world, "after the other one", "a=1 b=2 ");
    world_end(&world);
}
END_TEST

START_TEST(is_for_its_owner_only)
{
    static const char *const names[] = {"", "-wal"};
    struct world world;
    umask(022);
    world_begin(&world);
    must_open(&world);
    take_steps(&world, "a=1 .");
    for (size_t i = 0; i < XF_ARRAY_LEN(names); i++) {
        char name[sizeof(path) + 8];
        struct stat status;
        snprintf(name, sizeof(name), "%s%s", path, names[i]);
        ck_assert_int_eq(stat(name, &status), 0);
        ck_assert_int_eq(status.st_mode & 0777, 0600);
    }
    world_end(&world);
}
END_TEST

/* A row says who watches whom. */
START_TEST(leaves_nothing_behind)
{
    static char bytes[1u << 20];
    struct world world;
    world_begin(&world);
    must_open(&world);
    ck_assert(xf_dialogs_put(world.store, XF_SPAN("a"), XF_SPAN("ann watches bob"), NOW_S + 50));
    write_all(&world);
    take_steps(&world, "a- .");
    world_end(&world);
    FILE *file = fopen(path, "re");
    ck_assert_ptr_nonnull(file);
    size_t len = fread(bytes, 1, sizeof(bytes), file);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_uint_gt(len, 0);
    ck_assert_ptr_null(memmem(bytes, len, "watches", 7));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("dialogs/dialogs");
    TCase *tcase = tcase_create("dialogs");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, make_folder, remove_folder);
    tcase_add_loop_test(tcase, survives_a_crash, 0, XF_ARRAY_LEN(cases));
    tcase_add_loop_test(tcase, survives_a_stop, 0, XF_ARRAY_LEN(cases));
    tcase_add_test(tcase, has_whole_batches_after_kill_9);
    tcase_add_test(tcase, writes_a_batch_at_a_time);
    tcase_add_test(tcase, writes_nothing_once_it_is_finished);
    tcase_add_test(tcase, refuses_what_is_too_long);
    tcase_add_test(tcase, says_now_and_then_what_it_drops);
    tcase_add_test(tcase, bounds_what_waits);
    tcase_add_test(tcase, keeps_nothing_without_a_file);
    tcase_add_test(tcase, deletes_what_has_expired);
    tcase_add_test(tcase, counts_the_starts_since_a_record_was_written);
    tcase_add_test(tcase, may_be_changed_while_it_is_read);
    tcase_add_loop_test(tcase, sets_damage_aside_and_leaves_what_is_not_ours, 0,
                        XF_ARRAY_LEN(files));
    tcase_add_test(tcase, skips_rows_that_make_no_sense);
    tcase_add_test(tcase, belongs_to_one_process);
    tcase_add_test(tcase, is_for_its_owner_only);
    tcase_add_test(tcase, leaves_nothing_behind);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
