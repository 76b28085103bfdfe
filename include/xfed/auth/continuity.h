/* SPDX-License-Identifier: MIT */
/*
 * continuity.h — is a peer still what it was? xf_auth_refusal compares a peer with its settings;
 * this compares it with what it authenticated with before (xfed/history/history.h). It notices
 * another key, a weaker way of authenticating, and TLS that is no longer used. Every transition to
 * authenticated asks both. Values in, values out: the caller looks the peer up, writes the log and
 * updates the history, as the decision says. Test: tests/unit/auth/test_continuity.c.
 */
#pragma once

#include <xfed/auth/verdict.h>
#include <xfed/history/history.h>

/* Who opened the stream on which we see the peer, and what it is for. */
enum xf_continuity_kind {
    XF_CONTINUITY_ACCEPTED, /* the peer opened it, to send to us */
    XF_CONTINUITY_OPENED,   /* we opened it, to send to the peer */
    /*
     * The peer opened it, and we send on it (XEP-0288). It shows the key of a server that connects
     * to us, which says nothing about the keys of the servers that we connect to: only the way of
     * authenticating is compared, and nothing is recorded.
     */
    XF_CONTINUITY_REUSED,
    /*
     * We opened it to ask the authoritative server about a dialback key. It authenticates nobody,
     * but its answer is believed: TLS and the key are compared, the way of authenticating is not.
     */
    XF_CONTINUITY_ASKED,
};

/* Which direction of the history to compare with, and to record in. */
static inline bool xf_continuity_is_inbound(enum xf_continuity_kind kind)
{
    return kind == XF_CONTINUITY_ACCEPTED;
}

enum xf_continuity_record {
    XF_CONTINUITY_LEAVE,  /* record nothing */
    XF_CONTINUITY_NOTE,   /* xf_history_note: nothing weaker takes the place of what is known */
    XF_CONTINUITY_ACCEPT, /* xf_history_accept: what is seen now takes its place */
};

struct xf_continuity {
    struct xf_refusal refusal; /* for the peer and the log; text NULL: the peer may go on */
    enum xf_history_change change;
    /*
     * Log a line about `change`; if it is an alarm (xf_history_is_alarm), only when one is due
     * (xf_history_alarm_is_due).
     */
    bool is_told;
    enum xf_continuity_record record;
    struct xf_history_sight sight; /* what was compared, and is to be logged and recorded */
};

/*
 * What a stream shows about a peer. `facts` NULL: it is in clear. `method` is how the peer
 * authenticated; NONE counts as dialback.
 */
struct xf_history_sight xf_continuity_sight(const struct xf_tls_facts *facts,
                                            const struct xf_verdict *verdict,
                                            enum xf_auth_method method);

/*
 * Decide. `known` is what the history has about the peer, in the direction of `kind`; NULL:
 * nothing. `downgrade` is the peer's setting:
 *
 *   refuse   an alarm is logged, and the stream ends; nothing is recorded
 *   alarm    an alarm is logged; another key is recorded beside the old ones, a weaker way of
 *            authenticating is not
 *   allow    no alarm; the peer will be compared with what it is now
 */
struct xf_continuity xf_continuity_of(enum xf_continuity_kind kind,
                                      const struct xf_history_entry *known,
                                      const struct xf_history_sight *sight,
                                      enum xf_downgrade downgrade);

/*
 * Would a peer with this verdict and method be weaker than what is known? Then a stream must not be
 * used for a direction that another stream could serve. Always false with downgrade = allow.
 */
bool xf_continuity_is_behind(const struct xf_history_entry *known, const struct xf_verdict *verdict,
                             enum xf_auth_method method, enum xf_downgrade downgrade);
