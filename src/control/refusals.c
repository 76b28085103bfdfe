/* SPDX-License-Identifier: MIT */
/*
 * refusals.c — lines about clients that get nothing: any user of the machine can cause them, so at
 * most one a second is written.
 */
#include "control_priv.h"

#define QUIET_MS 1000

static void on_quiet(void *owner)
{
    (void)owner; /* only that it runs no longer matters */
}

void xf_control_refusals_init(struct xf_control_refusals *refusals)
{
    xf_timer_init(&refusals->quiet, on_quiet, refusals);
}

bool xf_control_may_log_refusal(struct xf_control_refusals *refusals, struct xf_timers *timers,
                                unsigned *out_suppressed)
{
    if (xf_timer_is_running(&refusals->quiet)) {
        refusals->suppressed++;
        return false;
    }
    *out_suppressed = refusals->suppressed;
    refusals->suppressed = 0;
    xf_timer_start(timers, &refusals->quiet, QUIET_MS);
    return true;
}
