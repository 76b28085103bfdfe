/* SPDX-License-Identifier: MIT */
/*
 * continuity_priv.h — is a peer still what it was: does it authenticate as well as before, with a
 * known key, inside TLS (continuity.c)? Every transition to authenticated asks. An alarm is logged,
 * and what was seen goes into the history.
 */
#pragma once

#include <xfed/auth/verdict.h>
#include <xfed/s2s/s2s.h>

struct xf_pair;

/* Why a peer that is weaker than before is refused. */
struct xf_fall {
    enum xf_cause cause;
    struct xf_refusal refusal;
};
/* For a pair of an accepted stream. */
struct xf_refusal xf_in_continuity_refusal(struct xf_in *in, const struct xf_pair *pair,
                                           enum xf_auth_method method);
/* For a stream of ours, or a rider. */
struct xf_fall xf_out_continuity_refusal(const struct xf_out *out);
/*
 * Would a pair with this verdict and method be weaker than what is known of the peer for that
 * direction, and do its settings mind? Then a stream that goes both ways must not carry that
 * direction. Logs and records nothing.
 */
bool xf_s2s_peer_is_behind(const struct xf_s2s *s2s, struct xf_span peer, bool is_inbound,
                           const struct xf_verdict *verdict, enum xf_auth_method method);
