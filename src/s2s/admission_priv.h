/* SPDX-License-Identifier: MIT */
/*
 * admission_priv.h — how many streams and pairs others may hold here: unauthenticated conns
 * (half_open.c), what authenticated peers without a section hold (strangers.c), and the log of who
 * was refused (refusals.c).
 */
#pragma once

#include <xfed/limits/quota.h>
#include <xfed/net/addr.h>
#include <xfed/net/timer.h>

struct xf_in;
struct xf_pair;
struct xf_s2s;

/* ------------------------------------------------------------------ refusals.c */

/* Conns and streams for which there was no place: one log line at once, then one a minute. */
struct xf_refusals {
    struct xf_timers *timers;
    struct xf_timer timer;     /* runs: a line was written within the last minute */
    unsigned refused, evicted; /* since that line */
    const char *reason;
    char addr[XF_ADDR_TEXT_BYTES]; /* of the last one */
};
void xf_refusals_init(struct xf_refusals *refusals, struct xf_timers *timers);
void xf_refusals_fini(struct xf_refusals *refusals);
/*
 * One was refused a place, or (`is_evicted`) has to give its own to another. `reason` is a literal.
 */
void xf_refusals_note(struct xf_refusals *refusals, const struct xf_addr *addr, const char *reason,
                      bool is_evicted);

/* ------------------------------------------------------------------ half_open.c */

/* Take a place among the unauthenticated conns; another stream may end for it. False: no room. */
bool xf_in_admit(struct xf_s2s *s2s, struct xf_place *place, const struct xf_addr *addr);
void xf_in_evict(struct xf_in *in, const char *reason, const char *text); /* for another stream */

/* ------------------------------------------------------------------ places.c */

/* An address within its network. `keys` points into the texts: do not copy. */
struct xf_addr_keys {
    char host[XF_ADDR_TEXT_BYTES], network[XF_ADDR_TEXT_BYTES];
    struct xf_quota_keys keys;
};
void xf_addr_keys_of(const struct xf_addr *addr, struct xf_addr_keys *out);

/* xf_quota_take for an address: its network is the group. */
enum xf_quota_answer xf_take_by_addr(const struct xf_s2s *s2s, struct xf_quota *quota,
                                     struct xf_place *place, const struct xf_addr *addr,
                                     const struct xf_quota_limits *limits,
                                     struct xf_place **out_evicted);

/* ------------------------------------------------------------------ strangers.c */

struct xf_holding { /* zeroed: nothing */
    struct xf_place by_network, by_owner;
};
struct xf_holdings {
    struct xf_quota by_network, by_owner;
};
void xf_strangers_init(struct xf_s2s *s2s);
void xf_strangers_fini(struct xf_s2s *s2s);

/*
 * Take the places of a pair that is about to be authenticated, and of its stream; other streams may
 * end for it. False: no room.
 */
bool xf_stranger_admit(struct xf_in *in, struct xf_pair *pair);
/* Would there be room for a pair of this peer now? */
bool xf_stranger_may_claim(struct xf_in *in, struct xf_span peer);
/* Streams of its network, or of its owner if these are more; 0 for a named peer's stream. */
unsigned xf_stranger_crowd(const struct xf_in *in);
void xf_stranger_pair_left(struct xf_pair *pair);
void xf_stranger_left(struct xf_in *in);
void xf_stranger_judge(struct xf_in *in); /* policy is new: who is named? */
