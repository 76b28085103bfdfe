/* SPDX-License-Identifier: MIT */
/*
 * unreachable.c — since when peers cannot be reached.
 *
 * Routes forget that: one whose back-off is over begins anew with the next stanza. Here a peer is
 * kept from its first failure until it is reached, as long as somebody goes on trying. Routes for
 * strangers do not count: they choose where we connect. Nor do our users displace peers that the
 * configuration names, whatever they write to: those have a table of their own, and in that of the
 * others an owner whose names are too many loses his own. Test: tests/unit/routing/test_routing.c.
 */
#include "unreachable_priv.h"

#include "route_priv.h"
#include "routing_priv.h"

#include <xfed/base/alloc.h>
#include <xfed/base/log.h>
#include <xfed/routing/counts.h>
#include <xfed/xmpp/owner.h>

#define UNREACHABLE_MAX       1024
#define UNREACHABLE_OWNER_MAX 256    /* of them */
#define UNREACHABLE_NAMED_MAX 4096   /* peers that the configuration names */
#define UNUSED_MS             1      /* any but the newest may go */
#define FORGET_MS             900000 /* longer than every back-off */

struct unreachable {
    struct xf_lru_entry entry; /* always rests */
    struct xf_place place;
    bool is_named; /* when it failed first */
    uint64_t since_ms, failed_ms;
    enum xf_cause cause;
};

static struct unreachable *of(struct xf_lru_entry *entry)
{
    return entry ? XF_CONTAINER(entry, struct unreachable, entry) : NULL;
}

static struct unreachable *of_place(const struct xf_place *place)
{
    return place ? XF_CONTAINER(place, struct unreachable, place) : NULL;
}

static uint64_t failed_ms(const struct xf_place *place)
{
    return of_place(place)->failed_ms;
}

static struct xf_quota *quota_of(struct xf_unreachables *all, bool is_named)
{
    return is_named ? &all->of_named : &all->of_others;
}

static void drop(struct xf_unreachables *all, struct unreachable *peer)
{
    xf_quota_give(quota_of(all, peer->is_named), &peer->place);
    xf_lru_remove(&all->peers, &peer->entry);
    xf_free(peer);
}

/* The one that failed longest ago is the oldest. */
static void forget_old(struct xf_unreachables *all, uint64_t now_ms)
{
    struct unreachable *peer;
    while ((peer = of(xf_lru_oldest(&all->peers))) && now_ms - peer->failed_ms > FORGET_MS)
        drop(all, peer);
}

void xf_unreachable_init(struct xf_unreachables *all)
{
    xf_lru_init(&all->peers);
    xf_quota_init(&all->of_named, failed_ms);
    xf_quota_init(&all->of_others, failed_ms);
}

void xf_unreachable_fini(struct xf_unreachables *all)
{
    struct unreachable *peer;
    while ((peer = of(xf_lru_oldest(&all->peers))))
        drop(all, peer);
    xf_lru_fini(&all->peers);
    xf_quota_fini(&all->of_named);
    xf_quota_fini(&all->of_others);
}

/* NULL: there is no room. */
static struct unreachable *add(struct xf_routing *routing, struct xf_span name)
{
    struct xf_unreachables *all = &routing->unreachables;
    struct xf_span owner = xf_domain_owner(name);
    bool is_named = xf_policy_names(routing->policy, name);
    unsigned of_owner = is_named ? UNREACHABLE_NAMED_MAX : UNREACHABLE_OWNER_MAX;
    const struct xf_quota_keys keys = {.group = owner, .member = owner};
    const struct xf_quota_limits limits = {.per_member = of_owner,
                                           .per_group = of_owner,
                                           .total =
                                               is_named ? UNREACHABLE_NAMED_MAX : UNREACHABLE_MAX,
                                           .unused_ms = UNUSED_MS,
                                           .shares_own = true};
    uint64_t now_ms = xf_routing_now(routing);
    struct xf_place *victim = NULL;
    if (xf_quota_look(quota_of(all, is_named), &keys, &limits, now_ms, &victim) != XF_QUOTA_ROOM)
        return NULL;
    if (victim)
        drop(all, of_place(victim));
    struct unreachable *peer = xf_new(struct unreachable);
    peer->is_named = is_named;
    peer->since_ms = peer->failed_ms = now_ms;
    xf_lru_add(&all->peers, name, &peer->entry);
    xf_quota_enter(quota_of(all, is_named), &peer->place, &keys, now_ms);
    return peer;
}

void xf_unreachable_note(const struct xf_route *route)
{
    struct xf_unreachables *all = &route->routing->unreachables;
    uint64_t now_ms = xf_routing_now(route->routing);
    if (route->for_stranger)
        return;
    forget_old(all, now_ms);
    struct unreachable *peer = of(xf_lru_find(&all->peers, route->peer));
    if (peer)
        xf_lru_hold(&all->peers, &peer->entry);
    else if (!(peer = add(route->routing, route->peer)))
        return;
    peer->failed_ms = now_ms;
    peer->cause = route->cause;
    xf_lru_rest(&all->peers, &peer->entry);
    xf_log(XF_LOG_DEBUG, "routing.peer.unreachable", XF_SPN("peer", route->peer),
           XF_WORD("reason", xf_cause_word(route->cause)), XF_STR("detail", route->text),
           XF_INT("ms", now_ms - peer->since_ms));
}

void xf_unreachable_clear(struct xf_routing *routing, struct xf_span peer)
{
    struct unreachable *found = of(xf_lru_find(&routing->unreachables.peers, peer));
    if (!found)
        return;
    xf_log(XF_LOG_DEBUG, "routing.peer.reached", XF_SPN("peer", peer),
           XF_INT("ms", xf_routing_now(routing) - found->since_ms));
    drop(&routing->unreachables, found);
}

void xf_routing_each_unreachable(struct xf_routing *routing, xf_unreachable_fn each, void *owner)
{
    size_t cursor = 0;
    struct xf_lru_entry *entry;
    forget_old(&routing->unreachables, xf_routing_now(routing));
    while (xf_lru_next(&routing->unreachables.peers, &cursor, &entry))
        each(owner, entry->key, xf_routing_now(routing) - of(entry)->since_ms, of(entry)->cause);
}
