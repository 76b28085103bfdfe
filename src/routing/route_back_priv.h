/* SPDX-License-Identifier: MIT */
/* route_back_priv.h — stanzas that came back to the queue of their route (route_back.c). */
#pragma once

#include <stdint.h>

struct xf_route;

/*
 * Of the stanzas in the queue that went out on that stream, the peer has those up to this number,
 * and no others (XEP-0198 §5).
 */
void xf_route_know_back(struct xf_route *route, uint64_t serial, uint64_t number);

/*
 * Nobody can say whether the stanzas in front of the queue arrived (is_unproved): return them, or
 * let them be sent again, as the peer's settings want it.
 */
void xf_route_settle_back(struct xf_route *route);
