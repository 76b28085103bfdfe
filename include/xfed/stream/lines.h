/* SPDX-License-Identifier: MIT */
/*
 * lines.h — how many lines of the log outsiders may cause in a minute.
 *
 * Each line at info or above that an outsider can cause is counted for its kind, and within the
 * kind for its owner (a network, a registered domain), so that a flood hides neither another
 * owner's lines nor those of another kind. Lines beyond the bound are written at debug; at the end
 * of the minute one line says how many of which event (s2s.lines.suppressed).
 * scripts/check-log-events refuses other ways of logging where outsiders can cause a line.
 */
#pragma once

#include <xfed/base/log.h>
#include <xfed/base/map.h>
#include <xfed/net/timer.h>

struct xf_env;

enum xf_lines_kind {
    XF_LINES_STRANGERS, /* accepted streams that authenticated nothing; by network */
    /* verify streams, which strangers make us open; by the owner of the domain asked */
    XF_LINES_QUESTIONS,
    /* authenticated peers, by network; those that the cluster writes to, by the domain's owner */
    XF_LINES_PEERS,
    /* the same, of peers that have a section in the configuration; by its owner */
    XF_LINES_NAMED,
    /* a peer without a section has another key or authenticates more weakly; by its owner */
    XF_LINES_ALARMS,
    XF_LINES_KINDS,
};

#define XF_LINES_EVENTS_MAX 64 /* different ones, more than there are */

struct xf_lines {                            /* in the env; zeroed: nothing was written */
    struct xf_map *of_owner[XF_LINES_KINDS]; /* -> unsigned *: written in this minute */
    unsigned written[XF_LINES_KINDS], hidden;
    struct {
        const char *event; /* a literal */
        unsigned count;
    } events[XF_LINES_EVENTS_MAX]; /* hidden */
    uint64_t until_ms;             /* the end of the minute; 0: none has begun */
    struct xf_timer timer;         /* of the line about the hidden ones */
};

/*
 * The level to write this line at: `level`, which counts it for the owner, or XF_LOG_DEBUG beyond
 * the bound. A level that is off costs nothing.
 */
enum xf_log_level xf_lines_level(struct xf_env *env, enum xf_lines_kind kind, struct xf_span owner,
                                 enum xf_log_level level, const char *event);
void xf_lines_fini(struct xf_lines *lines); /* also when nothing was written; may be used again */
