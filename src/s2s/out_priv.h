/* SPDX-License-Identifier: MIT */
/*
 * out_priv.h — an outgoing stream, or a pair's place on a stream that others use too.
 *
 *   out.c              its life: open, stream events, time, send, free
 *   out_states.c       the order of things, as a table
 *   out_connect.c      from the domain to a conn: discovery, candidates, TLS
 *   out_negotiation.c  what the peer says and offers, and what is said to it, until it is ready
 *   out_rider.c        a pair that rides on a stream which is there already
 *   out_bidi.c         the peer's stanzas and questions on a stream of ours (XEP-0288)
 *   out_ready.c        into READY, and out of it
 *   out_fallback.c     patience, and what is tried when a conn comes to nothing
 *
 * To add a step to the negotiation: give its states and events a name and a sentence here and their
 * rows in out_states.c, write the action in out_negotiation.c, and fire the event from where the
 * peer's answer is read.
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
    X(BOARDING)         /* sits on a stream that proved the pair; ready in the next turn */         \
    X(ASKING)           /* sits on a stream of ours, and asks there for its pair */                 \
    X(RESOLVING)        /* DNS is asked for the peer's servers */                                   \
    X(DIALING)          /* their addresses are tried */                                             \
    X(PLAIN_HEADER)     /* connected; our header is out */                                          \
    X(PLAIN_FEATURES)   /* the peer's header came, its features are due */                          \
    X(PLAIN_PROCEED)    /* <starttls/> is out */                                                    \
    X(PLAIN_DIALBACK)   /* our dialback key is out, in clear */                                     \
    X(HANDSHAKE)        /* TLS is being made */                                                     \
    X(TLS_HEADER)       /* our second header is out */                                              \
    X(TLS_FEATURES)     /* the peer's second header came, its features are due */                   \
    X(TLS_SASL)         /* <auth mechanism='EXTERNAL'/> is out */                                   \
    X(TLS_DIALBACK)     /* our dialback key is out, inside TLS */                                   \
    X(AUTH_HEADER)      /* the peer took EXTERNAL; our third header is out */                       \
    X(AUTH_FEATURES)    /* its third header came, its features are due */                           \
    X(READY)            /* stanzas may be sent, or questions asked */                               \
    X(ENDED)            /* `ended` is told in the next turn */

#define XF_OUT_EVENT_MAP(X)                                                                         \
    X(CARRIED)          /* a stream of the peer carries the pair (XEP-0288) */                      \
    X(BOARDED)          /* the turn of the loop after that */                                       \
    X(OFFER_SHARE)      /* a stream of ours may take the pair (XEP-0220 §2.6.1) */                  \
    X(OPEN)             /* it needs a stream of its own */                                          \
    X(FOUND)            /* DNS named candidates */                                                  \
    X(TCP_UP)           /* one is connected */                                                      \
    X(DIRECT_UP)        /* one is connected that wants TLS at once (XEP-0368) */                    \
    X(HEADER)           /* the peer's stream header */                                              \
    X(OFFER_TLS)        /* STARTTLS is offered and wanted */                                        \
    X(PROCEED)          /* the peer takes STARTTLS */                                               \
    X(TLS_UP)           /* the handshake is over */                                                 \
    X(OFFER_SASL)       /* EXTERNAL is offered and wanted */                                        \
    X(SASL_OK)          /* the peer takes EXTERNAL */                                               \
    X(OFFER_DIALBACK)   /* dialback is possible and wanted */                                       \
    X(DIALBACK_OK)      /* the peer took our key */                                                 \
    X(OFFER_VERIFY)     /* good enough for questions: a verify stream authenticates nobody */       \
    X(FEATURES)         /* features behind SASL */                                                  \
    X(NEXT)             /* the conn came to nothing, another candidate is left */                   \
    X(CLEAR)            /* TLS came to nothing with all of them: once more without */               \
    X(END)              /* it is over */
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

#define XF_OUT_TICK_MS 15000 /* of a ready stream: idle, keep-alive, parking */

enum xf_out_purpose {
    XF_OUT_DELIVERY,
    XF_OUT_PROBE, /* delivery to a peer that failed just now: takes less time, logs less */
    XF_OUT_VERIFY /* questions only (verify.c): authenticates nobody, carries no stanzas */
};

/* What a verify stream tells its owner, beside xf_out_events. */
struct xf_out_verify_events {
    void (*answer)(void *owner, const struct xf_elem *elem); /* a db:verify of the peer */
    /* No more questions can be asked; `ended` follows. */
    void (*ending)(void *owner, enum xf_cause cause, const char *text);
};

struct xf_out {
    struct xf_node node;
    struct xf_s2s *s2s;
    char *local, *peer;
    const struct xf_peer_settings *settings; /* renewed by reload */
    enum xf_out_purpose purpose;
    bool for_stranger;                                /* opened for an answer to a stranger */
    const struct xf_out_events *events;               /* NULL after `ended` */
    const struct xf_out_verify_events *verify_events; /* NULL: no verify stream, or after `ended` */
    void *owner;
    const struct xf_machine *machine; /* xf_out_machine: the files of its actions lie below it */
    enum xf_out_state state;          /* written by xf_out_fire only */

    struct xf_stream stream;
    const struct xf_stream_events *stream_events;
    bool has_stream; /* stream is initialised */
    struct xf_gate gate;
    struct xf_carrier carrier; /* its stream's */
    struct xf_passenger seat;  /* on its own carrier, or another's, from BOARDING or READY */

    /* Of the search for a server. */
    struct xf_discovery *discovery;
    struct xf_dial *dial;
    bool tls_broke;   /* a handshake with one of the addresses failed */
    bool tlsa_exists; /* for one of them */
    bool in_clear;    /* TLS failed, and tls = optional: the next conns are without */
    bool sasl_failed; /* with one of the addresses: EXTERNAL is not tried again */

    /* Of the present conn. */
    bool is_direct;
    char *target;             /* the server, when secure SRV named it; NULL */
    struct xf_tlsa_set *tlsa; /* of that server, NULL: none; counted */
    struct xf_features features;
    bool peer_speaks_dialback; /* feature, or the namespace on its header */
    bool from_is_wrong;        /* the header of this pass; in clear it is only a hint */
    bool is_bidi;              /* asked for (XEP-0288) */
    bool sasl_aborted;
    bool may_dialback; /* it began EXTERNAL, and dialback may follow */
    char *peer_id;     /* stream id of the peer's last header */
    enum xf_auth_method method;

    bool was_ready;
    unsigned dropped;         /* stanzas that the peer sent on a one-way stream */
    struct xf_timer deadline; /* of the negotiation; runs until READY */
    struct xf_timer patience; /* how long the present conn may take (out_fallback.c) */
    uint64_t asked_ms;        /* since when we wait for it */
    struct xf_timer tick;     /* READY: idle, keep-alive, parking */
    struct xf_timer farewell; /* tells `ended` outside of calls */
    uint64_t opened_ms, ready_ms, stanzas;
    enum xf_cause cause;
    char text[200];
};

static inline struct xf_out *xf_out_of_seat(struct xf_passenger *seat)
{
    return XF_CONTAINER(seat, struct xf_out, seat);
}

static inline bool xf_out_is_rider(const struct xf_out *out)
{
    return out->seat.on && out->seat.on != &out->carrier;
}

/* ------------------------------------------------------------------ out_states.c */

extern const struct xf_machine xf_out_machine;

/* Move along the table; an event without a row is a protocol error of the peer. */
static inline void xf_out_fire(struct xf_out *out, enum xf_out_event event)
{
    xf_machine_fire(out->machine, out, event);
}

static inline const char *xf_out_state_name(const struct xf_out *out)
{
    return out->machine->states[out->state];
}

/* ------------------------------------------------------------------ out.c */

/* A verify stream; `events` and `verify_events` as xf_out_open. */
struct xf_out *xf_out_open_verify(struct xf_s2s *s2s, struct xf_span local, struct xf_span peer,
                                  const struct xf_out_events *events,
                                  const struct xf_out_verify_events *verify_events, void *owner);
/* The present address is no good: close the stream, and tell its owner nothing any more. */
void xf_out_give_back(struct xf_out *out, const char *text);
void xf_out_reload(struct xf_out *out); /* policy is new */

/* ------------------------------------------------------------------ out_connect.c */

void xf_out_resolve(struct xf_out *out);
void xf_out_try_next(struct xf_out *out);
void xf_out_start_tls(struct xf_out *out);
bool xf_out_has_more(const struct xf_out *out); /* other addresses of the peer, until: */
void xf_out_settle(struct xf_out *out);         /* the present address is good: forget the others */
/* What is known of the peer on its own stream. */
struct xf_verdict xf_out_verdict(const struct xf_out *out);

/* ------------------------------------------------------------------ out_negotiation.c */

void xf_out_send_header(struct xf_out *out);
void xf_out_send_starttls(struct xf_out *out);
void xf_out_send_external(struct xf_out *out);
void xf_out_send_dialback(struct xf_out *out);
void xf_out_restart(struct xf_out *out);
void xf_out_on_header(struct xf_stream *stream, const struct xf_header *header);
void xf_out_on_element(struct xf_stream *stream, const struct xf_elem *elem);

/* ------------------------------------------------------------------ out_rider.c */

extern const struct xf_passenger_ops xf_out_seat_ops;
extern const struct xf_carrier_ops xf_out_carrier_ops;
bool xf_out_ride(struct xf_out *out); /* a new one, where that is possible */
void xf_out_board(struct xf_out *out);
void xf_out_ask_carrier(struct xf_out *out);
void xf_out_become_rider(struct xf_out *out);
void xf_out_ride_refused(struct xf_out *out, const char *why);
/* The peer answered a db:result on `carrier`. False: no rider asked. */
bool xf_out_ride_answered(struct xf_out *carrier, const struct xf_dialback_names *names,
                          struct xf_span type, const char *why);
/* A stream that takes further pairs, from when it is ready until it ends. */
void xf_out_share(struct xf_out *out);
void xf_out_unshare(struct xf_out *out);

/* ------------------------------------------------------------------ out_bidi.c */

extern const struct xf_gate_ops xf_out_gate_ops;
void xf_out_request_bidi(struct xf_out *out); /* before authentication */
/* NULL: the peer may send to us on our stream. */
const char *xf_out_bidi_refusal(const struct xf_out *out);
/* A db:result or db:verify without a type: the peer asks. */
void xf_out_question(struct xf_out *out, const struct xf_elem *elem);

/* ------------------------------------------------------------------ out_ready.c */

void xf_out_become_ready(struct xf_out *out);
void xf_out_say_ended(struct xf_out *out);

/* ------------------------------------------------------------------ out_fallback.c */

/* Give up with a cause; a stream error goes to the peer when `error` is not NONE. */
void xf_out_give_up(struct xf_out *out, enum xf_cause cause, enum xf_stream_error error,
                    const char *text);
/* The first cause counts. */
void xf_out_note_cause(struct xf_out *out, enum xf_cause cause, const char *text);
/* The present conn came to nothing: its address is tried last for a while. */
void xf_out_blame(struct xf_out *out);
/* The conn is gone, the cause noted: the next way, or the end. */
void xf_out_go_on(struct xf_out *out);
/*
 * Something is due from the peer, within `max_ms` (0: as long as there is time), or
 * candidate-timeout where there is another way.
 */
void xf_out_wait(struct xf_out *out, uint64_t max_ms);
void xf_out_give_up_waiting(struct xf_out *out); /* it did not come */
