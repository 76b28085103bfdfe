/* SPDX-License-Identifier: MIT */
/*
 * sm_priv.h — stream management (XEP-0198) on a stream, whoever opened it: how many stanzas of the
 * peer we have handled. How many of ours the peer has handled is in the carrier's proof.
 */
#pragma once

#include <xfed/stream/stream.h>

struct xf_carrier;
struct xf_proof_mark;

struct xf_sm {
    bool counts;      /* it was enabled: stanzas of the peer are counted */
    uint32_t handled; /* since then; wraps (XEP-0198 §4) */
    uint32_t said;    /* the last `handled` that the peer was told */
};

/* A stanza of the peer was handled: we answer for it now. */
static inline void xf_sm_handled(struct xf_sm *sm)
{
    sm->handled += sm->counts;
}

/*
 * The peer's <r/> or <a/>. False: it is another element, or stream management is not enabled. An
 * <a/> for more than we sent ends the stream.
 */
bool xf_sm_element(struct xf_carrier *carrier, const struct xf_elem *elem);

/*
 * Does the element say something of stanzas that went before it? These bound how many of its kind
 * there are. Ask before it is handled.
 */
bool xf_sm_is_due(const struct xf_carrier *carrier, const struct xf_elem *elem);

/*
 * The stream is about to end in order: say what was handled, unless the peer knows, and ask what
 * the peer has handled.
 */
void xf_sm_part(struct xf_carrier *carrier);

/*
 * The carrier's stream resumes the one of the mark, of which the peer has handled so many of our
 * stanzas (§5). False: that cannot be.
 */
bool xf_sm_learn(struct xf_carrier *carrier, const struct xf_proof_mark *mark, uint32_t handled);

/* Refuse <enable/> or <resume/>. */
void xf_sm_refuse(struct xf_stream *stream, enum xf_stanza_error error);
