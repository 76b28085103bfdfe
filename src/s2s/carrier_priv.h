/* SPDX-License-Identifier: MIT */
/*
 * carrier_priv.h — a stream that our stanzas go out on, and the pairs that share it (carrier.c).
 *
 * A carrier is the stream's side. It is embedded in the owner of the stream, and its operations
 * tell what only that owner knows. A passenger is the pair's side. While its pair is ready, it sits
 * on one carrier: the one of its own stream or, as a rider, of another stream.
 *
 * To let another kind of stream carry pairs: embed a carrier in its owner, write the operations,
 * and call xf_carrier_drained and xf_carrier_ended from the stream's events.
 */
#pragma once

#include <xfed/base/list.h>
#include <xfed/base/map.h>
#include <xfed/s2s/s2s.h>

#include "features_priv.h"
#include "recheck_priv.h"
#include "sm_priv.h"
#include <xfed/auth/verdict.h>
#include <xfed/stream/proof.h>

struct xf_carrier;
struct xf_passenger;
struct xf_s2s;

struct xf_carrier_ops {
    const char *word;                 /* what the log says of its riders: "bidi", "multiplex" */
    const struct xf_proof_ops *proof; /* proving_priv.h */
    bool is_of_peer;                  /* the peer opened the stream and proved its pairs on it */
    bool (*is_open)(const struct xf_carrier *carrier); /* may a rider join now? */
    bool (*hears)(const struct xf_carrier *carrier);   /* does the peer send stanzas on it, too? */
    struct xf_span (*peer)(const struct xf_carrier *carrier); /* one, if there are several */
    /* What is known about the peer's identity on this stream. */
    struct xf_verdict (*verdict)(const struct xf_carrier *carrier, struct xf_span peer);
    /*
     * How a pair on this stream counts as authenticated: by its `own` method where each pair proved
     * itself, otherwise as the stream is.
     */
    enum xf_auth_method (*method)(const struct xf_carrier *carrier, enum xf_auth_method own);
    /* What the certificate of this stream is judged by. Only called inside TLS. */
    struct xf_tls_basis (*basis)(const struct xf_carrier *carrier);
    /*
     * It was judged again: end the stream if it no longer authenticates what the peer sends on it.
     * False: it ends. NULL: the passengers see to it.
     */
    bool (*judged)(struct xf_carrier *carrier);
};

struct xf_carrier {
    const struct xf_carrier_ops *ops;
    struct xf_s2s *s2s;
    struct xf_stream *stream;
    struct xf_proof proof; /* stanzas of its passengers that are not proved yet */
    struct xf_sm sm;
    struct xf_recheck recheck;
    /* It resumed another stream (XEP-0198 §5): of that one, what the peer has. serial 0: none. */
    uint64_t resumed_serial, resumed_number, resumed_untold; /* as in struct xf_proof_mark */
    bool is_proving;                /* what proves was chosen (proving_priv.h) */
    char ping_key[XF_ID_CHARS + 1]; /* in the ids of its pings; "": none was sent */
    struct xf_node passengers;      /* struct xf_passenger */
    struct xf_said_limits limits;   /* limits that the peer announced (XEP-0478) */
    uint64_t used_ms;               /* when a stanza last passed */
    uint64_t spoke_ms;              /* when we last sent a stanza or white space */
};

struct xf_passenger_ops {
    void (*drained)(struct xf_passenger *passenger); /* the stream has room again */
    /* The stream begins to end: leave the carrier, or end, before this returns. */
    void (*ended)(struct xf_passenger *passenger, enum xf_cause cause, const char *text);
    /* The certificate of the stream was judged again: end if it does not authenticate the pair. */
    void (*judged)(struct xf_passenger *passenger);
};

struct xf_passenger {
    const struct xf_passenger_ops *ops;
    struct xf_carrier *on;   /* NULL: it sits on none */
    struct xf_node node;     /* in on->passengers */
    struct xf_sender sender; /* of its stanzas, which may outlast its seat */
    /* Its pair as the peer knows it, which the stream is authenticated for; borrowed. */
    const char *local, *peer;
};

void xf_carrier_init(struct xf_carrier *carrier, struct xf_s2s *s2s, struct xf_stream *stream,
                     const struct xf_carrier_ops *ops);
/* After xf_proving_end, or when nothing was sent. */
void xf_carrier_fini(struct xf_carrier *carrier);
void xf_carrier_sit(struct xf_carrier *carrier, struct xf_passenger *passenger);
void xf_carrier_leave(struct xf_passenger *passenger); /* does nothing if it sits on none */

/*
 * Write a stanza, and keep it until it is proved. `copy` is a copy of it, taken over if it was
 * written; NULL: one is made. As xf_stream_send_stanza.
 */
XF_MUST_USE enum xf_err xf_carrier_send(struct xf_carrier *carrier, struct xf_sender *sender,
                                        const struct xf_stanza *stanza,
                                        struct xf_stanza_copy *copy);

/* The stream has drained: tell all passengers. */
void xf_carrier_drained(struct xf_carrier *carrier);
/* The stream begins to end: tell all passengers. */
void xf_carrier_ended(struct xf_carrier *carrier, enum xf_cause cause, const char *text);
/* The certificate of the stream was judged again: tell all that rely on it. */
void xf_carrier_judged(struct xf_carrier *carrier);

/*
 * Send white space (RFC 6120 §4.6.1) if we have sent nothing for `ping_ms` (0: never), or for a
 * third of the peer's idle limit (XEP-0478): then two lost keep-alives do no harm.
 */
void xf_carrier_keep_alive(struct xf_carrier *carrier, uint64_t ping_ms);
/*
 * In how many ms to call xf_carrier_keep_alive again: `usual_ms`, or sooner where the peer's idle
 * limit asks for it.
 */
uint64_t xf_carrier_tick_ms(const struct xf_carrier *carrier, uint64_t usual_ms);

/*
 * A pair that the peer proved on a stream that goes both ways (XEP-0288): our stanzas for the pair
 * may go back over that stream.
 */
struct xf_carried_pair {
    struct xf_carrier *carrier;
    enum xf_auth_method method;
    bool is_spare; /* a newer one broke, and the peer may resume it: that one comes first */
};

/*
 * Offer such a pair to riders, and withdraw it. `pairs` maps pair keys to struct xf_carried_pair,
 * which is borrowed until it is withdrawn. When several streams offer a pair, the last one to do so
 * wins.
 */
void xf_carrier_offer_pair(struct xf_map *pairs, struct xf_span key, struct xf_carried_pair *pair);
/* False: another stream offers the pair, or none. */
bool xf_carrier_forget_pair(struct xf_map *pairs, struct xf_span key,
                            const struct xf_carried_pair *pair);
