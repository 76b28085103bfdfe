/* SPDX-License-Identifier: MIT */
/*
 * s2s.h — streams with other servers, both ways, and who may say what on them. Sans I/O.
 *
 * Outbound: an xf_out is the stream of one pair (served domain, peer), from discovery to
 * authentication to close; or the pair's place on a stream that carries others too (XEP-0288,
 * multiplexing), which looks the same from outside. Inbound: accepted conns; each stanza that comes
 * up is of a pair that is authenticated on its stream, with prepared addresses and a served `to`.
 * Verify streams of dialback live below and are not seen from outside.
 */
#pragma once

#include <xfed/policy/policy.h>
#include <xfed/stream/stream.h>

struct xf_history;
struct xf_s2s;
struct xf_out;
struct xf_in;

/* Why a peer cannot be reached; decides the stanza error (doc/ARCHITECTURE.md 5). */
/* clang-format off */
#define XF_CAUSE_MAP(X)                                                              \
    X(NONE,         "none",          REMOTE_SERVER_TIMEOUT)                          \
    X(NOT_FOUND,    "dns-not-found", REMOTE_SERVER_NOT_FOUND)                        \
    X(NO_SERVICE,   "dns-no-service",REMOTE_SERVER_NOT_FOUND)                        \
    X(DNS_FAILED,   "dns-failed",    REMOTE_SERVER_TIMEOUT)                          \
    X(CONNECT,      "connect",       REMOTE_SERVER_TIMEOUT)                          \
    X(TIMEOUT,      "timeout",       REMOTE_SERVER_TIMEOUT)                          \
    X(TLS,          "tls",           REMOTE_SERVER_TIMEOUT)                          \
    X(CERTIFICATE,  "certificate",   REMOTE_SERVER_TIMEOUT)                          \
    X(AUTH,         "auth",          REMOTE_SERVER_TIMEOUT)                          \
    X(STREAM,       "stream",        REMOTE_SERVER_TIMEOUT)                          \
    X(IDLE,         "idle",          REMOTE_SERVER_TIMEOUT)                          \
    X(POLICY,       "policy",        NOT_ALLOWED)                                    \
    X(SHUTDOWN,     "shutdown",      REMOTE_SERVER_TIMEOUT)
/* clang-format on */

enum xf_cause {
#define X(name, word, error) XF_CAUSE_##name,
    XF_CAUSE_MAP(X)
#undef X
};
const char *xf_cause_word(enum xf_cause cause);
enum xf_stanza_error xf_cause_stanza_error(enum xf_cause cause);

enum xf_s2s_taken {
    XF_S2S_TAKEN, /* the stream goes on */
    XF_S2S_FULL,  /* taken; the stream is to pause until xf_s2s_resume_inbound */
    /*
     * the stream is to end with policy-violation and *out_text, which is borrowed until the next
     * call
     */
    XF_S2S_REFUSED,
};

struct xf_s2s_events {
    /* An authenticated, addressed stanza, which may be changed. */
    enum xf_s2s_taken (*stanza)(void *owner, struct xf_stanza *stanza, const char **out_text);
    /*
     * One whose `from` or `to` is no JID (RFC 6120 §8.3.3.8): it may be answered. from and to are
     * bare domains of an authenticated pair where they are not the addresses themselves; shown_from
     * and shown_to are then the texts that came.
     */
    void (*malformed)(void *owner, const struct xf_stanza *stanza);
    /* A pair was authenticated inbound: the peer is alive (clears back-off of routes). */
    void (*peer_seen)(void *owner, struct xf_span local, struct xf_span peer);
};

struct xf_s2s_opts {
    struct xf_env *env;
    struct xf_policy *policy;             /* borrowed until xf_s2s_reload or free */
    struct xf_tls_identities *identities; /* counted */
    struct xf_history *history;           /* of peers; borrowed until free, NULL: none */
    struct xf_span dialback_secret;       /* copied and wiped in the end */
    const struct xf_s2s_events *events;
    void *owner;
};

struct xf_s2s *xf_s2s_new(const struct xf_s2s_opts *opts);
void xf_s2s_free(struct xf_s2s **s2s); /* no stream may be alive */

/*
 * New policy and certificates; streams which the new policy forbids are closed (policy-violation),
 * no other.
 */
void xf_s2s_reload(struct xf_s2s *s2s, struct xf_policy *policy,
                   struct xf_tls_identities *identities);

/* A conn of a listener. `is_direct`: TLS at once. */
void xf_s2s_accept(struct xf_s2s *s2s, struct xf_conn *conn, bool is_direct);

/* The link has room again: streams paused by a false from events->stanza go on. */
void xf_s2s_resume_inbound(struct xf_s2s *s2s);

struct xf_out_events {
    void (*ready)(void *owner);   /* authenticated: xf_out_send works */
    void (*drained)(void *owner); /* no longer congested */
    /*
     * The end, exactly once, of a stream that was ready or never became so (`was_ready`). After it
     * the xf_out is gone. `text`: words for a bounce, without our host names; never NULL.
     */
    void (*ended)(void *owner, bool was_ready, enum xf_cause cause, const char *text);
};

/*
 * Begin. No event is delivered before this function returns. The names are copied. `for_stranger`:
 * we open it only because the peer wrote to us, so a stranger chooses where we connect: few of its
 * addresses are tried, none that was silent just now, and each by few streams at a time.
 */
struct xf_out *xf_out_open(struct xf_s2s *s2s, struct xf_span local, struct xf_span peer,
                           bool for_stranger, const struct xf_out_events *events, void *owner);

/*
 * The same for a peer that failed just now, to find out whether it is back: it takes less time,
 * logs a failure at debug only, and connects to no address that refused another such try a moment
 * ago.
 */
struct xf_out *xf_out_probe(struct xf_s2s *s2s, struct xf_span local, struct xf_span peer,
                            const struct xf_out_events *events, void *owner);

/*
 * Is there a stream of the peer that carries the pair's stanzas (XEP-0288)? Then xf_out_open takes
 * it.
 */
bool xf_s2s_carries(struct xf_s2s *s2s, struct xf_span local, struct xf_span peer);

/*
 * Give up a stream that has not yet proved to the peer who we are; nothing follows, the xf_out is
 * gone. False: it goes on.
 */
bool xf_out_abandon(struct xf_out *out);

/* When the last stanza went over its stream; 0: not ready yet. */
uint64_t xf_out_used_ms(const struct xf_out *out);

/* Is the peer authenticated on a stream to us? */
bool xf_s2s_hears(const struct xf_s2s *s2s, struct xf_span peer);

/* True once `ready` was called and no end is in sight. */
bool xf_out_is_ready(const struct xf_out *out);
bool xf_out_is_congested(const struct xf_out *out);

/* The other side's address; the stream is ready. */
const struct xf_addr *xf_out_addr(const struct xf_out *out);

/*
 * Write one addressed stanza into the stream's output. XF_ERR_LIMIT: larger than the peer said it
 * takes (XEP-0478). XF_ERR_CLOSED: not ready (any more).
 */
XF_MUST_USE enum xf_err xf_out_send(struct xf_out *out, const struct xf_stanza *stanza);

/* Close politely; `ended` follows. */
void xf_out_close(struct xf_out *out);

/*
 * The first half of a drain: close politely the streams that peers opened and that carry no stanzas
 * of ours, so that nothing more comes that wants an answer, while answers can still be sent. Over
 * once xf_s2s_inbound_is_over.
 */
void xf_s2s_drain_inbound(struct xf_s2s *s2s);
bool xf_s2s_inbound_is_over(const struct xf_s2s *s2s);

/*
 * Drain: refuse new conns and streams, close all politely; counts say when it is over.
 */
void xf_s2s_drain(struct xf_s2s *s2s);
size_t xf_s2s_stream_count(const struct xf_s2s *s2s);
