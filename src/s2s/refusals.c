/* SPDX-License-Identifier: MIT */
/*
 * refusals.c — logs conns and streams that found no place. So that a flood does not fill the log,
 * the first line comes at once, then at most one a minute, with the number since the last line.
 */
#include <xfed/base/help.h>

#include "admission_priv.h"

#define SUMMARY_MS 60000

static void log_refused(struct xf_refusals *refusals)
{
    /* bounded: one a minute */
    xf_log(XF_LOG_WARN, "s2s.conn.refused", XF_STR("addr", refusals->addr),
           XF_WORD("reason", refusals->reason), XF_INT("suppressed", refusals->refused),
           XF_INT("evicted", refusals->evicted), XF_HELP(XF_HELP_NO_PLACE));
    refusals->refused = refusals->evicted = 0;
}

static void on_summary(void *owner)
{
    struct xf_refusals *refusals = owner;
    if (!refusals->refused && !refusals->evicted)
        return;
    log_refused(refusals);
    xf_timer_start(refusals->timers, &refusals->timer, SUMMARY_MS);
}

void xf_refusals_init(struct xf_refusals *refusals, struct xf_timers *timers)
{
    *refusals = (struct xf_refusals){.timers = timers};
    xf_timer_init(&refusals->timer, on_summary, refusals);
}

void xf_refusals_fini(struct xf_refusals *refusals)
{
    xf_timer_stop(&refusals->timer);
}

void xf_refusals_note(struct xf_refusals *refusals, const struct xf_addr *addr, const char *reason,
                      bool is_evicted)
{
    xf_addr_host_text(addr, refusals->addr);
    refusals->reason = reason;
    refusals->all_refused += !is_evicted;
    refusals->all_evicted += is_evicted;
    if (xf_timer_is_running(&refusals->timer)) {
        refusals->refused += !is_evicted;
        refusals->evicted += is_evicted;
        return;
    }
    refusals->evicted = is_evicted;
    log_refused(refusals);
    xf_timer_start(refusals->timers, &refusals->timer, SUMMARY_MS);
}
