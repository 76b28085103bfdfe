/* SPDX-License-Identifier: MIT */
/*
 * out_priv.h — an outgoing stream, or a pair that shares a stream with others.
 *
 *   out.c              its life: open, stream events, time, send, free
 *   out_states.c       the state machine, as a table
 *   out_connect.c      from the domain to a conn: discovery, candidates, TLS
 *   out_negotiation.c  headers, features, STARTTLS, SASL and dialback, until it is ready
 *   out_rider.c        a pair that rides on a stream which exists already
 *   out_bidi.c         the peer's stanzas and questions on a stream of ours (XEP-0288)
 *   out_sm.c           stream management (XEP-0198): resumption
 *   out_ready.c        into READY, and out of it
 *   out_fallback.c     how long it waits, and what it tries when a conn fails
 *
 * To add a step to the negotiation: give its states and events a name and a sentence here and their
 * rows in out_states.c, write the action in out_negotiation.c, and fire the event where the peer's
 * answer is read.
 */
#pragma once

#include <xfed/base/machine.h>
#include <xfed/dns/discover.h>

#include "carrier_priv.h"
#include "dial_priv.h"
#include "engine_priv.h"
#include "features_priv.h"
#include "gate_priv.h"

/* clang-format off */
#define XF_OUT_STATE_MAP(X)                                                                         \
    X(IDLE)             /* new */                                                                   \
    X(BOARDING)         /* joined a stream that proved the pair; READY in the next turn */          \
    X(ASKING)           /* joined a stream of ours; db:result for its pair was sent there */        \
    X(AWAITING)         /* the peer may be about to resume its stream, which carried the pair */    \
    X(RESOLVING)        /* DNS is asked for the peer's servers */                                   \
    X(DIALING)          /* their addresses are tried */                                             \
    X(PLAIN_HEADER)     /* connected; our header was sent */                                        \
    X(PLAIN_FEATURES)   /* the peer's header came, its features are due */                          \
    X(PLAIN_PROCEED)    /* <starttls/> was sent */                                                  \
    X(PLAIN_DIALBACK)   /* our dialback key was sent, in clear */                                   \
    X(HANDSHAKE)        /* the TLS handshake runs */                                                \
    X(TLS_HEADER)       /* our second header was sent */                                            \
    X(TLS_FEATURES)     /* the peer's second header came, its features are due */                   \
    X(TLS_SASL)         /* <auth mechanism='EXTERNAL'/> was sent */                                 \
    X(TLS_DIALBACK)     /* our dialback key was sent, inside TLS */                                 \
    X(AUTH_HEADER)      /* the peer accepted EXTERNAL; our third header was sent */                 \
    X(AUTH_FEATURES)    /* its third header came, its features are due */                           \
    X(RESUMING)         /* <resume/> was sent (XEP-0198) */                                         \
    X(READY)            /* stanzas may be sent or, on a verify stream, questions */                 \
    X(ENDED)            /* over; `ended` is called in the next turn */

#define XF_OUT_EVENT_MAP(X)                                                                         \
    X(CARRIED)          /* a stream of the peer carries the pair (XEP-0288) */                      \
    X(BOARDED)          /* the next turn of the loop after CARRIED */                               \
    X(OFFER_SHARE)      /* a stream of ours may take the pair (XEP-0220 §2.6.1) */                  \
    X(AWAIT)            /* a stream of the peer that carried the pair broke just now */             \
    X(OPEN)             /* the pair needs a stream of its own */                                    \
    X(FOUND)            /* DNS named candidates, and the dial began */                              \
    X(TCP_UP)           /* a candidate is connected */                                              \
    X(DIRECT_UP)        /* a candidate is connected that expects TLS at once (XEP-0368) */          \
    X(HEADER)           /* the peer's stream header came */                                         \
    X(OFFER_TLS)        /* the peer offers STARTTLS, and we want it */                              \
    X(PROCEED)          /* the peer accepted STARTTLS */                                            \
    X(TLS_UP)           /* the TLS handshake succeeded */                                           \
    X(OFFER_SASL)       /* the peer offers EXTERNAL, and we want it */                              \
    X(SASL_OK)          /* the peer accepted EXTERNAL */                                            \
    X(OFFER_DIALBACK)   /* the peer speaks dialback, and we want it */                              \
    X(DIALBACK_OK)      /* the peer accepted our key */                                             \
    X(OFFER_VERIFY)     /* secure enough for questions: a verify stream authenticates nobody */     \
    X(FEATURES)         /* the features after SASL came */                                          \
    X(OFFER_RESUME)     /* ... and a broken stream of the pair may be resumed */                    \
    X(RESUME_OVER)      /* the peer resumed it, or refused to */                                    \
    X(NEXT)             /* the conn failed, another candidate is left */                            \
    X(CLEAR)            /* TLS failed with all candidates: once more without it */                  \
    X(END)              /* closed, or given up */
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

#define XF_OUT_TICK_MS 15000 /* how often a ready stream checks: idle, keep-alive, parking */

enum xf_out_purpose {
    XF_OUT_DELIVERY,
    XF_OUT_PROBE, /* delivery to a peer that failed a moment ago: has less time, logs less */
    XF_OUT_CHECK, /* to see how far it comes: ends once it is ready, carries no stanzas */
    XF_OUT_LOOK,  /* to see what peers find here: authenticates nobody, ends once it is ready */
    XF_OUT_VERIFY /* questions (db:verify) only: authenticates nobody, carries no stanzas */
};

/* What a verify stream tells its owner in addition to xf_out_events. */
struct xf_out_verify_events {
    void (*answer)(void *owner, const struct xf_elem *elem); /* a db:verify came */
    /* No more questions can be asked; `ended` follows. */
    void (*ending)(void *owner, enum xf_cause cause, const char *text);
};

struct xf_out {
    struct xf_node node;
    struct xf_s2s *s2s;
    uint64_t number; /* of the stream, in the log */
    char *local, *peer;
    const struct xf_peer_settings *settings; /* settings of the peer; renewed by reload */
    enum xf_out_purpose purpose;
    bool for_stranger;                  /* needed only for an answer to a stranger */
    const struct xf_out_events *events; /* NULL after `ended` */
    /* NULL: not a verify stream, or after `ended` */
    const struct xf_out_verify_events *verify_events;
    void *owner;
    /* xf_out_machine, as a pointer: so the files of its actions do not depend on out_states.c */
    const struct xf_machine *machine;
    enum xf_out_state state; /* written by xf_out_fire only */
    /* Where the last address failed, or the stream ended; IDLE: nowhere yet. */
    enum xf_out_state failed_in;

    struct xf_stream stream;
    const struct xf_stream_events *stream_events; /* functions of out.c */
    bool has_stream;                              /* `stream` is initialised */
    /* Checks the stanzas that the peer sends, while is_bidi. */
    struct xf_gate gate;
    struct xf_texts rider_locals; /* our domains, besides `local`, whose pairs were ready on it */
    struct xf_carrier carrier;    /* lets pairs share its own stream */
    /* Sits on its own carrier from READY; as a rider, on another one from BOARDING or ASKING. */
    struct xf_passenger seat;

    /* The search for a server. */
    struct xf_discovery *discovery;
    struct xf_dial *dial;
    bool tls_broke;   /* the handshake with one of the addresses failed */
    bool tlsa_exists; /* one of the addresses has usable TLSA records */
    bool in_clear;    /* TLS failed, and tls = optional: further conns go without it */
    bool sasl_failed; /* EXTERNAL failed at one of the addresses and is not tried again */

    /* The present conn. */
    struct xf_addr addr; /* of the last conn, all zero: there was none */
    bool is_direct;
    char *target;                /* name of the server, if secure SRV records gave it; else NULL */
    struct xf_tlsa_set *tlsa;    /* TLSA records of that server; NULL: none. A reference */
    struct xf_features features; /* the last features that the peer sent */
    bool peer_speaks_dialback;   /* it offers the feature, or its header has the namespace */
    /* The last header names another domain; in clear that is only a hint. */
    bool from_is_wrong;
    bool is_bidi;      /* we asked for it (XEP-0288) */
    bool resumed_bidi; /* the stream that it resumed went both ways */
    bool sasl_aborted; /* we answered a challenge with <abort/> */
    bool may_dialback; /* EXTERNAL was tried, and dialback may follow it */
    char *peer_id;     /* stream id in the peer's last header */
    /* By which the peer lets us resume the stream (XEP-0198 §5), and for how long; NULL: not. */
    char *sm_id;
    uint64_t sm_max_ms;
    enum xf_auth_method method;

    bool was_ready;
    unsigned dropped;         /* stanzas that the peer sent on a one-way stream */
    struct xf_timer deadline; /* limit of the whole negotiation; runs until READY */
    struct xf_timer patience; /* limit of the present wait for the peer (out_fallback.c) */
    uint64_t asked_ms;        /* when that wait began */
    struct xf_timer tick;     /* READY: idle, keep-alive, parking; BOARDING: the next turn */
    struct xf_timer farewell; /* calls `ended` in a turn of its own */
    uint64_t opened_ms, ready_ms;
    uint64_t stanzas;           /* sent for this pair */
    struct xf_counted *counted; /* of the peer, once it was ready */
    enum xf_cause cause; /* why the present conn, or all of them, failed; `text` explains it */
    bool found_somebody; /* one of the conns failed otherwise than by absence (out_fallback.c) */
    enum xf_help help;
    char text[200];
    char *behind; /* what a resolver or the system said, for the log alone; NULL: nothing */
};

static inline struct xf_out *xf_out_of_seat(struct xf_passenger *seat)
{
    return XF_CONTAINER(seat, struct xf_out, seat);
}

static inline bool xf_out_carries(const struct xf_out *out)
{
    return out->purpose == XF_OUT_DELIVERY || out->purpose == XF_OUT_PROBE;
}

/* Its route is in back-off until the stream is ready. */
static inline bool xf_out_is_probing(const struct xf_out *out)
{
    return out->purpose == XF_OUT_PROBE && !out->was_ready;
}

static inline bool xf_out_authenticates(const struct xf_out *out)
{
    return out->purpose != XF_OUT_VERIFY && out->purpose != XF_OUT_LOOK;
}

static inline enum xf_s2s_dir xf_out_dir(const struct xf_out *out)
{
    return out->purpose == XF_OUT_VERIFY ? XF_S2S_VERIFY : XF_S2S_OUT;
}

static inline bool xf_out_is_rider(const struct xf_out *out)
{
    return out->seat.on && out->seat.on != &out->carrier;
}

/* ------------------------------------------------------------------ out_states.c */

extern const struct xf_machine xf_out_machine;

/*
 * Move along the table. An event without a row is a protocol error of the peer and ends the stream.
 */
static inline void xf_out_fire(struct xf_out *out, enum xf_out_event event)
{
    bool is_failure = event == XF_OUT_ON_NEXT || event == XF_OUT_ON_CLEAR || event == XF_OUT_ON_END;
    /* That no further address answers says less than how far one came. */
    if (is_failure && out->state != XF_OUT_ENDED &&
        (out->state != XF_OUT_DIALING || !out->failed_in))
        out->failed_in = out->state;
    xf_machine_fire(out->machine, out, event);
}

/* The state in which the present conn, or the last one, failed. */
static inline const char *xf_out_failed_in(const struct xf_out *out)
{
    return out->machine->states[out->state == XF_OUT_ENDED ? out->failed_in : out->state];
}

/* ------------------------------------------------------------------ out.c */

/*
 * Open a verify stream. `events`, `verify_events` and `owner` are borrowed until `ended`. Of all
 * events only `ending` may be called before this function returns.
 */
struct xf_out *xf_out_open_verify(struct xf_s2s *s2s, struct xf_span local, struct xf_span peer,
                                  const struct xf_out_events *events,
                                  const struct xf_out_verify_events *verify_events, void *owner);
/*
 * The present address does not answer questions: close the stream without a further event, and
 * avoid the address for a while.
 */
void xf_out_give_back(struct xf_out *out, const char *text);
void xf_out_reload(struct xf_out *out); /* the policy is new: end what it forbids */

/* Close it by our own wish: what waits for it, or comes just then, goes into a new stream. */
void xf_out_renew(struct xf_out *out, const char *text);

/* ------------------------------------------------------------------ out_connect.c */

/* Actions of the machine. */
void xf_out_resolve(struct xf_out *out);
void xf_out_try_next(struct xf_out *out);
void xf_out_start_tls(struct xf_out *out);
bool xf_out_has_more(const struct xf_out *out); /* is another address untried? */
void xf_out_settle(struct xf_out *out);         /* the present address is good: forget the others */
/* What is known about the peer's identity on the own stream of `out`. */
struct xf_verdict xf_out_verdict(const struct xf_out *out);
/* Why the settings refuse the authentication of a ready pair; text NULL: they do not. */
struct xf_refusal xf_out_auth_refusal(const struct xf_out *out);
/* What the certificate of that stream is judged by. Borrows. */
struct xf_tls_basis xf_out_basis(const struct xf_out *out);

/* ------------------------------------------------------------------ out_negotiation.c */

/* Actions of the machine. */
void xf_out_send_header(struct xf_out *out);
void xf_out_send_starttls(struct xf_out *out);
void xf_out_send_external(struct xf_out *out);
void xf_out_send_dialback(struct xf_out *out);
void xf_out_restart(struct xf_out *out);
/* Events of the stream. */
void xf_out_on_header(struct xf_stream *stream, const struct xf_header *header);
void xf_out_on_element(struct xf_stream *stream, const struct xf_elem *elem);

/* ------------------------------------------------------------------ out_sm.c */

void xf_out_send_resume(struct xf_out *out); /* action of the machine */
/* May the stream resume a broken one of the pair? */
bool xf_out_may_resume(const struct xf_out *out);
void xf_out_on_sm(struct xf_out *out, const struct xf_elem *elem); /* an element of XEP-0198 */
void xf_out_sm_closed(struct xf_out *out);                         /* its conn has closed */

/* ------------------------------------------------------------------ out_rider.c */

extern const struct xf_passenger_ops xf_out_seat_ops;
extern const struct xf_carrier_ops xf_out_carrier_ops;
/* The out ends without having been ready: do not let a resumption keep the pair from riding. */
void xf_out_could_not_resume(struct xf_out *out);
bool xf_out_ride(struct xf_out *out); /* let a new xf_out share a stream, if one can carry it */
/* Actions of the machine. */
void xf_out_board(struct xf_out *out);
void xf_out_await(struct xf_out *out);
void xf_out_stop_awaiting(struct xf_out *out);
void xf_out_tell_resumed(struct xf_out *out); /* what its stream has learned by resumption */
void xf_out_ask_carrier(struct xf_out *out);
void xf_out_become_rider(struct xf_out *out);
/* No stanza of the pair was sent yet: it gets a stream of its own. */
void xf_out_go_alone(struct xf_out *out);
/* The stream does not take the pair: it gets a stream of its own. */
void xf_out_ride_refused(struct xf_out *out, const char *why);
/*
 * The peer answered a db:result on `carrier`; `why` explains an answer that is not "valid". False:
 * no rider there asked it.
 */
bool xf_out_ride_answered(struct xf_out *carrier, const struct xf_dialback_names *names,
                          struct xf_span type, const char *why);
/* Let further pairs share the stream (multiplex): from READY until it ends. */
void xf_out_share(struct xf_out *out);
void xf_out_unshare(struct xf_out *out);

/* ------------------------------------------------------------------ out_bidi.c */

extern const struct xf_gate_ops xf_out_gate_ops;
void xf_out_request_bidi(struct xf_out *out); /* before authentication */
/* Why the peer must not send to us on our stream, or NULL: it may. */
const char *xf_out_bidi_refusal(const struct xf_out *out);
/* Has a domain gone away to which the peer may write here, now or once it has answered? */
bool xf_out_hears_for_away(const struct xf_out *out);
/* Answer a db:result or db:verify without a type: the peer asks. */
void xf_out_question(struct xf_out *out, const struct xf_elem *elem);

/* ------------------------------------------------------------------ out_ready.c */

/* Actions of the machine. */
/* The peer is authenticated: what it sends on a stream that goes both ways is welcome. */
void xf_out_listen(struct xf_out *out);
void xf_out_become_ready(struct xf_out *out);
void xf_out_say_ended(struct xf_out *out);

/* ------------------------------------------------------------------ out_fallback.c */

/* Give up, or try what is left. A stream error goes to the peer unless `error` is NONE. */
void xf_out_give_up(struct xf_out *out, enum xf_cause cause, enum xf_help help,
                    enum xf_stream_error error, const char *text);
/* Remember why it fails; only the first cause counts. */
void xf_out_note_cause(struct xf_out *out, enum xf_cause cause, enum xf_help help,
                       const char *text);
/* The conn fails: if that is over <resume/>, the peer is not asked again. */
void xf_out_note_resume(struct xf_out *out);
/* The present conn failed: avoid its address for a while. */
void xf_out_blame(struct xf_out *out);
/* The conn is gone, and its cause is noted: try what is left, or end. */
void xf_out_go_on(struct xf_out *out);
/*
 * Begin to wait for the peer: at most for `max_ms` (0: until `deadline`), or for candidate-timeout
 * where something else is left to try.
 */
void xf_out_wait(struct xf_out *out, uint64_t max_ms);
void xf_out_give_up_waiting(struct xf_out *out); /* the peer did not answer in time */
