/* SPDX-License-Identifier: MIT */
/*
 * gate_priv.h — checks the stanzas that a peer sends (gate.c), on a stream that the peer opened
 * (in_gate.c) or on one of ours that goes both ways (out_bidi.c). A gate is embedded in the owner
 * of the stream, and its operations tell what only that owner knows.
 */
#pragma once

#include <xfed/limits/rate.h>
#include <xfed/stream/stream.h>

struct xf_counted;
struct xf_s2s;
struct xf_gate;

/* To a peer that sends stanzas as clients do; they do not reach the gate. */
#define XF_TEXT_CLIENT_STANZA "a stanza in jabber:client; between servers it is jabber:server"

/* Why a stanza does not pass. */
struct xf_gate_refusal {
    enum xf_stream_error error;
    enum xf_help help;
    const char *reason; /* a word for the log */
    const char *text;   /* for the peer, or NULL */
};

struct xf_gate_ops {
    bool (*is_open)(struct xf_gate *gate); /* is any pair authenticated? */
    /* Is this pair authenticated on the stream? */
    bool (*has_pair)(struct xf_gate *gate, struct xf_span local, struct xf_span peer);
    /*
     * A domain of ours, any one, for which the peer is authenticated on this stream; absent: there
     * is none.
     */
    struct xf_span (*local_of)(struct xf_gate *gate, struct xf_span peer);
    /* The counts of the peer of the pair that has_pair found last. */
    struct xf_counted *(*counted)(struct xf_gate *gate);
    /* Log the refusal; end the stream unless its error is NONE. */
    void (*refuse)(struct xf_gate *gate, const struct xf_stanza *stanza,
                   const struct xf_gate_refusal *refusal);
};

struct xf_gate {
    const struct xf_gate_ops *ops;
    struct xf_stream *stream;
    struct xf_node paused_node; /* in xf_s2s.paused, while it waits for the link */
    struct xf_rate_waiter rate;
    /* In xf_s2s.held, while the stream is held, because the peer sends too fast. */
    struct xf_node held_node;
};

void xf_gate_init(struct xf_gate *gate, const struct xf_gate_ops *ops, struct xf_stream *stream);
/*
 * Hand the stanza to xf_s2s_events.stanza or .malformed, or refuse it. `goes_on`: the next process
 * goes on with the stream (hand_over.c). False: it was left to that (XF_S2S_LEFT).
 */
bool xf_gate_stanza(struct xf_gate *gate, struct xf_s2s *s2s, struct xf_stanza *stanza,
                    bool goes_on);
/*
 * Count what is no stanza for the gate towards the rate of the peer: it costs us as much. Call it
 * when the element was handled.
 */
void xf_gate_element(struct xf_gate *gate, struct xf_s2s *s2s, struct xf_span peer, size_t bytes);
void xf_gate_resume_all(struct xf_s2s *s2s); /* read on from all streams that paused for the link */
/* The stream begins to end, or has closed: what the peer has sent no longer waits. */
void xf_gate_ending(struct xf_gate *gate, struct xf_s2s *s2s);
void xf_gate_fini(struct xf_gate *gate);
