/* SPDX-License-Identifier: MIT */
/* test_audit.c — what is recorded, and what becomes of it while the disk takes nothing. */
#include <xfed/audit/audit.h>

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xfed/base/log.h>

static struct xf_clock now = {.now_ms = 1000};
static struct xf_timers *timers;
static struct xf_audit *audit;
static struct xf_audit_settings settings;
static char folder[32], file[64], moved[64];
static unsigned failures, recoveries;

/* In the place of the one of the system. */
static bool sync_fails;
int fdatasync(int fd)
{
    if (!sync_fails)
        return fsync(fd);
    errno = EIO;
    return -1;
}

static void work_now(struct xf_pool *pool, void (*work)(void *owner), void (*done)(void *owner),
                     void *owner)
{
    (void)pool;
    work(owner);
    done(owner);
}

static struct xf_pool pool = {work_now};

static void on_log(void *owner, enum xf_log_level level, const char *event, const char *line)
{
    (void)owner, (void)level, (void)line;
    failures += strcmp(event, "audit.write.failed") == 0;
    recoveries += strcmp(event, "audit.write.recovered") == 0;
}

static void begin(void)
{
    snprintf(folder, sizeof(folder), "/tmp/xfed-audit-XXXXXX");
    ck_assert(mkdtemp(folder));
    snprintf(file, sizeof(file), "%s/audit.jsonl", folder);
    snprintf(moved, sizeof(moved), "%s/moved", folder);
    settings = (struct xf_audit_settings){.file = file};
    xf_log_set_sink(on_log, NULL);
    failures = recoveries = 0;
    timers = xf_timers_new(&now);
    audit = xf_audit_new(
        &(struct xf_audit_opts){.settings = &settings, .pool = &pool, .timers = timers});
}

static void end(void)
{
    xf_audit_free(&audit);
    xf_timers_free(&timers);
    xf_log_set_sink(NULL, NULL);
    unlink(file);
    rmdir(file);
    unlink(moved);
    rmdir(folder);
}

static void pass(uint64_t ms)
{
    now.now_ms += ms;
    xf_timers_run(timers);
}

static void refuse(const char *peer)
{
    xf_log(XF_LOG_INFO, "policy.peer.refused", XF_STR("peer", peer), XF_INT("n", 3));
}

static const char *content(const char *path)
{
    static char text[8192];
    FILE *in = fopen(path, "r");
    size_t len = in ? fread(text, 1, sizeof(text) - 1, in) : 0;
    text[len] = '\0';
    if (in)
        fclose(in);
    return text;
}

static size_t lines_of(const char *path)
{
    size_t lines = 0;
    for (const char *at = content(path); (at = strchr(at, '\n')); at++)
        lines++;
    return lines;
}

START_TEST(an_event_of_the_table_is_one_line)
{
    struct stat st;
    refuse("b\"\n.example");
    xf_log(XF_LOG_INFO, "s2s.dns.failed", XF_STR("peer", "b.example"));
    xf_log(XF_LOG_DEBUG, "policy.peer.refused", XF_STR("peer", "a flood's"));
    pass(1);
    const char *text = content(file);
    ck_assert_uint_eq(lines_of(file), 1);
    ck_assert(strstr(text, "{\"v\":1,\"time\":\"20") == text);
    ck_assert(strstr(text,
                     "\"number\":1,\"kind\":\"policy\",\"event\":\"policy.peer.refused\","
                     "\"level\":\"info\",\"values\":{\"peer\":\"b\\\"\\n.example\",\"n\":3}}\n"));
    ck_assert_int_eq(stat(file, &st), 0);
    ck_assert_int_eq(st.st_mode & 0777, 0600);
}
END_TEST

START_TEST(a_file_that_was_moved_away_is_made_anew)
{
    refuse("b.example");
    pass(1);
    ck_assert_int_eq(rename(file, moved), 0);
    refuse("c.example");
    pass(1);
    ck_assert_uint_eq(lines_of(moved), 1);
    ck_assert_uint_eq(lines_of(file), 1);
}
END_TEST

START_TEST(lines_wait_until_the_file_can_be_written)
{
    ck_assert_int_eq(mkdir(file, 0700), 0);
    refuse("b.example");
    pass(1);
    refuse("c.example");
    pass(100);
    ck_assert_uint_eq(failures, 1);
    ck_assert_int_eq(rmdir(file), 0);
    pass(5000);
    ck_assert_uint_eq(recoveries, 1);
    ck_assert_uint_eq(lines_of(file), 2);
    pass(5000);
    ck_assert_uint_eq(lines_of(file), 2);
    ck_assert_uint_eq(failures, 1);
}
END_TEST

START_TEST(what_did_not_reach_the_disk_is_written_again_once)
{
    refuse("a.example");
    pass(1);
    sync_fails = true;
    refuse("b.example");
    pass(1);
    ck_assert_uint_eq(failures, 1);
    ck_assert_uint_eq(lines_of(file), 1);
    sync_fails = false;
    refuse("c.example");
    pass(5000);
    ck_assert_uint_eq(recoveries, 1);
    ck_assert_uint_eq(lines_of(file), 3);
    refuse("d.example");
    pass(1);
    ck_assert_uint_eq(lines_of(file), 4);
}
END_TEST

START_TEST(a_line_is_there_in_whole_or_not_at_all)
{
    struct rlimit rest = {.rlim_cur = 500, .rlim_max = RLIM_INFINITY};
    (void)signal(SIGXFSZ, SIG_IGN);
    refuse("a.example");
    pass(1);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &rest), 0);
    for (int i = 0; i < 4; i++)
        refuse("b.example");
    pass(1);
    ck_assert_uint_eq(failures, 1);
    ck_assert_uint_eq(lines_of(file), 1);
    rest.rlim_cur = RLIM_INFINITY;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &rest), 0);
    pass(5000);
    ck_assert_uint_eq(recoveries, 1);
    ck_assert_uint_eq(lines_of(file), 5);
}
END_TEST

START_TEST(a_pipe_blocks_nobody)
{
    ck_assert_int_eq(mkfifo(file, 0600), 0);
    refuse("b.example");
    pass(1);
    ck_assert_uint_eq(failures, 1);
}
END_TEST

START_TEST(a_symlink_is_not_followed)
{
    ck_assert_int_eq(symlink(moved, file), 0);
    refuse("b.example");
    pass(1);
    ck_assert_uint_eq(failures, 1);
    ck_assert_int_ne(access(moved, F_OK), 0);
}
END_TEST

START_TEST(what_waits_has_a_limit_and_the_rest_is_counted)
{
    char text[200];
    memset(text, 'x', sizeof(text));
    ck_assert_int_eq(mkdir(file, 0700), 0);
    for (unsigned i = 0; i < 40000; i++)
        xf_log(XF_LOG_INFO, "policy.peer.refused",
               XF_SPN("detail", ((struct xf_span){text, sizeof(text)})));
    pass(1);
    ck_assert_int_eq(rmdir(file), 0);
    pass(5000);
    struct stat st;
    ck_assert_int_eq(stat(file, &st), 0);
    ck_assert_int_le(st.st_size, 4 << 20);
    ck_assert_int_gt(st.st_size, 3 << 20);
    ck_assert_uint_eq(recoveries, 1);
}
END_TEST

START_TEST(the_end_writes_the_rest)
{
    refuse("b.example");
    xf_audit_stop(audit);
    refuse("c.example");
    xf_audit_free(&audit);
    ck_assert_uint_eq(lines_of(file), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("audit");
    TCase *tcase = tcase_create("audit");
    tcase_add_checked_fixture(tcase, begin, end);
    tcase_add_test(tcase, an_event_of_the_table_is_one_line);
    tcase_add_test(tcase, a_file_that_was_moved_away_is_made_anew);
    tcase_add_test(tcase, lines_wait_until_the_file_can_be_written);
    tcase_add_test(tcase, what_did_not_reach_the_disk_is_written_again_once);
    tcase_add_test(tcase, a_line_is_there_in_whole_or_not_at_all);
    tcase_add_test(tcase, a_pipe_blocks_nobody);
    tcase_add_test(tcase, a_symlink_is_not_followed);
    tcase_add_test(tcase, what_waits_has_a_limit_and_the_rest_is_counted);
    tcase_add_test(tcase, the_end_writes_the_rest);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
