/* SPDX-License-Identifier: MIT */
/* route_back_priv.h — stanzas that came back to the queue of their route (route_back.c). */
#pragma once

struct xf_route;

/*
 * Nobody can say whether the stanzas in front of the queue arrived (is_unproved): return them, or
 * let them be sent again, as the peer's settings want it.
 */
void xf_route_settle_back(struct xf_route *route);
