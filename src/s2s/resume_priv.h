/* SPDX-License-Identifier: MIT */
/*
 * resume_priv.h — streams whose connection broke and that may be resumed (XEP-0198 §5), in both
 * roles. No stanza is kept here: what was not proved went back to its route. What resumption tells
 * is which of these stanzas the other side has.
 */
#pragma once

#include <xfed/stream/proof.h>

#include "memory_priv.h"

struct xf_in;
struct xf_s2s;

/* How long our stanzas wait for the peer to resume its stream. */
#define XF_RESUME_AWAITED_MS  3000
#define XF_RESUME_MAX_S       120 /* how long a stream may be resumed after its connection broke */
#define XF_RESUME_OURS_MAX_MS 3600000 /* ... one of ours, whatever the peer says */

/*
 * A stream of a peer: from <enabled/> on, while it lives and for XF_RESUME_MAX_S after its
 * connection broke. Among the broken ones there is one for each pair.
 */
struct xf_resumable {
    struct xf_memo memo; /* by the pair, once the connection broke */
    char id[XF_ID_CHARS + 1];
    char *local, *peer;
    uint64_t begun_ms; /* when it was made, or resumed last; 0: in an earlier process */
    struct xf_in *in;  /* NULL: its connection broke, perhaps in an earlier process */
    uint64_t until_ms; /* ... it may be resumed until then */
    uint32_t handled;  /* ... and so many stanzas of the peer were handled */
    bool has_mark;     /* ours went over it too (XEP-0288) */
    struct xf_proof_mark mark;
};

/* A stream of ours, for the next one of the same pair. */
struct xf_resumption {
    struct xf_memo memo; /* by the pair */
    char *local, *peer;
    char *id;                  /* what the peer called it */
    uint64_t until_ms, max_ms; /* when the peer will have forgotten it; how long it keeps one */
    uint32_t handled;
    bool is_bidi;   /* the peer's stanzas go over it too */
    bool was_asked; /* a connection broke while we waited for the peer's answer to <resume/> */
    struct xf_proof_mark mark;
};

struct xf_resuming {
    struct xf_map *of_peers; /* id -> struct xf_resumable */
    struct xf_memory broken; /* of these; struct xf_resumable */
    struct xf_memory ours;   /* struct xf_resumption */
};

void xf_resuming_init(struct xf_resuming *resuming);
void xf_resuming_fini(struct xf_resuming *resuming); /* no stream may live */

/* ------------------------------------------------------------------ streams of peers */

/* The stream may be resumed from now on. */
struct xf_resumable *xf_resumable_new(struct xf_s2s *s2s, struct xf_in *in, const char *local,
                                      const char *peer);
struct xf_broken {
    const char *network; /* of the peer's address; NULL: not known any more */
    uint64_t left_ms;    /* for how long it may be resumed */
    uint32_t handled;
    const struct xf_proof_mark *mark; /* NULL: none of our stanzas went over it */
};
/* Its connection broke. It is freed if its owner or network has no room for it. */
void xf_resumable_broke(struct xf_s2s *s2s, struct xf_resumable *resumable,
                        const struct xf_broken *broken);
/*
 * It broke in an earlier process. The names and the id are prepared; nothing happens if the id is
 * not one of ours, or in use.
 */
void xf_resumable_restore(struct xf_s2s *s2s, struct xf_span id, struct xf_span local,
                          struct xf_span peer, const struct xf_broken *broken);
/* It ended in order, so that it cannot be resumed. */
void xf_resumable_free(struct xf_s2s *s2s, struct xf_resumable *resumable);
/* NULL: there is none of that id, or it is another pair's, or too old. */
struct xf_resumable *xf_resumable_find(struct xf_s2s *s2s, struct xf_span id, const char *local,
                                       const char *peer);
/* The broken one of the pair; NULL: there is none, or it is too old. */
const struct xf_resumable *xf_resumable_broken(const struct xf_s2s *s2s, struct xf_span local,
                                               struct xf_span peer);
/* A broken one goes on, on this stream. */
void xf_resumable_take(struct xf_s2s *s2s, struct xf_resumable *resumable, struct xf_in *in);
/*
 * Did a stream of the pair that went both ways break just now, so that the peer may be about to
 * resume it? Then our stanzas wait a moment, to learn which of them it has.
 */
bool xf_resumable_is_awaited(const struct xf_s2s *s2s, struct xf_span local, struct xf_span peer);
/*
 * ... or some time ago, so that it still may, on a stream that it authenticated at `since_ms`? Not
 * on one that was there before the one that broke.
 */
bool xf_resumable_may_come(const struct xf_s2s *s2s, struct xf_span local, struct xf_span peer,
                           uint64_t since_ms);

/* ------------------------------------------------------------------ streams of ours */

/* `state` is copied, with its texts. */
void xf_resumption_keep(struct xf_s2s *s2s, const struct xf_resumption *state);
/* NULL: the pair has none. Valid until the next call for the pair. */
const struct xf_resumption *xf_resumption_find(struct xf_s2s *s2s, struct xf_span local,
                                               struct xf_span peer);
void xf_resumption_drop(struct xf_s2s *s2s, const char *local, const char *peer);
/* The connection broke before the peer answered. It may be asked once more; then it is dropped. */
void xf_resumption_unanswered(struct xf_s2s *s2s, const char *local, const char *peer);
