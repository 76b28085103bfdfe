/* SPDX-License-Identifier: MIT */
/*
 * unreachable.c — since when peers cannot be reached.
 *
 * Routes forget that: one whose back-off is over begins anew with the next stanza. Here a peer is
 * kept from its first failure until it is reached, as long as somebody goes on trying. Routes for
 * strangers do not count: they choose where we connect. Test: tests/unit/routing/test_routing.c.
 */
#include "unreachable_priv.h"

#include "route_priv.h"
#include "routing_priv.h"

#include <xfed/base/alloc.h>
#include <xfed/base/log.h>
#include <xfed/routing/counts.h>

#define UNREACHABLE_MAX 1024
#define FORGET_MS       900000 /* longer than every back-off */

struct unreachable {
    struct xf_lru_entry entry; /* always rests */
    uint64_t since_ms, failed_ms;
    enum xf_cause cause;
};

static struct unreachable *of(struct xf_lru_entry *entry)
{
    return entry ? XF_CONTAINER(entry, struct unreachable, entry) : NULL;
}

static void drop(struct xf_lru *lru, struct unreachable *peer)
{
    xf_lru_remove(lru, &peer->entry);
    xf_free(peer);
}

/* The one that failed longest ago is the oldest. */
static void forget_old(struct xf_lru *lru, uint64_t now_ms)
{
    struct unreachable *peer;
    while ((peer = of(xf_lru_oldest(lru))) && now_ms - peer->failed_ms > FORGET_MS)
        drop(lru, peer);
}

void xf_unreachable_init(struct xf_lru *unreachable)
{
    xf_lru_init(unreachable);
}

void xf_unreachable_fini(struct xf_lru *unreachable)
{
    struct unreachable *peer;
    while ((peer = of(xf_lru_oldest(unreachable))))
        drop(unreachable, peer);
    xf_lru_fini(unreachable);
}

void xf_unreachable_note(const struct xf_route *route)
{
    struct xf_lru *lru = &route->routing->unreachable;
    uint64_t now_ms = xf_routing_now(route->routing);
    if (route->for_stranger)
        return;
    forget_old(lru, now_ms);
    struct unreachable *peer = of(xf_lru_find(lru, route->peer));
    if (!peer) {
        if (xf_lru_count(lru) >= UNREACHABLE_MAX)
            drop(lru, of(xf_lru_oldest(lru)));
        peer = xf_new(struct unreachable);
        peer->since_ms = now_ms;
        xf_lru_add(lru, route->peer, &peer->entry);
    } else {
        xf_lru_hold(lru, &peer->entry);
    }
    peer->failed_ms = now_ms;
    peer->cause = route->cause;
    xf_lru_rest(lru, &peer->entry);
    xf_log(XF_LOG_DEBUG, "routing.peer.unreachable", XF_SPN("peer", route->peer),
           XF_WORD("reason", xf_cause_word(route->cause)), XF_STR("detail", route->text),
           XF_INT("ms", now_ms - peer->since_ms));
}

void xf_unreachable_clear(struct xf_routing *routing, struct xf_span peer)
{
    struct unreachable *found = of(xf_lru_find(&routing->unreachable, peer));
    if (!found)
        return;
    xf_log(XF_LOG_DEBUG, "routing.peer.reached", XF_SPN("peer", peer),
           XF_INT("ms", xf_routing_now(routing) - found->since_ms));
    drop(&routing->unreachable, found);
}

void xf_routing_each_unreachable(struct xf_routing *routing, xf_unreachable_fn each, void *owner)
{
    size_t cursor = 0;
    struct xf_lru_entry *entry;
    forget_old(&routing->unreachable, xf_routing_now(routing));
    while (xf_lru_next(&routing->unreachable, &cursor, &entry))
        each(owner, entry->key, xf_routing_now(routing) - of(entry)->since_ms, of(entry)->cause);
}
