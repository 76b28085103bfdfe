/* SPDX-License-Identifier: MIT */
/*
 * continuity_priv.h — is a peer what it was before? Asked in front of every transition to
 * authenticated; writes the alarm, and what is seen into the history (continuity.c).
 */
#pragma once

#include <xfed/auth/verdict.h>
#include <xfed/s2s/s2s.h>

struct xf_pair;

/* A peer that is weaker than before, where the settings refuse that. */
struct xf_fall {
    enum xf_cause cause;
    const char *text; /* for peer and log; NULL: it is not */
};
/* NULL, or as xf_fall.text. */
const char *xf_in_continuity_refusal(struct xf_in *in, const struct xf_pair *pair,
                                     enum xf_auth_method method);
struct xf_fall xf_out_continuity_refusal(const struct xf_out *out);
/*
 * Would the stream be weaker than what is known of the peer for that direction? Then it does not
 * carry what would go there. Tells nothing.
 */
bool xf_s2s_peer_is_behind(const struct xf_s2s *s2s, struct xf_span peer, bool is_inbound,
                           const struct xf_verdict *verdict, enum xf_auth_method method);
