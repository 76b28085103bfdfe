/* SPDX-License-Identifier: MIT */
/*
 * lines.h — how many lines of the log outsiders may cause in a minute.
 *
 * Each line at info or above that an outsider's doing can bring about is counted, by what it is about: of each owner (a network, a peer) and of the whole
 * kind, so that a flood hides neither another peer's lines nor those of another kind. What is more goes to debug, and one line at the end of the minute
 * says how much of which event it was (s2s.lines.suppressed). scripts/check-log-events holds that s2s and routing log no other way.
 */
#pragma once

#include <xfed/base/log.h>
#include <xfed/base/map.h>
#include <xfed/net/timer.h>

struct xf_env;

enum xf_lines_kind {
    XF_LINES_STRANGERS, /* accepted streams that authenticated nothing; by network */
    XF_LINES_QUESTIONS, /* streams on which we ask about what strangers claim; by the owner of the domain asked */
    XF_LINES_PEERS,     /* who is authenticated, by network; whom the cluster writes to, by the domain's owner */
    XF_LINES_NAMED,     /* the same, of peers that have a section in the configuration; by its owner */
    XF_LINES_ALARMS,    /* a peer without a section is not what it was; by its owner */
    XF_LINES_KINDS,
};

#define XF_LINES_EVENTS_MAX 64 /* different ones, more than there are */

struct xf_lines { /* in the env; zeroed: nothing was written */
    struct xf_map *of_owner[XF_LINES_KINDS]; /* -> unsigned *: written in this minute */
    unsigned written[XF_LINES_KINDS], hidden;
    struct {
        const char *event; /* a literal */
        unsigned count;
    } events[XF_LINES_EVENTS_MAX]; /* hidden */
    uint64_t until_ms;             /* the end of the minute; 0: none has begun */
    struct xf_timer timer;         /* of the line about the hidden ones */
};

/* `level` and one line less for the owner, or XF_LOG_DEBUG. A level that is off anyway costs nothing. */
enum xf_log_level xf_lines_level(struct xf_env *env, enum xf_lines_kind kind, struct xf_span owner, enum xf_log_level level, const char *event);
void xf_lines_fini(struct xf_lines *lines); /* also when nothing was written; may be used again */
