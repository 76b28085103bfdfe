/* SPDX-License-Identifier: MIT */
/* screen_priv.h — what policy says about single stanzas. */
#pragma once

#include "rare_priv.h"

#include <xfed/policy/policy.h>

struct xf_routing;

/* What screen.c counts. */
struct xf_tally {
    uint64_t count;
    uint64_t rules[2][XF_RULES]; /* of them, by rule; from peers: [true] */
    struct xf_rare lines;
};

/* Must each stanza of the pair pass through xf_screen_passes? */
bool xf_screen_watches(struct xf_routing *routing, struct xf_span local, struct xf_span peer,
                       enum xf_direction direction);

/*
 * False: policy refuses the stanza; that was logged, and *out says which answer the sender gets.
 * True: the stanza passes; presence may have been stripped.
 */
bool xf_screen_passes(struct xf_routing *routing, struct xf_stanza *stanza,
                      enum xf_direction direction, struct xf_ruling *out);

/* Call after a reload for an outbound stanza that waits in a queue. Does not strip presence. */
bool xf_screen_still_passes(struct xf_routing *routing, struct xf_stanza *stanza,
                            struct xf_ruling *out);
