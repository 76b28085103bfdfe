/* SPDX-License-Identifier: MIT */
/* targets_priv.h — addresses and TLSA records of a list of endpoints, each asked for once. */
#pragma once

#include <xfed/dns/discover.h>

#include "endpoint_priv.h"

struct xf_targets;

/*
 * Start. `endpoints` (in the order to try, count > 0) are borrowed until free. `done` is called
 * once, after this function has returned, when all addresses, and with `dane` the TLSA records of
 * secure targets, are known.
 *
 * Queries in all: A and AAAA for each distinct target, TLSA for each distinct target and port, so
 * at most 3 for an endpoint. At the same time: 16 for addresses, and TLSA for these targets.
 */
struct xf_targets *xf_targets_new(struct xf_dns *dns, const struct xf_endpoint *endpoints,
                                  size_t count, bool dane, void (*done)(void *owner), void *owner);
void xf_targets_free(struct xf_targets **targets); /* cancels all queries; NULL is allowed */

/* After `done`: fill, and return how many. Their sets are borrowed until free. */
size_t xf_targets_candidates(const struct xf_targets *targets,
                             struct xf_candidate out[XF_CANDIDATES_MAX]);

/* After `done`: did a query fail that might have found TLSA records of a secure endpoint? */
bool xf_targets_tlsa_is_open(const struct xf_targets *targets);

/* After `done`: a target for which a query failed (its type, what the resolver said), or NULL. */
const char *xf_targets_failed(const struct xf_targets *targets, const char **out_asked,
                              const char **out_cause, enum xf_help *out_help);
