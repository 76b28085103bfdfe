/* SPDX-License-Identifier: MIT */
/*
 * histogram.h — how long something took, counted in buckets. All histograms have the same bounds,
 * from a millisecond to a minute, so that they can be compared. Adding costs a walk over at most 15
 * bounds.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define XF_HISTOGRAM_BOUNDS 15

struct xf_histogram { /* zeroed: empty */
    /* Those that took at most the bound of the same index, and more than the one before it. */
    uint64_t counts[XF_HISTOGRAM_BOUNDS + 1]; /* the last: above all bounds */
    uint64_t sum_ms;
};

static const uint32_t xf_histogram_bounds_ms[XF_HISTOGRAM_BOUNDS] = {
    1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 30000, 60000};

static inline void xf_histogram_add(struct xf_histogram *histogram, uint64_t ms)
{
    size_t i = 0;
    while (i < XF_HISTOGRAM_BOUNDS && ms > xf_histogram_bounds_ms[i])
        i++;
    histogram->counts[i]++;
    histogram->sum_ms += ms;
}
