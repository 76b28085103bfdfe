/* SPDX-License-Identifier: MIT */
/*
 * in_priv.h — an accepted stream, and the pairs that are claimed or authenticated on it.
 *
 *   in.c              its life: accept, stream events, time, end
 *   in_header.c       headers and features of each pass
 *   in_elements.c     what it does with each element, and when: a table
 *   in_auth.c         STARTTLS and SASL EXTERNAL
 *   in_dialback.c     dialback, as receiving and as authoritative server
 *   in_pair.c         pairs: new, authenticated, gone
 *   in_certificate.c  which domains its certificate authenticates
 *   in_policy.c       peers that policy refuses altogether
 *   in_bidi.c         a stream that goes both ways (XEP-0288)
 *   in_gate.c         the peer's stanzas
 *   in_sm.c           stream management (XEP-0198)
 *
 * To take another element from peers, start at the table in in_elements.c. Let its handler check
 * what the stream may do, whatever was offered.
 */
#pragma once

#include <xfed/dns/discover.h>

#include "carrier_priv.h"
#include "engine_priv.h"
#include "gate_priv.h"
#include "verify_priv.h"

/* How often an authenticated stream checks: idle, element time, parking. */
#define XF_IN_TICK_MS 5000

enum xf_pass {
    XF_PASS_PLAIN, /* before TLS */
    XF_PASS_TLS,   /* inside TLS, before SASL */
    XF_PASS_AUTH   /* after SASL */
};

/* Does a domain that connected to us publish TLSA records? */
enum xf_records {
    XF_RECORDS_UNASKED,
    XF_RECORDS_OPEN, /* DNS did not say: there may be some */
    XF_RECORDS_NONE,
    XF_RECORDS_EXIST
};

/* A look-up of these records. */
struct xf_look {
    struct xf_discovery *discovery;
    struct xf_place place; /* in xf_s2s.looks, while the look-up runs */
    struct xf_in *in;
    struct xf_pair *pair;      /* the look-up is about its peer; NULL: about in->peer */
    void (*done)(void *owner); /* as passed to xf_in_judge or xf_in_look_for_records */
};

/* A pair (served domain, peer) on one accepted stream. */
struct xf_pair {
    struct xf_node node;
    char *local, *peer;
    struct xf_in *in;
    enum xf_auth_method method;     /* NONE until it is authenticated */
    uint64_t since_ms;              /* when that was */
    struct xf_carried_pair carried; /* for our stanzas to the peer, if the stream goes both ways */
    bool is_counted;                /* it counts its stream in xf_s2s.inbound_by_peer */
    bool is_known;              /* our users wrote to the peer first: counted apart (strangers.c) */
    struct xf_holding holding;  /* once authenticated, unless a named peer is on the stream */
    struct xf_counted *counted; /* of its peer, once authenticated */

    /* A claim (db:result) that is being checked. */
    char *key; /* until the question is asked; NULL: it was empty or too long */
    struct xf_look look;
    enum xf_records records;
    struct xf_verify_request *request; /* the question under way; NULL: none */
};

struct xf_in {
    struct xf_node node;
    struct xf_s2s *s2s;
    uint64_t number; /* of the stream, in the log */
    struct xf_stream stream;
    struct xf_gate gate;
    struct xf_carrier carrier;      /* of our stanzas to the peer; used while is_bidi */
    struct xf_resumable *resumable; /* NULL: the stream cannot be resumed (XEP-0198 §5) */
    bool is_bidi;                   /* the peer asked for it (XEP-0288) */
    enum xf_pass pass;    /* the pass whose headers come next or, if is_open, were exchanged */
    bool is_open;         /* the headers of this pass were exchanged */
    bool is_legacy;       /* the peer's header has no version */
    bool is_direct;       /* TLS came at once (XEP-0368) */
    bool sasl_challenged; /* the response to our empty challenge is due */
    char host[XF_ADDR_TEXT_BYTES], network[XF_ADDR_TEXT_BYTES];
    char id[XF_ID_CHARS + 1]; /* stream id in our last header */
    char *local;              /* served domain in the `to` of the header; NULL: none */
    char *peer;               /* domain in the `from` of the header; NULL: none */
    /* settings of `peer`, or the defaults; renewed by reload */
    const struct xf_peer_settings *settings;
    uint64_t idle_ms;         /* the shortest idle limit of its pairs */
    char *tls_ciphers;        /* ciphers in the settings with which TLS began; NULL: it did not */
    struct xf_look look;      /* look-up of the TLSA records of `peer` */
    enum xf_records records;  /* what it found */
    struct xf_tlsa_set *tlsa; /* ... which the certificate is judged by; NULL: none. A reference */

    struct xf_node pairs;      /* struct xf_pair */
    struct xf_pair *last_pair; /* pair of the last stanza: found again without a search */
    unsigned valid_pairs;      /* pairs that are authenticated */
    uint64_t authenticated_ms; /* when its first pair was */
    unsigned open_requests;    /* claims that wait for an answer or for TLSA records */

    struct xf_place place;     /* in xf_s2s.half_open, until the first pair is authenticated */
    struct xf_holding holding; /* from then on, unless has_named, or the first pair is_known */
    bool has_named;            /* a peer that the configuration names is authenticated */
    unsigned failures;         /* of authentication, until the first pair is authenticated */
    unsigned late_failures;    /* of claims of further pairs, since late_since_ms */
    uint64_t late_since_ms;
    unsigned claims; /* db:result received since the first pair was authenticated */

    struct xf_timer deadline; /* ends the stream if no pair is authenticated in time */
    struct xf_timer tick;     /* runs once a pair is authenticated, every XF_IN_TICK_MS */
    struct xf_timer pace;     /* pause between claims, when there are many */
    uint64_t accepted_ms;
};

static inline struct xf_pair *xf_pair_of_node(struct xf_node *node)
{
    return XF_CONTAINER(node, struct xf_pair, node);
}

/* End the stream with an error; `text` NULL: none. */
static inline void xf_in_fail(struct xf_in *in, enum xf_stream_error error, enum xf_help help,
                              const char *text)
{
    xf_stream_fail(&in->stream, error, help, text);
}

static inline void xf_in_close(struct xf_in *in)
{
    xf_stream_close(&in->stream);
}

/*
 * May the peer resume an earlier stream on this one? That comes first: until it does so, or enables
 * acknowledgements anew, none of our stanzas goes over it.
 */
static inline bool xf_in_may_resume(const struct xf_in *in)
{
    return !in->carrier.sm.counts && in->peer && in->local &&
           xf_resumable_may_come(in->s2s, xf_span_of(in->local), xf_span_of(in->peer),
                                 in->authenticated_ms);
}

/* ------------------------------------------------------------------ in.c */

void xf_in_accept(struct xf_s2s *s2s, struct xf_conn *conn, bool is_direct);
void xf_in_reload(struct xf_in *in); /* the policy is new: end what it forbids */

/* ------------------------------------------------------------------ in_header.c */

void xf_in_on_header(struct xf_stream *stream, const struct xf_header *header);

/* ------------------------------------------------------------------ in_elements.c */

/* How far the stream has come. PAIRED: dialback has authenticated a pair on it. */
enum xf_in_phase {
    XF_IN_HEADER_DUE, /* the headers of this pass were not exchanged yet */
    XF_IN_PLAIN,
    XF_IN_PLAIN_PAIRED,
    XF_IN_TLS,
    XF_IN_TLS_PAIRED,
    XF_IN_AUTH,
    XF_IN_PHASE_COUNT
};

/* What the stream does with an element. */
enum xf_in_answer {
    XF_IN_DO_IGNORE,         /* nothing */
    XF_IN_DO_UNASKED,        /* logs it: an answer to a dialback question that we did not ask */
    XF_IN_DO_NOT_AUTHORIZED, /* stream error not-authorized */
    XF_IN_DO_UNSUPPORTED,    /* stream error unsupported-stanza-type */
    XF_IN_DO_NO_COMPRESSION, /* <failure/>: we never offer compression */
    XF_IN_DO_NO_STARTTLS,    /* <failure/>, then the stream ends */
    XF_IN_DO_SASL_NOT_DUE,   /* stream error not-authorized */
    XF_IN_DO_SASL_IN_CLEAR,  /* <failure/> encryption-required */
    XF_IN_DO_BIDI_EARLY,     /* logs it: it cannot have been offered yet */
    XF_IN_DO_BIDI_LATE,      /* stream error policy-violation */
    /* Handled in in_dialback.c, in_auth.c and in_bidi.c: */
    XF_IN_DO_RESULT,
    XF_IN_DO_VERIFY,
    XF_IN_DO_STARTTLS,
    XF_IN_DO_SASL_AUTH,
    XF_IN_DO_SASL_RESPONSE,
    XF_IN_DO_SASL_ABORT,
    XF_IN_DO_BIDI,
    /* In in_sm.c: */
    XF_IN_DO_SM_ENABLE,
    XF_IN_DO_SM_RESUME,
    XF_IN_DO_SM_EARLY,
    XF_IN_DO_SM,
    XF_IN_ANSWER_COUNT
};

enum xf_in_phase xf_in_phase_of(const struct xf_in *in);
/* What the table says. Pure. */
enum xf_in_answer xf_in_answer_to(enum xf_in_phase phase, const struct xf_elem *elem);
void xf_in_element(struct xf_in *in, const struct xf_elem *elem); /* any element but a stanza */

/* ------------------------------------------------------------------ in_auth.c */

/* Handlers of elements (in_elements.c). */
void xf_in_starttls(struct xf_in *in, const struct xf_elem *elem);
void xf_in_refuse_starttls(struct xf_in *in, const struct xf_elem *elem);
void xf_in_sasl_auth(struct xf_in *in, const struct xf_elem *elem);
void xf_in_sasl_response(struct xf_in *in, const struct xf_elem *elem);
void xf_in_sasl_abort(struct xf_in *in, const struct xf_elem *elem);
void xf_in_sasl_in_clear(struct xf_in *in, const struct xf_elem *elem);
void xf_in_sasl_not_due(struct xf_in *in, const struct xf_elem *elem);
/* Begin TLS at once, before any header (XEP-0368). */
void xf_in_start_direct_tls(struct xf_in *in);
/* Would SASL EXTERNAL authenticate `peer` on this stream? */
bool xf_in_may_external(const struct xf_in *in, struct xf_span peer);
/*
 * The settings of a peer may allow weaker ciphers, and TLS began with the settings of the domain in
 * the header, before anybody was authenticated. True if these are the usual ciphers, or the ones
 * that this peer's settings name: so no peer gets by with weak ciphers that only another one may
 * use.
 */
bool xf_in_keeps_ciphers(const struct xf_in *in, const struct xf_peer_settings *settings);

/* ------------------------------------------------------------------ in_dialback.c */

/* Handlers of elements (in_elements.c). */
void xf_in_dialback_result(struct xf_in *in, const struct xf_elem *elem);
void xf_in_dialback_verify(struct xf_in *in, const struct xf_elem *elem);
void xf_in_on_pace(void *owner); /* in->pace fired: read the next claims */

/* ------------------------------------------------------------------ in_pair.c */

struct xf_pair *xf_pair_new(struct xf_in *in, struct xf_span local, struct xf_span peer);
void xf_pair_free(struct xf_pair *pair);
void xf_in_pairs_free(struct xf_in *in);
struct xf_pair *xf_in_find_pair(struct xf_in *in, struct xf_span local, struct xf_span peer);
/* An authenticated pair of the peer with any of our domains; NULL: none. */
struct xf_pair *xf_in_find_peer(struct xf_in *in, struct xf_span peer);
struct xf_dialback_names xf_pair_names(const struct xf_pair *pair);

/*
 * May the peer names->from have one more stream here (max-streams)? False: the claim was answered
 * with an error, or the stream ends.
 */
bool xf_in_has_room(struct xf_in *in, const struct xf_dialback_names *names);
/*
 * Is there a place for the pair and its stream (max-streams; strangers.c)? False: the pair is
 * freed; its claim was answered with an error, or the stream ends.
 */
bool xf_pair_has_place(struct xf_pair *pair);
/* Is the peer what it was before (continuity.c)? False: the pair was refused and is freed. */
bool xf_pair_is_as_before(struct xf_pair *pair, enum xf_auth_method method);
/*
 * Offer the stream for the pair's stanzas to the peer, if it goes both ways (XEP-0288). One on
 * which the peer may resume another stream displaces none that is open.
 */
void xf_pair_offer(struct xf_pair *pair);
/* The stream ends: the peer's other streams, if it has any, are offered for its pairs. */
void xf_pairs_withdraw(struct xf_in *in);
/*
 * It has ended, and may be resumed: other streams are offered for those of its pairs that no open
 * stream is offered for. They are used once nobody waits for it any more.
 */
void xf_pairs_broke(struct xf_in *in);
/* All checks have passed: the pair may send stanzas. */
void xf_pair_authenticated(struct xf_pair *pair, enum xf_auth_method method);
/*
 * Limit stanzas and idle time to what every authenticated pair may have. Call when pairs or
 * settings change.
 */
void xf_in_keep_to_pairs(struct xf_in *in);
/* Answer a dialback element `name` ("result", "verify") with an error. `id` absent: none. */
void xf_in_answer_error(struct xf_in *in, const char *name, const struct xf_dialback_names *names,
                        struct xf_span id, enum xf_stanza_error error);

/* ------------------------------------------------------------------ in_certificate.c */

/*
 * Judge the certificate of the TLS pass for in->peer. True: under way; the stream is held, and
 * `done` is called with `in`, to release it. False: there is no certificate to judge.
 */
bool xf_in_judge(struct xf_in *in, void (*done)(void *in));
/*
 * Ask DNS whether the pair's peer publishes TLSA records, unless this stream knows already. True:
 * under way; `done` is called with `pair`, after this function has returned. False: pair->records
 * says so, or the peer's settings leave such records out.
 */
bool xf_in_look_for_records(struct xf_pair *pair, void (*done)(void *pair));
/* Does nothing when no look-up is under way. */
void xf_look_stop(struct xf_s2s *s2s, struct xf_look *look);

/*
 * What is known about the peer's identity on this stream. Not to have asked DNS is not the same as
 * to have found no records: dane_is_open tells the two apart.
 */
struct xf_verdict xf_in_verdict(const struct xf_in *in, struct xf_span peer);
/*
 * The same, as if DNS had answered that there are no records: decides what to offer before DNS is
 * asked.
 */
struct xf_verdict xf_in_verdict_at_best(const struct xf_in *in, struct xf_span peer);
/* Why the settings refuse the authentication of one of its pairs; text NULL: they do not. */
struct xf_refusal xf_in_auth_refusal(const struct xf_in *in);
/* An accepted stream as carrier of our stanzas. */
extern const struct xf_carrier_ops xf_in_carrier_ops;

/* ------------------------------------------------------------------ in_policy.c */

/* Does policy refuse stanzas from `peer` to `local`? *out says why. */
bool xf_in_is_denied(const struct xf_in *in, struct xf_span local, struct xf_span peer,
                     struct xf_ruling *out);
/* Does policy refuse stanzas in both directions? Then the stream is of no use. */
bool xf_in_is_shut_out(const struct xf_in *in, struct xf_span local, struct xf_span peer,
                       struct xf_ruling *out);
void xf_in_log_denied(struct xf_in *in, struct xf_span local, struct xf_span peer,
                      const struct xf_ruling *ruling);
/* End the stream as the setting denied-peer says. */
void xf_in_deny(struct xf_in *in, const struct xf_ruling *ruling);

/* ---- in_away.c */
void xf_in_turn_away(struct xf_in *in);
/* Ends the stream if one of its served domains has gone away. */
void xf_in_look_away(struct xf_in *in);

/* ------------------------------------------------------------------ in_bidi.c */

/* May the features of this pass offer it? */
bool xf_in_offers_bidi(const struct xf_in *in);
void xf_in_bidi(struct xf_in *in, const struct xf_elem *elem);
void xf_in_bidi_early(struct xf_in *in, const struct xf_elem *elem);
void xf_in_bidi_late(struct xf_in *in, const struct xf_elem *elem);
void xf_in_bidi_open(struct xf_in *in); /* the stream is open again after SASL */

/* ------------------------------------------------------------------ in_sm.c */

void xf_in_sm_enable(struct xf_in *in, const struct xf_elem *elem);
void xf_in_sm_early(struct xf_in *in, const struct xf_elem *elem); /* before authentication */
void xf_in_sm(struct xf_in *in, const struct xf_elem *elem);       /* <r/>, <a/> */
void xf_in_sm_resume(struct xf_in *in, const struct xf_elem *elem);
void xf_in_sm_closed(struct xf_in *in); /* its conn has closed */

/* ------------------------------------------------------------------ in_gate.c */

extern const struct xf_gate_ops xf_in_gate_ops;
