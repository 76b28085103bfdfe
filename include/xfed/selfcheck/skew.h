/* SPDX-License-Identifier: MIT */
/*
 * skew.h — how far our clock is from that of the local server, which answers with its own
 * (XEP-0202) over a link.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <xfed/xmpp/stanza.h>

/* Seconds from which on a difference is worth a warning, and from which on it breaks things. */
#define XF_SKEW_WARN_S  5
#define XF_SKEW_WRONG_S 3600

#define XF_SKEW_QUESTION "<time xmlns='urn:xmpp:time'/>"

/*
 * How much later it is at the server than here, where `asked_ms` and `now_ms` are our own wall
 * clock (xf_unix_ms) at the question and at the answer. False: the answer has no time.
 */
bool xf_selfcheck_read_skew(const struct xf_stanza *answer, int64_t asked_ms, int64_t now_ms,
                            int64_t *out_seconds);
