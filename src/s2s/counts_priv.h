/* SPDX-License-Identifier: MIT */
/*
 * counts_priv.h — what is counted for each peer (counts.c). A pair holds the counts of its peer
 * while it may pass stanzas, so that counting one costs no look-up.
 */
#pragma once

#include <xfed/base/lru.h>
#include <xfed/s2s/counts.h>
#include <xfed/xmpp/stanza.h>

struct xf_tls_facts;

struct xf_counted { /* a peer */
    struct xf_lru_entry entry;
    unsigned holders; /* pairs */
    struct xf_peer_counts counts;
};

struct xf_counting {
    struct xf_s2s_counts totals; /* the counters among them; see xf_s2s_count */
    struct xf_lru named, strangers;
    struct xf_counted others; /* all that have no room */
};

void xf_counting_init(struct xf_counting *counting);
void xf_counting_fini(struct xf_counting *counting);

/* Hold the counts of the peer until xf_counted_leave. */
struct xf_counted *xf_counted_hold(struct xf_s2s *s2s, struct xf_span peer);
void xf_counted_leave(struct xf_s2s *s2s, struct xf_counted **counted); /* NULL is fine */

/* The peer has authenticated over that TLS; NULL: in clear. */
void xf_counted_note_tls(struct xf_counted *counted, const struct xf_tls_facts *facts);

static inline void xf_traffic_add(struct xf_traffic *traffic, enum xf_stanza_kind kind,
                                  size_t bytes)
{
    traffic->stanzas[kind]++;
    traffic->bytes += bytes;
}

/* A handshake has succeeded. */
void xf_counting_secured(struct xf_s2s *s2s, enum xf_s2s_dir dir, const struct xf_tls_facts *facts);
