/* SPDX-License-Identifier: MIT */
/*
 * settings.h — what process { } and strangers { } say about routes: their queues, their back-off,
 * and how many of them peers without a section may have us keep.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct xf_routing_settings {
    size_t queue_bytes;                      /* of all routes */
    uint64_t backoff_min_ms, backoff_max_ms; /* how long to bounce at once after a failure */
    /* ... and how often to try the peer in the background meanwhile; 0: never */
    uint64_t backoff_probe_ms;
    /* routes kept for strangers that wrote to us first */
    unsigned routes_per_owner, routes;
    /* streams that we open to them for answers */
    unsigned answer_streams_per_owner, answer_streams;
    size_t answer_bytes_per_owner, answer_bytes; /* bytes that wait for these streams */
};
