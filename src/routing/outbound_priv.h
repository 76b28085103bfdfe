/* SPDX-License-Identifier: MIT */
/* outbound_priv.h — stanzas of the cluster. */
#pragma once

#include <xfed/xmpp/stanza.h>

struct xf_repair_ops;
struct xf_routing;
struct xf_routing_link;

/* Take an addressed stanza to its route: loop guard, policy, then deliver, queue or answer it. */
void xf_outbound_carry(struct xf_routing *routing, struct xf_routing_link *link,
                       struct xf_stanza *stanza);

extern const struct xf_repair_ops xf_outbound_repair_ops;
