/* SPDX-License-Identifier: MIT */
/* rare.c — decides which of many like log lines are written, and counts the others. */
#include "rare_priv.h"

bool xf_rare_is_due(struct xf_rare *rare, uint64_t now_ms, unsigned *out_suppressed)
{
    if (now_ms < rare->next_ms) {
        rare->suppressed++;
        return false;
    }
    *out_suppressed = rare->suppressed;
    *rare = (struct xf_rare){.next_ms = now_ms + 1000};
    return true;
}
