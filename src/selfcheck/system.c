/* SPDX-License-Identifier: MIT */
/*
 * system.c — our clock, and alarms: what the log told to be broken and has not taken back. Test:
 * tests/unit/selfcheck/test_system.c.
 */
#include "selfcheck_priv.h"

#include <string.h>

#include <xfed/base/clock.h>
#include <xfed/base/readable.h>

static void look_at_clock(struct xf_selfcheck *check)
{
    struct xf_spot spot = {"clock", "this host"};
    switch (xf_clock_sync()) {
    case XF_CLOCK_SYNCED:
        xf_selfcheck_ok(check, spot, "the kernel says that the clock is synchronised");
        return;
    case XF_CLOCK_UNSYNCED:
        xf_selfcheck_warn(check, spot, XF_HELP_CLOCK_UNSYNCHRONISED,
                          "the kernel says that nothing keeps the clock right");
        return;
    default:
        xf_selfcheck_ok(check, spot,
                        "the kernel does not tell us whether the clock is synchronised");
    }
}

/* Alarms that are findings, and of which part. What others are about, a part looks at itself. */
static const struct {
    const char *alarm, *part;
} heard_of[] = {
    {"history.unwritable", "file"},  {"history.refused", "file"},
    {"journal.unwritable", "file"},  {"journal.refused", "file"},
    {"dialogs.unwritable", "file"},  {"dialogs.refused", "file"},
    {"audit.unwritable", "file"},    {"mail.refused", "file"},
    {"directory.down", "directory"}, {"directory.refused", "directory"},
    {"database.lost", "node"},       {"node.lost", "node"},
    {"module.missing", "module"},    {"link.full", "link"},
    {"listeners.failed", "process"}, {"queues.full", "process"},
    {"config.refused", "process"},   {"descriptors", "process"},
};

static bool is_of(const struct xf_alarm_view *alarm, const char *part)
{
    for (size_t i = 0; i < XF_ARRAY_LEN(heard_of); i++)
        if (strcmp(heard_of[i].alarm, alarm->name) == 0)
            return strcmp(heard_of[i].part, part) == 0;
    return false;
}

struct shown {
    struct xf_selfcheck *check;
    const char *part;
    size_t count;
};

static void show_alarm(void *owner, const struct xf_alarm_view *alarm)
{
    struct shown *shown = owner;
    char since[XF_READABLE_BYTES];
    int64_t for_s = xf_unix_s() - alarm->since_s;
    if (!is_of(alarm, shown->part))
        return;
    shown->count++;
    xf_selfcheck_wrong(
        shown->check, (struct xf_spot){shown->part, *alarm->subject ? alarm->subject : "this host"},
        xf_help_of_code(xf_span_of(alarm->help)), "%s%s%s (%s, for %s)", alarm->text,
        *alarm->detail ? ": " : "", alarm->detail, alarm->name,
        xf_readable_duration(for_s > 0 ? (uint64_t)for_s * 1000 : 0, since));
}

size_t xf_selfcheck_alarms(struct xf_selfcheck *check, const char *part)
{
    struct shown shown = {check, part, 0};
    xf_alarms_each_cause(check->parts.alarms, show_alarm, &shown);
    return shown.count;
}

void xf_selfcheck_system(struct xf_selfcheck *check)
{
    const char *directory = check->parts.conf->mailmap.directory.uri;
    look_at_clock(check);
    if (xf_selfcheck_alarms(check, "file") == 0)
        xf_selfcheck_ok(check, (struct xf_spot){"file", "this host"},
                        "no file of memory, journal, subscriptions or audit failed when last "
                        "written");
    if (xf_selfcheck_alarms(check, "directory") == 0 && *directory)
        xf_selfcheck_ok(check, (struct xf_spot){"directory", directory},
                        "it answered when it was last asked");
    (void)xf_selfcheck_alarms(check, "process");
    (void)xf_selfcheck_alarms(check, "module");
    (void)xf_selfcheck_alarms(check, "link");
}
