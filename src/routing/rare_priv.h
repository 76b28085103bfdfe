/* SPDX-License-Identifier: MIT */
/* rare_priv.h — one log line a second about trouble that outsiders can cause at will. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* One kind of trouble. */
struct xf_rare {
    uint64_t next_ms;
    unsigned suppressed;
};

/* True: write the line; *out_suppressed were left out since the last. False: leave it out. */
bool xf_rare_is_due(struct xf_rare *rare, uint64_t now_ms, unsigned *out_suppressed);
