/* SPDX-License-Identifier: MIT */
/* unreachable_priv.h — since when peers cannot be reached, for metrics and status. */
#pragma once

#include <xfed/base/lru.h>
#include <xfed/limits/quota.h>
#include <xfed/s2s/s2s.h>

struct xf_route;
struct xf_routing;

struct xf_unreachables {
    struct xf_lru peers;                 /* the one that failed longest ago is the oldest */
    struct xf_quota of_named, of_others; /* by owners */
};

void xf_unreachable_init(struct xf_unreachables *all);
void xf_unreachable_fini(struct xf_unreachables *all);

/* The stream of the route, or a try, has failed (route->cause). */
void xf_unreachable_note(const struct xf_route *route);
void xf_unreachable_clear(struct xf_routing *routing, struct xf_span peer);
