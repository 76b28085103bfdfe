/* SPDX-License-Identifier: MIT */
/* inbound_priv.h — stanzas of peers, on their way to a link. */
#pragma once

#include <xfed/s2s/s2s.h>
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
    bool by_sip;
    struct xf_routing_link *link;
};

/* A stanza of a SIP peer, as xf_s2s_events.stanza. */
enum xf_s2s_taken xf_inbound_take(struct xf_routing *routing, struct xf_stanza *stanza);

/* For the table of link events in outbound.c. */

void xf_routing_expired(void *owner, struct xf_link *link, struct xf_stanza *stanza);
void xf_routing_returned(void *owner, struct xf_link *link, struct xf_stanza *stanza,
                         enum xf_stanza_error error);
void xf_routing_link_drained(void *owner, struct xf_link *link);
void xf_routing_link_state(void *owner, struct xf_link *link, struct xf_span peer, bool is_up);

/* refusal.c, for the tables of link events and S2S events. */

void xf_routing_link_refuses(void *owner, struct xf_link *link, bool refuses);
bool xf_routing_is_away(void *owner, struct xf_span local);
