/* SPDX-License-Identifier: MIT */
/*
 * admission_priv.h — how much other servers may hold here: conns before authentication
 * (half_open.c), and streams and pairs of authenticated peers that the configuration does not name
 * (strangers.c). Also places by address (places.c), and the log of refusals (refusals.c).
 */
#pragma once

#include <xfed/limits/quota.h>
#include <xfed/net/addr.h>
#include <xfed/net/timer.h>

struct xf_in;
struct xf_pair;
struct xf_s2s;

/* ------------------------------------------------------------------ refusals.c */

/*
 * The log of conns and streams that found no place: the first line at once, then at most one a
 * minute, which counts the others.
 */
struct xf_refusals {
    struct xf_timers *timers;
    struct xf_timer timer;     /* runs for a minute after each line */
    unsigned refused, evicted; /* since the last line */
    uint64_t all_refused, all_evicted;
    const char *reason;
    char addr[XF_ADDR_TEXT_BYTES]; /* of the last refusal, as is `reason`, a literal */
};
void xf_refusals_init(struct xf_refusals *refusals, struct xf_timers *timers);
void xf_refusals_fini(struct xf_refusals *refusals);
/*
 * Count a conn or stream that found no place or, with `is_evicted`, had to give its place to
 * another one. `reason` is a literal.
 */
void xf_refusals_note(struct xf_refusals *refusals, const struct xf_addr *addr, const char *reason,
                      bool is_evicted);

/* ------------------------------------------------------------------ half_open.c */

/*
 * Take a place among the unauthenticated conns; another stream may be ended for it. False: there is
 * no room (logged), or the gateway is draining.
 */
bool xf_in_admit(struct xf_s2s *s2s, struct xf_place *place, const struct xf_addr *addr);
/* End `in` with resource-constraint and these words: another stream gets its place. */
void xf_in_evict(struct xf_in *in, const char *reason, const char *text);

/* ------------------------------------------------------------------ places.c */

/* xf_quota_take, with the address as the member and its network as the group. */
enum xf_quota_answer xf_take_by_addr(const struct xf_s2s *s2s, struct xf_quota *quota,
                                     struct xf_place *place, const struct xf_addr *addr,
                                     const struct xf_quota_limits *limits,
                                     struct xf_place **out_evicted);

/* The two places of a stream, of a pair, or of what is remembered of one. Zeroed: none held. */
struct xf_holding {
    struct xf_place by_network, by_owner;
};
/* The two quotas that all things of a kind take these places in. */
struct xf_holdings {
    struct xf_quota by_network, by_owner;
};
struct xf_share { /* of a kind of things: its quotas, and their limits at this moment */
    struct xf_holdings *holdings;
    struct xf_quota_limits of_network, of_owner;
};
struct xf_share_keys {
    struct xf_quota_keys network; /* none: the thing counts by its owner only */
    struct xf_quota_keys owner;
};
struct xf_victims {
    struct xf_place *of_network, *of_owner; /* NULL: none has to end */
};

/*
 * Is there room for one more? Then the victims have to end first: that of the network, and that of
 * the owner if one is found by another look.
 */
bool xf_share_look(const struct xf_share *share, const struct xf_share_keys *keys, uint64_t now_ms,
                   struct xf_victims *out);
/* Take the places without checking the limits. The keys are copied. */
void xf_holding_enter(struct xf_holdings *holdings, struct xf_holding *holding,
                      const struct xf_share_keys *keys, uint64_t now_ms);
void xf_holding_give(struct xf_holdings *holdings, struct xf_holding *holding);

static inline bool xf_holding_is_held(const struct xf_holding *holding)
{
    return xf_place_is_held(&holding->by_owner);
}

/* ------------------------------------------------------------------ strangers.c */

void xf_strangers_init(struct xf_s2s *s2s);
void xf_strangers_fini(struct xf_s2s *s2s);

/*
 * Take the places of a pair that is about to be authenticated, and of its stream when this is its
 * first pair; other streams may be ended for them. A named peer needs none; a pair that is_known
 * has one among its like, and its stream needs none. False: there is no room (logged).
 */
bool xf_stranger_admit(struct xf_in *in, struct xf_pair *pair);
/* Would xf_stranger_admit find room for a pair of this peer now? */
bool xf_stranger_may_claim(struct xf_in *in, struct xf_span local, struct xf_span peer);
/*
 * How many streams the network of `in` holds, or the owner of its domain if that is more; 0 when
 * `in` holds no place, since a named peer is on it.
 */
unsigned xf_stranger_crowd(const struct xf_in *in);
/* Give back the places of a pair, or of a stream. */
void xf_stranger_pair_left(struct xf_pair *pair);
void xf_stranger_left(struct xf_in *in);
/*
 * The policy is new. A stream with a named peer gives its places back; one without takes places,
 * even beyond the limits.
 */
void xf_stranger_judge(struct xf_in *in);
