/* SPDX-License-Identifier: MIT */
/*
 * lines.h — limits how many log lines outsiders can cause in a minute.
 *
 * Each line at info or above that an outsider can cause counts against a limit of its kind, and
 * within the kind against a limit of its owner (a network or a registered domain). So a flood hides
 * neither lines about other owners nor lines of other kinds. Lines beyond a limit are logged at
 * debug; at the end of the minute one line tells how many of each event there were
 * (s2s.lines.suppressed). scripts/check-log-events refuses other ways of logging where outsiders
 * can cause a line.
 */
#pragma once

#include <xfed/base/log.h>
#include <xfed/base/map.h>
#include <xfed/net/timer.h>

struct xf_env;

enum xf_lines_kind {
    XF_LINES_STRANGERS, /* accepted streams that have not authenticated; counted by network */
    /*
     * Verify streams, which strangers make us open; counted by the owner of the domain that we ask.
     */
    XF_LINES_QUESTIONS,
    /*
     * Authenticated peers, counted by network; peers that the cluster writes to, by the domain's
     * owner.
     */
    XF_LINES_PEERS,
    /* The same for peers with a section in the configuration; counted by owner. */
    XF_LINES_NAMED,
    /* Another key or weaker authentication of a peer without a section; counted by owner. */
    XF_LINES_ALARMS,
    XF_LINES_KINDS,
};

#define XF_LINES_EVENTS_MAX 64 /* more than there are different events */

struct xf_lines {                            /* part of the env; starts zeroed */
    struct xf_map *of_owner[XF_LINES_KINDS]; /* -> unsigned *: lines in this minute */
    unsigned written[XF_LINES_KINDS], hidden;
    struct {
        const char *event; /* a literal */
        unsigned count;
    } events[XF_LINES_EVENTS_MAX]; /* hidden */
    uint64_t until_ms;             /* the end of the minute; 0: none has begun */
    struct xf_timer timer;         /* for the line about suppressed ones */
};

/*
 * The level for this line: `level`, and then the line is counted for its owner, or XF_LOG_DEBUG
 * beyond the limit. A level that is off costs nothing.
 */
enum xf_log_level xf_lines_level(struct xf_env *env, enum xf_lines_kind kind, struct xf_span owner,
                                 enum xf_log_level level, const char *event);
/* Also allowed when nothing was counted; may be used again afterwards. */
void xf_lines_fini(struct xf_lines *lines);
