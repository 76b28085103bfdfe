/* SPDX-License-Identifier: MIT */
/* inbound_priv.h — stanzas of peers, on their way to a link. */
#pragma once

#include <xfed/xmpp/pair.h>
#include <xfed/xmpp/stanza.h>

struct xf_link;
struct xf_route;
struct xf_routing;
struct xf_routing_link;

/* The pair of the last inbound stanza, and what was found for it. */
struct xf_admission {
    struct xf_pair_key key;
    bool may, is_watched, repairs; /* repairs: presence is noted (repair.c) */
    bool is_mapped;                /* is_mapped: mail_addresses.c looks at each stanza */
    struct xf_routing_link *link;
};

/* For the table of link events in outbound.c. */

void xf_routing_expired(void *owner, struct xf_link *link, struct xf_stanza *stanza);
void xf_routing_returned(void *owner, struct xf_link *link, struct xf_stanza *stanza,
                         enum xf_stanza_error error);
void xf_routing_link_drained(void *owner, struct xf_link *link);

/* refusal.c, for the tables of link events and S2S events. */

void xf_routing_link_refuses(void *owner, struct xf_link *link, bool refuses);
bool xf_routing_is_away(void *owner, struct xf_span local);
