/* SPDX-License-Identifier: MIT */
/* siphash.h — SipHash-1-3 (Aumasson, Bernstein 2012): a keyed hash of short texts. */
#pragma once

#include <stdint.h>
#include <xfed/base/span.h>

struct xf_siphash_key {
    uint64_t k0, k1;
};

uint64_t xf_siphash13(const struct xf_siphash_key *key, struct xf_span text);
