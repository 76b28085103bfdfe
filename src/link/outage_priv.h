/* SPDX-License-Identifier: MIT */
/* outage_priv.h — says once a minute that a link is away, and what that costs. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <xfed/net/timer.h>

struct xf_outage {    /* embedded in the link */
    const char *link; /* its title, borrowed */
    const struct xf_clock *clock;
    struct xf_timers *timers;
    struct xf_timer timer; /* runs during an outage */
    uint64_t since_ms;
    uint64_t stanzas; /* that were returned to peers, or dropped, since then */
    bool was_told;
};

void xf_outage_init(struct xf_outage *outage, const char *link, const struct xf_clock *clock,
                    struct xf_timers *timers);
/* The link is away; or it is back, or nobody wants it any more. Each may be called twice. */
void xf_outage_begin(struct xf_outage *outage);
void xf_outage_end(struct xf_outage *outage);
/* How long it has lasted; 0: there is none. */
uint64_t xf_outage_lasted_ms(const struct xf_outage *outage);
/* A stanza was not taken, or expired. */
void xf_outage_cost(struct xf_outage *outage);
