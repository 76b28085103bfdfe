/* SPDX-License-Identifier: MIT */
/*
 * quota.c — how many conns may be unauthenticated, in all and from one address (design.md 9). A flood from one address must not
 * keep others out.
 */
#include "s2s_priv.h"

#include <xfed/base/alloc.h>

void xf_quota_init(struct xf_quota *quota)
{
    *quota = (struct xf_quota){.by_host = xf_map_new()};
}

void xf_quota_fini(struct xf_quota *quota)
{
    size_t cursor = 0;
    void *count;
    while (xf_map_next(quota->by_host, &cursor, NULL, &count))
        xf_free(count);
    xf_map_free(&quota->by_host);
}

bool xf_quota_take(struct xf_quota *quota, const char *host, unsigned per_host, unsigned total)
{
    unsigned *count = xf_map_find(quota->by_host, xf_span_of(host));
    if (quota->total >= total || (count && *count >= per_host))
        return false;
    if (!count) {
        count = xf_new(unsigned);
        xf_map_set(quota->by_host, xf_span_of(host), count);
    }
    (*count)++;
    quota->total++;
    return true;
}

void xf_quota_give(struct xf_quota *quota, const char *host)
{
    unsigned *count = xf_map_find(quota->by_host, xf_span_of(host));
    xf_require(count && *count > 0);
    quota->total--;
    if (--*count == 0)
        xf_free(xf_map_remove(quota->by_host, xf_span_of(host)));
}
