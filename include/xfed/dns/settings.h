/* SPDX-License-Identifier: MIT */
/*
 * settings.h — dns { }: which servers to ask, and how.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <xfed/base/texts.h>

struct xf_dns_settings {
    struct xf_texts servers; /* empty: resolv.conf */
    bool trust_ad;
    uint64_t timeout_ms;
    unsigned cache_entries;
};
