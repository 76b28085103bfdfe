/* SPDX-License-Identifier: MIT */
/*
 * s2s.h — XMPP streams to and from other servers, and who may send what on them. Sans I/O.
 *
 * Outbound: an xf_out delivers the stanzas of one pair (served domain, peer). It has a stream of
 * its own, from discovery to authentication to the close, or it shares a stream that carries other
 * pairs too (XEP-0288, XEP-0220 §2.6.1). Its owner sees no difference. Inbound: accepted conns. The
 * pair of each stanza handed up is authenticated on its stream, its addresses are prepared, and its
 * `to` is served here. The verify streams of dialback are internal.
 *
 * To take another element from peers, start at src/s2s/in_priv.h. To add a step to the negotiation
 * of our own streams, start at src/s2s/out_priv.h. To let another kind of stream carry pairs, start
 * at src/s2s/carrier_priv.h.
 */
#pragma once

#include <xfed/policy/policy.h>
#include <xfed/s2s/counts.h>
#include <xfed/s2s/settings.h>
#include <xfed/stream/stream.h>
#include <xfed/xmpp/stanza_queue.h>

struct xf_history;
struct xf_s2s;
struct xf_out;
struct xf_in;

/*
 * Why a peer cannot be reached: name, word for the log, and the stanza error for what waited
 * (doc/ARCHITECTURE.md, section 5).
 */
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
/* Literals and values of the map above. */
const char *xf_cause_word(enum xf_cause cause);
enum xf_stanza_error xf_cause_stanza_error(enum xf_cause cause);

/* What became of a stanza, and what its stream does next. */
enum xf_s2s_taken {
    XF_S2S_TAKEN, /* taken; the stream goes on */
    XF_S2S_FULL,  /* taken; the stream pauses until xf_s2s_resume_inbound */
    /*
     * Not taken: the stream ends with policy-violation and *out_text, which is borrowed until the
     * next call.
     */
    XF_S2S_REFUSED,
    /*
     * Not taken, since we stop, and the link is away, an address is not known yet, or it could only
     * be answered: a stream that the next process goes on with ends before this stanza. On others
     * it is lost, for they end already.
     */
    XF_S2S_LEFT,
};

struct xf_s2s_events {
    /*
     * A stanza with prepared addresses, whose pair is authenticated on its stream. It is borrowed
     * for the call, and the callee may change it. `goes_on`: the next process goes on with the
     * stream, so that XF_S2S_LEFT loses nothing.
     */
    enum xf_s2s_taken (*stanza)(void *owner, struct xf_stanza *stanza, bool goes_on,
                                const char **out_text);
    /*
     * A stanza whose `from` or `to` is not a valid JID (RFC 6120 §8.3.3.8); the callee may answer
     * it. A bare domain of the authenticated pair stands in for such an address, and shown_from or
     * shown_to holds the text that the peer sent; shown_to is absent when that text names no domain
     * of the pair. `goes_on` as above; the answer is XF_S2S_TAKEN or XF_S2S_LEFT.
     */
    enum xf_s2s_taken (*malformed)(void *owner, const struct xf_stanza *stanza, bool goes_on);
    /*
     * A pair was authenticated on an accepted stream, so the peer is up: routes to it need not back
     * off any longer.
     */
    void (*peer_seen)(void *owner, struct xf_span local, struct xf_span peer);
    /*
     * The peer resumed its stream, and said which stanzas of the pair it has: as with
     * xf_out_events.resumed, but the stanzas may go over any stream from now on.
     */
    void (*resumed)(void *owner, struct xf_span local, struct xf_span peer, uint64_t serial,
                    uint64_t untold, uint64_t number);
    /*
     * Should peers use another node for this served domain now? Then their streams to it are
     * refused (remote-connection-failed), and they may not write to it on ours. May be NULL: never.
     */
    bool (*is_away)(void *owner, struct xf_span local);
    /*
     * Did our users write to the peer before it wrote to us, and is that not long ago? Then the
     * pair and its stream take no place of strangers, up to a number of such pairs. May be NULL:
     * never.
     */
    bool (*knows)(void *owner, struct xf_span local, struct xf_span peer);
};

struct xf_s2s_opts {
    struct xf_env *env;
    struct xf_policy *policy;               /* borrowed until xf_s2s_reload or xf_s2s_free */
    const struct xf_s2s_settings *settings; /* copied */
    struct xf_tls_identities *identities;   /* takes a reference */
    /* Borrowed until xf_s2s_free; NULL: peers are not compared. */
    struct xf_history *history;
    struct xf_span dialback_secret; /* copied; xf_s2s_free wipes the copy */
    /* A sum in which stanzas count that went out and are not proved yet; borrowed, or NULL. */
    struct xf_stanza_sum *waiting;
    const struct xf_s2s_events *events;
    void *owner;
};

struct xf_s2s *xf_s2s_new(const struct xf_s2s_opts *opts);
void xf_s2s_free(struct xf_s2s **s2s); /* xf_s2s_stream_count must be 0 */

/*
 * Apply a new policy, new settings and new certificates. Streams that the new policy or settings
 * forbid end, as a rule with policy-violation; all others go on. Their peers' certificates are
 * judged again in turn, as they are every XF_RECHECK_MS (RFC 6120 §13.7.2.3). With the policy and
 * the certificates that are in force, only policy is asked again. The parameters are as in struct
 * xf_s2s_opts.
 */
void xf_s2s_reload(struct xf_s2s *s2s, struct xf_policy *policy,
                   const struct xf_s2s_settings *settings, struct xf_tls_identities *identities);

/*
 * Take over a conn that a listener accepted. `is_direct`: TLS begins at once (XEP-0368). When there
 * is no place for it, the conn is closed without a word.
 */
void xf_s2s_accept(struct xf_s2s *s2s, struct xf_conn *conn, bool is_direct);

/* Call when is_away has become true for a domain: ends the streams on which peers write to it. */
void xf_s2s_turn_away(struct xf_s2s *s2s);

/* The link has room again: read on from the streams that XF_S2S_FULL paused. */
void xf_s2s_resume_inbound(struct xf_s2s *s2s);

struct xf_out_events {
    void (*ready)(void *owner);   /* authenticated: xf_out_send works */
    void (*drained)(void *owner); /* no longer congested; may be NULL */
    /*
     * A stanza comes back, because its stream ended before it was proved that the peer has it. The
     * callee takes it over; copy->is_unproved says whether the peer may have it. Called for the
     * newest stanza first, before `ended`. NULL: nothing is sent.
     */
    void (*back)(void *owner, struct xf_stanza_copy *copy);
    /* Nothing of the pair is unproved now. NULL as `back`. */
    void (*settled)(void *owner);
    /*
     * Called right before `ready`: the stream resumes another one (XEP-0198 §5). Of the stanzas
     * that came back from that one (copy->serial), the peer has those up to this number
     * (copy->number), and no others; but nothing is known of those up to `untold`. NULL as `back`.
     */
    void (*resumed)(void *owner, uint64_t serial, uint64_t untold, uint64_t number);
    /* A stanza that is in the journal was delivered, and is about to be freed. NULL as `back`. */
    void (*proved)(void *owner, struct xf_stanza_copy *copy);
    /*
     * The stream has ended, and all stanzas that it did not deliver are back; called exactly once,
     * whether `ready` was called before (`was_ready`) or not. Do not use the xf_out any more.
     * `text` is for bounces: it says why, contains no host name of ours and is never NULL.
     */
    void (*ended)(void *owner, bool was_ready, enum xf_cause cause, const char *text);
};

/*
 * Open a stream for a pair, or let the pair share an existing one. Never returns NULL: a failure is
 * told by `ended`, and no event is delivered before this function returns. The names are copied;
 * `events` are borrowed until `ended`. `for_stranger`: the stream is needed only for an answer to a
 * stranger, who thereby chooses where we connect. Then we try only a few of the peer's addresses,
 * none that failed a moment ago, and only a few streams connect to one host at a time.
 */
struct xf_out *xf_out_open(struct xf_s2s *s2s, struct xf_span local, struct xf_span peer,
                           bool for_stranger, const struct xf_out_events *events, void *owner);

/*
 * The same for a peer that failed a moment ago, to find out whether it is back. A probe has less
 * time (candidate-timeout), logs a failure at debug only, and skips addresses that refused another
 * probe within the last second.
 */
struct xf_out *xf_out_probe(struct xf_s2s *s2s, struct xf_span local, struct xf_span peer,
                            const struct xf_out_events *events, void *owner);

/*
 * Make a stream in the same way to see how far it comes: for an operator. It shares nothing with
 * others, and resumes nothing; its owner closes it when it is `ready`. xf_out_send must not be
 * called.
 */
struct xf_out *xf_out_check(struct xf_s2s *s2s, struct xf_span local, struct xf_span peer,
                            const struct xf_out_events *events, void *owner);
/*
 * The same towards a domain that we serve ourselves, as a stranger who does not say who it is:
 * `ready` behind the features, if it has TLS and the certificate that it found is good for the
 * domain. For an operator who wants to know what peers find.
 */
struct xf_out *xf_out_look(struct xf_s2s *s2s, struct xf_span domain,
                           const struct xf_out_events *events, void *owner);
/* The stream= of its lines in the log. */
uint64_t xf_out_number(const struct xf_out *out);
/* Close it; no event follows, not even `ended`. Only for what nothing was sent on. */
void xf_out_forget(struct xf_out *out);
/* The addresses and ports that the peer's settings tell us to connect from. */
struct xf_source xf_peer_source(const struct xf_peer_settings *settings);

/*
 * May the pair's stanzas go over a stream that the peer opened (XEP-0288)? If so, xf_out_open uses
 * it.
 */
bool xf_s2s_carries(struct xf_s2s *s2s, struct xf_span local, struct xf_span peer);

/*
 * May the next stream of the pair tell (xf_out_events.resumed) what became of stanzas that came
 * back unproved?
 */
bool xf_s2s_may_resume(struct xf_s2s *s2s, struct xf_span local, struct xf_span peer);

/*
 * Give up a stream on which we have not begun to authenticate. True: the xf_out is freed, and no
 * event follows. False: it is too late, and the stream goes on.
 */
bool xf_out_abandon(struct xf_out *out);

/*
 * When a stanza, of any pair, last passed on its stream (clock->now_ms); 0 while it is on no
 * stream.
 */
uint64_t xf_out_used_ms(const struct xf_out *out);

/* Is the peer authenticated on a stream that it opened to us? */
bool xf_s2s_hears(const struct xf_s2s *s2s, struct xf_span peer);

/* True from `ready` until the stream begins to end. */
bool xf_out_is_ready(const struct xf_out *out);
bool xf_out_rides_with_peer(const struct xf_out *out); /* on a stream that the peer opened */
/*
 * Is its output above the high-water mark (xf_stream_is_congested), or does so much wait for a
 * proof that no more should be sent? `drained` is called once that is over.
 */
bool xf_out_is_congested(struct xf_out *out);

/* Has the peer got a stanza of the pair from this stream? May be asked in `ended` too. */
bool xf_out_has_proved(const struct xf_out *out);

/*
 * Did it end because nobody was found by XMPP: no name, no service, no server that accepts a conn,
 * or none that says a word? Only then may a domain be taken for one of another protocol (protocol =
 * auto). May be asked in `ended` too.
 */
bool xf_out_found_nobody(const struct xf_out *out);

/* The stanzas of the pair that went out and are not proved yet. */
const struct xf_stanza_sum *xf_out_unproved(const struct xf_out *out);

/* The address of the peer's server. Only for a ready stream. */
const struct xf_addr *xf_out_addr(const struct xf_out *out);

/*
 * Write one addressed stanza into the stream's output, and keep it until it is proved that the peer
 * has it. `copy`: a copy of the stanza that is taken over with XF_ERR_OK, or NULL. XF_ERR_LIMIT:
 * the stanza is larger than the peer accepts (XEP-0478), or the output is full. XF_ERR_CLOSED: the
 * stream is not ready, or no longer.
 */
XF_MUST_USE enum xf_err xf_out_send(struct xf_out *out, const struct xf_stanza *stanza,
                                    struct xf_stanza_copy *copy);

/* Send what waits and the footer, then close; `ended` follows. */
void xf_out_close(struct xf_out *out);

/*
 * The first half of a drain: close the streams that peers opened and that carry none of our
 * stanzas. Then peers send nothing new, while answers to what they sent can still go out. This half
 * is over when xf_s2s_inbound_is_over.
 */
void xf_s2s_drain_inbound(struct xf_s2s *s2s);
bool xf_s2s_inbound_is_over(const struct xf_s2s *s2s);

/*
 * The second half: open no more streams, close all in order. It is over when xf_s2s_stream_count is
 * 0.
 */
void xf_s2s_drain(struct xf_s2s *s2s);

/* Time is up: cut the connections whose peers do not answer. Their stanzas come back. */
void xf_s2s_cut(struct xf_s2s *s2s);
size_t xf_s2s_stream_count(const struct xf_s2s *s2s);

/* ------------------------------------------------------------------ sessions (XEP-0198 §5) */

struct xf_session;

/*
 * Call before a drain: streams that can be resumed end without a footer then, once the peer has
 * acknowledged what it has, or after a second. Stanzas come back for which xf_s2s_hands_over.
 */
void xf_s2s_hand_over(struct xf_s2s *s2s);
/* Does the next stream of the pair resume the stream of this number (xf_stanza_copy.serial)? */
bool xf_s2s_hands_over(struct xf_s2s *s2s, struct xf_span local, struct xf_span peer,
                       uint64_t serial);
/* All that can be resumed, for the next process. */
typedef void (*xf_s2s_session_fn)(void *owner, const struct xf_session *session);
void xf_s2s_each_session(struct xf_s2s *s2s, xf_s2s_session_fn each, void *owner);
/*
 * A session of an earlier process may be resumed, if policy still allows the pair. Returns the
 * number of its stanzas from now on (xf_out_events.resumed); 0: it cannot be resumed, or has none.
 */
uint64_t xf_s2s_restore(struct xf_s2s *s2s, const struct xf_session *session);
