/* SPDX-License-Identifier: MIT */
/*
 * gate_priv.h — where the stanzas of a peer come in (gate.c), on a stream that the peer opened
 * (in_gate.c) or on one of ours that goes both ways (out_bidi.c). A gate is embedded in the owner
 * of the stream.
 */
#pragma once

#include <xfed/limits/rate.h>
#include <xfed/stream/stream.h>

struct xf_s2s;
struct xf_gate;

struct xf_gate_ops {
    bool (*is_open)(struct xf_gate *gate); /* somebody is authenticated */
    bool (*has_pair)(struct xf_gate *gate, struct xf_span local, struct xf_span peer);
    /* A domain of ours that the peer is authenticated for on this stream; absent: for none. */
    struct xf_span (*local_of)(struct xf_gate *gate, struct xf_span peer);
    /* Log; end the stream with the error unless it is NONE. */
    void (*refuse)(struct xf_gate *gate, const struct xf_stanza *stanza, enum xf_stream_error error,
                   const char *reason, const char *text);
};

struct xf_gate {
    const struct xf_gate_ops *ops;
    struct xf_stream *stream;
    struct xf_node paused_node; /* in xf_s2s.paused, while it waits for the link */
    struct xf_rate_waiter rate;
    bool is_held; /* for its rate */
};

void xf_gate_init(struct xf_gate *gate, const struct xf_gate_ops *ops, struct xf_stream *stream);
void xf_gate_stanza(struct xf_gate *gate, struct xf_s2s *s2s, struct xf_stanza *stanza);
void xf_gate_resume_all(struct xf_s2s *s2s); /* the link has room */
/* The stream ends: nothing makes it wait any more. */
void xf_gate_ending(struct xf_gate *gate, struct xf_s2s *s2s);
void xf_gate_fini(struct xf_gate *gate);
