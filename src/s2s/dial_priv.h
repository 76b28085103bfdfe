/* SPDX-License-Identifier: MIT */
/* dial_priv.h — races the candidates of a peer (RFC 8305 §5) until one is connected (dial.c). */
#pragma once

#include <xfed/dns/discover.h>
#include <xfed/limits/backoff.h>
#include <xfed/policy/policy.h>
#include <xfed/s2s/s2s.h>

struct xf_dial;

/* How the last of the candidates failed. */
struct xf_dial_failure {
    struct xf_addr addr;
    enum xf_help help;
    char detail[120]; /* in the words of the system */
};

/* No event is delivered before xf_dial_new returns. */
struct xf_dial_events {
    /* A candidate is connected: take its conn over. */
    void (*connected)(void *owner, struct xf_conn *conn, const struct xf_candidate *candidate);
    /* No candidate is left. */
    void (*failed)(void *owner, const struct xf_dial_failure *failure);
    /* What became of one attempt: for the log. `detail` NULL: it is connected. */
    void (*tried)(void *owner, const struct xf_candidate *candidate, const char *detail,
                  uint64_t ms);
};

struct xf_dial_opts {
    unsigned connect_ms;
    struct xf_source source;
    /*
     * NULL: the operator or the peer itself chose the addresses. Otherwise a stranger did. Then the
     * dial tries only a few of them, at most two of one host, and none that waits after a failure;
     * and a host has at most `per_host` attempts at a time, counting those of other dials.
     */
    struct xf_backoff *backoff;
    unsigned per_host;
    /*
     * How many of these may be at ports other than XMPP's, where a stranger finds somebody who says
     * nothing: the domains that are served there keep the rest. 0: all.
     */
    unsigned per_host_elsewhere;
    const char *peer; /* borrowed */
    /*
     * xf_s2s.avoided, where streams to this peer failed. The dial tries such an address after all
     * others have failed, or at once when there are no others.
     */
    struct xf_backoff *avoided;
    /* An address that failed for this cause is not avoided; NONE: all are. */
    enum xf_cause forgiven;
};

/* `candidates` and `opts` are copied; what the options point to is borrowed until xf_dial_free. */
struct xf_dial *xf_dial_new(struct xf_env *env, const struct xf_candidate *candidates, size_t count,
                            const struct xf_dial_opts *opts, const struct xf_dial_events *events,
                            void *owner);
void xf_dial_free(struct xf_dial **dial); /* closes the conns that still connect */

/* The conn that was handed over failed: try the remaining candidates. */
void xf_dial_next(struct xf_dial *dial);
/* Is a candidate left that was not tried? */
bool xf_dial_has_more(const struct xf_dial *dial);

/* The conn that was handed over is authenticated: it no longer counts towards `per_host`. */
void xf_dial_uncount(struct xf_dial *dial);
/* Try the address of the conn that was handed over once more. */
void xf_dial_put_back(struct xf_dial *dial);
/*
 * The conn that was handed over failed for `cause`: avoid its address for a while. `is_silent`: not
 * even a stream header came, which counts as a failure in `backoff` too.
 */
void xf_dial_blame(struct xf_dial *dial, enum xf_cause cause, bool is_silent);
void xf_dial_praise(struct xf_dial *dial); /* it became a ready stream: do not avoid its address */
