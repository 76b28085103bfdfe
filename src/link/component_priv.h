/* SPDX-License-Identifier: MIT */
/*
 * component_priv.h — one component name: its streams to the cluster, and the hold in front of them.
 *
 * A link of one name has one component with a stream for each node. With names = per-peer each peer
 * has a component of one stream, which tries the nodes in turn.
 */
#pragma once

#include "component_stream_priv.h"

#include <xfed/limits/quota.h>

struct xf_component;

struct xf_component_events {
    void (*stanza)(void *owner, struct xf_stanza *stanza);
    void (*expired)(void *owner, struct xf_stanza *stanza);
    /* up, down, more or less congested */
    void (*changed)(void *owner, struct xf_component *component);
    /* after xf_component_stop; may be freed from here */
    void (*gone)(void *owner, struct xf_component *component);
};

struct xf_component {
    struct xf_env *env;
    const struct xf_component_events *events;
    void *owner;
    struct xf_hold hold;
    struct xf_component_stream *streams;
    /* the stream that took the last stanza; held ones do not count */
    const struct xf_component_stream *sent;
    size_t stream_count, up_count, busy_count; /* busy: not idle */
    bool is_kept;                              /* does not end by being idle */
    bool counts_as_up, counts_as_congested;    /* in the sums of the link */
    uint64_t used_ms;
    struct xf_timer idle;  /* the link's */
    struct xf_place place; /* the link's: among the peers that are not kept */
};

/*
 * Connects at once. `addrs` is borrowed: a stream each, or one stream for all of them that begins
 * with number `first`.
 */
struct xf_component *xf_component_new(struct xf_env *env, const struct xf_link_settings *settings,
                                      struct xf_span name, const struct xf_addr *addrs,
                                      size_t addr_count, struct xf_hold_budget *budget,
                                      const struct xf_component_events *events, void *owner);
void xf_component_free(struct xf_component **component); /* of a gone one */

void xf_component_start(struct xf_component *component);
/* `gone` follows, later */
void xf_component_stop(struct xf_component *component, const char *reason);

/* XF_ERR_CLOSED as xf_link_send. */
XF_MUST_USE enum xf_err xf_component_send(struct xf_component *component,
                                          const struct xf_stanza *stanza);
void xf_component_pause(struct xf_component *component, bool paused);

/* Does the stanza that was sent last wait? While something is held, all do. */
static inline bool xf_component_is_full(const struct xf_component *component)
{
    return !xf_hold_is_empty(&component->hold) ||
           (component->sent && component->sent->is_congested);
}

/* Output waits for the cluster (what is held while no stream is up is not counted). */
bool xf_component_is_congested(const struct xf_component *component);
