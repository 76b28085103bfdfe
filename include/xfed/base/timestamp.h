/* SPDX-License-Identifier: MIT */
/*
 * timestamp.h — times for programs, in UTC (RFC 3339, XEP-0082 §3.2): in stanzas, the log, the
 * audit. For people: readable.h.
 */
#pragma once

#include <stdint.h>

#define XF_TIMESTAMP_BYTES 32

/* Both write into `out` and return it; "" for a time before 1970 or behind the year 9999. */
const char *xf_timestamp_s(int64_t unix_s,
                           char out[XF_TIMESTAMP_BYTES]); /* "2026-01-02T03:04:05Z" */
const char *xf_timestamp_ms(int64_t unix_ms,
                            char out[XF_TIMESTAMP_BYTES]); /* "2026-01-02T03:04:05.678Z" */
