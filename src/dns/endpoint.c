/* SPDX-License-Identifier: MIT */
/*
 * endpoint.c — the order of RFC 2782: lower priority first; among equals each next one is drawn
 * with a chance in proportion to its weight.
 *
 * The draw follows the RFC: endpoints of weight 0 come first; we draw a number from 0 to the sum of
 * the weights, both included; the first endpoint whose running sum reaches it is next. So weight 0
 * has a small chance beside others, and if all weights are 0, all have the same chance, provided
 * that they are in random order, since a drawn 0 takes the first one. So we shuffle the zeros.
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

/* Move the drawn one to the front and keep the others in order, zeros first. */
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

    /*
     * qsort may change the order of equals, but it compares only priority and whether the weight is
     * 0, so their order stays random.
     */
    for (size_t i = 0, group_end = 0; i < count; i++) {
        while (group_end < count && endpoints[group_end].priority == endpoints[i].priority)
            group_end++;
        draw_first(endpoints + i, group_end - i);
    }
}
