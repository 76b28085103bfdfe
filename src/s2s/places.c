/* SPDX-License-Identifier: MIT */
/*
 * places.c — takes places in a quota by address: the address is the member, its network the group
 * (limits/quota.h). And takes two places for one thing: one by address, one by the owner of its
 * domain.
 */
#include "engine_priv.h"

enum xf_quota_answer xf_take_by_addr(const struct xf_s2s *s2s, struct xf_quota *quota,
                                     struct xf_place *place, const struct xf_addr *addr,
                                     const struct xf_quota_limits *limits,
                                     struct xf_place **out_evicted)
{
    char host[XF_ADDR_TEXT_BYTES], network[XF_ADDR_TEXT_BYTES];
    xf_addr_host_text(addr, host);
    xf_addr_network_text(addr, network);
    const struct xf_quota_keys keys = {.group = xf_span_of(network), .member = xf_span_of(host)};
    return xf_quota_take(quota, place, &keys, limits, s2s->env->clock->now_ms, out_evicted);
}

/* ------------------------------------------------------------------ a thing with two places */

/*
 * A network or owner that has used up its own limit must give up something of its own. When the
 * total is used up, it is enough that one of the two quotas finds a holder with more places than
 * the newcomer: what gives way gives up both its places.
 */
bool xf_share_look(const struct xf_share *share, const struct xf_share_keys *keys, uint64_t now_ms,
                   struct xf_victims *out)
{
    enum xf_quota_answer of_network = XF_QUOTA_ROOM, of_owner;
    out->of_network = NULL;
    if (keys->network.group.ptr)
        of_network = xf_quota_look(&share->holdings->by_network, &keys->network, &share->of_network,
                                   now_ms, &out->of_network);
    of_owner = xf_quota_look(&share->holdings->by_owner, &keys->owner, &share->of_owner, now_ms,
                             &out->of_owner);
    bool network_may =
        of_network == XF_QUOTA_ROOM || (of_network == XF_QUOTA_ALL_FULL && out->of_owner);
    bool owner_may =
        of_owner == XF_QUOTA_ROOM || (of_owner == XF_QUOTA_ALL_FULL && out->of_network);
    return network_may && owner_may;
}

void xf_holding_enter(struct xf_holdings *holdings, struct xf_holding *holding,
                      const struct xf_share_keys *keys, uint64_t now_ms)
{
    if (keys->network.group.ptr)
        xf_quota_enter(&holdings->by_network, &holding->by_network, &keys->network, now_ms);
    xf_quota_enter(&holdings->by_owner, &holding->by_owner, &keys->owner, now_ms);
}

void xf_holding_give(struct xf_holdings *holdings, struct xf_holding *holding)
{
    xf_quota_give(&holdings->by_network, &holding->by_network);
    xf_quota_give(&holdings->by_owner, &holding->by_owner);
}
