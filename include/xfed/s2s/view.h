/* SPDX-License-Identifier: MIT */
/*
 * view.h — what an operator may see of the streams with other servers, and do to them.
 *
 * A view is made for the call, and everything in it is borrowed until the call returns. Looking at
 * many streams takes several turns of the loop: xf_s2s_view goes on where it stopped.
 */
#pragma once

#include <xfed/s2s/s2s.h>

struct xf_stream_view {
    uint64_t number;               /* as the log's stream= */
    const char *dir;               /* "out", "verify" or "in" */
    const char *local, *peer;      /* NULL: an accepted stream has not named it yet */
    const char *state;             /* of an outgoing stream: src/s2s/out_states.c; else its phase */
    bool is_ready;                 /* the pair is authenticated, and stanzas may pass */
    char addr[XF_ADDR_TEXT_BYTES]; /* "": not connected */
    const char *tls, *cipher;      /* version; "none" and NULL without TLS */
    const char *cert, *auth, *via; /* words, as in s2s.stream.up; NULL: not known, or none */
    bool is_bidi;
    bool is_paused;           /* we do not read it: the link is full, or the peer sends too fast */
    uint64_t age_ms, idle_ms; /* since it began; since a stanza passed */
    uint64_t stanzas_out;     /* of this pair on this stream */
    uint64_t stanzas_in;      /* on the stream */
    struct xf_stanza_sum unproved; /* sent, and nothing proves yet that the peer has them */
};

struct xf_s2s_view_at { /* where a look at all streams stands; starts zeroed */
    bool is_in;
    uint64_t number;
    size_t pairs; /* of that accepted stream, which were shown already */
};

typedef void (*xf_stream_view_fn)(void *owner, const struct xf_stream_view *view);

/*
 * Show up to `most` streams; an accepted stream is shown once for each of its pairs, and counts as
 * many. False: those were the last ones.
 */
bool xf_s2s_view(struct xf_s2s *s2s, struct xf_s2s_view_at *at, size_t most, xf_stream_view_fn show,
                 void *owner);

/*
 * Close, as after a long silence, every stream on which the peer is authenticated or which we
 * opened to it; what waits goes into a new one. Streams that try whether a failed peer is back go
 * on. Returns how many.
 */
size_t xf_s2s_close_peer(struct xf_s2s *s2s, struct xf_span peer);
/* The same for one stream. False: there is none of that number that can be closed. */
bool xf_s2s_close_stream(struct xf_s2s *s2s, uint64_t number);

/* The peer may have been mended: forget the failures that make us wait before asking it again. */
void xf_s2s_forgive(struct xf_s2s *s2s, struct xf_span peer);
