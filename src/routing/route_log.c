/* SPDX-License-Identifier: MIT */
/*
 * route_log.c — at which level lines about a route are written.
 */
#include "route_priv.h"

#include "rare_priv.h"
#include "routing_priv.h"

#include <xfed/base/log.h>
#include <xfed/xmpp/owner.h>

enum xf_log_level xf_route_level(struct xf_route *route, enum xf_log_level level, const char *event)
{
    bool is_named = xf_policy_names(route->routing->policy, route->peer);
    return xf_lines_level(route->routing->env, is_named ? XF_LINES_NAMED : XF_LINES_PEERS,
                          xf_domain_owner(route->peer), level, event);
}

void xf_route_log_full(struct xf_route *route, const struct xf_stanza_sum *held)
{
    unsigned suppressed = 0;
    if (!xf_rare_is_due(&route->routing->full, xf_routing_now(route->routing), &suppressed))
        return;
    xf_route_log(route, XF_LOG_WARN, "routing.queue.full", XF_SPN("local", route->local),
                 XF_SPN("peer", route->peer), XF_INT("stanzas", held->count),
                 XF_INT("bytes", held->bytes), XF_INT("suppressed", suppressed));
}
