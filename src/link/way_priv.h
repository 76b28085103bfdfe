/* SPDX-License-Identifier: MIT */
/*
 * way_priv.h — the way to the cluster for one component name: its legs, and the hold in front of them.
 *
 * A link of one name has one way with a leg for each node. With names = per-peer each peer has a way of one leg, which tries
 * the nodes in turn.
 */
#pragma once

#include "leg_priv.h"

#include <xfed/limits/quota.h>

struct xf_way;

struct xf_way_events {
    void (*stanza)(void *owner, struct xf_stanza *stanza);
    void (*expired)(void *owner, struct xf_stanza *stanza);
    void (*changed)(void *owner, struct xf_way *way); /* up, down, more or less congested */
    void (*gone)(void *owner, struct xf_way *way);    /* after xf_way_stop; may be freed from here */
};

struct xf_way {
    struct xf_env *env;
    const struct xf_way_events *events;
    void *owner;
    struct xf_hold hold;
    struct xf_leg *legs;
    const struct xf_leg *sent;              /* the leg that took the last stanza; held ones do not count */
    size_t leg_count, up_count, busy_count; /* busy: not idle */
    bool is_kept;                           /* does not end by being idle */
    bool counts_as_up, counts_as_congested; /* in the sums of the link */
    uint64_t used_ms;
    struct xf_timer idle;                   /* the link's */
    struct xf_place place;                  /* the link's: among the peers that are not kept */
};

/* Connects at once. `addrs` is borrowed: a leg each, or one leg for all of them that begins with number `first`. */
struct xf_way *xf_way_new(struct xf_env *env, const struct xf_conf_link *conf, struct xf_span name,
                          const struct xf_addr *addrs, size_t addr_count, struct xf_hold_budget *budget,
                          const struct xf_way_events *events, void *owner);
void xf_way_free(struct xf_way **way); /* of a gone one */

void xf_way_start(struct xf_way *way);
void xf_way_stop(struct xf_way *way, const char *reason); /* `gone` follows, later */

/* XF_ERR_CLOSED as xf_link_send. */
XF_MUST_USE enum xf_err xf_way_send(struct xf_way *way, const struct xf_stanza *stanza);
void xf_way_pause(struct xf_way *way, bool paused);

/* Does the stanza that was sent last wait? While something is held, all do. */
static inline bool xf_way_is_full(const struct xf_way *way)
{
    return !xf_hold_is_empty(&way->hold) || (way->sent && way->sent->is_congested);
}

/* Output waits for the cluster (what is held while no leg is up is not counted). */
bool xf_way_is_congested(const struct xf_way *way);
