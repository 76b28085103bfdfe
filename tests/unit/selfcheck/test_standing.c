/* SPDX-License-Identifier: MIT */
/* Faults that the log told, and that last until it says otherwise. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xfed/base/err.h>
#include <xfed/selfcheck/standing.h>

static struct xf_clock now = {.now_ms = 1000};
static struct xf_standing *standing;
static char seen[4096];

static void show(void *owner, const struct xf_standing_fault *fault)
{
    size_t len = strlen(seen);
    (void)owner;
    snprintf(seen + len, sizeof(seen) - len, "%s|%s|%s|%s|%llu\n", fault->part, fault->where,
             fault->text, fault->help ? xf_help_code(fault->help) : "",
             (unsigned long long)fault->since_ms);
}

static const char *all(const char *part)
{
    seen[0] = '\0';
    xf_standing_show(standing, part, show, NULL);
    return seen;
}

static void fail_file(const char *file, const char *detail)
{
    xf_log(XF_LOG_ERROR, "memory.write.failed", XF_STR("file", file), XF_STR("detail", detail),
           XF_HELP(XF_HELP_FILE_UNWRITABLE));
}

static void begin(void)
{
    xf_log_set_level(XF_LOG_ERROR); /* a watcher sees more than is written */
    standing = xf_standing_new(&now);
}

static void end(void)
{
    xf_standing_free(&standing);
}

START_TEST(lasts_until_it_is_over)
{
    fail_file("a.db", "the disk is full");
    ck_assert_str_eq(all(NULL),
                     "file|a.db|memory.write.failed: the disk is full|file-unwritable|1000\n");
    ck_assert_str_eq(all("node"), "");
    xf_log(XF_LOG_INFO, "memory.write.recovered", XF_STR("file", "b.db"));
    ck_assert_str_ne(all("file"), "");
    xf_log(XF_LOG_INFO, "memory.write.recovered", XF_STR("file", "a.db"));
    ck_assert_str_eq(all(NULL), "");
}
END_TEST

START_TEST(keeps_the_beginning_and_the_last_words)
{
    fail_file("a.db", "one");
    now.now_ms = 5000;
    fail_file("a.db", "two");
    ck_assert_str_eq(all(NULL), "file|a.db|memory.write.failed: two|file-unwritable|1000\n");
    now.now_ms = 1000;
}
END_TEST

START_TEST(tells_other_values)
{
    xf_log(XF_LOG_WARN, "node.lost", XF_STR("node", "two"), XF_INT("silent_s", 9),
           XF_STR("links", "c=up"));
    ck_assert_str_eq(all(NULL), "node|two|node.lost silent_s=9 links=c=up||1000\n");
    xf_log(XF_LOG_INFO, "node.left", XF_STR("node", "two"));
    ck_assert_str_eq(all(NULL), "");
}
END_TEST

START_TEST(is_bounded)
{
    char file[16];
    size_t lines = 0;
    for (int i = 0; i < 100; i++) {
        snprintf(file, sizeof(file), "%d", i);
        fail_file(file, "x");
    }
    for (const char *c = all(NULL); *c; c++)
        lines += *c == '\n';
    ck_assert_uint_eq(lines, 64);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("standing");
    TCase *tcase = tcase_create("all");
    tcase_add_checked_fixture(tcase, begin, end);
    tcase_add_test(tcase, lasts_until_it_is_over);
    tcase_add_test(tcase, keeps_the_beginning_and_the_last_words);
    tcase_add_test(tcase, tells_other_values);
    tcase_add_test(tcase, is_bounded);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
