/* SPDX-License-Identifier: MIT */
/*
 * sip.h — routing for peers that are reached by SIP (xf_policy_goes_by_sip): their stanzas pass the
 * same policy, e-mail addresses and loop guard, and go to simple in place of a stream. Only in a
 * build with SIP.
 */
#pragma once

#include <xfed/routing/routing.h>
#include <xfed/simple/simple.h>

/* For xf_simple_new, with the routing as owner and xf_routing_waiting as the sum. */
extern const struct xf_simple_events xf_routing_simple_events;

struct xf_history;

/*
 * Call once, before stanzas come; borrowed until xf_routing_free. `history` learns which of the
 * peers with protocol = auto belong to SIP; NULL: nothing does.
 */
void xf_routing_attach_simple(struct xf_routing *routing, struct xf_simple *simple,
                              struct xf_history *history);
