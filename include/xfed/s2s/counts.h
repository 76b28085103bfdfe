/* SPDX-License-Identifier: MIT */
/*
 * counts.h — what S2S counts, for metrics and status: values only. Counters only grow; all others
 * say what is now.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <xfed/base/span.h>

struct xf_s2s;

enum xf_s2s_dir { XF_S2S_IN, XF_S2S_OUT, XF_S2S_VERIFY, XF_S2S_DIRS };
const char *xf_s2s_dir_word(enum xf_s2s_dir dir); /* as dir= in the log */

struct xf_s2s_counts {
    struct {
        /* Now: all streams, and those on which a pair is authenticated. Riders have no stream. */
        size_t streams, ready;
        uint64_t opened;                    /* accepted conns; streams of ours that began */
        uint64_t tls_1_2, tls_1_3, tls_bad; /* handshakes: by version, and failed */
    } by[XF_S2S_DIRS];
    size_t peers_in;           /* peers that are authenticated on streams that they opened */
    size_t pairs_out;          /* pairs that we may send to, riders too */
    size_t half_open;          /* accepted streams that have authenticated nobody yet */
    uint64_t refused, evicted; /* conns and streams that found no place, or lost it to another */
    uint64_t link_pauses, rate_pauses; /* how often a peer was not read: for the link, its rate */
};
/* Walks all streams. */
void xf_s2s_count(const struct xf_s2s *s2s, struct xf_s2s_counts *out);

#define XF_COUNTED_KINDS 3 /* enum xf_stanza_kind */
struct xf_traffic {
    uint64_t stanzas[XF_COUNTED_KINDS], bytes;
};

struct xf_peer_counts {
    struct xf_traffic in, out;
    int64_t cert_until_s; /* when the certificate ends that the peer showed last; 0: none was */
};

/*
 * Peers are counted by name as long as there is room: up to 4096 that the configuration names, and
 * so many others as metrics { peers } says. All further ones, and those that had to make room, are
 * counted together: then `peer` is absent.
 */
typedef void (*xf_peer_counts_fn)(void *owner, struct xf_span peer,
                                  const struct xf_peer_counts *counts);
void xf_s2s_each_peer(const struct xf_s2s *s2s, xf_peer_counts_fn each, void *owner);
