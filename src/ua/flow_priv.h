/* SPDX-License-Identifier: MIT */
/*
 * flow_priv.h — one conn with SIP on it: framing, time, keep-alive, pauses (flow.c), who may have
 * one (admission.c), its states (flow_states.c).
 *
 * A flow ends in two steps: xf_flow_end takes it out of use and closes the conn; when the conn has
 * closed, the flow is freed. Requests of ours that were sent on it are told in between, never
 * before the call that ended it has returned.
 */
#pragma once

#include "keep_alive_priv.h"
#include "ua_priv.h"

/* clang-format off */
#define XF_FLOW_STATE_MAP(X)                                          \
    X(BEGUN)      /* not told to the conn yet */                      \
    X(CONNECTING) /* ours: TCP */                                     \
    X(SECURING)   /* TLS handshake */                                 \
    X(JUDGING)    /* accepted: the certificate is being judged */     \
    X(OPEN)       /* messages pass */                                 \
    X(ENDING)     /* waits for the conn to close */
#define XF_FLOW_EVENT_MAP(X) \
    X(CONNECT) X(SECURE) X(JUDGE) X(ADMIT) X(END)
/* clang-format on */

enum xf_flow_state {
#define X(name) XF_FLOW_##name,
    XF_FLOW_STATE_MAP(X)
#undef X
        XF_FLOW_STATE_COUNT
};

enum xf_flow_event {
#define X(name) XF_FLOW_ON_##name,
    XF_FLOW_EVENT_MAP(X)
#undef X
        XF_FLOW_EVENT_COUNT
};

/*
 * What a flow tells those above it, who are put together in ua.c. Of a conn of ours, its hop hears
 * `secures`, `up`, `failed`, `left` and `room`.
 */
struct xf_flow_events {
    void (*request)(struct xf_flow *flow, const struct xf_sip_message *request);
    void (*answer)(struct xf_flow *flow, const struct xf_sip_message *answer);
    /* A request that cannot be understood, but answered. */
    void (*malformed)(struct xf_flow *flow, const struct xf_sip_message *request, unsigned status);
    /* TLS begins on a conn of ours: by what? */
    void (*secures)(struct xf_flow *flow, struct xf_tls_request *request);
    void (*up)(struct xf_flow *flow);
    /* A conn of ours did not come up: before `left`. What to do about it: flow->fault.help. */
    void (*failed)(struct xf_flow *flow, enum xf_ua_cause cause, const char *detail);
    void (*left)(struct xf_flow *flow);  /* it is out of use, inside the call that did it */
    void (*ended)(struct xf_flow *flow); /* the same, after that call has returned */
    void (*room)(struct xf_flow *flow);  /* its output has drained */
};

struct xf_flow {
    struct xf_node node; /* in xf_ua.flows */
    struct xf_ua *ua;
    struct xf_conn *conn;
    enum xf_flow_state state;
    uint64_t number; /* in the log */
    bool is_clear, is_outgoing;
    struct xf_addr addr;
    char host[XF_ADDR_TEXT_BYTES], network[XF_ADDR_TEXT_BYTES];

    /* The next hop to which it leads; of an accepted one, once the peer has said alias. */
    struct xf_hop *hop;
    struct xf_node hop_node;
    char *peer, *target; /* ours: whose next hop it is, and the host that was looked up */
    char *caller;        /* who sent a request over it last; NULL: nobody did */

    /* Accepted: in xf_ua.half_open, then in xf_ua.conns. Ours: in xf_ua.own_conns. */
    struct xf_place half_place, place;
    struct xf_buf in; /* what was read and is not handled yet */
    struct xf_sip_framer framer;
    bool is_full;               /* paused, since the owner is full */
    bool is_held;               /* paused, since the peer sends too fast */
    struct xf_rate_waiter rate; /* in xf_ua.rates or xf_ua.nameless */
    bool is_crowded;            /* paused, since as many of its requests as may be are open */
    struct xf_timer room;       /* one of those has ended: read on */
    bool is_congested;          /* paused, since the other side does not read what we answer */
    /* Paused, and without new requests of ours, until the authorities of now have judged it. */
    bool is_unproved;
    bool is_reading; /* inside read_on */
    uint64_t congested_ms;

    unsigned judged_by; /* xf_ua.generation by which its certificate was judged, or is being */
    bool is_judging;    /* ... is being: env->judge_tls has not answered */
    struct xf_few_entry recheck; /* it waits to be judged again, or is, in xf_ua.rechecks */

    struct xf_keep_alive alive;
    uint64_t heard_ms; /* the last byte */
    uint64_t used_ms;  /* the last message, either way */
    uint64_t open_ms;  /* when it became open; 0: never */

    struct xf_timer due;   /* the handshake, or the message that has begun, must be whole */
    struct xf_timer tick;  /* idle, ping, stalled output */
    struct xf_timer after; /* of the end: tell the requests that were sent on it */

    struct xf_node clients, servers;                   /* transactions on it */
    unsigned client_count, server_count, invite_count; /* the last ones are of the servers */

    struct xf_ua_fault fault; /* why we end it; reason NULL: the other side did (help: why) */
    enum xf_ua_cause cause;   /* the same for requests of ours that did not get through */
    bool is_told;             /* a line of the log has said why it ends */
};

#define XF_FLOW_LINGER_MS   2000
#define XF_FLOW_SPARE_BYTES (128u << 10) /* more than a conn delivers after it was paused */

extern const struct xf_machine xf_flow_machine; /* flow_states.c */

static inline bool xf_flow_is_open(const struct xf_flow *flow)
{
    return flow->state == XF_FLOW_OPEN;
}

/* Nothing is read from it and handled now. */
static inline bool xf_flow_is_paused(const struct xf_flow *flow)
{
    return flow->is_full || flow->is_held || flow->is_crowded || flow->is_congested ||
           flow->is_unproved;
}

/* Open, and without requests of ours or of the other side. */
static inline bool xf_flow_is_unused(const struct xf_flow *flow)
{
    return xf_flow_is_open(flow) && flow->client_count == 0 && flow->server_count == 0;
}

/* ------------------------------------------------------------------ flow.c */

void xf_flow_accept(struct xf_ua *ua, struct xf_conn *conn, bool is_clear);
/* Connect to a candidate for a hop. */
struct xf_flow *xf_flow_connect(struct xf_hop *hop, const struct xf_candidate *candidate,
                                const struct xf_source *source, unsigned timeout_ms);

/* Write to the conn. False: it does not fit, and the flow ends. */
bool xf_flow_write(struct xf_flow *flow, struct xf_span bytes);
/* After something was written to conn->out. */
void xf_flow_written(struct xf_flow *flow);

void xf_flow_end(struct xf_flow *flow, const struct xf_ua_fault *fault, enum xf_ua_cause cause,
                 unsigned linger_ms);
/*
 * Count a message of this peer, or one that is of no peer for its network: if they come too fast,
 * the next one waits. Once for each message.
 */
void xf_flow_count_rate(struct xf_flow *flow, struct xf_span peer, size_t bytes);
void xf_flow_count_nameless(struct xf_flow *flow);
void xf_flow_resume(struct xf_flow *flow); /* the owner has room again */
/* Not judged by the authorities that count from now on: it is not used until it was. */
void xf_flow_set_unproved(struct xf_flow *flow, bool is_unproved);
/* A request of the other side was taken on this conn, and has ended. */
void xf_flow_server_begun(struct xf_flow *flow, bool is_invite);
void xf_flow_server_over(struct xf_flow *flow, bool is_invite);
void xf_flow_check_idle(struct xf_flow *flow); /* while we drain: end it if nothing is open */
struct xf_ua_party xf_flow_party(const struct xf_flow *flow);

/* Actions of the table. */
void xf_flow_start_tls(struct xf_flow *flow);
void xf_flow_judge(struct xf_flow *flow); /* admission.c */
void xf_flow_become_open(struct xf_flow *flow);
void xf_flow_leave(struct xf_flow *flow);

/* ------------------------------------------------------------------ admission.c */

/* A place for a conn that was accepted a moment ago. False: there is none. */
bool xf_flow_take_half_place(struct xf_flow *flow);
/* Is there a place for one more conn of ours to the hop? An unused one may end for it. */
bool xf_flow_has_own_place(const struct xf_hop *hop);
void xf_flow_enter_own_place(struct xf_flow *flow); /* then, at once */
/*
 * Ask the owner, and take a place among the conns of peers: it becomes open, or ends. Its
 * certificate, if it has one, has been judged.
 */
void xf_flow_admit(struct xf_flow *flow);
void xf_flow_readmit(struct xf_flow *flow); /* after a reload: look at it, and judge it, again */
void xf_ua_rechecks_init(struct xf_ua *ua);
/*
 * Since it was judged, anchors, lists or the date may have changed: it waits to be judged again,
 * and goes on meanwhile.
 */
void xf_flow_judge_again(struct xf_flow *flow);
