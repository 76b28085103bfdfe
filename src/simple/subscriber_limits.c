/* SPDX-License-Identifier: MIT */
/*
 * subscriber_limits.c — how many subscriptions each of our users has, so that none takes all places
 * of a peer, or all there are.
 */
#include "subscriber_priv.h"

#include <xfed/base/alloc.h>

struct tally {
    unsigned count;
};

unsigned xf_subscriber_count(const struct xf_simple *simple, struct xf_span user)
{
    const struct tally *tally = xf_map_find(simple->subscriber.users, user);
    return tally ? tally->count : 0;
}

void xf_subscription_count(struct xf_subscription *sub, int by)
{
    struct xf_map *users = sub->simple->subscriber.users;
    struct xf_span user = xf_subscription_user(sub);
    struct tally *tally = xf_map_find(users, user);
    sub->simple->subscriptions += (size_t)by;
    if (!tally) {
        tally = xf_new(struct tally);
        (void)xf_map_set(users, user, tally);
    }
    tally->count += (unsigned)by;
    if (tally->count > 0)
        return;
    (void)xf_map_remove(users, user);
    xf_free(tally);
}
