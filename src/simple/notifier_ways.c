/* SPDX-License-Identifier: MIT */
/*
 * notifier_ways.c — the links by which our server is asked about our users, and when each was up:
 * what our users did while theirs was down never came.
 */
#include "notifier_priv.h"

#include <xfed/base/alloc.h>

static struct xf_notifier_way *way_of(const struct xf_simple *simple, struct xf_span title)
{
    struct xf_notifier_way *way = xf_map_find(simple->notifier->links, title);
    if (!way) {
        way = xf_new(struct xf_notifier_way);
        (void)xf_map_set(simple->notifier->links, title, way);
    }
    return way;
}

/* NULL: the domain of our user is not served any more. */
static const struct xf_notifier_way *link_of(const struct xf_notifier_watch *watch)
{
    const struct xf_served_settings *served =
        xf_policy_served(watch->simple->policy, xf_simple_domain_of(watch->user));
    return served ? way_of(watch->simple, xf_span_of(served->link)) : NULL;
}

/* NULL: no part of the link for that peer came up or went down since its users watch ours. */
static struct xf_notifier_way *part_of(const struct xf_simple *simple,
                                       const struct xf_notifier_way *link, struct xf_span peer)
{
    struct xf_notifier_way **parts = xf_notifier_limits_parts(simple, peer);
    struct xf_notifier_way *part = parts ? *parts : NULL;
    while (part && part->link != link)
        part = part->next;
    return part;
}

/* The same, made where there is none. NULL: nobody is interested. */
static struct xf_notifier_way *make_part(const struct xf_simple *simple,
                                         const struct xf_notifier_way *link, struct xf_span peer)
{
    struct xf_notifier_way **parts = xf_notifier_limits_parts(simple, peer);
    struct xf_notifier_way *part = part_of(simple, link, peer);
    if (part || !parts)
        return part;
    part = xf_new(struct xf_notifier_way);
    part->link = link;
    part->next = *parts;
    *parts = part;
    return part;
}

bool xf_notifier_is_stale(const struct xf_notifier_watch *watch)
{
    const struct xf_notifier_way *link = link_of(watch);
    const struct xf_notifier_way *part = part_of(watch->simple, link, xf_notifier_peer(watch));
    return link && (watch->probed_by != link || watch->probed_ms < link->up_ms ||
                    (part && watch->probed_ms < part->up_ms));
}

bool xf_notifier_is_cut_off(const struct xf_notifier_watch *watch)
{
    const struct xf_notifier_way *link = link_of(watch);
    const struct xf_notifier_way *part = part_of(watch->simple, link, xf_notifier_peer(watch));
    return !link || link->is_down || (part && part->is_down);
}

bool xf_notifier_may_know(const struct xf_notifier_watch *watch)
{
    const struct xf_simple *simple = watch->simple;
    struct xf_span peer = xf_notifier_peer(watch);
    return xf_simple_passes(simple, watch->user, peer, XF_DIRECTION_IN, XF_KINDS_SUBSCRIPTION,
                            false) &&
           xf_simple_passes(simple, watch->user, peer, XF_DIRECTION_OUT, XF_KINDS_PRESENCE, false);
}

void xf_notifier_await(struct xf_notifier_watch *watch)
{
    watch->probed_ms = watch->simple->env->clock->now_ms;
    watch->probed_by = link_of(watch);
    xf_notifier_resources_doubt(watch);
}

bool xf_notifier_way_is(struct xf_simple *simple, struct xf_span title, struct xf_span peer,
                        bool is_up)
{
    struct xf_notifier_way *link = way_of(simple, title);
    struct xf_notifier_way *way = peer.ptr ? make_part(simple, link, peer) : link;
    if (!way)
        return false;
    way->is_down = !is_up;
    if (is_up)
        way->up_ms = simple->env->clock->now_ms;
    return is_up;
}

void xf_notifier_ways_init(struct xf_simple *simple)
{
    simple->notifier->links = xf_map_new();
}

void xf_notifier_ways_fini(struct xf_simple *simple)
{
    struct xf_map **links = &simple->notifier->links;
    size_t cursor = 0;
    void *way = NULL;
    while (xf_map_next(*links, &cursor, NULL, &way))
        xf_free(way);
    xf_map_free(links);
}
