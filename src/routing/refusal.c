/* SPDX-License-Identifier: MIT */
/*
 * refusal.c — sends peers to another node while a link is down for long (link { refuse-peers }): no
 * stream to its domains, and when that is so for every link, no connection.
 */
#include "inbound_priv.h"

#include "links_priv.h"
#include "routing_priv.h"

bool xf_routing_is_away(void *owner, struct xf_span local)
{
    const struct xf_routing_link *link = xf_routing_link_serving(owner, local);
    return link && xf_link_refuses(link->link);
}

static bool all_refuse(const struct xf_routing *routing)
{
    XF_LIST_EACH (node, &routing->links) {
        if (!xf_link_refuses(XF_CONTAINER(node, struct xf_routing_link, node)->link))
            return false;
    }
    return true;
}

static void tell(struct xf_routing *routing)
{
    bool refuses = all_refuse(routing);
    if (refuses == routing->refuses)
        return;
    routing->refuses = refuses;
    if (routing->on_refuses)
        routing->on_refuses(routing->refuses_owner, refuses);
}

void xf_routing_link_refuses(void *owner, struct xf_link *link, bool refuses)
{
    struct xf_routing *routing = owner;
    const char *title = xf_routing_link_around(routing, link)->title;
    tell(routing); /* the listeners first, so that no peer comes straight back */
    if (!refuses) {
        /* bounded: once for each outage of the link, which outsiders do not cause */
        xf_log(XF_LOG_INFO, "routing.peers.accepted", XF_STR("link", title));
        return;
    }
    /* bounded: as above */
    xf_log(XF_LOG_WARN, "routing.peers.refused", XF_STR("link", title), XF_HELP(XF_HELP_LINK_DOWN));
    xf_s2s_turn_away(routing->s2s);
}
