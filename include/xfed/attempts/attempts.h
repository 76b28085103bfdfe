/* SPDX-License-Identifier: MIT */
/*
 * attempts.h — the last streams with each peer, and how far each came: for an operator who asks
 * why a peer cannot be reached.
 *
 * It watches the log (log.h) and keeps what says stream= and peer=, so it never disagrees with the
 * log. Kept are XF_ATTEMPTS_EACH attempts of each peer and direction, and XF_ATTEMPT_STEPS events
 * of each. Anybody can claim to be any peer, and make us ask about any domain: so attempts of
 * others have a quarter of the memory, and displace none of ours. Half is for our own attempts to
 * reach peers with a section, a quarter for those to reach others. In each part the peer that was
 * heard of longest ago is forgotten first.
 */
#pragma once

#include <stdint.h>
#include <xfed/base/clock.h>
#include <xfed/base/log.h>

#define XF_ATTEMPTS_EACH 6
#define XF_ATTEMPT_STEPS 48

struct xf_attempts;

struct xf_attempts_opts {
    const struct xf_clock *clock; /* borrowed */
    size_t max_bytes;             /* of everything; 0 keeps nothing */
    /* Does the configuration name the peer? NULL: none. */
    bool (*is_named)(void *owner, struct xf_span peer);
    void *owner;
};

/* Watches the log from now on, until it is freed. */
struct xf_attempts *xf_attempts_new(const struct xf_attempts_opts *opts);
void xf_attempts_free(struct xf_attempts **attempts);

struct xf_attempt_step {
    uint64_t ms;       /* since the attempt began */
    const char *event; /* a literal: name in doc/operators/LOG-EVENTS.md */
    const char *pairs; /* key=value ..., as in the log, without local, peer and stream */
};

enum xf_attempt_outcome {
    XF_ATTEMPT_UNDER_WAY,
    XF_ATTEMPT_UP,     /* the pair is authenticated */
    XF_ATTEMPT_FAILED, /* an address failed; a further one may still follow */
    XF_ATTEMPT_ENDED,  /* it was up before */
};

struct xf_attempt {
    uint64_t stream;   /* as the log's stream= */
    const char *dir;   /* "out", "in" or "verify" */
    const char *local; /* NULL: it was not named */
    int64_t began_s;   /* Unix time */
    enum xf_attempt_outcome outcome;
    const char *auth, *cert; /* of the line s2s.stream.up; "" before */
    /* Of the last line s2s.stream.down; "" before. */
    const char *reason, *detail, *advice, *help, *addr;
    const struct xf_attempt_step *steps;
    size_t step_count, steps_left_out; /* those behind the first ones, but the last */
};

/* Shows the attempts of a peer, newest first. The view is borrowed for the call. */
typedef void (*xf_attempt_fn)(void *owner, const struct xf_attempt *attempt);
void xf_attempts_show(const struct xf_attempts *attempts, struct xf_span peer, xf_attempt_fn show,
                      void *owner);

/*
 * Names of all peers that we tried to reach, or that were authenticated; in no order, and some
 * twice. The names are borrowed.
 */
typedef void (*xf_attempts_peer_fn)(void *owner, struct xf_span peer, uint64_t heard_ms);
void xf_attempts_each_peer(const struct xf_attempts *attempts, xf_attempts_peer_fn show,
                           void *owner);
