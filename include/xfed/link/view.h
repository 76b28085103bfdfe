/* SPDX-License-Identifier: MIT */
/*
 * view.h — what metrics and operators may see of a link. A view is made for the call, and
 * everything in it is borrowed until the call returns.
 */
#pragma once

#include <xfed/link/link.h>
#include <xfed/xmpp/stanza_queue.h>

struct xf_link_view {
    const char *title, *name, *driver;
    bool is_up, refuses_peers, is_congested, is_per_peer;
    uint64_t down_ms; /* how long it has been down; 0: it is up, or has a component for each peer */
    struct xf_stanza_sum held;     /* wait for a stream */
    struct xf_stanza_sum unproved; /* written, and no answer to a ping proves them yet */
    size_t max_bytes;              /* that both may have together */
    size_t components;             /* 1, or one for each peer that has any */
    size_t legs, legs_up;          /* streams of all components */
};

/* One stream to one node. */
struct xf_leg_view {
    const char *name; /* the component's */
    char node[XF_ADDR_TEXT_BYTES];
    const char *state; /* xf_leg_machine */
    bool is_up, is_congested, is_paused, is_draining;
    unsigned weight;
    uint64_t since_ms;   /* how long it has been up, or this try has taken */
    const char *failure; /* why the last try failed or the stream ended: a word; NULL: it did not */
    enum xf_help help;   /* what to do about it */
};

void xf_link_view(const struct xf_link *link, struct xf_link_view *out);

typedef void (*xf_leg_view_fn)(void *owner, const struct xf_leg_view *view);
/* At most `most`: with names = per-peer there may be thousands. */
void xf_link_view_legs(const struct xf_link *link, size_t most, xf_leg_view_fn show, void *owner);
