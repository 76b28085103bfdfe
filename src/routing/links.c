/* SPDX-License-Identifier: MIT */
/* links.c — the attached links. */
#include "links_priv.h"

#include "routing_priv.h"

struct xf_routing_link *xf_routing_link_of(const struct xf_routing *routing, const char *title)
{
    XF_LIST_EACH (node, &routing->links) {
        struct xf_routing_link *link = XF_CONTAINER(node, struct xf_routing_link, node);
        if (strcmp(link->title, title) == 0)
            return link;
    }
    return NULL;
}

struct xf_routing_link *xf_routing_link_serving(const struct xf_routing *routing,
                                                struct xf_span domain)
{
    const struct xf_served_settings *served = xf_policy_served(routing->policy, domain);
    return served ? xf_routing_link_of(routing, served->link) : NULL;
}

struct xf_routing_link *xf_routing_link_around(const struct xf_routing *routing,
                                               const struct xf_link *link)
{
    XF_LIST_EACH (node, &routing->links) {
        struct xf_routing_link *entry = XF_CONTAINER(node, struct xf_routing_link, node);
        if (entry->link == link)
            return entry;
    }
    xf_require(false); /* links are attached before they deliver events */
    return NULL;
}

bool xf_routing_is_served_by(const struct xf_routing *routing, const struct xf_routing_link *link,
                             struct xf_span domain)
{
    const struct xf_served_settings *served = xf_policy_served(routing->policy, domain);
    return served && strcmp(served->link, link->title) == 0;
}
