/* SPDX-License-Identifier: MIT */
/*
 * readable.h — durations, sizes and times for people: on the terminal, in a chat, on a page. Each
 * function writes into `out` and returns it.
 */
#pragma once

#include <stdint.h>

#define XF_READABLE_BYTES 32

/* "12 ms", "3.4 s", "5 min", "2 h 10 min", "3 d 4 h" */
const char *xf_readable_duration(uint64_t ms, char out[XF_READABLE_BYTES]);
const char *xf_readable_bytes(uint64_t bytes, char out[XF_READABLE_BYTES]); /* "812 B", "3.1 KiB" */

/* Unix times. "2026-11-29 17:05:00", or "?" for what is no time. */
const char *xf_readable_local_time(int64_t unix_s, char out[XF_READABLE_BYTES]);
const char *xf_readable_utc_time(int64_t unix_s, char out[XF_READABLE_BYTES]);
const char *xf_readable_utc_date(int64_t unix_s, char out[XF_READABLE_BYTES]);

/* Of what is good until then: "30 days left", "less than a day left", "EXPIRED". */
const char *xf_readable_left(int64_t until_s, int64_t now_s, char out[XF_READABLE_BYTES]);
