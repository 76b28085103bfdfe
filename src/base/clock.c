/* SPDX-License-Identifier: MIT */
/* clock.c — the one place that asks the system for the time that passes. */
#include <xfed/base/clock.h>

#include <time.h>

#include <xfed/base/err.h>

uint64_t xf_monotonic_ms(void)
{
    struct timespec ts;

    xf_require(clock_gettime(CLOCK_MONOTONIC, &ts) == 0);
    /* One more than the system says: 0 is "never" for those who store a time. */
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000 + 1;
}

int64_t xf_unix_s(void)
{
    struct timespec ts;

    xf_require(clock_gettime(CLOCK_REALTIME, &ts) == 0);
    return (int64_t)ts.tv_sec;
}
