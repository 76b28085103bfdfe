/* SPDX-License-Identifier: MIT */
/* system.c — our clock, and the faults that the log told of files and of the directory. */
#include "selfcheck_priv.h"

#include <inttypes.h>
#include <string.h>

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

struct shown {
    struct xf_selfcheck *check;
    size_t count;
};

static void show_fault(void *owner, const struct xf_standing_fault *fault)
{
    struct shown *shown = owner;
    struct xf_selfcheck *check = shown->check;
    struct xf_spot spot = {fault->part, *fault->where ? fault->where : "this host"};
    shown->count++;
    xf_selfcheck_wrong(check, spot, fault->help, "%s (for %" PRIu64 " s)", fault->text,
                       (check->parts.clock->now_ms - fault->since_ms) / 1000);
}

size_t xf_selfcheck_faults(struct xf_selfcheck *check, const char *part)
{
    struct shown shown = {check, 0};
    xf_standing_show(check->parts.standing, part, show_fault, &shown);
    return shown.count;
}

void xf_selfcheck_system(struct xf_selfcheck *check)
{
    const char *directory = check->parts.conf->mailmap.directory.uri;
    look_at_clock(check);
    if (xf_selfcheck_faults(check, "file") == 0)
        xf_selfcheck_ok(check, (struct xf_spot){"file", "this host"},
                        "no file of memory, journal or audit failed when it was last written");
    if (xf_selfcheck_faults(check, "directory") == 0 && *directory)
        xf_selfcheck_ok(check, (struct xf_spot){"directory", directory},
                        "it answered when it was last asked");
    (void)xf_selfcheck_faults(check, "process");
    (void)xf_selfcheck_faults(check, "module");
}
