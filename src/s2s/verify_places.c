/* SPDX-License-Identifier: MIT */
/*
 * verify_places.c — decides which questions to authoritative servers may be under way at the same
 * time.
 *
 * A question takes two places: one among the questions to the same domain, so that nobody can make
 * us ask a victim a thousand times, and one among all questions. Both are shared out like the
 * places of half-open conns (limits/quota.h): when all are taken, the network that holds most gives
 * one up for a network that holds fewer. So somebody who claims a thousand domains, or one domain a
 * thousand times, does not keep us from checking a good peer's key.
 */
#include <xfed/base/alloc.h>

#include "engine_priv.h"

#define SLOW_MS          5000 /* a question this old gives way */
#define DESCRIPTORS_PART 32

/* The questions to one domain; freed with the last one. */
struct xf_verified_peer {
    char *peer;
    struct xf_quota quota;
};

static struct xf_verified_peer *get_verified(struct xf_s2s *s2s, struct xf_span peer)
{
    struct xf_verified_peer *verified = xf_map_find(s2s->verifying.peers, peer);
    if (verified)
        return verified;
    verified = xf_new(struct xf_verified_peer);
    verified->peer = xf_span_dup(peer);
    xf_quota_init(&verified->quota, NULL);
    xf_map_set(s2s->verifying.peers, peer, verified);
    return verified;
}

static void drop_when_empty(struct xf_s2s *s2s, struct xf_verified_peer *verified)
{
    if (xf_quota_count(&verified->quota) > 0)
        return;
    xf_map_remove(s2s->verifying.peers, xf_span_of(verified->peer));
    xf_quota_fini(&verified->quota);
    xf_free(verified->peer);
    xf_free(verified);
}

static bool take_of_peer(struct xf_s2s *s2s, struct xf_verify_places *places, struct xf_span peer,
                         const struct xf_addr *addr)
{
    unsigned max = s2s->settings.unauthenticated.questions_per_peer;
    const struct xf_quota_limits limits = {
        .per_member = max, .per_group = max, .total = max, .unused_ms = SLOW_MS};
    struct xf_place *evicted;
    struct xf_verified_peer *verified = get_verified(s2s, peer);
    if (xf_take_by_addr(s2s, &verified->quota, &places->of_peer, addr, &limits, &evicted) !=
        XF_QUOTA_ROOM) {
        drop_when_empty(s2s, verified);
        return false;
    }
    places->verified = verified;
    if (evicted) {
        struct xf_verify_places *others = XF_CONTAINER(evicted, struct xf_verify_places, of_peer);
        others->give_way(others);
    }
    return true;
}

bool xf_verify_take_share(struct xf_s2s *s2s, struct xf_quota *quota, struct xf_place *place,
                          const struct xf_addr *addr, struct xf_place **out_evicted)
{
    const struct xf_s2s_settings *settings = &s2s->settings;
    const struct xf_quota_limits limits = {
        .per_member = settings->unauthenticated.questions_per_network,
        .per_group = settings->unauthenticated.questions_per_network,
        .total = xf_env_share(s2s->env, settings->unauthenticated.questions, DESCRIPTORS_PART),
        .unused_ms = SLOW_MS,
    };
    return xf_take_by_addr(s2s, quota, place, addr, &limits, out_evicted) == XF_QUOTA_ROOM;
}

static bool take_of_all(struct xf_s2s *s2s, struct xf_verify_places *places,
                        const struct xf_addr *addr)
{
    struct xf_place *evicted;
    if (!xf_verify_take_share(s2s, &s2s->verifying.places, &places->of_all, addr, &evicted))
        return false;
    if (evicted) {
        struct xf_verify_places *others = XF_CONTAINER(evicted, struct xf_verify_places, of_all);
        others->give_way(others);
    }
    return true;
}

bool xf_verify_places_take(struct xf_s2s *s2s, struct xf_verify_places *places, struct xf_span peer,
                           const struct xf_addr *addr)
{
    if (!take_of_peer(s2s, places, peer, addr))
        return false;
    if (take_of_all(s2s, places, addr))
        return true;
    xf_verify_places_give(s2s, places);
    return false;
}

void xf_verify_places_give(struct xf_s2s *s2s, struct xf_verify_places *places)
{
    xf_quota_give(&s2s->verifying.places, &places->of_all);
    if (!places->verified)
        return;
    xf_quota_give(&places->verified->quota, &places->of_peer);
    drop_when_empty(s2s, places->verified);
    places->verified = NULL;
}
