/* SPDX-License-Identifier: MIT */
/* finding.c — what the parts of a check say, and that they wait. */
#include "selfcheck_priv.h"

#include <stdarg.h>
#include <stdio.h>

#define TEXT_BYTES 512

const char *xf_finding_word(enum xf_finding_level level)
{
    static const char *const words[] = {"ok", "warning", "wrong"};
    return words[level];
}

XF_PRINTF(5, 0)
static void say(struct xf_selfcheck *check, struct xf_spot spot, enum xf_finding_level level,
                enum xf_help help, const char *fmt, va_list args)
{
    char text[TEXT_BYTES];
    vsnprintf(text, sizeof(text), fmt, args);
    check->events->found(
        check->owner,
        &(struct xf_finding){
            .level = level, .part = spot.part, .where = spot.where, .text = text, .help = help});
}

void xf_selfcheck_ok(struct xf_selfcheck *check, struct xf_spot spot, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    say(check, spot, XF_FINDING_OK, XF_HELP_NONE, fmt, args);
    va_end(args);
}

void xf_selfcheck_warn(struct xf_selfcheck *check, struct xf_spot spot, enum xf_help help,
                       const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    say(check, spot, XF_FINDING_WARNING, help, fmt, args);
    va_end(args);
}

void xf_selfcheck_wrong(struct xf_selfcheck *check, struct xf_spot spot, enum xf_help help,
                        const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    say(check, spot, XF_FINDING_WRONG, help, fmt, args);
    va_end(args);
}

/* ------------------------------------------------------------------ waiting */

void xf_selfcheck_hold(struct xf_selfcheck *check)
{
    check->held++;
}

void xf_selfcheck_release(struct xf_selfcheck *check)
{
    if (--check->held == 0)
        xf_timer_start(check->parts.timers, &check->timer, 0);
}
