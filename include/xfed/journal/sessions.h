/* SPDX-License-Identifier: MIT */
/*
 * sessions.h — streams that can be resumed (XEP-0198 §5), from one process to the next, in the file
 * of the journal.
 *
 * They are written when xfedd stops in order, and at no other time, together with the stanzas of
 * ours that the peers have not acknowledged. The next process removes all of it from the file
 * before it uses any of it, so it is used once. A crash leaves nothing behind that could be taken
 * for the present state. What a start could not remove, the next one is given too.
 */
#pragma once

#include <xfed/journal/journal.h>

struct xf_session {             /* texts are borrowed */
    bool is_ours;               /* we opened the stream, and are the one to resume it */
    bool both_ways;             /* XEP-0288 */
    struct xf_span local, peer; /* the pair that it may be resumed for; prepared */
    struct xf_span id;          /* as whoever accepted the stream calls it */
    uint64_t left_ms;           /* for how long it can still be resumed; 0: no longer */
    uint64_t max_ms;            /* for how long at most */
    uint32_t handled;           /* stanzas of the peer */
    /* How far our stanzas have come (struct xf_proof_mark). serial 0: none went over it. */
    uint64_t serial, proved, sent;
    uint32_t counted;
};

/* A stanza of ours that went out on such a stream. */
struct xf_session_stanza {
    uint64_t number;     /* which of the stream */
    int64_t came_s;      /* in Unix time */
    uint64_t age_max_ms; /* a message that the journal would keep: for how long; else 0 */
    bool is_unproved;    /* the peer may have it; false: it cannot have it whole */
    struct xf_span shown_from, shown_to; /* as in struct xf_stanza */
};

/* Is the journal to be used for sessions? NULL: no. */
bool xf_journal_keeps_sessions(const struct xf_journal *journal);

/* ------------------------------------------------------------------ at the end */

struct xf_handover;

/*
 * Begin to write. NULL: this cannot be done now, and a line in the log says why. Blocks, as all of
 * these.
 */
struct xf_handover *xf_handover_begin(struct xf_journal *journal);
void xf_handover_session(struct xf_handover *handover, const struct xf_session *session);
/*
 * Add a stanza of the session with that serial. False: there is no room for it within the limits of
 * the journal. Its message, if it is in the journal, leaves it with xf_handover_end.
 */
XF_MUST_USE bool xf_handover_stanza(struct xf_handover *handover, uint64_t serial, int64_t came_s,
                                    const struct xf_stanza_copy *copy);
/* Write all of it, or nothing: then false, and a line in the log. Frees the handover. */
XF_MUST_USE bool xf_handover_end(struct xf_handover **handover);

/* ------------------------------------------------------------------ at the start */

struct xf_sessions_events {
    /* Its stanzas follow, oldest first. All was checked for being possible. */
    void (*session)(void *owner, const struct xf_session *session);
    /* The stanza has prepared addresses, of the pair of the session, and is borrowed. */
    void (*stanza)(void *owner, const struct xf_session *session,
                   const struct xf_session_stanza *info, struct xf_stanza *stanza);
};

/*
 * Take all sessions out of the file, and then deliver them. Those whose time is over come with
 * left_ms = 0, and all if the clock went backwards. What is damaged or beyond the limits of the
 * journal is dropped; a line in the log counts it. Once, before xf_journal_replay.
 */
void xf_sessions_load(struct xf_journal *journal, const struct xf_sessions_events *events,
                      void *owner);
