/* SPDX-License-Identifier: MIT */
/*
 * settings.h — the sections unauthenticated { }, strangers { }, xml { } and metrics { }: limits on
 * what peers may make us hold, read and count.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct xf_s2s_settings {
    struct { /* limits before authentication */
        size_t element_bytes;
        unsigned elements, dialback_failures, failures_per_minute, half_open_per_address, half_open;
        unsigned half_open_per_network; /* a network is an IPv4 /24 or IPv6 /48 */
        /* How many dialback questions may be pending at a time. */
        unsigned questions_per_stream, questions_per_peer, questions_per_network, questions;
        uint64_t auth_ms, dialback_ms;
    } unauthenticated;
    struct { /* how much authenticated peers without a section may hold */
        unsigned streams_per_address, streams_per_network, streams_per_owner, streams;
        unsigned pairs_per_network, pairs_per_owner, pairs;
        unsigned known_pairs_per_owner, known_pairs; /* that our users began */
        unsigned broken_streams_per_network, broken_streams_per_owner, broken_streams;
        unsigned ping_answers_per_owner, ping_answers;
    } strangers;
    struct {
        unsigned depth, attributes;
        size_t start_tag_bytes;
        uint64_t element_ms; /* an element that takes longer to arrive ends the stream */
    } xml;
    /* How many peers without a section are counted by name (counts.h). */
    unsigned counted_peers;
    /*
     * The smallest max-stanza of all links: a served domain may have several links, and a stanza
     * must fit each of them.
     */
    size_t link_stanza_bytes;
};
