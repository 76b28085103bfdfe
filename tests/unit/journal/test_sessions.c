/* SPDX-License-Identifier: MIT */
/*
 * test_sessions.c — streams that can be resumed, from one process to the next: what one writes, the
 * next is given, once; and whatever somebody does to the file in between costs at most the
 * sessions.
 */
#include "journal_priv.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include <xfed/base/alloc.h>
#include <xfed/base/log.h>
#include <xfed/base/pool.h>

#define NOW_S 1700000000

#define SCRATCH_FILE "journal.db"
#include "scratch_file.h"

/* ------------------------------------------------------------------ the world */

static int64_t now_s;

static int64_t unix_s(void)
{
    return now_s;
}

static struct {
    struct xf_clock clock;
    struct xf_timers *timers;
    struct xf_journal *journal;
    char given[2000];
    char taken[300]; /* the line in the log about it, from " sessions=" on */
    unsigned failed;
} world;

static void on_log(void *owner, enum xf_log_level level, const char *event, const char *line)
{
    const char *counts = strstr(line, " sessions=");
    (void)owner;
    (void)level;
    world.failed += strcmp(event, "journal.sessions.failed") == 0;
    if (strcmp(event, "journal.sessions.taken") == 0 && counts)
        snprintf(world.taken, sizeof(world.taken), "%s", counts);
}

/* Without a pool, everything is written when the journal is freed. */
static void begin(size_t bytes, unsigned messages)
{
    static struct xf_journal_settings settings;
    struct xf_error err = {0};
    settings = (struct xf_journal_settings){.file = path,
                                            .bytes = bytes,
                                            .messages = messages,
                                            .age_ms = 60000,
                                            .keep_at_stop = true,
                                            .sessions = true};
    world.clock.now_ms = 1000;
    world.timers = xf_timers_new(&world.clock);
    world.given[0] = world.taken[0] = '\0';
    world.failed = 0;
    xf_log_set_sink(on_log, NULL);
    ck_assert_msg(xf_journal_open(&(struct xf_journal_opts){.settings = &settings,
                                                            .timers = world.timers,
                                                            .clock = &world.clock,
                                                            .unix_s = unix_s},
                                  &world.journal, &err) == XF_ERR_OK,
                  "%s", err.detail);
}

static void end(void)
{
    xf_journal_free(&world.journal);
    xf_timers_free(&world.timers);
    xf_log_set_sink(NULL, NULL);
}

static void run_sql(const char *sql)
{
    sqlite3 *db = NULL;
    char *words = NULL;
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, &words) == SQLITE_OK, "%s: %s", sql, words);
    sqlite3_close(db);
}

/* ------------------------------------------------------------------ what is written */

static struct xf_stanza_copy *make_copy(const char *id, uint64_t number, bool is_unproved)
{
    struct xf_stanza stanza = {
        .kind = id[0] == 'q' ? XF_STANZA_IQ : XF_STANZA_MESSAGE,
        .from = {.full = XF_SPAN("u@a.example/r"),
                 .local = XF_SPAN("u"),
                 .domain = XF_SPAN("a.example"),
                 .resource = XF_SPAN("r")},
        .to = {.full = XF_SPAN("v@b.example"),
               .local = XF_SPAN("v"),
               .domain = XF_SPAN("b.example")},
        .id = xf_span_of(id),
        .type = xf_span_of(id[0] == 'q' ? "get" : NULL),
        .shown_from = xf_span_of(id[0] == 's' ? "mail@a.example" : NULL),
        .payload = XF_SPAN("<x xmlns=\"urn:x\">&amp;</x>"),
    };
    struct xf_stanza_copy *copy = xf_stanza_copy_new(&stanza, 0);
    copy->number = number;
    copy->is_unproved = is_unproved;
    return copy;
}

static bool add_stanza(struct xf_handover *handover, uint64_t serial, const char *id,
                       uint64_t number, bool is_unproved)
{
    struct xf_stanza_copy *copy = make_copy(id, number, is_unproved);
    bool fits = xf_handover_stanza(handover, serial, NOW_S - 1, copy);
    xf_free(copy);
    return fits;
}

/* One of each: ours, the peer's that goes both ways, and the peer's that does not. */
static void write_sessions(void)
{
    struct xf_handover *handover = xf_handover_begin(world.journal);
    struct xf_session ours = {.is_ours = true,
                              .local = XF_SPAN("a.example"),
                              .peer = XF_SPAN("b.example"),
                              .id = XF_SPAN("S\t<1>"),
                              .left_ms = 60000,
                              .max_ms = 60000,
                              .handled = 0,
                              .serial = 7,
                              .proved = 2,
                              .sent = 5,
                              .counted = UINT32_MAX};
    struct xf_session both = ours, theirs = ours;
    both.is_ours = false;
    both.both_ways = true;
    both.handled = 12;
    both.serial = 9;
    both.proved = both.sent = 3;
    theirs.is_ours = false;
    theirs.peer = XF_SPAN("bücher.example");
    theirs.id = XF_SPAN("T");
    theirs.left_ms = 10000;
    theirs.serial = theirs.proved = theirs.sent = theirs.counted = 0;
    theirs.handled = 4;
    ck_assert_ptr_nonnull(handover);
    xf_handover_session(handover, &ours);
    xf_handover_session(handover, &both);
    xf_handover_session(handover, &theirs);
    ck_assert(add_stanza(handover, 7, "m5", 5, false));
    ck_assert(add_stanza(handover, 7, "s3", 3, true));
    ck_assert(add_stanza(handover, 7, "q4", 4, true));
    ck_assert(xf_handover_end(&handover));
    ck_assert_ptr_null(handover);
}

/* ------------------------------------------------------------------ what is given */

static void note(const char *fmt, ...) XF_PRINTF(1, 2);

static void note(const char *fmt, ...)
{
    size_t len = strlen(world.given);
    va_list args;
    va_start(args, fmt);
    vsnprintf(world.given + len, sizeof(world.given) - len, fmt, args);
    va_end(args);
}

static void on_session(void *owner, const struct xf_session *session)
{
    (void)owner;
    note("%s%s %.*s %.*s %.*s left=%llu h=%u %llu..%llu c=%u;",
         session->is_ours ? "ours" : "theirs", session->both_ways ? " both" : "",
         (int)session->local.len, session->local.ptr, (int)session->peer.len, session->peer.ptr,
         (int)session->id.len, session->id.ptr, (unsigned long long)session->left_ms,
         session->handled, (unsigned long long)session->proved, (unsigned long long)session->sent,
         session->counted);
}

static void on_stanza(void *owner, const struct xf_session *session,
                      const struct xf_session_stanza *info, struct xf_stanza *stanza)
{
    (void)owner;
    ck_assert(session->is_ours);
    ck_assert_int_eq(info->came_s, NOW_S - 1);
    ck_assert(xf_span_is(stanza->payload, "<x xmlns=\"urn:x\">&amp;</x>"));
    ck_assert(xf_span_is(stanza->from.full, "u@a.example/r"));
    note(" %llu%s%s:%.*s%s%.*s;", (unsigned long long)info->number, info->is_unproved ? "?" : "",
         xf_stanza_kind_name(stanza->kind), (int)stanza->id.len, stanza->id.ptr,
         stanza->shown_from.ptr ? "=" : "", (int)stanza->shown_from.len,
         stanza->shown_from.ptr ? stanza->shown_from.ptr : "");
}

static const struct xf_sessions_events events = {.session = on_session, .stanza = on_stanza};

static void load(void)
{
    xf_sessions_load(world.journal, &events, NULL);
}

/* ------------------------------------------------------------------ cases */

#define THEIRS     "theirs a.example bücher.example T", "h=4 0..0 c=0"
#define OURS       "ours a.example b.example S\t<1>", "h=0 2..5 c=4294967295"
#define BOTH       "theirs both a.example b.example S\t<1>", "h=12 3..3 c=4294967295"
#define THEIRS_NOW "theirs a.example bücher.example T left=10000 h=4 0..0 c=0;"
#define OURS_NOW   "ours a.example b.example S\t<1> left=60000 h=0 2..5 c=4294967295;"
#define BOTH_NOW   "theirs both a.example b.example S\t<1> left=60000 h=12 3..3 c=4294967295;"
#define M          " 3?message:s3=mail@a.example; 4?iq:q4; 5message:m5;"

/* clang-format off */
static const struct {
    const char *label;
    int passed_s;
    const char *sql; /* what somebody does to the file; NULL: nothing */
    int left_ms[3];  /* of theirs, ours, both; -1: it is not given */
    const char *stanzas;
    const char *counts;
} cases[] = {
    {"at once",                   0, NULL, {10000, 60000, 60000}, M, " sessions=3 stanzas=3 late=0 damaged=0"},
    {"after 9 s",                 9, NULL, {1000, 51000, 51000}, M, " sessions=3 stanzas=3 late=0 damaged=0"},
    {"the time of one is over",  10, NULL, {0, 50000, 50000}, M, " sessions=3 stanzas=3 late=1 damaged=0"},
    {"the time of all is over",  60, NULL, {0, 0, 0}, M, " sessions=3 stanzas=3 late=3 damaged=0"},
    {"years later", 100000000, NULL, {0, 0, 0}, M, " sessions=3 stanzas=3 late=3 damaged=0"},
    {"the clock went backwards", -1, NULL, {0, 0, 0}, M, " sessions=3 stanzas=3 late=3 damaged=0"},
    {"a time that overflows", 0, "UPDATE sessions SET saved_s = -9223372036854775808", {0, 0, 0}, M, " sessions=3 stanzas=3 late=3 damaged=0"},
    {"a time too long", 0, "UPDATE sessions SET left_ms = 3600001 WHERE serial = 7", {10000, -1, 60000}, "", " sessions=2 stanzas=0 late=0 damaged=4"},
    {"a negative time", 0, "UPDATE sessions SET left_ms = -1 WHERE serial = 9", {10000, 60000, -1}, M, " sessions=2 stanzas=3 late=0 damaged=1"},
    {"a count too large", 0, "UPDATE sessions SET handled = 4294967296 WHERE serial = 0", {-1, 60000, 60000}, M, " sessions=2 stanzas=3 late=0 damaged=1"},
    {"more proved than sent", 0, "UPDATE sessions SET proved = 6 WHERE serial = 7", {10000, -1, 60000}, "", " sessions=2 stanzas=0 late=0 damaged=4"},
    {"a name that is not prepared", 0, "UPDATE sessions SET peer = 'B.example' WHERE serial = 7", {10000, -1, 60000}, "", " sessions=2 stanzas=0 late=0 damaged=4"},
    {"a name that is none", 0, "UPDATE sessions SET local = x'ff00' WHERE serial = 7", {10000, -1, 60000}, "", " sessions=2 stanzas=0 late=0 damaged=4"},
    {"no id", 0, "UPDATE sessions SET name = '' WHERE serial = 7", {10000, -1, 60000}, "", " sessions=2 stanzas=0 late=0 damaged=4"},
    {"an id with a control character", 0, "UPDATE sessions SET name = 'a' || char(1) WHERE serial = 7", {10000, -1, 60000}, "", " sessions=2 stanzas=0 late=0 damaged=4"},
    {"an id too long", 0, "UPDATE sessions SET name = printf('%.1024c', 'a') WHERE serial = 7", {10000, -1, 60000}, "", " sessions=2 stanzas=0 late=0 damaged=4"},
    {"two with one serial", 0, "UPDATE sessions SET serial = 7 WHERE serial = 9", {10000, 60000, -1}, M, " sessions=2 stanzas=3 late=0 damaged=1"},
    {"a negative serial", 0, "UPDATE sessions SET serial = -7 WHERE serial = 9", {10000, 60000, -1}, M, " sessions=2 stanzas=3 late=0 damaged=1"},
    {"... of a stanza", 0, "UPDATE unproved SET serial = -7 WHERE number = 3", {10000, 60000, 60000}, " 4?iq:q4; 5message:m5;", " sessions=3 stanzas=2 late=0 damaged=1"},
    {"ours without a serial", 0, "UPDATE sessions SET serial = 0 WHERE serial = 7", {10000, -1, 60000}, "", " sessions=2 stanzas=0 late=0 damaged=4"},
    {"one-way with a serial", 0, "UPDATE sessions SET serial = 8 WHERE serial = 0", {-1, 60000, 60000}, M, " sessions=2 stanzas=3 late=0 damaged=1"},
    {"stanzas of no session", 0, "UPDATE unproved SET serial = 8", {10000, 60000, 60000}, "", " sessions=3 stanzas=0 late=0 damaged=3"},
    {"a stanza that was not sent", 0, "UPDATE unproved SET number = 6 WHERE number = 5", {10000, 60000, 60000}, " 3?message:s3=mail@a.example; 4?iq:q4;", " sessions=3 stanzas=2 late=0 damaged=1"},
    {"a stanza of another pair", 0, "UPDATE unproved SET xml = replace(xml, 'b.example', 'c.example') WHERE number = 3", {10000, 60000, 60000}, " 4?iq:q4; 5message:m5;", " sessions=3 stanzas=2 late=0 damaged=1"},
    {"... from another", 0, "UPDATE unproved SET xml = replace(xml, 'a.example', 'c.example') WHERE number = 5", {10000, 60000, 60000}, " 3?message:s3=mail@a.example; 4?iq:q4;", " sessions=3 stanzas=2 late=0 damaged=1"},
    {"a stanza cut off", 0, "UPDATE unproved SET xml = substr(xml, 1, 60) WHERE number = 4", {10000, 60000, 60000}, " 3?message:s3=mail@a.example; 5message:m5;", " sessions=3 stanzas=2 late=0 damaged=1"},
    {"the end of the stream", 0, "UPDATE unproved SET xml = '</stream:stream>' WHERE number = 3", {10000, 60000, 60000}, " 4?iq:q4; 5message:m5;", " sessions=3 stanzas=2 late=0 damaged=1"},
    {"an address too long", 0, "UPDATE unproved SET shown_to = printf('%.3100c', 'a') || '@b.example' WHERE number = 3", {10000, 60000, 60000}, " 4?iq:q4; 5message:m5;", " sessions=3 stanzas=2 late=0 damaged=1"},
    {"an address that is none", 0, "UPDATE unproved SET shown_from = char(1) || '@x' WHERE number = 3", {10000, 60000, 60000}, " 4?iq:q4; 5message:m5;", " sessions=3 stanzas=2 late=0 damaged=1"},
    {"one row more than it may be", 0, "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 262144)"
        " INSERT INTO sessions SELECT 0, saved_s, 0, 0, local, peer, name, left_ms, max_ms, 1, 0, 0, 0 FROM sessions, n WHERE serial = 0;"
        "DELETE FROM sessions WHERE handled = 1 AND serial <> 0", {-2, -1, -1}, "", " sessions=262144 stanzas=0 late=0 damaged=6"},
    {"tables of another time", 0, "DROP TABLE sessions; DROP TABLE unproved", {-1, -1, -1}, "", ""},
};
/* clang-format on */

static void append(char *out, size_t room, const char *names, const char *counts, int left_ms)
{
    size_t len = strlen(out);
    if (left_ms >= 0)
        snprintf(out + len, room - len, "%s left=%d %s;", names, left_ms, counts);
}

static void expect_given(int i)
{
    char want[sizeof(world.given)] = "";
    append(want, sizeof(want), THEIRS, cases[i].left_ms[0]);
    append(want, sizeof(want), OURS, cases[i].left_ms[1]);
    size_t len = strlen(want);
    snprintf(want + len, sizeof(want) - len, "%s", cases[i].stanzas);
    append(want, sizeof(want), BOTH, cases[i].left_ms[2]);
    ck_assert_msg(strcmp(world.given, want) == 0, "%s:\n%s\nnot\n%s", cases[i].label, world.given,
                  want);
}

START_TEST(gives_once_what_was_written)
{
    now_s = NOW_S;
    begin(1u << 20, 1000);
    write_sessions();
    end();
    if (cases[_i].sql)
        run_sql(cases[_i].sql);
    now_s += cases[_i].passed_s;
    begin(1u << 20, 1000);
    load();
    if (cases[_i].left_ms[0] != -2)
        expect_given(_i);
    ck_assert_msg(strncmp(world.taken, cases[_i].counts, strlen(cases[_i].counts)) == 0, "%s:%s",
                  cases[_i].label, world.taken);
    end();
    begin(1u << 20, 1000);
    load();
    ck_assert_msg(strcmp(world.given, "") == 0 && strcmp(world.taken, "") == 0, "%s, again: %s",
                  cases[_i].label, world.given);
    end();
}
END_TEST

START_TEST(keeps_to_the_limits_of_the_journal)
{
    struct xf_handover *handover;
    now_s = NOW_S;
    begin(200, 1000);
    handover = xf_handover_begin(world.journal);
    ck_assert(add_stanza(handover, 7, "m1", 1, true));
    ck_assert(add_stanza(handover, 7, "m2", 2, true));
    ck_assert_msg(!add_stanza(handover, 7, "m3", 3, true), "bytes");
    ck_assert(xf_handover_end(&handover));
    end();
    begin(1u << 20, 1);
    handover = xf_handover_begin(world.journal);
    ck_assert(add_stanza(handover, 7, "m1", 1, true));
    ck_assert_msg(!add_stanza(handover, 7, "m2", 2, true), "count");
    ck_assert(xf_handover_end(&handover));
    end();
    /* ... and the next process to its own */
    begin(1u << 20, 1000);
    load();
    write_sessions();
    end();
    begin(1u << 20, 2);
    load();
    ck_assert_msg(strstr(world.taken, " stanzas=2 late=0 damaged=1"), "%s", world.taken);
    end();
}
END_TEST

static struct xf_stanza_copy *waiting[2];

static void on_message(void *owner, struct xf_stanza *stanza, int64_t queued_s, bool is_late)
{
    static struct xf_stanza_scratch scratch;
    bool is_from;
    (void)owner;
    (void)queued_s;
    (void)is_late;
    note("replayed %.*s;", (int)stanza->id.len, stanza->id.ptr);
    ck_assert(xf_stanza_address(stanza, &scratch, &is_from) == XF_ERR_OK);
    size_t which = waiting[0] != NULL;
    waiting[which] = xf_stanza_copy_new(stanza, 0);
    waiting[which]->number = 3;
    xf_journal_add(world.journal, waiting[which], stanza);
}

static void add_message(const char *id)
{
    struct xf_stanza stanza;
    struct xf_stanza_copy *copy = make_copy(id, 0, false);
    xf_stanza_copy_read(copy, &stanza);
    xf_journal_add(world.journal, copy, &stanza);
    xf_free(copy); /* it stays in the journal */
}

/* A stanza of a session may be a message that is in the journal: it is in the file only once. */
START_TEST(takes_messages_out_of_the_journal)
{
    now_s = NOW_S;
    begin(1u << 20, 1000);
    add_message("m1");
    add_message("m2");
    end();
    begin(1u << 20, 1000);
    load();
    xf_journal_replay(world.journal, on_message, NULL);
    ck_assert_str_eq(world.given, "replayed m1;replayed m2;");
    struct xf_handover *handover = xf_handover_begin(world.journal);
    ck_assert(xf_handover_stanza(handover, 7, NOW_S, waiting[0]));
    ck_assert(xf_handover_end(&handover));
    xf_journal_remove(world.journal, waiting[0]);
    for (size_t i = 0; i < 2; i++) {
        xf_free(waiting[i]);
        waiting[i] = NULL;
    }
    end();
    begin(1u << 20, 1000);
    load();
    ck_assert_msg(strstr(world.taken, " damaged=1"), "its session is missing: %s", world.taken);
    xf_journal_replay(world.journal, on_message, NULL);
    ck_assert_str_eq(world.given, "replayed m2;");
    xf_free(waiting[0]);
    waiting[0] = NULL;
    end();
}
END_TEST

START_TEST(writes_all_or_nothing)
{
    struct xf_handover *handover;
    now_s = NOW_S;
    begin(1u << 20, 1000);
    end();
    run_sql("CREATE TRIGGER full BEFORE INSERT ON unproved BEGIN SELECT RAISE(ABORT, 'full'); END");
    begin(1u << 20, 1000);
    handover = xf_handover_begin(world.journal);
    xf_handover_session(handover, &(struct xf_session){.is_ours = true,
                                                       .local = XF_SPAN("a.example"),
                                                       .peer = XF_SPAN("b.example"),
                                                       .id = XF_SPAN("S"),
                                                       .left_ms = 60000,
                                                       .serial = 7,
                                                       .sent = 1});
    ck_assert_msg(add_stanza(handover, 7, "m1", 1, true), "there is room");
    ck_assert(!xf_handover_end(&handover));
    ck_assert_uint_eq(world.failed, 1);
    end();
    begin(1u << 20, 1000);
    load();
    ck_assert_str_eq(world.given, "");
    end();
}
END_TEST

/* As many as s2s keeps: strangers { broken-streams } of both kinds, and those of named peers. */
START_TEST(keeps_all_sessions_of_a_process)
{
    now_s = NOW_S;
    begin(1u << 20, 1000);
    struct xf_handover *handover = xf_handover_begin(world.journal);
    for (uint64_t serial = 1; serial <= 2 * (100000 + 4096); serial++)
        xf_handover_session(handover, &(struct xf_session){.is_ours = true,
                                                           .local = XF_SPAN("a.example"),
                                                           .peer = XF_SPAN("b.example"),
                                                           .id = XF_SPAN("S"),
                                                           .left_ms = 60000,
                                                           .serial = serial,
                                                           .sent = 1});
    ck_assert(xf_handover_end(&handover));
    end();
    begin(1u << 20, 1000);
    load();
    ck_assert_msg(strstr(world.taken, " sessions=208192 stanzas=0 late=0 damaged=0"), "%s",
                  world.taken);
    end();
}
END_TEST

/* What a start could not take out is still there when its process stops, with its own serials. */
START_TEST(keeps_sessions_of_two_processes_apart)
{
    now_s = NOW_S;
    begin(1u << 20, 1000);
    write_sessions();
    end();
    run_sql(
        "CREATE TRIGGER stuck BEFORE DELETE ON sessions BEGIN SELECT RAISE(ABORT, 'stuck'); END");
    begin(1u << 20, 1000);
    load();
    ck_assert_uint_eq(world.failed, 1);
    ck_assert_str_eq(world.given, "");
    end();
    run_sql("DROP TRIGGER stuck");
    begin(1u << 20, 1000);
    struct xf_handover *handover = xf_handover_begin(world.journal);
    xf_handover_session(handover, &(struct xf_session){.is_ours = true,
                                                       .local = XF_SPAN("a.example"),
                                                       .peer = XF_SPAN("b.example"),
                                                       .id = XF_SPAN("S2"),
                                                       .left_ms = 60000,
                                                       .serial = 7,
                                                       .sent = 5});
    ck_assert(add_stanza(handover, 7, "m1", 1, true));
    ck_assert(xf_handover_end(&handover));
    end();
    begin(1u << 20, 1000);
    load();
    ck_assert_str_eq(world.given, THEIRS_NOW OURS_NOW M BOTH_NOW
                     "ours a.example b.example S2 left=60000 h=0 0..5 c=0; 1?message:m1;");
    end();
}
END_TEST

START_TEST(the_file_is_for_its_owner)
{
    struct stat status;
    begin(1u << 20, 1000);
    write_sessions();
    end();
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_uint_eq(status.st_mode & 07777, 0600);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("journal/sessions");
    TCase *tcase = tcase_create("sessions");
    tcase_add_checked_fixture(tcase, make_folder, remove_folder);
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, gives_once_what_was_written, 0, XF_ARRAY_LEN(cases));
    tcase_add_test(tcase, keeps_to_the_limits_of_the_journal);
    tcase_add_test(tcase, takes_messages_out_of_the_journal);
    tcase_add_test(tcase, writes_all_or_nothing);
    tcase_add_test(tcase, keeps_all_sessions_of_a_process);
    tcase_add_test(tcase, keeps_sessions_of_two_processes_apart);
    tcase_add_test(tcase, the_file_is_for_its_owner);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
