/* SPDX-License-Identifier: MIT */
/*
 * features_priv.h — reads and writes stream features (RFC 6120 §4.3.2) and stream limits
 * (XEP-0478).
 */
#pragma once

#include <xfed/stream/stream.h>

/* Limits that one side announces for a stream (XEP-0478). 0: not announced. */
struct xf_said_limits {
    size_t max_bytes; /* largest stanza that it accepts */
    uint64_t idle_ms; /* after so long without traffic from the other side it may end the stream */
};
/* `parent` is <features/>, or <bidi/> (XEP-0478 §3.2); without <limits/> all is 0. */
struct xf_said_limits xf_limits_read(const struct xf_elem *parent);
void xf_limits_write(struct xf_draft *draft, const struct xf_said_limits *limits);

/* What a peer offers. */
struct xf_features {
    bool tls, tls_required, external, dialback, dialback_errors, bidi, sm;
    struct xf_said_limits limits;
};
struct xf_features xf_features_read(const struct xf_elem *elem);

/* What we offer. */
struct xf_features_offer {
    bool tls, tls_required, external, dialback, bidi, sm;
    struct xf_said_limits limits; /* max_bytes 0: left out */
};
void xf_features_write(struct xf_stream *stream, const struct xf_features_offer *offer);
