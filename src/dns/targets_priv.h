/* SPDX-License-Identifier: MIT */
/* targets_priv.h — the addresses of a list of endpoints, each distinct target asked once. */
#pragma once

#include <xfed/dns/discover.h>

#include "endpoint_priv.h"

struct xf_targets;

/*
 * Start. `endpoints` (in the order to try, count > 0) are borrowed until free. `done` comes once,
 * never from within, when every target has its addresses or none.
 */
struct xf_targets *xf_targets_new(struct xf_dns *dns, const struct xf_endpoint *endpoints,
                                  size_t count, void (*done)(void *owner), void *owner);
void xf_targets_free(struct xf_targets **targets); /* stops what is under way; NULL is fine */

/* After `done`: fill, and return how many. */
size_t xf_targets_candidates(const struct xf_targets *targets,
                             struct xf_candidate out[XF_CANDIDATES_MAX]);

/* After `done`: a target whose question failed, or NULL. */
const char *xf_targets_failed_name(const struct xf_targets *targets);
