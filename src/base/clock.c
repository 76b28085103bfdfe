/* SPDX-License-Identifier: MIT */
/* clock.c — the only code that asks the system for the time. */
#include <xfed/base/clock.h>

#include <sys/timex.h>
#include <time.h>

#include <xfed/base/err.h>

uint64_t xf_monotonic_ms(void)
{
    struct timespec ts;

    xf_require(clock_gettime(CLOCK_MONOTONIC, &ts) == 0);
    /* One more than the system says: a stored time of 0 means "never". */
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000 + 1;
}

unsigned xf_local_minute_of_week(void)
{
    struct tm tm = {0};
    time_t now = (time_t)xf_unix_s();

    if (!localtime_r(&now, &tm))
        return 0;
    return (unsigned)(((tm.tm_wday + 6) % 7 * 24 + tm.tm_hour) * 60 + tm.tm_min);
}

int64_t xf_unix_s(void)
{
    struct timespec ts;

    xf_require(clock_gettime(CLOCK_REALTIME, &ts) == 0);
    return (int64_t)ts.tv_sec;
}

int64_t xf_unix_ms(void)
{
    struct timespec ts;

    xf_require(clock_gettime(CLOCK_REALTIME, &ts) == 0);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Asks only (modes = 0), for which nobody needs a right; a sandbox may refuse it all the same. */
enum xf_clock_sync xf_clock_sync(void)
{
    struct timex state = {0};

    if (adjtimex(&state) < 0)
        return XF_CLOCK_UNKNOWN;
    return state.status & STA_UNSYNC ? XF_CLOCK_UNSYNCED : XF_CLOCK_SYNCED;
}
