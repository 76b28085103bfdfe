/* SPDX-License-Identifier: MIT */
/* hand_over_priv.h — stanzas on streams that go on in the next process (hand_over.c). */
#pragma once

struct xf_routing;

/*
 * Write those that were set aside (xf_route_hand_over), and the sessions. What cannot be written is
 * left to the journal or returned.
 */
void xf_hand_over_end(struct xf_routing *routing);

/* What an earlier process has left: before the journal's messages, which came later. */
void xf_hand_over_begin(struct xf_routing *routing);
