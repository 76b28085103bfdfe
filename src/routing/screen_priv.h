/* SPDX-License-Identifier: MIT */
/* screen_priv.h — what policy says about single stanzas. */
#pragma once

#include "rare_priv.h"

#include <xfed/policy/policy.h>
#include <xfed/s2s/s2s.h>

struct xf_routing;
struct xf_routing_link;

/* What screen.c counts. */
struct xf_tally {
    uint64_t count;
    struct xf_rare lines;
};

/* Does each stanza of the pair have to go through the next ones? */
bool xf_screen_watches(struct xf_routing *routing, struct xf_span local, struct xf_span peer,
                       enum xf_direction direction);

/*
 * False: it was refused, answered where that is wanted, and logged. True: presence may have become
 * less.
 */
bool xf_screen_out(struct xf_routing *routing, struct xf_routing_link *link,
                   struct xf_stanza *stanza);
bool xf_screen_in(struct xf_routing *routing, struct xf_stanza *stanza,
                  enum xf_s2s_taken *out_taken, const char **out_text);

/* One that waits in a queue: may it still go? */
bool xf_screen_still_out(struct xf_routing *routing, struct xf_routing_link *link,
                         struct xf_stanza *stanza);
