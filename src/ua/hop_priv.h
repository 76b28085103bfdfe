/* SPDX-License-Identifier: MIT */
/*
 * hop_priv.h — the next hop of one or several peers: its conns, and requests of ours that wait for
 * one (hop.c).
 */
#pragma once

#include "ua_priv.h"

struct xf_hop {
    struct xf_ua *ua;
    char *name, *identity;
    /* Renewed by each request and by a reload, for this pair. */
    struct xf_ua_hop how;
    char *local, *peer;

    struct xf_node flows;   /* xf_flow.hop_node: ours, and of the peer with alias */
    unsigned own_count;     /* of these, ours */
    unsigned connecting;    /* of these, not open yet: at most 1 */
    struct xf_node waiting; /* xf_ua_client.node: no byte was sent */
    unsigned client_count;  /* requests without final answer, waiting ones too */

    struct xf_discovery *discovery;
    bool is_open;                    /* looked up by its open route */
    struct xf_candidate *candidates; /* to be tried one after the other; NULL: none */
    size_t candidate_count, next;    /* next: the one to try next */

    struct xf_bucket bucket;
    struct xf_timer pace;  /* the rate allows the next request */
    struct xf_timer later; /* those that wait are told that it failed; or it is freed, once full */

    /* Why it cannot be reached: of the last candidate. */
    enum xf_ua_cause cause;
    enum xf_help help;
    char text[160];
};

/*
 * The hop to this peer, made if there is none. NULL: the owner says that it is not reached by SIP.
 */
struct xf_hop *xf_hop_for(struct xf_ua *ua, struct xf_span local, struct xf_span peer);
/* The client waits for a conn; pumps. */
void xf_hop_enter(struct xf_hop *hop, struct xf_ua_client *client);
/* One that waited or was sent has ended; it is in no list of the hop. */
void xf_hop_leave(struct xf_hop *hop);
void xf_hop_pump(struct xf_hop *hop); /* send what waits, over conns that are there or are made */

/* The peer said alias on this accepted conn (RFC 5923): use it for requests to it too. */
void xf_hop_adopt(struct xf_ua *ua, struct xf_flow *flow, struct xf_span local,
                  struct xf_span peer);
/* An open conn of the hop, for an answer whose conn is gone; NULL: none. */
struct xf_flow *xf_hop_any_flow(struct xf_ua *ua, struct xf_span local, struct xf_span peer);

/* What its conns tell: struct xf_flow_events. Of a flow without hop they do nothing. */
void xf_hop_secures(struct xf_flow *flow, struct xf_tls_request *request);
void xf_hop_up(struct xf_flow *flow);
void xf_hop_failed(struct xf_flow *flow, enum xf_ua_cause cause, const char *detail);
void xf_hop_left(struct xf_flow *flow);
void xf_hop_room(struct xf_flow *flow);

void xf_hop_reload_all(struct xf_ua *ua);
void xf_hop_drain_all(struct xf_ua *ua); /* nothing waits any more; no conn is made */
