/* SPDX-License-Identifier: MIT */
/*
 * notifier_limits.c — how many subscriptions users of peers may have, and how many of them may wait
 * for one of our users to decide: for each peer as its section says, for the owner of its domain
 * some times that, and in all.
 *
 * A watch without a device counts as one: it remembers for a while that our user was asked.
 *
 * What is known of the presence of our users counts in bytes: one of them may have many resources
 * with long names and texts, and show them to many users of a peer with which it is in league.
 */
#include "notifier_priv.h"

#include <xfed/base/alloc.h>
#include <xfed/xmpp/owner.h>

#define OWNER_TIMES 4 /* what all domains of an owner may have together, in times what one may */

#define STATE_BYTES 1024 /* of presence, for each subscription that there may be */

struct xf_notifier_tally {
    unsigned held, pending;
    size_t bytes;
    /* Of a peer alone: */
    struct xf_notifier_way *parts;
    uint64_t missed_ms; /* when presence for it last did not come to us; 0: never */
};

static void free_tally(struct xf_notifier_tally *tally)
{
    while (tally->parts) {
        struct xf_notifier_way *part = tally->parts;
        tally->parts = part->next;
        xf_free(part);
    }
    xf_free(tally);
}

static void count(struct xf_map *map, struct xf_span name, int held, int pending)
{
    struct xf_notifier_tally *tally = xf_map_find(map, name);
    if (!tally) {
        tally = xf_new(struct xf_notifier_tally);
        (void)xf_map_set(map, name, tally);
    }
    tally->held += (unsigned)held;
    tally->pending += (unsigned)pending;
    if (tally->held > 0)
        return;
    (void)xf_map_remove(map, name);
    free_tally(tally);
}

void xf_notifier_limits_count(struct xf_simple *simple, struct xf_span peer, int held, int pending)
{
    count(simple->notifier->peers, peer, held, pending);
    count(simple->notifier->owners, xf_domain_owner(peer), held, pending);
    simple->subscriptions += (size_t)held;
    simple->counts.pending_in += (size_t)pending;
}

struct xf_notifier_way **xf_notifier_limits_parts(const struct xf_simple *simple,
                                                  struct xf_span peer)
{
    struct xf_notifier_tally *tally = xf_map_find(simple->notifier->peers, peer);
    return tally ? &tally->parts : NULL;
}

void xf_notifier_limits_miss(struct xf_simple *simple, struct xf_span peer)
{
    struct xf_notifier_tally *tally = xf_map_find(simple->notifier->peers, peer);
    if (tally)
        tally->missed_ms = simple->env->clock->now_ms;
}

static struct xf_notifier_tally *tally_of(const struct xf_map *map, struct xf_span name)
{
    struct xf_notifier_tally *tally = xf_map_find(map, name);
    xf_require(tally); /* the watch is one of them */
    return tally;
}

bool xf_notifier_is_behind(const struct xf_notifier_watch *watch)
{
    uint64_t missed_ms =
        tally_of(watch->simple->notifier->peers, xf_notifier_peer(watch))->missed_ms;
    return missed_ms > 0 && watch->probed_ms <= missed_ms;
}

void xf_notifier_limits_weigh(const struct xf_notifier_watch *watch, size_t more, size_t less)
{
    const struct xf_notifier *notifier = watch->simple->notifier;
    struct xf_span peer = xf_notifier_peer(watch);
    struct xf_notifier_tally *of_peer = tally_of(notifier->peers, peer),
                             *of_owner = tally_of(notifier->owners, xf_domain_owner(peer));
    of_peer->bytes = of_peer->bytes + more - less;
    of_owner->bytes = of_owner->bytes + more - less;
}

bool xf_notifier_limits_takes(const struct xf_notifier_watch *watch, size_t bytes)
{
    const struct xf_simple *simple = watch->simple;
    struct xf_span peer = xf_notifier_peer(watch);
    size_t most = (size_t)xf_policy_peer(simple->policy, peer)->sip_subscriptions * STATE_BYTES;
    return tally_of(simple->notifier->peers, peer)->bytes + bytes <= most &&
           tally_of(simple->notifier->owners, xf_domain_owner(peer))->bytes + bytes <=
               OWNER_TIMES * most;
}

static bool has_room(const struct xf_map *map, struct xf_span name,
                     const struct xf_peer_settings *settings, unsigned times, bool asks)
{
    const struct xf_notifier_tally *tally = xf_map_find(map, name);
    return !tally || (tally->held / times < settings->sip_subscriptions &&
                      (!asks || tally->pending / times < settings->sip_pending));
}

const char *xf_notifier_limits_full(const struct xf_simple *simple, struct xf_span peer, bool asks)
{
    const struct xf_peer_settings *settings = xf_policy_peer(simple->policy, peer);
    if (!has_room(simple->notifier->peers, peer, settings, 1, asks))
        return "peer";
    if (!has_room(simple->notifier->owners, xf_domain_owner(peer), settings, OWNER_TIMES, asks))
        return "owner";
    return simple->subscriptions < xf_simple_subscriptions_max(simple, peer) ? NULL : "total";
}
