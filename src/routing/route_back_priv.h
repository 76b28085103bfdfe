/* SPDX-License-Identifier: MIT */
/* route_back_priv.h — stanzas that came back to the queue of their route (route_back.c). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct xf_route;
struct xf_stanza;

/*
 * Of the stanzas in the queue that went out on that stream, the peer has those up to this number,
 * and no others (XEP-0198 §5). It did not count those up to `untold`: they stay unproved.
 */
void xf_route_know_back(struct xf_route *route, uint64_t serial, uint64_t untold, uint64_t number);

/*
 * Nobody can say whether the stanzas in front of the queue arrived (is_unproved): return them, or
 * let them be sent again, as the peer's settings want it.
 */
void xf_route_settle_back(struct xf_route *route);

/* Where a stanza comes from that went out in an earlier process: as in struct xf_stanza_copy. */
struct xf_route_origin {
    uint64_t serial, number, at_ms;
    bool is_unproved;
};

/* Put it into the queue, as if its stream had just broken, and open a stream. */
void xf_route_restore(struct xf_route *route, const struct xf_stanza *stanza,
                      const struct xf_route_origin *origin);

/* When xfedd stops: set those aside that go to the next process with their stream. */
void xf_route_hand_over(struct xf_route *route);
