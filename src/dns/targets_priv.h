/* SPDX-License-Identifier: MIT */
/* targets_priv.h — addresses and TLSA records of a list of endpoints, each asked for once. */
#pragma once

#include <xfed/dns/discover.h>

#include "endpoint_priv.h"

struct xf_targets;

/*
 * Start. `endpoints` (in the order to try, count > 0) are borrowed until free. `done` comes once,
 * never from within, when every target has its addresses or none, and with `dane` the secure ones
 * their TLSA records or none.
 *
 * Asked in all: for each distinct target A and AAAA, for each distinct target and port TLSA; so at
 * most 3 questions an endpoint. Under way at once: 16 for addresses, and the TLSA of those targets.
 */
struct xf_targets *xf_targets_new(struct xf_dns *dns, const struct xf_endpoint *endpoints,
                                  size_t count, bool dane, void (*done)(void *owner), void *owner);
void xf_targets_free(struct xf_targets **targets); /* stops what is under way; NULL is fine */

/* After `done`: fill, and return how many. Their sets are borrowed until free. */
size_t xf_targets_candidates(const struct xf_targets *targets,
                             struct xf_candidate out[XF_CANDIDATES_MAX]);

/* After `done`: did a question fail behind which there may be TLSA records of a secure endpoint? */
bool xf_targets_tlsa_is_open(const struct xf_targets *targets);

/* After `done`: a target of which a question failed (and what was asked), or NULL. */
const char *xf_targets_failed_name(const struct xf_targets *targets, const char **out_asked);
