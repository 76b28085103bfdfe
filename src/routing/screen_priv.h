/* SPDX-License-Identifier: MIT */
/* screen_priv.h — what policy says about single stanzas. */
#pragma once

#include "rare_priv.h"

#include <xfed/policy/policy.h>

struct xf_routing;

/* What screen.c counts. */
struct xf_tally {
    uint64_t count;
    struct xf_rare lines;
};

/* Does each stanza of the pair have to go through the next ones? */
bool xf_screen_watches(struct xf_routing *routing, struct xf_span local, struct xf_span peer,
                       enum xf_direction direction);

/*
 * False: policy refuses it; that was logged, and *out says which answer its sender gets. True:
 * presence may have become less.
 */
bool xf_screen_passes(struct xf_routing *routing, struct xf_stanza *stanza,
                      enum xf_direction direction, struct xf_ruling *out);

/* The same for a stanza of ours that waits in a queue, after a reload. */
bool xf_screen_still_passes(struct xf_routing *routing, struct xf_stanza *stanza,
                            struct xf_ruling *out);
