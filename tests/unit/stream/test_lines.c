/* SPDX-License-Identifier: MIT */
/*
 * test_lines.c — the bounds of what outsiders may write into the log: of one owner, of a kind, of a
 * minute; and what is said of the rest.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include <xfed/stream/env.h>

static struct xf_clock test_clock;
static struct xf_env env;
static char last[4096];
static unsigned summaries;

static void on_line(void *owner, enum xf_log_level level, const char *event, const char *line)
{
    (void)owner, (void)level;
    if (strcmp(event, "s2s.lines.suppressed") != 0)
        return;
    summaries++;
    (void)snprintf(last, sizeof(last), "%s", line);
}

static void set_up(void)
{
    test_clock.now_ms = 1000;
    env = (struct xf_env){.clock = &test_clock, .timers = xf_timers_new(&test_clock)};
    summaries = 0;
    xf_log_set_level(XF_LOG_INFO);
    xf_log_set_sink(on_line, NULL);
}

static void tear_down(void)
{
    xf_lines_fini(&env.lines);
    ck_assert(xf_timers_next_ms(env.timers) == UINT64_MAX);
    xf_timers_free(&env.timers);
    xf_log_set_sink(NULL, NULL);
}

static unsigned write_lines(enum xf_lines_kind kind, const char *owner, unsigned count,
                            const char *event)
{
    unsigned written = 0;
    for (unsigned i = 0; i < count; i++)
        written += xf_lines_level(&env, kind, xf_span_of(owner), XF_LOG_INFO, event) == XF_LOG_INFO;
    return written;
}

/* As many owners as it takes. */
static unsigned flood(enum xf_lines_kind kind)
{
    char owner[32];
    unsigned written = 0;
    for (int i = 0; i < 2000; i++) {
        (void)snprintf(owner, sizeof(owner), "10.0.%d.0/24", i);
        written += write_lines(kind, owner, 1, "a.b.c");
    }
    return written;
}

static void pass(uint64_t ms)
{
    test_clock.now_ms += ms;
    xf_timers_run(env.timers);
}

static const struct {
    enum xf_lines_kind kind;
    unsigned of_owner, total;
} rows[] = {
    {XF_LINES_STRANGERS, 50, 200}, {XF_LINES_QUESTIONS, 10, 100}, {XF_LINES_PEERS, 100, 600},
    {XF_LINES_NAMED, 100, 600},    {XF_LINES_ALARMS, 20, 200},
};

START_TEST(one_owner_leaves_room_for_others)
{
    ck_assert_uint_eq(write_lines(rows[_i].kind, "192.0.2.0/24", 25000, "a.b.c"),
                      rows[_i].of_owner);
    ck_assert_uint_eq(write_lines(rows[_i].kind, "198.51.100.0/24", 1, "a.b.c"), 1);
}
END_TEST

START_TEST(all_owners_have_a_bound)
{
    ck_assert_uint_eq(flood(rows[_i].kind), rows[_i].total);
    /* no memory for the others */
    ck_assert_uint_eq(xf_map_count(env.lines.of_owner[rows[_i].kind]), rows[_i].total);
}
END_TEST

START_TEST(a_kind_hides_no_other)
{
    (void)flood(rows[_i].kind);
    for (size_t k = 0; k < XF_LINES_KINDS; k++)
        ck_assert_uint_eq(write_lines(rows[k].kind, "b.example", 1, "a.b.c"), k != (size_t)_i);
}
END_TEST

START_TEST(a_minute_later_it_is_said)
{
    (void)write_lines(XF_LINES_STRANGERS, "192.0.2.0/24", 60, "s2s.external.denied");
    (void)write_lines(XF_LINES_STRANGERS, "192.0.2.0/24", 3, "s2s.stream.down");
    pass(59999);
    ck_assert_uint_eq(summaries, 0);
    pass(1);
    ck_assert_uint_eq(summaries, 1);
    ck_assert_msg(strstr(last, "suppressed=13") &&
                      strstr(last, "events=\"s2s.external.denied 10, s2s.stream.down 3\""),
                  "%s", last);
    ck_assert_uint_eq(write_lines(XF_LINES_STRANGERS, "192.0.2.0/24", 60, "s2s.external.denied"),
                      50);
    pass(60000);
    pass(60000);
    ck_assert_uint_eq(summaries, 2);
}
END_TEST

START_TEST(silence_is_not_said)
{
    (void)write_lines(XF_LINES_STRANGERS, "192.0.2.0/24", 50, "a.b.c");
    ck_assert(xf_timers_next_ms(env.timers) == UINT64_MAX); /* nor does a timer run */
    test_clock.now_ms += 60000;
    ck_assert_uint_eq(write_lines(XF_LINES_STRANGERS, "192.0.2.0/24", 60, "a.b.c"), 50);
    ck_assert_uint_eq(summaries, 0);
}
END_TEST

/* What is off by its level is neither counted nor hidden. */
START_TEST(counts_what_would_be_written)
{
    xf_log_set_level(XF_LOG_WARN);
    (void)write_lines(XF_LINES_STRANGERS, "192.0.2.0/24", 300, "a.b.c");
    ck_assert_int_eq(
        xf_lines_level(&env, XF_LINES_STRANGERS, xf_span_of("192.0.2.0/24"), XF_LOG_WARN, "a.b.c"),
        XF_LOG_WARN);
    ck_assert_int_eq(
        xf_lines_level(&env, XF_LINES_STRANGERS, xf_span_of("192.0.2.0/24"), XF_LOG_DEBUG, "a.b.c"),
        XF_LOG_DEBUG);
    ck_assert_uint_eq(env.lines.written[XF_LINES_STRANGERS], 1);
}
END_TEST

static void see(struct xf_log_watcher *watcher, const struct xf_log_event *event)
{
    (void)watcher, (void)event;
}

/* A watcher, such as the audit, is shown what the log leaves out: the bound holds for it too. */
START_TEST(counts_what_is_watched)
{
    struct xf_log_watcher watcher = {.see = see};
    xf_log_set_level(XF_LOG_WARN);
    xf_log_watch(&watcher);
    ck_assert_uint_eq(write_lines(XF_LINES_STRANGERS, "192.0.2.0/24", 300, "a.b.c"), 50);
    xf_log_unwatch(&watcher);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stream/lines");
    TCase *tests = tcase_create("lines");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, one_owner_leaves_room_for_others, 0, XF_LINES_KINDS);
    tcase_add_loop_test(tests, all_owners_have_a_bound, 0, XF_LINES_KINDS);
    tcase_add_loop_test(tests, a_kind_hides_no_other, 0, XF_LINES_KINDS);
    tcase_add_test(tests, a_minute_later_it_is_said);
    tcase_add_test(tests, silence_is_not_said);
    tcase_add_test(tests, counts_what_would_be_written);
    tcase_add_test(tests, counts_what_is_watched);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
