/* SPDX-License-Identifier: MIT */
/* counts.c — what the routing counts. */
#include <xfed/routing/counts.h>

#include "route_priv.h"
#include "routing_priv.h"

static const char *const state_words[] = {XF_ROUTE_STATE_MAP(XF_MACHINE_WORD)};

void xf_routing_count(struct xf_routing *routing, struct xf_routing_counts *out)
{
    _Static_assert(XF_ARRAY_LEN(state_words) == XF_ROUTE_STATES, "counts.h has all states");
    *out = (struct xf_routing_counts){.queued = routing->queued,
                                      .answers = routing->answers,
                                      .queued_max_bytes = routing->settings.queue_bytes,
                                      .unreachable = xf_lru_count(&routing->unreachables.peers),
                                      .waited = routing->waited};
    for (size_t i = 0; i < XF_ROUTE_STATES; i++) {
        out->routes[i].state = state_words[i];
        out->routes[i].count = routing->route_counts[i];
    }
    memcpy(out->refused, routing->denied.rules, sizeof(out->refused));
    memcpy(out->passed_dry, routing->passed_dry.rules, sizeof(out->passed_dry));
}
