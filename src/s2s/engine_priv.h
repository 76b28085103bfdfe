/* SPDX-License-Identifier: MIT */
/*
 * engine_priv.h — what all streams share, and what the settings mean for each of them (engine.c).
 * The engine does not know which kinds of streams there are: s2s.c puts it together with accepted
 * streams (in.c) and streams of ours (out.c).
 */
#pragma once

#include <xfed/base/list.h>
#include <xfed/base/map.h>
#include <xfed/limits/backoff.h>
#include <xfed/limits/quota.h>
#include <xfed/limits/rate.h>
#include <xfed/s2s/s2s.h>
#include <xfed/xmpp/pair.h>

#include "admission_priv.h"
#include "counts_priv.h"
#include "dialback_priv.h"
#include "features_priv.h"
#include "hand_over_priv.h"
#include "proving_priv.h"
#include "recheck_priv.h"
#include "resume_priv.h"
#include "verify_priv.h"

struct xf_s2s {
    struct xf_env *env;
    struct xf_policy *policy;
    struct xf_s2s_settings settings; /* a copy, renewed by reload */
    struct xf_tls_identities *identities;
    struct xf_history *history;                /* NULL: peers are not compared */
    struct xf_dialback_secret dialback_secret; /* xf_s2s_free wipes it */
    const struct xf_s2s_events *events;
    void *owner;
    bool is_draining;
    bool hands_over;       /* hand_over.c: streams that can be resumed are suspended, not closed */
    struct xf_timer asked; /* ... once their peers have said what they have */
    uint64_t asked_ms;

    struct xf_node ins, outs; /* all streams: xf_in.node, xf_out.node */
    size_t stream_count;
    uint64_t last_number; /* of the stream that began last */
    /* xf_gate.paused_node: streams that pause until the link has room */
    struct xf_node paused;
    struct xf_node held;   /* xf_gate.held_node: streams that wait for their rate */
    struct xf_rates rates; /* how fast peers may send: stanza-rate, byte-rate */
    /* peer -> unsigned *, owned: how many accepted streams it is authenticated on */
    struct xf_map *inbound_by_peer;

    /* Streams that further pairs may share: carrier_priv.h. */
    struct xf_map *bidi_pairs; /* pair key -> struct xf_carried_pair */
    /* peer -> struct xf_out: a stream of ours for its further pairs (multiplex) */
    struct xf_map *shared;

    struct xf_proving proving;
    struct xf_resuming resuming;
    struct xf_rechecking rechecking;
    struct xf_stanza_sum *waiting; /* stanzas that are not proved count here too; borrowed */

    /* Hosts that we connect to. */
    struct xf_verifying verifying;
    struct xf_backoff probe_backoff; /* addresses that refused a probe a moment ago */
    struct xf_backoff avoided; /* "PEER ADDRESS" where a stream failed: tried after the others */

    /* How much other servers may hold here: admission_priv.h. */
    struct xf_quota half_open;
    struct xf_holdings stranger_streams, stranger_pairs, known_pairs;
    struct xf_quota looks; /* look-ups of TLSA records of peers that connect to us, by address */
    struct xf_refusals refusals;

    struct xf_counting counting; /* counts_priv.h */
};

/* The resolver for this peer; NULL while too many resolvers are in use. */
struct xf_dns *xf_s2s_dns(const struct xf_s2s *s2s, const struct xf_peer_settings *settings);

/* What the reader accepts before and after authentication. */
struct xf_reader_limits xf_s2s_limits_before(const struct xf_s2s *s2s);
struct xf_reader_limits xf_s2s_limits_after(const struct xf_s2s *s2s,
                                            const struct xf_peer_settings *settings);
/* The limits that we announce to the peer (XEP-0478). */
struct xf_said_limits xf_s2s_said_limits(const struct xf_s2s *s2s,
                                         const struct xf_peer_settings *settings);

/* How many streams for strangers may be connecting to one host at a time. */
unsigned xf_s2s_per_host(const struct xf_s2s *s2s);

/*
 * A peer has authenticated from this address, where nobody was a moment ago: answers to it may
 * connect there at once.
 */
static inline void xf_s2s_host_is_back(struct xf_s2s *s2s, const struct xf_addr *addr)
{
    char host[XF_ADDR_TEXT_BYTES];
    xf_addr_host_text(addr, host);
    xf_backoff_clear(&s2s->verifying.addr_backoff, host);
}

/* The peer's server can be reached: verify streams to it need not back off. */
static inline void xf_s2s_peer_reached(struct xf_s2s *s2s, const char *peer)
{
    xf_backoff_clear(&s2s->verifying.peer_backoff, peer);
}

/* Should peers use another node for this served domain now (xf_s2s_events.is_away)? */
static inline bool xf_s2s_is_away(const struct xf_s2s *s2s, struct xf_span local)
{
    return local.len > 0 && s2s->events->is_away && s2s->events->is_away(s2s->owner, local);
}
