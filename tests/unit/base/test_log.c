/* SPDX-License-Identifier: MIT */
/*
 * test_log.c — the line as it is promised, above all with texts from strangers; and where it goes.
 */
#include <xfed/base/log.h>

#include <check.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xfed/base/err.h>
#include <xfed/base/utf8.h>

struct kept {
    char line[4200];
    unsigned count;
    enum xf_log_level level;
};

static void keep(void *owner, enum xf_log_level level, const char *event, const char *line)
{
    struct kept *kept = owner;

    ck_assert_str_eq(event, "t.event.seen");
    ck_assert_uint_lt(strlen(line), sizeof(kept->line));
    memcpy(kept->line, line, strlen(line) + 1);
    kept->level = level;
    kept->count++;
}

/* clang-format off */
static const struct {
    const char *label;
    struct xf_span text;
    const char *want;
} texts[] = {
    {"plain",                 XF_SPAN_INIT("b.example"),     "\"b.example\""},
    {"empty",                 XF_SPAN_INIT(""),              "\"\""},
    {"space and equals sign", XF_SPAN_INIT("a b=c"),         "\"a b=c\""},
    {"quote",                 XF_SPAN_INIT("a\"b"),          "\"a\\\"b\""},
    {"backslash",             XF_SPAN_INIT("a\\b"),          "\"a\\\\b\""},
    {"newline",               XF_SPAN_INIT("a\nb"),          "\"a\\x0ab\""},
    {"a forged line",         XF_SPAN_INIT("a\"\ninfo x"),   "\"a\\\"\\x0ainfo x\""},
    {"NUL",                   XF_SPAN_INIT("a\0b"),          "\"a\\x00b\""},
    {"escape sequence",       XF_SPAN_INIT("\x1b[2J"),       "\"\\x1b[2J\""},
    {"DEL",                   XF_SPAN_INIT("\x7f"),          "\"\\x7f\""},
    {"valid UTF-8",           XF_SPAN_INIT("b\xc3\xbc" "cher\xf0\x9f\x98\x80"), "\"b\xc3\xbc" "cher\xf0\x9f\x98\x80\""},
    {"no UTF-8",              XF_SPAN_INIT("\xff" "a\xc3"),  "\"\\xffa\\xc3\""},
    {"overlong newline",      XF_SPAN_INIT("\xc0\x8a"),      "\"\\xc0\\x8a\""},
    {"surrogate",             XF_SPAN_INIT("\xed\xa0\x80"),  "\"\\xed\\xa0\\x80\""},
    {"C1 control (CSI)",      XF_SPAN_INIT("\xc2\x9b" "2J"), "\"\\xc2\\x9b2J\""},
    {"after the C1 set",      XF_SPAN_INIT("\xc2\xa0"),      "\"\xc2\xa0\""},
    {"line separator",        XF_SPAN_INIT("\xe2\x80\xa8"),  "\"\\xe2\\x80\\xa8\""},
    {"right-to-left override", XF_SPAN_INIT("\xe2\x80\xae"), "\"\\xe2\\x80\\xae\""},
    {"isolate",               XF_SPAN_INIT("\xe2\x81\xa6"),  "\"\\xe2\\x81\\xa6\""},
    {"an ellipsis",           XF_SPAN_INIT("\xe2\x80\xa6"),  "\"\xe2\x80\xa6\""},
};
/* clang-format on */

START_TEST(text_is_quoted_and_escaped)
{
    struct kept kept = {0};
    char want[200];

    xf_log_set_sink(keep, &kept);
    xf_log(XF_LOG_INFO, "t.event.seen", XF_SPN("k", texts[_i].text));
    snprintf(want, sizeof(want), "info t.event.seen k=%s", texts[_i].want);
    ck_assert_msg(strcmp(kept.line, want) == 0, "%s: %s", texts[_i].label, kept.line);
}
END_TEST

/* clang-format off */
static const struct {
    const char *label;
    struct xf_kv kv;
    const char *want;
} kinds[] = {
    {"number",                {"k", XF_KV_NUMBER, {NULL, 0}, 7},          " k=7"},
    {"least number",          {"k", XF_KV_NUMBER, {NULL, 0}, INT64_MIN},  " k=-9223372036854775808"},
    {"absent text",           {"k", XF_KV_TEXT, {NULL, 0}, 0},            ""},
    {"absent word",           {"k", XF_KV_WORD, {NULL, 0}, 0},            ""},
    {"word",                  {"k", XF_KV_WORD, {"tls-cert", 8}, 0},      " k=tls-cert"},
    {"a word that is none",   {"k", XF_KV_WORD, {"a b", 3}, 0},           " k=\"a b\""},
    {"a word that forges",    {"k", XF_KV_WORD, {"a\nb", 3}, 0},          " k=\"a\\x0ab\""},
    {"a word with a NUL",     {"k", XF_KV_WORD, {"a\0b", 3}, 0},          " k=\"a\\x00b\""},
    {"empty word",            {"k", XF_KV_WORD, {"", 0}, 0},              " k=\"\""},
};
/* clang-format on */

START_TEST(each_kind_has_its_form)
{
    struct kept kept = {0};
    char want[200];

    xf_log_set_sink(keep, &kept);
    xf_log_tell(&(struct xf_log_event){XF_LOG_WARN, "t.event.seen", &kinds[_i].kv, 1});
    snprintf(want, sizeof(want), "warn t.event.seen%s", kinds[_i].want);
    ck_assert_msg(strcmp(kept.line, want) == 0, "%s: %s", kinds[_i].label, kept.line);
}
END_TEST

START_TEST(pairs_stand_in_order)
{
    struct kept kept = {0};

    xf_log_set_sink(keep, &kept);
    xf_log(XF_LOG_ERROR, "t.event.seen", XF_STR("peer", "b"), XF_STR("gone", NULL), XF_INT("ms", 3),
           XF_WORD("on", "TLS_UP"));
    ck_assert_str_eq(kept.line, "error t.event.seen peer=\"b\" ms=3 on=TLS_UP");
    ck_assert_int_eq(kept.level, XF_LOG_ERROR);
}
END_TEST

/* clang-format off */
static const struct {
    const char *label, *unit; /* repeated to more than 256 bytes, after `head` */
    const char *head;
    size_t want_bytes;        /* that are left of head and units */
} cuts[] = {
    {"ASCII",                                "a",                "",    256},
    {"2 bytes each, on the boundary",        "\xc3\xa4",         "",    256},
    {"2 bytes each, across",                 "\xc3\xa4",         "a",   255},
    {"3 bytes each, 1 byte across",          "\xe2\x82\xac",     "",    255},
    {"3 bytes each, 2 bytes across",         "\xe2\x82\xac",     "aa",  254},
    {"4 bytes each, 1 byte across",          "\xf0\x9f\x98\x80", "a",   253},
    {"4 bytes each, 3 bytes across",         "\xf0\x9f\x98\x80", "aaa", 255},
};
/* clang-format on */

START_TEST(long_text_is_cut_between_characters)
{
    struct kept kept = {0};
    char text[400] = "";
    size_t len = strlen(cuts[_i].head);

    memcpy(text, cuts[_i].head, len);
    for (; len < 300; len += strlen(cuts[_i].unit))
        memcpy(text + len, cuts[_i].unit, strlen(cuts[_i].unit));
    xf_log_set_sink(keep, &kept);
    xf_log(XF_LOG_INFO, "t.event.seen", XF_SPN("k", ((struct xf_span){text, len})));

    size_t kept_bytes = strlen(kept.line) - strlen("info t.event.seen k=\"\"");
    ck_assert_msg(kept_bytes == cuts[_i].want_bytes, "%s: %zu", cuts[_i].label, kept_bytes);
    ck_assert_msg(!memcmp(strchr(kept.line, '"') + 1, text, kept_bytes), "%s", cuts[_i].label);
    ck_assert_msg(xf_utf8_valid(kept.line, strlen(kept.line)), "%s", cuts[_i].label);
}
END_TEST

START_TEST(exactly_256_bytes_are_whole)
{
    struct kept kept = {0};
    char text[256];

    memset(text, 'x', sizeof(text));
    xf_log_set_sink(keep, &kept);
    xf_log(XF_LOG_INFO, "t.event.seen", XF_SPN("k", ((struct xf_span){text, sizeof(text)})));
    ck_assert_uint_eq(strlen(kept.line), strlen("info t.event.seen k=\"\"") + 256);
}
END_TEST

/* Pairs of `_i` bytes of text each, all escaped to 4 times that, 60 of them. */
START_TEST(pairs_that_do_not_fit_are_left_out_whole)
{
    struct kept kept = {0};
    struct xf_kv kvs[60];
    char text[256];
    size_t unit = strlen(" k=\"\"") + 4 * (size_t)_i, head = strlen("info t.event.seen"), len;

    memset(text, 1, sizeof(text));
    for (size_t i = 0; i < XF_ARRAY_LEN(kvs); i++)
        kvs[i] = XF_SPN("k", ((struct xf_span){text, (size_t)_i}));
    xf_log_set_sink(keep, &kept);
    xf_log_tell(&(struct xf_log_event){XF_LOG_INFO, "t.event.seen", kvs, XF_ARRAY_LEN(kvs)});

    len = strlen(kept.line);
    ck_assert_uint_le(len, 4095);
    if (head + XF_ARRAY_LEN(kvs) * unit < 4086) {
        ck_assert_uint_eq(len, head + XF_ARRAY_LEN(kvs) * unit);
    } else {
        ck_assert_str_eq(kept.line + len - strlen(" cut=yes"), " cut=yes");
        ck_assert_uint_eq((len - head - strlen(" cut=yes")) % unit, 0);
    }
}
END_TEST

START_TEST(levels_above_the_threshold_are_silent)
{
    struct kept kept = {0};

    xf_log_set_sink(keep, &kept);
    for (int level = XF_LOG_ERROR; level <= XF_LOG_DEBUG; level++) {
        xf_log_set_level((enum xf_log_level)level);
        kept.count = 0;
        xf_log(XF_LOG_ERROR, "t.event.seen", XF_INT("k", 1));
        xf_log(XF_LOG_WARN, "t.event.seen", XF_INT("k", 1));
        xf_log(XF_LOG_INFO, "t.event.seen", XF_INT("k", 1));
        xf_log(XF_LOG_DEBUG, "t.event.seen", XF_INT("k", 1));
        ck_assert_uint_eq(kept.count, (unsigned)level + 1);
    }
    xf_log_set_level(XF_LOG_INFO);
}
END_TEST

START_TEST(knows_the_words_of_levels)
{
    static const char *const words[] = {"error", "warn", "info", "debug"};
    enum xf_log_level level;

    for (size_t i = 0; i < XF_ARRAY_LEN(words); i++) {
        ck_assert(xf_log_level_parse(words[i], &level));
        ck_assert_uint_eq(level, i);
    }
    ck_assert(!xf_log_level_parse("Info", &level));
    ck_assert(!xf_log_level_parse("", &level));
    ck_assert_uint_eq(level, XF_LOG_DEBUG);
}
END_TEST

/*
 * What one event writes to standard error, which is a file then; `journal` names that file to us.
 */
static size_t written(bool journal, bool same_file, char *out, size_t room)
{
    FILE *file = tmpfile();
    char stream[64];
    struct stat st;
    int saved = dup(STDERR_FILENO);

    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fstat(fileno(file), &st), 0);
    snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev,
             (uintmax_t)st.st_ino + !same_file);
    if (journal)
        setenv("JOURNAL_STREAM", stream, 1);
    else
        unsetenv("JOURNAL_STREAM");

    ck_assert_int_ge(dup2(fileno(file), STDERR_FILENO), 0);
    xf_log_set_sink(NULL, NULL);
    xf_log(XF_LOG_WARN, "t.event.seen", XF_INT("k", 1));
    dup2(saved, STDERR_FILENO);
    close(saved);

    ssize_t len = pread(fileno(file), out, room - 1, 0);
    ck_assert_int_ge(len, 0);
    out[len] = '\0';
    fclose(file);
    unsetenv("JOURNAL_STREAM");
    return (size_t)len;
}

START_TEST(the_journal_gets_a_priority_and_no_time)
{
    char line[200];

    written(true, true, line, sizeof(line));
    ck_assert_str_eq(line, "<4>warn t.event.seen k=1\n");
}
END_TEST

static void expect_time_stamp(const char *line)
{
    static const char shape[] = "dddd-dd-ddTdd:dd:dd.dddZ ";

    for (size_t i = 0; shape[i]; i++)
        ck_assert_msg(shape[i] == 'd' ? line[i] >= '0' && line[i] <= '9' : line[i] == shape[i],
                      "%s", line);
    ck_assert_str_eq(line + strlen(shape), "warn t.event.seen k=1\n");
}

START_TEST(others_get_a_time_stamp)
{
    char line[200];

    written(false, true, line, sizeof(line));
    expect_time_stamp(line);
}
END_TEST

START_TEST(a_redirected_stream_is_not_the_journal)
{
    char line[200];

    written(true, false, line, sizeof(line));
    expect_time_stamp(line);
}
END_TEST

/* A pipe in packet mode keeps writes apart. */
START_TEST(a_line_is_one_write_of_4096_bytes_at_most)
{
    char text[256], got[8192];
    struct xf_kv kvs[30];
    int pipe_fds[2], saved = dup(STDERR_FILENO);

    memset(text, 'x', sizeof(text));
    for (size_t i = 0; i < XF_ARRAY_LEN(kvs); i++)
        kvs[i] = XF_SPN("k", ((struct xf_span){text, sizeof(text)}));
    ck_assert_int_eq(pipe2(pipe_fds, O_DIRECT), 0);
    ck_assert_int_ge(dup2(pipe_fds[1], STDERR_FILENO), 0);
    xf_log_set_sink(NULL, NULL);
    xf_log_tell(&(struct xf_log_event){XF_LOG_INFO, "t.event.seen", kvs, XF_ARRAY_LEN(kvs)});
    dup2(saved, STDERR_FILENO);
    close(saved);

    ssize_t len = read(pipe_fds[0], got, sizeof(got));
    ck_assert_int_gt(len, 3800);
    ck_assert_int_le(len, 4096);
    ck_assert_int_eq(memcmp(got + len - 9, " cut=yes\n", 9), 0);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
}
END_TEST

/* Under check's time limit: without it, a write to the full pipe never ends. */
START_TEST(a_reader_that_stops_does_not_stop_us)
{
    char got[16384], filled[16384] = {0};
    int pipe_fds[2], saved = dup(STDERR_FILENO);

    ck_assert_int_eq(pipe(pipe_fds), 0);
    ck_assert_int_ge(fcntl(pipe_fds[1], F_SETPIPE_SZ, sizeof(filled)), 0);
    ck_assert_int_eq(write(pipe_fds[1], filled, sizeof(filled)), (ssize_t)sizeof(filled));
    ck_assert_int_ge(dup2(pipe_fds[1], STDERR_FILENO), 0);
    xf_log_set_sink(NULL, NULL);
    for (unsigned i = 0; i < 100; i++)
        xf_log(XF_LOG_INFO, "t.event.lost", XF_INT("n", i));
    ck_assert_int_eq(read(pipe_fds[0], got, sizeof(filled)), (ssize_t)sizeof(filled));
    for (unsigned i = 0; i < 3; i++) {
        xf_log(XF_LOG_INFO, "t.event.seen", XF_INT("n", i));
        ssize_t len = read(pipe_fds[0], got, sizeof(got) - 1);
        ck_assert_int_gt(len, 0);
        got[len] = '\0';
        if (i == 0)
            ck_assert_ptr_nonnull(strstr(got, " warn log.lines.lost lost=100\n"));
        else
            ck_assert_ptr_null(strstr(got, "log.lines.lost"));
    }
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
}
END_TEST

struct gap {
    struct xf_log_watcher watcher;
    unsigned told;
};

static void see_gap(struct xf_log_watcher *watcher, const struct xf_log_event *event)
{
    struct gap *gap = XF_CONTAINER(watcher, struct gap, watcher);

    gap->told += strcmp(event->name, "log.lines.lost") == 0;
}

/* Limits of a file stand for a full disk: half the second line fits. Watchers hear of it once. */
START_TEST(a_file_that_is_full_loses_whole_lines)
{
    char name[] = "/tmp/xfed-log-XXXXXX", got[1024] = "";
    struct gap gap = {.watcher = {.see = see_gap}};
    struct rlimit limit, before;
    int fd = mkostemp(name, O_APPEND), saved = dup(STDERR_FILENO);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_ge(dup2(fd, STDERR_FILENO), 0);
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = (struct rlimit){.rlim_cur = 70, .rlim_max = before.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    xf_log_set_sink(NULL, NULL);
    xf_log_watch(&gap.watcher);
    for (unsigned i = 0; i < 9; i++)
        xf_log(XF_LOG_INFO, "t.event.seen", XF_INT("n", i));
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
    xf_log(XF_LOG_INFO, "t.event.seen", XF_INT("n", 9));
    xf_log(XF_LOG_INFO, "t.event.seen", XF_INT("n", 10));
    xf_log_unwatch(&gap.watcher);
    dup2(saved, STDERR_FILENO);
    close(saved);

    ck_assert_uint_eq(gap.told, 1);
    ck_assert_int_gt(pread(fd, got, sizeof(got) - 1, 0), 0);
    ck_assert_ptr_nonnull(strstr(got, " info t.event.seen n=0\n"));
    ck_assert_ptr_nonnull(strstr(got, " warn log.lines.lost lost=8\n"));
    ck_assert_ptr_nonnull(strstr(got, " info t.event.seen n=9\n"));
    ck_assert_int_eq(got[70], '\n'); /* behind the half of a line */
    ck_assert_ptr_eq(strstr(strstr(got, "lines.lost") + 1, "lines.lost"), NULL);
    close(fd);
    (void)unlink(name);
}
END_TEST

/*
 * A level may be asked of something that counts lines (stream/lines.c), and one line counts once.
 */
START_TEST(a_level_is_worked_out_once)
{
    static const enum xf_log_level levels[] = {XF_LOG_WARN, XF_LOG_DEBUG};
    struct kept kept = {0};
    size_t asked = 0;

    xf_log_set_level(XF_LOG_INFO);
    xf_log_set_sink(keep, &kept);
    xf_log(levels[asked++], "t.event.seen", XF_INT("n", 1));
    ck_assert_uint_eq(asked, 1);
    ck_assert_uint_eq(kept.count, 1);
    ck_assert_int_eq(kept.level, XF_LOG_WARN);
    xf_log(levels[asked++], "t.event.seen", XF_INT("n", 2));
    ck_assert_uint_eq(asked, 2);
    ck_assert_uint_eq(kept.count, 1);
}
END_TEST

struct watch {
    struct xf_log_watcher watcher;
    unsigned seen;
    struct xf_span text;
    int64_t number;
    bool leaves;
};

static void see(struct xf_log_watcher *watcher, const struct xf_log_event *event)
{
    struct watch *watch = XF_CONTAINER(watcher, struct watch, watcher);
    const struct xf_kv *number = xf_log_find(event, "n");

    ck_assert_str_eq(event->name, "t.event.seen");
    watch->seen++;
    watch->text = xf_log_text(event, "peer");
    watch->number = number ? number->number : -1;
    if (watch->leaves)
        xf_log_unwatch(watcher);
}

START_TEST(watchers_see_what_is_not_written)
{
    struct kept kept = {0};
    struct watch first = {.watcher = {.see = see}, .leaves = true};
    struct watch second = {.watcher = {.see = see}};

    xf_log_set_sink(keep, &kept);
    xf_log_set_level(XF_LOG_WARN);
    xf_log_watch(&first.watcher);
    xf_log_watch(&second.watcher);
    xf_log(XF_LOG_DEBUG, "t.event.seen", XF_STR("peer", "b"), XF_INT("n", 7));
    xf_log(XF_LOG_WARN, "t.event.seen", XF_STR("peer", NULL));
    ck_assert_uint_eq(first.seen, 1);
    ck_assert_int_eq(first.number, 7);
    ck_assert_uint_eq(second.seen, 2);
    ck_assert(!second.text.ptr);
    ck_assert_int_eq(second.number, -1);
    ck_assert_uint_eq(kept.count, 1);

    xf_log_unwatch(&second.watcher);
    xf_log_unwatch(&second.watcher);
    xf_log(XF_LOG_INFO, "t.event.seen", XF_INT("n", 1));
    ck_assert_uint_eq(second.seen, 2);
    ck_assert_int_eq(xf_log_wanted, XF_LOG_WARN);
    ck_assert_uint_eq(kept.count, 1);
}
END_TEST

START_TEST(a_watcher_can_print_the_line)
{
    struct kept kept = {0};
    struct xf_kv kvs[] = {XF_STR("peer", "b\n"), XF_INT("n", 1)};
    struct xf_log_event event = {XF_LOG_WARN, "t.event.seen", kvs, XF_ARRAY_LEN(kvs)};
    char line[XF_LOG_LINE_BYTES];

    xf_log_set_sink(keep, &kept);
    xf_log_tell(&event);
    xf_log_print(&event, line);
    ck_assert_str_eq(line, kept.line);
}
END_TEST

static void *log_elsewhere(void *owner)
{
    (void)owner;
    xf_log(XF_LOG_WARN, "t.event.seen", XF_INT("n", 1));
    return NULL;
}

START_TEST(other_threads_are_written_and_not_watched)
{
    struct kept kept = {0};
    struct watch watch = {.watcher = {.see = see}};
    pthread_t thread;

    xf_log_set_sink(keep, &kept);
    xf_log_watch(&watch.watcher);
    ck_assert_int_eq(pthread_create(&thread, NULL, log_elsewhere, NULL), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_uint_eq(watch.seen, 0);
    ck_assert_uint_eq(kept.count, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("log");
    TCase *tcase = tcase_create("log");
    SRunner *runner = srunner_create(suite);

    tcase_add_loop_test(tcase, text_is_quoted_and_escaped, 0, XF_ARRAY_LEN(texts));
    tcase_add_loop_test(tcase, each_kind_has_its_form, 0, XF_ARRAY_LEN(kinds));
    tcase_add_test(tcase, pairs_stand_in_order);
    tcase_add_loop_test(tcase, long_text_is_cut_between_characters, 0, XF_ARRAY_LEN(cuts));
    tcase_add_test(tcase, exactly_256_bytes_are_whole);
    tcase_add_loop_test(tcase, pairs_that_do_not_fit_are_left_out_whole, 1, 257);
    tcase_add_test(tcase, levels_above_the_threshold_are_silent);
    tcase_add_test(tcase, knows_the_words_of_levels);
    tcase_add_test(tcase, the_journal_gets_a_priority_and_no_time);
    tcase_add_test(tcase, others_get_a_time_stamp);
    tcase_add_test(tcase, a_redirected_stream_is_not_the_journal);
    tcase_add_test(tcase, a_line_is_one_write_of_4096_bytes_at_most);
    tcase_add_test(tcase, a_reader_that_stops_does_not_stop_us);
    tcase_add_test(tcase, a_file_that_is_full_loses_whole_lines);
    tcase_add_test(tcase, a_level_is_worked_out_once);
    tcase_add_test(tcase, watchers_see_what_is_not_written);
    tcase_add_test(tcase, a_watcher_can_print_the_line);
    tcase_add_test(tcase, other_threads_are_written_and_not_watched);
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
