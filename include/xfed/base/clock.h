/* SPDX-License-Identifier: MIT */
/*
 * clock.h — time as a number that is handed down. Sans-I/O layers never ask the system: they get a
 * struct xf_clock, which the loop (or a test) moves once per turn.
 */
#pragma once

#include <stdint.h>

#define XF_DAY_S 86400

struct xf_clock {
    uint64_t now_ms; /* monotonic, arbitrary origin, never 0 */
};

/* CLOCK_MONOTONIC in milliseconds. */
uint64_t xf_monotonic_ms(void);

/*
 * CLOCK_REALTIME in seconds: for dates of certificates and for times kept across restarts. Measure
 * durations with xf_monotonic_ms.
 */
int64_t xf_unix_s(void);
int64_t xf_unix_ms(void); /* the same, in milliseconds */

/* Minute of the week in local time; 0 is Monday 00:00. */
unsigned xf_local_minute_of_week(void);

/* Does something keep CLOCK_REALTIME right (NTP), as far as the kernel tells? */
enum xf_clock_sync { XF_CLOCK_UNKNOWN, XF_CLOCK_UNSYNCED, XF_CLOCK_SYNCED };
enum xf_clock_sync xf_clock_sync(void);
