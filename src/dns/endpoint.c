/* SPDX-License-Identifier: MIT */
/*
 * endpoint.c — the order of RFC 2782: lower priority first; among equals each next one is drawn
 * with a chance in proportion to its weight.
 *
 * The draw is the one of the RFC: those of weight 0 stand in front, a number from 0 to the sum of
 * the weights (both included) is drawn, and the first whose running sum reaches it is next. So
 * weight 0 has a small chance beside others, and all are equal when all are 0 -- but only if the
 * zeros are in no fixed order among themselves, since a drawn 0 takes the first of them: they are
 * shuffled.
 */
#include "endpoint_priv.h"

#include <stdlib.h>

#include <xfed/base/crypto.h>

static void swap(struct xf_endpoint *a, struct xf_endpoint *b)
{
    struct xf_endpoint was = *a;

    *a = *b;
    *b = was;
}

static void shuffle(struct xf_endpoint *endpoints, size_t count)
{
    for (size_t i = count; i > 1; i--)
        swap(&endpoints[i - 1], &endpoints[xf_rand_below((uint32_t)i)]);
}

static int by_priority_and_zero(const void *a, const void *b)
{
    const struct xf_endpoint *one = a, *other = b;

    if (one->priority != other->priority)
        return one->priority < other->priority ? -1 : 1;
    return (one->weight != 0) - (other->weight != 0);
}

static uint32_t sum_of_weights(const struct xf_endpoint *endpoints, size_t count)
{
    uint32_t sum = 0; /* XF_ENDPOINTS_MAX * 65535 fits */

    for (size_t i = 0; i < count; i++)
        sum += endpoints[i].weight;
    return sum;
}

/* Bring one of them to the front and keep the others in order, zeros ahead. */
static void draw_first(struct xf_endpoint *endpoints, size_t count)
{
    uint32_t drawn = xf_rand_below(sum_of_weights(endpoints, count) + 1),
             running = endpoints[0].weight;
    size_t at = 0;

    while (running < drawn)
        running += endpoints[++at].weight;

    struct xf_endpoint first = endpoints[at];
    memmove(endpoints + 1, endpoints, at * sizeof(*endpoints));
    endpoints[0] = first;
}

void xf_endpoints_order(struct xf_endpoint *endpoints, size_t count)
{
    shuffle(endpoints, count);
    qsort(endpoints, count, sizeof(*endpoints), by_priority_and_zero);

    /* qsort need not keep the order of equals, but it does not look at more than priority and zero:
     * still by chance. */
    for (size_t i = 0, group_end = 0; i < count; i++) {
        while (group_end < count && endpoints[group_end].priority == endpoints[i].priority)
            group_end++;
        draw_first(endpoints + i, group_end - i);
    }
}
