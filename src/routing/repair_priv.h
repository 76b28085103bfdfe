/* SPDX-License-Identifier: MIT */
/*
 * repair_priv.h — presence after the loss of a peer: what the cluster must hear while the peer is
 * away, and what both sides must hear when it is back (peers with repair = presence).
 */
#pragma once

#include "presences_priv.h"

#include <xfed/base/machine.h>
#include <xfed/net/timer.h>
#include <xfed/xmpp/stanza.h>

struct xf_routing;
struct xf_routing_link;

/* clang-format off */
#define XF_REPAIR_STATE_MAP(X)                                                            \
    X(WELL,      "well")      /* presence passes */                                        \
    X(OWING,     "owing")     /* ... but some did not: it is said with the next stream */  \
    X(LOST,      "lost")      /* a route of the pair failed; it may be back soon */        \
    X(TELLING,   "telling")   /* lost for long: the cluster is told, bit by bit */         \
    X(AWAY,      "away")      /* the cluster has been told */                              \
    X(RETURNING, "returning") /* it is back: both sides are told and asked, bit by bit */

#define XF_REPAIR_EVENT_MAP(X)                                                            \
    X(FAILED,    "failed")    /* a route of the pair failed */                             \
    X(BACK,      "back")      /* the peer is heard or reached again */                     \
    X(MISSED,    "missed")    /* what the peer must hear was not delivered */              \
    X(DUE,       "due")       /* the timer has run out */                                  \
    X(DONE,      "done")      /* everything has been said */
/* clang-format on */

enum xf_repair_state {
#define X(name, word) XF_REPAIR_##name,
    XF_REPAIR_STATE_MAP(X)
#undef X
};

enum xf_repair_event {
#define X(name, word) XF_REPAIR_ON_##name,
    XF_REPAIR_EVENT_MAP(X)
#undef X
};

/* The presence of a pair; exists while the table has some, or something is left to say. */
struct xf_repair {
    struct xf_presences presences;
    struct xf_routing *routing;
    enum xf_repair_state state;
    struct xf_timer timer;   /* in each state but WELL */
    struct xf_map *to_probe; /* "local\0remote", bare JIDs, to be asked; NULL: none */
};

/* The way to the peer of a pair. */
enum xf_repair_way {
    XF_REPAIR_OPEN,   /* a stream is ready */
    XF_REPAIR_CLOSED, /* a stanza would open one */
    XF_REPAIR_BUSY,   /* one is being opened, or has just failed */
};

/* What a repair needs of routes. */
struct xf_repair_ops {
    enum xf_repair_way (*way)(struct xf_routing *routing, struct xf_span local,
                              struct xf_span peer);
    /* Take an addressed stanza to its peer, by the rules for the cluster's stanzas. */
    void (*carry)(struct xf_routing *routing, struct xf_routing_link *link,
                  struct xf_stanza *stanza);
};

#define XF_REPAIR_PROBE_ID "xfedd-repair" /* of probes to the peer */

extern const struct xf_machine xf_repair_machine; /* for the test of its table */

/* ---- repair.c: what happened. Call for presence stanzas of peers with repair = presence only. */

/* The cluster has taken a stanza of the peer. */
void xf_repair_saw(struct xf_routing *routing, const struct xf_stanza *stanza);
/* The cluster sent a stanza to the peer, which may or may not reach it. */
void xf_repair_sent(struct xf_routing *routing, const struct xf_stanza *stanza);
/*
 * Available or unavailable presence, or a probe of ours, was not delivered: a room that is away did
 * not get it if it is a join, the peer has to hear later that a user has left, or is asked again.
 */
void xf_repair_returned(struct xf_routing *routing, const struct xf_stanza *stanza);

/* Is it a probe that the cluster did not send? It does not come back as an error. */
bool xf_repair_is_ours(const struct xf_stanza *stanza);

void xf_repair_failed(struct xf_routing *routing, struct xf_span local, struct xf_span peer);
void xf_repair_back(struct xf_routing *routing, struct xf_span local, struct xf_span peer);
void xf_repair_free_all(struct xf_routing *routing);

/* ---- repair_states.c */
void xf_repair_fire(struct xf_repair *repair, enum xf_repair_event event);

/* ---- repair_actions.c: the actions of the table, and its timer. */
void xf_repair_wait(struct xf_repair *repair);
void xf_repair_owe(struct xf_repair *repair);
void xf_repair_tell(struct xf_repair *repair);
void xf_repair_rest(struct xf_repair *repair);
void xf_repair_return(struct xf_repair *repair);
void xf_repair_return_and_ask(struct xf_repair *repair);
void xf_repair_be_well(struct xf_repair *repair);
void xf_repair_on_timer(void *repair);
void xf_repair_free(struct xf_repair *repair);
