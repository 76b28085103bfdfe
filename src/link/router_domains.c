/* SPDX-License-Identifier: MIT */
/*
 * router_domains.c — which domains the router has, from the presence that it sends.
 *
 * After a bind the router lists all other names, then each that comes or goes. Those of components
 * such as "c2s" are among them. A domain that the configuration serves and the router does not have
 * is worth a warning: whatever a peer sends there is returned. At the start the domains get a
 * moment, since the router and its session manager start together with us.
 */
#include "router_priv.h"

#include <xfed/xmpp/jid.h>

#define LOOK_MS     10000
#define DOMAINS_MAX 65536 /* the cluster is trusted: only bounds what a bug could do */

static bool is_ours(const struct xf_router *router, struct xf_span name)
{
    struct xf_span own = xf_span_of(router->leg.name);
    return name.len >= own.len &&
           xf_span_eq((struct xf_span){name.ptr + name.len - own.len, own.len}, own);
}

static bool is_served(const struct xf_router *router, struct xf_span domain)
{
    return xf_map_find(router->leg.common->served, domain) != NULL;
}

static void warn_missing(const struct xf_router *router, struct xf_span domain)
{
    xf_log(XF_LOG_WARN, "link.domain.missing", XF_STR("link", router->leg.settings->title),
           XF_SPN("domain", domain), XF_HELP(XF_HELP_LINK_NO_DOMAIN));
}

static void look_for_served(void *owner)
{
    struct xf_router *router = owner;
    struct xf_span domain;
    size_t cursor = 0;
    while (xf_map_next(router->leg.common->served, &cursor, &domain, NULL))
        if (!xf_map_find(router->online, domain))
            warn_missing(router, domain);
}

static void note_online(struct xf_router *router, struct xf_span domain)
{
    if (xf_map_find(router->online, domain) || xf_map_count(router->online) >= DOMAINS_MAX)
        return;
    (void)xf_map_set(router->online, domain, router);
    xf_log(is_served(router, domain) ? XF_LOG_INFO : XF_LOG_DEBUG, "link.domain.online",
           XF_STR("link", router->leg.settings->title), XF_SPN("domain", domain));
}

static void note_offline(struct xf_router *router, struct xf_span domain)
{
    if (!xf_map_remove(router->online, domain))
        return;
    if (is_served(router, domain))
        warn_missing(router, domain);
    else
        xf_log(XF_LOG_DEBUG, "link.domain.offline", XF_STR("link", router->leg.settings->title),
               XF_SPN("domain", domain));
}

void xf_router_domains_note(struct xf_router *router, const struct xf_elem *elem)
{
    char domain[XF_DOMAIN_MAX + 1];
    struct xf_span from = xf_elem_attr(elem, "from");
    if (!from.len || xf_domain_prepare(from, domain) != XF_ERR_OK ||
        is_ours(router, xf_span_of(domain)))
        return;
    if (xf_span_is(xf_elem_attr(elem, "type"), "unavailable"))
        note_offline(router, xf_span_of(domain));
    else
        note_online(router, xf_span_of(domain));
}

void xf_router_domains_init(struct xf_router *router)
{
    router->online = xf_map_new();
    xf_timer_init(&router->look, look_for_served, router);
}

void xf_router_domains_fini(struct xf_router *router)
{
    xf_map_free(&router->online);
}

void xf_router_domains_begin(struct xf_router *router)
{
    xf_timer_start(router->leg.env->timers, &router->look, LOOK_MS);
}

void xf_router_domains_end(struct xf_router *router)
{
    xf_timer_stop(&router->look);
    xf_map_free(&router->online);
    router->online = xf_map_new();
}
