/* SPDX-License-Identifier: MIT */
/*
 * dial_priv.h — race the candidates of a peer (RFC 8305 §5) until one is connected (dial.c).
 */
#pragma once

#include <xfed/dns/discover.h>
#include <xfed/limits/backoff.h>
#include <xfed/policy/policy.h>
#include <xfed/s2s/s2s.h>

struct xf_dial;

/* No event is delivered before xf_dial_new returns. */
struct xf_dial_events {
    /* Take the conn over. */
    void (*connected)(void *owner, struct xf_conn *conn, const struct xf_candidate *candidate);
    void (*failed)(void *owner, bool timed_out, const char *detail); /* no candidate is left */
};

struct xf_dial_opts {
    unsigned connect_ms;
    struct xf_source source;
    /*
     * NULL: the operator, or the peer itself, chose the addresses. Else a stranger named them: only
     * a few are tried, at most two of one host, none that is waiting after a failure, and at most
     * `per_host` at a time on one host, those of other dials included.
     */
    struct xf_backoff *backoff;
    unsigned per_host;
    const char *peer; /* borrowed */
    /*
     * xf_s2s.avoided: addresses of the peer that are tried once all others have failed, or at once
     * when there are no others ...
     */
    struct xf_backoff *avoided;
    enum xf_cause forgiven; /* ... unless they failed for this cause; NONE: no exception */
};

/* Candidates are copied. */
struct xf_dial *xf_dial_new(struct xf_env *env, const struct xf_candidate *candidates, size_t count,
                            const struct xf_dial_opts *opts, const struct xf_dial_events *events,
                            void *owner);
void xf_dial_free(struct xf_dial **dial); /* drops conns under way */
struct xf_source xf_peer_source(const struct xf_peer_settings *settings);

/* The conn that was handed over came to nothing: go on with the others. */
void xf_dial_next(struct xf_dial *dial);
bool xf_dial_has_more(const struct xf_dial *dial);

/* The conn that was handed over is authenticated: it no longer counts for its host. */
void xf_dial_uncount(struct xf_dial *dial);
/* The address of the conn that was handed over is to be tried once more. */
void xf_dial_put_back(struct xf_dial *dial);
/*
 * The conn that was handed over failed for `cause`: its address is avoided. `is_silent`: not even a
 * stream header came.
 */
void xf_dial_blame(struct xf_dial *dial, enum xf_cause cause, bool is_silent);
void xf_dial_praise(struct xf_dial *dial); /* it led to a ready stream: no longer avoided */
