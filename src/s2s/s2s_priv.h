/* SPDX-License-Identifier: MIT */
/*
 * s2s_priv.h — what the files of s2s share: the engine, inbound and outbound streams, questions of
 * dialback.
 *
 * If you look for ...
 *   an outgoing stream's states       out_states.c (table), out.c (life), out_fallback.c (patience)
 *   an accepted stream                in.c (life, headers), in_policy.c (policy), in_certificate.c
 *                                     (its certificate), in_auth.c (STARTTLS, SASL), in_pairs.c
 *                                     (dialback, stanzas)
 *   stanzas of peers coming in        gate.c; how fast: rate.c
 *   one stream for both ways, pairs   bidi.c (negotiation, our streams' incoming side), carrier.c
 *                                     (which stream carries a pair)
 *   how many streams and pairs        half_open.c (unauthenticated), strangers.c (authenticated)
 *   asking an authoritative server    verify.c
 *   who is good enough                auth/verdict.c; and still what it was: continuity.c
 */
#pragma once

#include <xfed/auth/verdict.h>
#include <xfed/base/list.h>
#include <xfed/base/log.h>
#include <xfed/base/machine.h>
#include <xfed/base/map.h>
#include <xfed/base/utf8.h>
#include <xfed/dns/discover.h>
#include <xfed/limits/quota.h>
#include <xfed/s2s/s2s.h>

#include "dialback_priv.h"
#include <xfed/limits/backoff.h>
#include <xfed/limits/rate.h>

/* ---- half_open.c: conns for which there was no place, for the log */
struct xf_refusals {
    struct xf_timers *timers;
    struct xf_timer timer;     /* runs: a line was written within the last minute */
    unsigned refused, evicted; /* since that line */
    const char *reason;
    char addr[XF_ADDR_TEXT_BYTES]; /* of the last one */
};
void xf_refusals_init(struct xf_refusals *refusals, struct xf_timers *timers);
void xf_refusals_fini(struct xf_refusals *refusals);
/* One was refused a place, or has to give its own to another. */
void xf_refusals_note(struct xf_refusals *refusals, const struct xf_addr *addr, const char *reason,
                      bool is_evicted);

/* ---- strangers.c: what authenticated peers without a section hold */
struct xf_holding { /* zeroed: nothing */
    struct xf_place by_network, by_owner;
};
struct xf_holdings {
    struct xf_quota by_network, by_owner;
};

/* ---- features.c: stream limits */
struct xf_said_limits { /* XEP-0478; 0: not said */
    size_t max_bytes;   /* of a stanza */
    uint64_t idle_ms;   /* without traffic from the other side the stream may end */
};
struct xf_said_limits xf_limits_read(const struct xf_elem *parent); /* of features, or of bidi */
void xf_limits_write(struct xf_draft *draft, const struct xf_said_limits *limits);

/* ---- s2s.c */
struct xf_s2s {
    struct xf_env *env;
    struct xf_policy *policy;
    struct xf_tls_identities *identities;
    struct xf_history *history;                /* NULL: none */
    struct xf_dialback_secret dialback_secret; /* wiped in the end */
    const struct xf_s2s_events *events;
    void *owner;
    struct xf_node ins, outs; /* every stream alive, xf_in.node and xf_out.node */
    size_t stream_count;
    struct xf_node paused;         /* xf_gate.paused_node: streams that wait for the link */
    struct xf_map *verify_streams; /* pair key -> struct xf_verify_stream: verify streams */
    /* xf_verify_stream.idle_node: without questions, longest first */
    struct xf_node idle_verify_streams;
    size_t verify_stream_count;   /* those that may still be asked */
    struct xf_quota verify_quota; /* questions under way, by the address that they came from */
    /* for TLSA records of peers that come to us, by their address (in_certificate.c) */
    struct xf_quota looks;
    /* peer -> struct xf_verified_peer: those to its server (verify_places.c) */
    struct xf_map *verified;
    /* domains whose servers were asked; addresses that verify streams connect to */
    struct xf_backoff verify_peer_backoff, verify_addr_backoff;
    struct xf_backoff probe_backoff; /* that probes connect to */
    /*
     * "PEER ADDRESS": streams to it came to nothing lately, so that the peer's other addresses come
     * first
     */
    struct xf_backoff avoided;
    struct xf_map *bidi_pairs; /* pair key -> struct xf_pair on a stream that goes both ways */
    /* peer -> struct xf_out: a ready stream that takes further pairs (multiplex) */
    struct xf_map *shared;
    struct xf_map *inbound_by_peer; /* peer -> unsigned *: authenticated inbound streams */
    struct xf_rates rates;          /* of peers: stanza-rate, byte-rate */
    struct xf_quota half_open;
    struct xf_holdings stranger_streams, stranger_pairs;
    struct xf_refusals refusals;
    bool is_draining;
};

static inline const struct xf_conf *xf_s2s_conf(const struct xf_s2s *s2s)
{
    return xf_policy_conf(s2s->policy);
}

/* Who is asked about a peer; NULL: nobody can be asked now. */
struct xf_dns *xf_s2s_dns(const struct xf_s2s *s2s, const struct xf_peer_settings *settings);

/* Limits of the reader before and after authentication. */
struct xf_reader_limits xf_s2s_limits_before(const struct xf_s2s *s2s);
struct xf_reader_limits xf_s2s_limits_after(const struct xf_s2s *s2s,
                                            const struct xf_peer_settings *settings);
/* that we tell the peer */
struct xf_said_limits xf_s2s_said_limits(const struct xf_s2s *s2s,
                                         const struct xf_peer_settings *settings);

/* ---- verify.c: questions to authoritative servers (XEP-0220 §2.2) */
enum xf_verify_answer {
    XF_VERIFY_VALID,
    XF_VERIFY_INVALID,
    XF_VERIFY_NOT_FOUND,
    XF_VERIFY_UNREACHABLE
};
typedef void (*xf_verify_answered_fn)(void *owner, enum xf_verify_answer answer,
                                      const char *detail);
struct xf_verify_request;
struct xf_verify_stream;

/*
 * Ask `peer`'s server whether it made `key` for stream `id` towards `local`. The answer comes once,
 * never from within, unless cancelled. `addr` is the address that claims to be it. NULL: too many
 * questions are under way. When all places are taken, a question of another address may end for
 * this one, with XF_VERIFY_UNREACHABLE.
 */
struct xf_verify_opts {
    struct xf_span local, peer, id, key;
    const struct xf_addr *addr;
    xf_verify_answered_fn answered;
    void *owner;
};
struct xf_verify_request *xf_verify_request_new(struct xf_s2s *s2s,
                                                const struct xf_verify_opts *opts);

/* The places that a question holds. Zeroed: none. */
struct xf_verify_places {
    struct xf_place of_all, of_peer;
    struct xf_verified_peer *verified; /* to which of_peer belongs */
};

/*
 * Another question may have to give way for this one, before it returns. False: no room, nothing
 * held.
 */
XF_MUST_USE bool xf_verify_places_take(struct xf_s2s *s2s, struct xf_verify_places *room,
                                       struct xf_span peer, const struct xf_addr *addr);
void xf_verify_places_give(struct xf_s2s *s2s, struct xf_verify_places *room);
/*
 * Take a place in `quota`, in which strangers share by network what DNS is asked for them
 * (questions-per-network, questions).
 */
XF_MUST_USE bool xf_verify_take_share(struct xf_s2s *s2s, struct xf_quota *quota,
                                      struct xf_place *place, const struct xf_addr *addr,
                                      struct xf_place **out_evicted);
/* verify.c: end the question that holds it */
void xf_verify_give_way(struct xf_verify_places *room);
void xf_verify_request_cancel(struct xf_verify_request **request);
/* does it ask about this key? */
bool xf_verify_request_is_about(const struct xf_verify_request *request, struct xf_span key);

/* Was the peer's server out of reach just now, so that it is not asked again yet? */
bool xf_verify_is_in_vain(const struct xf_s2s *s2s, struct xf_span peer,
                          enum xf_verify_answer *out_answer, const char **out_text);
void xf_verify_reached(struct xf_s2s *s2s, const char *peer); /* it is there */

/* How many verify streams may knock at one host at a time. */
unsigned xf_verify_per_host(const struct xf_s2s *s2s);

/* What a verify stream (an xf_out) tells its asker. */
void xf_verify_stream_ready(struct xf_verify_stream *verify);
void xf_verify_stream_answer(struct xf_verify_stream *verify, const struct xf_elem *elem);
/* takes no more questions */
void xf_verify_stream_ending(struct xf_verify_stream *verify, enum xf_cause cause,
                             const char *text);
/* frees it */
void xf_verify_stream_ended(struct xf_verify_stream *verify, enum xf_cause cause, const char *text);

/* ---- features.c */
struct xf_features {
    bool tls, tls_required, external, dialback, dialback_errors, bidi;
    struct xf_said_limits limits;
};
struct xf_features xf_features_read(const struct xf_elem *elem);
struct xf_features_offer {
    bool tls, tls_required, external, dialback, bidi;
    struct xf_said_limits limits; /* max_bytes 0: left out */
};
void xf_features_write(struct xf_stream *stream, const struct xf_features_offer *offer);

/* ---- gate.c: where the stanzas of a peer come in */
struct xf_gate;
struct xf_gate_ops {
    bool (*is_open)(struct xf_gate *gate); /* somebody is authenticated */
    bool (*has_pair)(struct xf_gate *gate, struct xf_span local, struct xf_span peer);
    /* a domain of ours that it is authenticated for; absent: for none */
    struct xf_span (*local_of)(struct xf_gate *gate, struct xf_span peer);
    /* Log; end the stream with the error unless it is NONE. */
    void (*refuse)(struct xf_gate *gate, const struct xf_stanza *stanza, enum xf_stream_error error,
                   const char *reason, const char *text);
};
struct xf_gate { /* embedded in the owner of the stream */
    const struct xf_gate_ops *ops;
    struct xf_stream *stream;
    struct xf_node paused_node; /* for the link */
    struct xf_rate_waiter rate;
    bool is_held; /* for its rate */
};
void xf_gate_init(struct xf_gate *gate, const struct xf_gate_ops *ops, struct xf_stream *stream);
void xf_gate_stanza(struct xf_gate *gate, struct xf_s2s *s2s, struct xf_stanza *stanza);
void xf_gate_resume_all(struct xf_s2s *s2s);
/* the stream's: nothing makes it wait any more */
void xf_gate_ending(struct xf_gate *gate, struct xf_s2s *s2s);
void xf_gate_fini(struct xf_gate *gate);

/* ---- dial.c: race candidates (RFC 8305) */
struct xf_dial;
struct xf_dial_events {
    /* take the conn over */
    void (*connected)(void *owner, struct xf_conn *conn, const struct xf_candidate *candidate);
    void (*failed)(void *owner, bool timed_out, const char *detail); /* no candidate is left */
};
/*
 * Candidates are copied. Events come never from within. `backoff` (NULL: none): the addresses were
 * named by a stranger. Then only a few of them are tried, of one host two at most, none that is
 * shut, and not more than `per_host` at a time on one host, those of other dials included; for a
 * place there it waits.
 *
 * Addresses in `avoided` are tried once all others have failed, or at once when there are no
 * others.
 */
struct xf_dial_opts {
    unsigned connect_ms;
    struct xf_source source;
    struct xf_backoff *backoff;
    unsigned per_host;
    const char *peer;           /* borrowed */
    struct xf_backoff *avoided; /* xf_s2s.avoided: addresses of the peer that come last */
    enum xf_cause forgiven;     /* ... unless they failed for this cause; NONE: no exception */
};
struct xf_dial *xf_dial_new(struct xf_env *env, const struct xf_candidate *candidates, size_t count,
                            const struct xf_dial_opts *opts, const struct xf_dial_events *events,
                            void *owner);
struct xf_source xf_peer_source(const struct xf_peer_settings *settings);
void xf_dial_free(struct xf_dial **dial); /* drops conns under way */
/* the conn that was handed over came to nothing: go on with the others */
void xf_dial_next(struct xf_dial *dial);
bool xf_dial_has_more(const struct xf_dial *dial);
/* the conn that was handed over is authenticated: it no longer counts for its host */
void xf_dial_uncount(struct xf_dial *dial);
/* the address of the conn that was handed over is to be tried once more */
void xf_dial_put_back(struct xf_dial *dial);
/*
 * The conn that was handed over failed for `cause`: its address is avoided. `is_silent`: not even a
 * stream header came.
 */
void xf_dial_blame(struct xf_dial *dial, enum xf_cause cause, bool is_silent);
/* it led to a ready stream: its address is not avoided any more */
void xf_dial_praise(struct xf_dial *dial);

struct xf_pair;

/* ---- carrier.c: what takes the stanzas of one or several pairs */
struct xf_carrier {
    struct xf_stream *stream;
    /* whose stream it is, one of the two: an accepted one that goes both ways, */
    struct xf_in *in;
    struct xf_out *out;           /* or a ready one of ours */
    struct xf_node passengers;    /* struct xf_out by its seat: the stream's own and riders */
    struct xf_said_limits limits; /* that the peer set (XEP-0478) */
    uint64_t used_ms;             /* when a stanza passed last */
    uint64_t spoke_ms;            /* when we last sent one, or white space */
};
void xf_carrier_init(struct xf_carrier *carrier, struct xf_stream *stream, struct xf_in *in,
                     struct xf_out *out);
void xf_carrier_sit(struct xf_carrier *carrier, struct xf_out *out);
void xf_carrier_leave(struct xf_out *out); /* or nothing */
/*
 * White space when we were silent for `ping_ms` (0: never), or for as long as makes the peer doubt;
 * and when to come back at the latest.
 */
void xf_carrier_keep_alive(struct xf_carrier *carrier, uint64_t ping_ms);
uint64_t xf_carrier_tick_ms(const struct xf_carrier *carrier, uint64_t usual_ms);
void xf_carrier_drained(struct xf_carrier *carrier);
/* tells all who sit on it */
void xf_carrier_ended(struct xf_carrier *carrier, enum xf_cause cause, const char *text);
/* a ready passenger from that domain */
bool xf_carrier_has(const struct xf_carrier *carrier, struct xf_span local);
struct xf_verdict xf_carrier_verdict(const struct xf_carrier *carrier, struct xf_span peer);
/* of a rider: "bidi", "multiplex"; else NULL */
const char *xf_carrier_word(const struct xf_out *out);

bool xf_carry(struct xf_out *out); /* a new one: let it ride where that is possible */
bool xf_carry_answered(struct xf_out *carrier, const struct xf_dialback_names *names,
                       struct xf_span type, const char *why);
void xf_carry_refused(struct xf_out *out, const char *why);
/* Streams and pairs that may carry others, from when they are authenticated until they end. */
void xf_carry_offer_pair(struct xf_pair *pair);
void xf_carry_forget_pair(struct xf_pair *pair);
void xf_carry_offer_stream(struct xf_out *out);
void xf_carry_forget_stream(struct xf_out *out);

/* ---- bidi.c (XEP-0288) */
bool xf_in_offers_bidi(const struct xf_in *in);
void xf_in_bidi(struct xf_in *in, const struct xf_elem *elem);
void xf_in_bidi_open(struct xf_in *in);       /* the stream behind SASL is open */
void xf_out_request_bidi(struct xf_out *out); /* before authentication */
/* NULL: the peer may send to us on our stream */
const char *xf_out_bidi_refusal(const struct xf_out *out);
void xf_out_question(struct xf_out *out, const struct xf_elem *elem);
extern const struct xf_gate_ops xf_out_gate_ops;

/* ---- out.c, out_states.c */
/* clang-format off */
#define XF_OUT_STATE_MAP(X) \
    X(IDLE)            /* just made */ \
    X(BOARDING)        /* rides on a stream that proved the pair already; ready in the next turn */ \
    X(ASKING)          /* a db:result for it is out on a stream of ours (XEP-0220 §2.6.1) */ \
    X(RESOLVING)       /* DNS is asked for its servers */ \
    X(DIALING)         /* their addresses are tried */ \
    X(PLAIN_HEADER)    /* in clear: our header is out */ \
    X(PLAIN_FEATURES)  /* in clear: the header of the peer came, its features are due */ \
    X(PLAIN_PROCEED)   /* <starttls/> is out */ \
    X(PLAIN_DIALBACK)  /* in clear: db:result is out */ \
    X(HANDSHAKE)       /* of TLS, behind <proceed/> or at once (XEP-0368) */ \
    X(TLS_HEADER)      /* within TLS: our header is out */ \
    X(TLS_FEATURES)    /* within TLS: the features are due */ \
    X(TLS_SASL)        /* EXTERNAL is out */ \
    X(TLS_DIALBACK)    /* within TLS: db:result is out */ \
    X(AUTH_HEADER)     /* authenticated: our third header is out */ \
    X(AUTH_FEATURES)   /* authenticated: the features are due */ \
    X(READY)           /* takes stanzas, or questions when it is a verify stream */ \
    X(ENDED)           /* for good; the conn may still be closing */

#define XF_OUT_EVENT_MAP(X) \
    X(CARRIED)         /* a stream that goes both ways proved the pair */ \
    X(BOARDED)         /* the turn is over in which it began */ \
    X(OFFER_SHARE)     /* a stream of ours to the peer takes further pairs */ \
    X(OPEN)            /* it needs a stream of its own */ \
    X(FOUND)           /* DNS named servers */ \
    X(TCP_UP)          /* connected */ \
    X(DIRECT_UP)       /* connected, and TLS comes first */ \
    X(HEADER)          /* the header of the peer came, features follow it */ \
    X(OFFER_TLS)       /* STARTTLS is offered and wanted */ \
    X(PROCEED)         /* the peer agreed to STARTTLS */ \
    X(TLS_UP)          /* the handshake succeeded */ \
    X(OFFER_SASL)      /* EXTERNAL is offered and allowed */ \
    X(SASL_OK)         /* <success/> */ \
    X(OFFER_DIALBACK)  /* dialback is possible and allowed */ \
    X(DIALBACK_OK)     /* the peer said that the key is valid */ \
    X(OFFER_VERIFY)    /* a verify stream is secure enough for its questions */ \
    X(FEATURES)        /* the last ones came */ \
    X(NEXT)            /* the conn came to nothing, another address is left */ \
    X(CLEAR)           /* TLS came to nothing with all, once more without */ \
    X(END)             /* nothing is left to try, or it was closed */
/* clang-format on */
enum xf_out_state {
#define X(name) XF_OUT_##name,
    XF_OUT_STATE_MAP(X)
#undef X
        XF_OUT_STATE_COUNT
};
enum xf_out_event {
#define X(name) XF_OUT_ON_##name,
    XF_OUT_EVENT_MAP(X)
#undef X
        XF_OUT_EVENT_COUNT
};

struct xf_out {
    struct xf_node node;
    struct xf_s2s *s2s;
    char *local, *peer;
    const struct xf_peer_settings *settings; /* renewed by reload */
    bool for_stranger;                       /* opened for an answer to a stranger */
    /* a verify stream, until it ended; NULL: delivery */
    struct xf_verify_stream *verify;
    bool is_probe;                      /* ... for a peer that failed just now */
    const struct xf_out_events *events; /* NULL after `ended` */
    void *owner;
    enum xf_out_state state;
    struct xf_stream stream;
    bool has_stream;           /* stream is initialised */
    struct xf_gate gate;       /* for the peer's stanzas */
    bool is_bidi;              /* asked for on the present conn (XEP-0288) */
    struct xf_carrier carrier; /* its stream's */
    /* what takes its stanzas: its own carrier or another's; NULL before, and after the end */
    struct xf_carrier *on;
    struct xf_node seat; /* in on->passengers */
    struct xf_discovery *discovery;
    struct xf_dial *dial;
    bool is_direct; /* of the present conn */
    /* the server of the present conn, when secure SRV named it; NULL */
    char *target;
    struct xf_tlsa_set *tlsa; /* of that server, NULL: none; counted */
    bool tls_broke;           /* a handshake with one of the addresses failed */
    bool tlsa_exists;         /* for one of them */
    /* TLS failed, and tls = optional: the next conns are without */
    bool in_clear;
    struct xf_features features;
    bool peer_speaks_dialback; /* feature, or the namespace on its header */
    /* the header of this pass; in clear it is only a hint */
    bool from_is_wrong;
    /* with one of the addresses: EXTERNAL is not tried again */
    bool sasl_failed;
    bool sasl_aborted; /* on the present conn */
    /* the present conn began EXTERNAL, and dialback may follow */
    bool may_dialback;
    /* stream id of the peer's last header on the present conn */
    char *peer_id;
    enum xf_auth_method method;
    bool was_ready;
    unsigned dropped;         /* stanzas of the peer, to which it has no right */
    struct xf_timer deadline; /* of the negotiation; runs until READY */
    /* how long the present conn may take; out_fallback.c */
    struct xf_timer patience;
    uint64_t asked_ms;        /* since when we wait for it */
    struct xf_timer tick;     /* READY: idle, keep-alive, parking */
    struct xf_timer farewell; /* gives `ended` outside of calls */
    uint64_t opened_ms, ready_ms, stanzas;
    enum xf_cause cause;
    char text[200];
};

/* Move along the table; an event without a row is a protocol error of the peer. */
void xf_out_fire(struct xf_out *out, enum xf_out_event event);
const char *xf_out_state_name(enum xf_out_state state);
extern const struct xf_machine xf_out_machine; /* for the test of its table */

/* The machine's actions, in out.c. */
void xf_out_resolve(struct xf_out *out);
void xf_out_send_header(struct xf_out *out);
void xf_out_direct_tls(struct xf_out *out);
void xf_out_send_starttls(struct xf_out *out);
void xf_out_start_tls(struct xf_out *out);
void xf_out_send_external(struct xf_out *out);
void xf_out_send_dialback(struct xf_out *out);
void xf_out_restart(struct xf_out *out);
void xf_out_become_ready(struct xf_out *out);
void xf_out_board(struct xf_out *out);
void xf_out_ask_carrier(struct xf_out *out);
void xf_out_become_rider(struct xf_out *out);
void xf_out_try_next(struct xf_out *out);
void xf_out_say_ended(struct xf_out *out);

/* ---- out_fallback.c */
/* Give up with a cause; a stream error goes to the peer when `error` is not NONE. */
void xf_out_give_up(struct xf_out *out, enum xf_cause cause, enum xf_stream_error error,
                    const char *text);
/* the first one counts */
void xf_out_note_cause(struct xf_out *out, enum xf_cause cause, const char *text);
/* the present conn came to nothing: its address comes last for a while */
void xf_out_blame(struct xf_out *out);
/* the conn is gone, the cause noted: the next way, or the end */
void xf_out_go_on(struct xf_out *out);
/*
 * Something is due from the peer, within `max_ms` (0: as long as there is time), or
 * candidate-timeout where there is another way.
 */
void xf_out_wait(struct xf_out *out, uint64_t max_ms);
void xf_out_on_patience(void *owner); /* of out->patience */
void xf_out_on_deadline(void *owner); /* of out->deadline */

/* ---- out.c */
/* what is known of the peer on its own stream */
struct xf_verdict xf_out_verdict(const struct xf_out *out);

/* Ask on `carrier`'s stream, which may be another's, for the pair of `out` (XEP-0220 §2.1). */
void xf_out_send_result(struct xf_out *out, struct xf_out *carrier);

/* A verify stream for an asker. */
struct xf_out *xf_out_open_verify(struct xf_s2s *s2s, struct xf_span local, struct xf_span peer,
                                  struct xf_verify_stream *verify);
bool xf_out_has_more(const struct xf_out *out); /* other addresses of the peer, until: */
void xf_out_settle(struct xf_out *out);         /* the present address is good: forget the others */
/* it is not good: close it; the asker gets no event of it */
void xf_out_give_back(struct xf_out *out, const char *text);

/* ---- in.c, in_auth.c, in_pairs.c */
enum xf_pass { XF_PASS_PLAIN, XF_PASS_TLS, XF_PASS_AUTH };

/*
 * What DNS says of TLSA records of a domain that came to us. OPEN: it did not say, so that there
 * may be some.
 */
enum xf_records { XF_RECORDS_UNASKED, XF_RECORDS_OPEN, XF_RECORDS_NONE, XF_RECORDS_EXIST };

struct xf_look { /* a look-up of them */
    struct xf_discovery *discovery;
    struct xf_place place; /* held meanwhile, for the address that it is for */
    struct xf_in *in;
    struct xf_pair *pair; /* whose peer it is about; NULL: in's */
};

struct xf_pair {
    struct xf_node node;
    char *local, *peer;
    /* of dialback, until the question is asked; NULL: none that can be one */
    char *key;
    struct xf_look look; /* for the TLSA records of peer, before that */
    enum xf_records records;
    enum xf_auth_method method; /* NONE while the question is open */
    struct xf_in *in;
    struct xf_verify_request *request;
    uint64_t since_ms;
    bool is_counted;           /* in inbound_by_peer, for its stream */
    struct xf_holding holding; /* when it is authenticated, and a stranger's */
};

struct xf_in {
    struct xf_node node;
    struct xf_s2s *s2s;
    struct xf_stream stream;
    struct xf_gate gate;
    struct xf_carrier carrier; /* of stanzas to the peer; used while is_bidi */
    bool is_bidi;              /* the peer asked for it (XEP-0288) */
    enum xf_pass pass;         /* of the stream headers that are or will be exchanged */
    bool is_open;              /* headers of this pass are exchanged */
    bool is_legacy;            /* the peer's header has no version */
    bool is_direct;
    struct xf_place place;     /* held until the first pair is authenticated */
    struct xf_holding holding; /* ... and from then on, when no pair is a named peer's */
    bool sasl_challenged;
    char host[XF_ADDR_TEXT_BYTES], network[XF_ADDR_TEXT_BYTES];
    char id[XF_ID_CHARS + 1];
    char *local; /* served domain of the header, NULL when it had none */
    char *peer;  /* `from` of the header, NULL when it had none */
    const struct xf_peer_settings *settings; /* of peer, or the defaults; renewed by reload */
    uint64_t idle_ms;                        /* the shortest of its pairs */
    char *tls_ciphers;       /* of the settings that STARTTLS was begun with, NULL: none */
    struct xf_look look;     /* for the TLSA records of peer */
    enum xf_records records; /* of peer */
    struct xf_node pairs;    /* struct xf_pair */
    unsigned valid_pairs, open_requests;
    unsigned failures;      /* until the first pair is authenticated */
    unsigned late_failures; /* from then on, of claims of further pairs, since late_since_ms */
    uint64_t late_since_ms;
    struct xf_pair *last_pair; /* of the last stanza */
    struct xf_timer deadline;  /* until the first pair is authenticated */
    struct xf_timer tick;
    struct xf_timer pace; /* between claims (db:result), when they are many */
    unsigned claims;
    uint64_t accepted_ms;
};

/*
 * in_certificate.c: find out what the certificate of the TLS pass is worth, as that of in->peer.
 * True: under way, the stream is held until xf_in_judged; false: there is nothing to judge.
 */
bool xf_in_judge(struct xf_in *in);
void xf_in_judged(struct xf_in *in);                         /* in.c */
void xf_look_stop(struct xf_s2s *s2s, struct xf_look *look); /* if it is under way */

/*
 * Look for the TLSA records of a pair's peer, unless this stream has done so. True: under way;
 * xf_in_pair_is_known follows after this call. False: pair->records has them, or they decide
 * nothing.
 */
bool xf_in_look_for_records(struct xf_pair *pair);
void xf_in_pair_is_known(struct xf_pair *pair); /* in_pairs.c */

/*
 * What is known of the peer's identity on this stream. Unknown is not none: without an answer of
 * DNS dane_is_open says so.
 */
struct xf_verdict xf_in_verdict(const struct xf_in *in, struct xf_span peer);
/* as if DNS had answered that there are none: for what is offered */
struct xf_verdict xf_in_verdict_at_best(const struct xf_in *in, struct xf_span peer);

/* strangers.c */
/* xf_quota_take for an address: its network is the group. */
enum xf_quota_answer xf_take_by_addr(const struct xf_s2s *s2s, struct xf_quota *quota,
                                     struct xf_place *place, const struct xf_addr *addr,
                                     const struct xf_quota_limits *limits,
                                     struct xf_place **out_evicted);
void xf_strangers_init(struct xf_s2s *s2s);
void xf_strangers_fini(struct xf_s2s *s2s);
/*
 * Take the places of a pair that is about to be authenticated, and of its stream; others may end
 * for it. False: there is no room.
 */
bool xf_stranger_admit(struct xf_in *in, struct xf_pair *pair);
/* would there be room for a pair now? */
bool xf_stranger_may_claim(struct xf_in *in, struct xf_span peer);
/* streams of its network, or of its owner if these are more; 0: a named peer's */
unsigned xf_stranger_crowd(const struct xf_in *in);
void xf_stranger_pair_left(struct xf_pair *pair);
void xf_stranger_left(struct xf_in *in);
void xf_stranger_judge(struct xf_in *in); /* policy is new: who is named? */

/* half_open.c: is there a place for a conn from this address? Another stream may end for it. */
bool xf_in_admit(struct xf_s2s *s2s, struct xf_place *place, const struct xf_addr *addr);
/* another one takes its place */
void xf_in_evict(struct xf_in *in, const char *reason, const char *text);

/* in_policy.c */
/* its stanzas */
bool xf_in_is_denied(const struct xf_in *in, struct xf_span local, struct xf_span peer,
                     struct xf_ruling *out);
/* both ways */
bool xf_in_is_shut_out(const struct xf_in *in, struct xf_span local, struct xf_span peer,
                       struct xf_ruling *out);
void xf_in_log_denied(struct xf_in *in, struct xf_span local, struct xf_span peer,
                      const struct xf_ruling *ruling);
/* end the stream, as denied-peer says */
void xf_in_deny(struct xf_in *in, const struct xf_ruling *ruling);

/* in_auth.c */
void xf_in_starttls(struct xf_in *in, const struct xf_elem *elem);
void xf_in_sasl(struct xf_in *in, const struct xf_elem *elem);
bool xf_in_may_external(const struct xf_in *in, struct xf_span peer);

/* in_pairs.c */
void xf_in_dialback(struct xf_in *in, const struct xf_elem *elem);
void xf_in_on_pace(void *owner); /* of in->pace */
extern const struct xf_gate_ops xf_in_gate_ops;
/*
 * False: there is no place for a pair (strangers.c). Then its claim was answered and it is gone, or
 * the stream ends.
 */
bool xf_in_has_place(struct xf_in *in, struct xf_pair *pair);
/* false: the pair is refused, and gone */
bool xf_in_is_as_before(struct xf_in *in, struct xf_pair *pair, enum xf_auth_method method);
void xf_in_authenticated(struct xf_in *in, struct xf_pair *pair, enum xf_auth_method method);
/* in.c: sizes and idle time, when pairs or their settings are new */
void xf_in_keep_to_pairs(struct xf_in *in);
/* in.c */
bool xf_in_keeps_ciphers(const struct xf_in *in, const struct xf_peer_settings *settings);
struct xf_pair *xf_in_pair_new(struct xf_in *in, struct xf_span local, struct xf_span peer);
void xf_in_pairs_free(struct xf_in *in);
void xf_in_count_stream(struct xf_in *in, struct xf_pair *pair); /* before pair->method is set */

/* End the stream with an error; also in the log. */
void xf_in_fail(struct xf_in *in, enum xf_stream_error error, const char *text);

void xf_in_accept(struct xf_s2s *s2s, struct xf_conn *conn, bool is_direct);

void xf_in_close(struct xf_in *in);

/*
 * ---- continuity.c: is the peer what it was before? In front of every transition to authenticated;
 * tells and notes
 */
struct xf_fall { /* behind it, where the settings refuse that */
    enum xf_cause cause;
    const char *text; /* for peer and log; NULL: there is none */
};
/* NULL, or as xf_fall.text */
const char *xf_in_continuity_refusal(struct xf_in *in, const struct xf_pair *pair,
                                     enum xf_auth_method method);
struct xf_fall xf_out_continuity_refusal(const struct xf_out *out);
/*
 * Would the stream be weaker than what is known of the peer for that direction? Then it does not
 * carry what would go there. Tells nothing.
 */
bool xf_s2s_peer_is_behind(const struct xf_s2s *s2s, const char *peer, bool is_inbound,
                           const struct xf_verdict *verdict, enum xf_auth_method method);

/*
 * ---- stream_log.c: one line for each stream up and down; other lines about streams. All count
 * (xfed/stream/lines.h)
 */
#define xf_in_log(in, level, event, ...) \
    xf_log(xf_in_level((in), (level), (event)), event, __VA_ARGS__)
#define xf_out_log(out, level, event, ...) \
    xf_log(xf_out_level((out), (level), (event)), event, __VA_ARGS__)
enum xf_log_level xf_in_level(struct xf_in *in, enum xf_log_level level, const char *event);
enum xf_log_level xf_out_level(struct xf_out *out, enum xf_log_level level, const char *event);
#define xf_alarm_log(s2s, peer, level, event, ...) \
    xf_log(xf_alarm_level((s2s), (peer), (level), (event)), event, __VA_ARGS__)
/* of continuity.c */
enum xf_log_level xf_alarm_level(struct xf_s2s *s2s, struct xf_span peer, enum xf_log_level level,
                                 const char *event);
void xf_out_log_up(struct xf_out *out);
void xf_out_log_down(struct xf_out *out, const char *detail);
void xf_in_log_up(struct xf_in *in, const struct xf_pair *pair);
void xf_in_log_down(struct xf_in *in, enum xf_stream_end end, const char *detail);
