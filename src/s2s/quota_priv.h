/* SPDX-License-Identifier: MIT */
/* quota_priv.h — places for conns that authenticated nobody: by address, by network, in all (quota.c). */
#pragma once

#include <xfed/base/list.h>
#include <xfed/base/map.h>
#include <xfed/net/addr.h>

struct xf_crowd; /* the places of an address, of a network, of all */

enum xf_crowd_kind { XF_CROWD_ALL, XF_CROWD_NETWORK, XF_CROWD_ADDRESS, XF_CROWD_KINDS };

struct xf_place { /* zeroed: none held */
    struct xf_crowd *crowds[XF_CROWD_KINDS];
    struct xf_node nodes[XF_CROWD_KINDS]; /* in the crowd of each kind, oldest first */
    uint64_t since_ms;
};

struct xf_quota_limits {
    unsigned per_address, per_network, total;
};

struct xf_quota {
    struct xf_map *crowds; /* text of an address or a network -> struct xf_crowd */
    struct xf_crowd *all;
};
void xf_quota_init(struct xf_quota *quota);
void xf_quota_fini(struct xf_quota *quota); /* every place was given back */

/*
 * Take a place. NULL: it is held; when *out_evicted is set, that place was given back for it, and its owner must end. Otherwise the word
 * that says what is full: "address", "network", "total".
 */
const char *xf_quota_take(struct xf_quota *quota, struct xf_place *place, const struct xf_addr *addr,
                          const struct xf_quota_limits *limits, uint64_t now_ms, struct xf_place **out_evicted);
void xf_quota_give(struct xf_quota *quota, struct xf_place *place); /* of none held: nothing */
unsigned xf_quota_count(const struct xf_quota *quota);
