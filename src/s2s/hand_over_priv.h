/* SPDX-License-Identifier: MIT */
/* hand_over_priv.h — streams that go on in the next process (hand_over.c). */
#pragma once

#include <stdbool.h>

struct xf_in;
struct xf_out;
struct xf_s2s;

void xf_s2s_hand_over_init(struct xf_s2s *s2s);

/* Can the stream be resumed, and is it to be handed over? (in.c, out.c) */
bool xf_in_may_suspend(const struct xf_in *in);
bool xf_out_may_suspend(const struct xf_out *out);

/* Suspend the stream at once. False: it may not be. */
bool xf_in_suspend(struct xf_in *in);
void xf_out_suspend(struct xf_out *out); /* ... if it may be */

/* Ask the peers what they have, and suspend each stream that may be when its peer has said so. */
void xf_s2s_suspend_all(struct xf_s2s *s2s);
