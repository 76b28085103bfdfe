/* SPDX-License-Identifier: MIT */
/*
 * places.c — takes places in a quota by address: the address is the member, its network the group
 * (limits/quota.h).
 */
#include "engine_priv.h"

void xf_addr_keys_of(const struct xf_addr *addr, struct xf_addr_keys *out)
{
    xf_addr_host_text(addr, out->host);
    xf_addr_network_text(addr, out->network);
    out->keys =
        (struct xf_quota_keys){.group = xf_span_of(out->network), .member = xf_span_of(out->host)};
}

enum xf_quota_answer xf_take_by_addr(const struct xf_s2s *s2s, struct xf_quota *quota,
                                     struct xf_place *place, const struct xf_addr *addr,
                                     const struct xf_quota_limits *limits,
                                     struct xf_place **out_evicted)
{
    struct xf_addr_keys keys;
    xf_addr_keys_of(addr, &keys);
    return xf_quota_take(quota, place, &keys.keys, limits, s2s->env->clock->now_ms, out_evicted);
}
