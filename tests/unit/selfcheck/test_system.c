/* SPDX-License-Identifier: MIT */
/* What the log told to be broken is found until the log takes it back. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xfed/base/err.h>

#include "selfcheck_priv.h"

#define LOG(event, ...) xf_log(XF_LOG_ERROR, event, __VA_ARGS__)

static struct xf_clock now;
static struct xf_timers *timers;
static struct xf_alarms *alarms;
static char seen[2048];

static void swallow(void *owner, enum xf_log_level level, const char *event, const char *line)
{
    (void)owner, (void)level, (void)event, (void)line;
}

static void found(void *owner, const struct xf_finding *finding)
{
    size_t len = strlen(seen);
    (void)owner;
    snprintf(seen + len, sizeof(seen) - len, "%s|%s|%s|%s|%s\n", xf_finding_word(finding->level),
             finding->part, finding->where, finding->text,
             finding->help ? xf_help_code(finding->help) : "");
}

static const struct xf_selfcheck_events events = {.found = found};

static const char *all(const char *part)
{
    struct xf_selfcheck check = {.parts = {.alarms = alarms}, .events = &events};
    size_t count = 0;
    seen[0] = '\0';
    size_t told = xf_selfcheck_alarms(&check, part);
    for (const char *c = seen; *c; c++)
        count += *c == '\n';
    ck_assert_uint_eq(told, count);
    return seen;
}

static void begin(void)
{
    xf_log_set_sink(swallow, NULL);
    now.now_ms = 1000;
    timers = xf_timers_new(&now);
    alarms = xf_alarms_new(&(struct xf_alarms_opts){.timers = timers, .after_ms = 60000});
}

static void end(void)
{
    xf_alarms_free(&alarms);
    xf_timers_free(&timers);
    xf_log_set_sink(NULL, NULL);
}

static void pass(uint64_t ms)
{
    now.now_ms += ms;
    xf_timers_run(timers);
}

START_TEST(a_fault_is_found_before_it_is_an_alarm)
{
    LOG("memory.write.failed", XF_STR("file", "a.db"), XF_STR("detail", "the disk is full"));
    ck_assert_uint_eq(xf_alarms_count(alarms), 0);
    ck_assert_str_eq(all("file"),
                     "wrong|file|a.db|the history of peers cannot be written: the disk is full "
                     "(history.unwritable, for 0 ms)|file-unwritable\n");
    ck_assert_str_eq(all("node"), "");
    pass(60000);
    ck_assert_uint_eq(xf_alarms_count(alarms), 1);
    ck_assert_str_ne(all("file"), "");
}
END_TEST

START_TEST(it_is_well_before_the_alarm_is_over)
{
    LOG("memory.write.failed", XF_STR("file", "a.db"), XF_STR("detail", "x"));
    LOG("memory.write.failed", XF_STR("file", "b.db"), XF_STR("detail", "x"));
    pass(60000);
    LOG("memory.write.recovered", XF_STR("file", "b.db"));
    ck_assert_ptr_nonnull(strstr(all("file"), "a.db"));
    ck_assert_ptr_null(strstr(all("file"), "b.db"));
    ck_assert_uint_eq(xf_alarms_count(alarms), 2);
    LOG("memory.write.recovered", XF_STR("file", "a.db"));
    ck_assert_str_eq(all("file"), "");
}
END_TEST

/* clang-format off */
static const struct {
    const char *part, *begins, *ends, *key;
} cases[] = {
    {"file",      "memory.file.refused",        NULL,                         "file"},
    {"file",      "memory.write.failed",        "memory.write.recovered",     "file"},
    {"file",      "journal.file.refused",       NULL,                         "file"},
    {"file",      "journal.write.failed",       "journal.write.recovered",    "file"},
    {"file",      "dialogs.file.refused",       NULL,                         "file"},
    {"file",      "dialogs.write.failed",       "dialogs.write.recovered",    "file"},
    {"file",      "audit.write.failed",         "audit.write.recovered",      "file"},
    {"file",      "identity.file.refused",      "identity.file.loaded",       NULL},
    {"directory", "identity.directory.lost",    "identity.directory.found",   NULL},
    {"directory", "identity.directory.refused", "identity.directory.loaded",  NULL},
    {"node",      "memory.store.lost",          "memory.store.found",         "store"},
    {"node",      "node.lost",                  "node.returned",              "node"},
    {"module",    "link.answers.missing",       "link.answers.seen",          "link"},
    {"link",      "link.hold.full",             "link.hold.relieved",         "link"},
    {"process",   "process.listeners.failed",   "process.listeners.opened",   NULL},
    {"process",   "routing.queues.filling",     "routing.queues.relieved",    NULL},
    {"process",   "config.reload.refused",      "config.reload.done",         NULL},
    {"process",   "process.descriptors.exhausted", NULL,                      NULL},
};
/* clang-format on */

static void tell(const char *event, const char *key)
{
    const struct xf_kv kv = XF_STR(key, "x");
    xf_log_tell(&(struct xf_log_event){XF_LOG_ERROR, event, &kv, 1});
}

START_TEST(each_part_hears_of_its_own)
{
    const char *key = cases[_i].key;
    char want[64];
    tell(cases[_i].begins, key ? key : "other");
    snprintf(want, sizeof(want), "wrong|%s|%s|", cases[_i].part, key ? "x" : "this host");
    ck_assert_msg(strstr(all(cases[_i].part), want) == seen, "%s: %s", cases[_i].begins, seen);
    if (!cases[_i].ends)
        return;
    tell(cases[_i].ends, key ? key : "other");
    ck_assert_msg(!*all(cases[_i].part), "%s: %s", cases[_i].ends, seen);
}
END_TEST

/* Looked at by parts of their own, or not ours. */
START_TEST(other_alarms_are_no_findings)
{
    static const char *const parts[] = {"file", "directory", "node", "module", "link", "process"};
    LOG("link.outage.began", XF_STR("link", "main"));
    LOG("certificate.expired", XF_STR("local", "a.example"));
    LOG("clock.skew.found", XF_STR("link", "main"));
    LOG("peer.key.changed", XF_STR("peer", "b.example"));
    for (size_t i = 0; i < XF_ARRAY_LEN(parts); i++)
        ck_assert_str_eq(all(parts[i]), "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("system");
    TCase *tcase = tcase_create("all");
    tcase_add_checked_fixture(tcase, begin, end);
    tcase_add_test(tcase, a_fault_is_found_before_it_is_an_alarm);
    tcase_add_test(tcase, it_is_well_before_the_alarm_is_over);
    tcase_add_loop_test(tcase, each_part_hears_of_its_own, 0, XF_ARRAY_LEN(cases));
    tcase_add_test(tcase, other_alarms_are_no_findings);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
