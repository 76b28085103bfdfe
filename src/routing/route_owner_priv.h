/* SPDX-License-Identifier: MIT */
/* route_owner_priv.h — routes to peers with protocol = auto: XMPP first, then SIP. */
#pragma once

#include <stdbool.h>

struct xf_route;
struct xf_stanza;

/* The peer is known to belong to SIP now: what waits goes there, and its stream ends. */
void xf_route_owner_is_sip(struct xf_route *route);
/*
 * Its stream ended, and route->cause says why; before the event is fired. `found_nobody`: as
 * xf_out_found_nobody.
 */
void xf_route_owner_ended(struct xf_route *route, bool found_nobody);
/* In BOUNCE or PROBE: does the stanza go to SIP? */
bool xf_route_owner_turns(const struct xf_route *route, const struct xf_stanza *stanza);
