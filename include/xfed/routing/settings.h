/* SPDX-License-Identifier: MIT */
/*
 * settings.h — what process { } and strangers { } say about routes: their queues, their back-off,
 * and how many of them we keep for strangers (peers without a section).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct xf_routing_settings {
    size_t queue_bytes;                      /* of the queues of all routes together */
    uint64_t backoff_min_ms, backoff_max_ms; /* how long stanzas bounce at once after a failure */
    /* How often to try the peer in the background during that time; 0: never */
    uint64_t backoff_probe_ms;
    uint64_t repair_after_ms; /* how long a peer must be lost before the cluster is told */
    size_t repair_bytes;      /* of the presence that is noted for that, in all */
    /* Routes kept for strangers that wrote to us first */
    unsigned routes_per_owner, routes;
    /* Streams that we open to strangers for answers */
    unsigned answer_streams_per_owner, answer_streams;
    size_t answer_bytes_per_owner, answer_bytes; /* bytes that wait for these streams */
    /* Streams that we open to strangers to whom our users write */
    unsigned user_streams_per_owner, user_streams;
};
