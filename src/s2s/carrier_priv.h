/* SPDX-License-Identifier: MIT */
/*
 * carrier_priv.h — a stream that stanzas leave on, and the pairs that share it (carrier.c).
 *
 * A carrier is one stream's side of this: embedded in the owner of the stream, which says by its
 * operations what only it knows. A passenger is a pair's side: while its pair is ready it sits on
 * one carrier, on that of its own stream or as a rider on another's.
 *
 * To let another kind of stream carry pairs: embed a carrier in its owner, write its operations,
 * call xf_carrier_drained and xf_carrier_ended from the stream's events.
 */
#pragma once

#include <xfed/base/list.h>
#include <xfed/base/map.h>
#include <xfed/s2s/s2s.h>

#include "features_priv.h"
#include <xfed/auth/verdict.h>

struct xf_carrier;
struct xf_passenger;

struct xf_carrier_ops {
    const char *word; /* of its riders in the log: "bidi", "multiplex" */
    bool is_of_peer;  /* the peer opened the stream, and proved the pairs on it */
    bool (*is_open)(const struct xf_carrier *carrier); /* takes further riders now */
    /* What is known of the peer's identity on this stream. */
    struct xf_verdict (*verdict)(const struct xf_carrier *carrier, struct xf_span peer);
    /* How the stream itself was authenticated; `own` for a pair that was authenticated on it. */
    enum xf_auth_method (*method)(const struct xf_carrier *carrier, enum xf_auth_method own);
};

struct xf_carrier {
    const struct xf_carrier_ops *ops;
    struct xf_stream *stream;
    struct xf_node passengers;    /* struct xf_passenger */
    struct xf_said_limits limits; /* that the peer set (XEP-0478) */
    uint64_t used_ms;             /* when a stanza passed last */
    uint64_t spoke_ms;            /* when we last sent one, or white space */
};

struct xf_passenger_ops {
    void (*drained)(struct xf_passenger *passenger); /* the stream has room again */
    /* The stream ends; the passenger leaves or ends within this call. */
    void (*ended)(struct xf_passenger *passenger, enum xf_cause cause, const char *text);
};

struct xf_passenger {
    const struct xf_passenger_ops *ops;
    struct xf_carrier *on; /* NULL: sits nowhere */
    struct xf_node node;   /* in on->passengers */
};

void xf_carrier_init(struct xf_carrier *carrier, struct xf_stream *stream,
                     const struct xf_carrier_ops *ops);
void xf_carrier_sit(struct xf_carrier *carrier, struct xf_passenger *passenger);
void xf_carrier_leave(struct xf_passenger *passenger); /* of one that sits nowhere: nothing */
void xf_carrier_drained(struct xf_carrier *carrier);   /* tells all who sit on it */
void xf_carrier_ended(struct xf_carrier *carrier, enum xf_cause cause, const char *text);

/*
 * Send white space when we were silent for `ping_ms` (0: never), or for a third of the peer's own
 * idle limit (XEP-0478), so that two lost ones do no harm.
 */
void xf_carrier_keep_alive(struct xf_carrier *carrier, uint64_t ping_ms);
/* When to call that again: `usual_ms`, or sooner where the peer's idle limit asks for it. */
uint64_t xf_carrier_tick_ms(const struct xf_carrier *carrier, uint64_t usual_ms);

/* A pair that a peer proved on a stream that goes both ways (XEP-0288): ours may ride on it. */
struct xf_carried_pair {
    struct xf_carrier *carrier;
    enum xf_auth_method method;
};

/* `pairs` maps pair keys to struct xf_carried_pair; the youngest stream of several wins. */
void xf_carrier_offer_pair(struct xf_map *pairs, struct xf_span key, struct xf_carried_pair *pair);
void xf_carrier_forget_pair(struct xf_map *pairs, struct xf_span key,
                            const struct xf_carried_pair *pair);
