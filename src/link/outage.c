/* SPDX-License-Identifier: MIT */
/*
 * outage.c — an outage is logged when it has lasted for a minute, each minute, and at its end; at
 * debug when it begins, and when it ends sooner.
 */
#include "outage_priv.h"

#include <xfed/base/help.h>

#define EVERY_MS 60000

static void on_minute(void *owner)
{
    struct xf_outage *outage = owner;
    outage->was_told = true;
    xf_log(XF_LOG_WARN, "link.outage.lasts", XF_STR("link", outage->link),
           XF_INT("ms", outage->clock->now_ms - outage->since_ms),
           XF_INT("stanzas", outage->stanzas), XF_HELP(XF_HELP_LINK_DOWN));
    xf_timer_start(outage->timers, &outage->timer, EVERY_MS);
}

void xf_outage_init(struct xf_outage *outage, const char *link, const struct xf_clock *clock,
                    struct xf_timers *timers)
{
    *outage = (struct xf_outage){.link = link, .clock = clock, .timers = timers};
    xf_timer_init(&outage->timer, on_minute, outage);
}

void xf_outage_begin(struct xf_outage *outage)
{
    if (xf_timer_is_running(&outage->timer))
        return;
    outage->since_ms = outage->clock->now_ms;
    outage->stanzas = 0;
    outage->was_told = false;
    xf_log(XF_LOG_DEBUG, "link.outage.began", XF_STR("link", outage->link));
    xf_timer_start(outage->timers, &outage->timer, EVERY_MS);
}

void xf_outage_end(struct xf_outage *outage)
{
    if (!xf_timer_is_running(&outage->timer))
        return;
    xf_timer_stop(&outage->timer);
    xf_log(outage->was_told ? XF_LOG_INFO : XF_LOG_DEBUG, "link.outage.ended",
           XF_STR("link", outage->link), XF_INT("ms", outage->clock->now_ms - outage->since_ms),
           XF_INT("stanzas", outage->stanzas));
}

void xf_outage_cost(struct xf_outage *outage)
{
    if (xf_timer_is_running(&outage->timer))
        outage->stanzas++;
}

uint64_t xf_outage_lasted_ms(const struct xf_outage *outage)
{
    return xf_timer_is_running(&outage->timer) ? outage->clock->now_ms - outage->since_ms : 0;
}
