/* SPDX-License-Identifier: MIT */
/*
 * settings.h — the part of sip { } that the layer ua reads: who we are, and limits on what peers
 * may make us hold.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct xf_ua_settings {
    /* Our name in Via and Contact; it is in our certificate, and resolves for peers. */
    char *host;
    unsigned port;        /* where peers reach our TLS listener, for Via and Contact ... */
    unsigned tcp_port;    /* ... and the one in clear */
    size_t message_bytes; /* of one message; larger ones are answered with 513 */
    unsigned headers;     /* lines of one message */
    uint64_t element_ms;  /* a message that takes longer to arrive ends the conn */
    uint64_t handshake_ms;
    uint64_t idle_ms; /* a conn without messages and open transactions ends */
    uint64_t ping_ms; /* how long a conn is silent before we send a ping */
    /* Accepted conns that are not known to be a peer's yet; and all accepted ones. */
    unsigned half_open_per_address, half_open_per_network, half_open;
    unsigned conns_per_address, conns_per_network, conns;
    /* Conns that we make: to one next hop, to those of one owner, and in all. */
    unsigned hop_conns, own_conns_per_owner, own_conns;
    /* Messages a second of one network whose sender is not known: refused before it is. */
    unsigned refused_per_network;
    /* Open requests: of peers, on one conn, of one peer, of one owner; and in all. */
    unsigned requests_per_conn, requests_per_peer, requests_per_owner, requests;
    /* ... and what is kept of them, to answer: of one owner, and in all. */
    size_t request_bytes_per_owner, request_bytes;
    /* Requests of ours that have no final answer: to one next hop, and in all. */
    unsigned sent_per_hop, sent;
};
