/* SPDX-License-Identifier: MIT */
/*
 * client_priv.h — a request of ours and its client transaction (client.c; states:
 * client_states.c; RFC 3261 section 17.1 with RFC 6026, reliable transports only).
 */
#pragma once

#include "ua_priv.h"

/* clang-format off */
#define XF_UA_CLIENT_STATE_MAP(X)                                              \
    X(WAITING)    /* for a conn; no byte was sent */                        \
    X(CALLING)    /* sent */                                                \
    X(PROCEEDING) /* a provisional answer has come */                       \
    X(ACCEPTED)   /* INVITE: a 2xx has come, and may come again */          \
    X(OVER)
#define XF_UA_CLIENT_EVENT_MAP(X) \
    X(SENT) X(PROVISIONAL) X(ACCEPT) X(FINAL) X(NO_ANSWER)
/* clang-format on */

enum xf_ua_client_state {
#define X(name) XF_UA_CLIENT_##name,
    XF_UA_CLIENT_STATE_MAP(X)
#undef X
        XF_UA_CLIENT_STATE_COUNT
};

enum xf_ua_client_event {
#define X(name) XF_UA_CLIENT_ON_##name,
    XF_UA_CLIENT_EVENT_MAP(X)
#undef X
        XF_UA_CLIENT_EVENT_COUNT
};

/* ACKs of one INVITE: its answer may come from so many branches of a fork. */
#define XF_UA_CLIENT_FORKS_MAX 8

struct xf_ua_client_ack {
    struct xf_node node;
    char *to_tag;
    struct xf_buf bytes;
};

struct xf_ua_client {
    struct xf_node node; /* in xf_hop.waiting, or in xf_flow.clients */
    struct xf_ua *ua;
    enum xf_ua_client_state state;
    enum xf_sip_method method;
    uint32_t cseq;
    struct xf_ua_key key, call_key;
    struct xf_hop *hop;    /* NULL: none, or it has its final answer */
    struct xf_flow *flow;  /* NULL while it waits, and when the conn has ended */
    struct xf_place place; /* in xf_ua.sent while it has a hop */
    struct xf_buf bytes;   /* the request */
    const struct xf_ua_client_events *events;
    void *owner;
    bool is_told;             /* done was called, or nobody wants to know */
    bool is_counted;          /* how it ended */
    bool wants_cancel;        /* as soon as it is PROCEEDING */
    unsigned char late_count; /* how often the time for an answer began again */
    struct xf_timer timer;    /* B, F; INVITE: how long it may be PROCEEDING; M */
    struct xf_node acks;      /* struct xf_ua_client_ack */
    unsigned ack_count;

    const struct xf_sip_message *answer; /* that is handled now; NULL: none */
    enum xf_ua_cause cause;              /* of NO_ANSWER */
    enum xf_help help;                   /* what to do about it */
    char *text;                          /* the same for people */
};

extern const struct xf_machine xf_ua_client_machine; /* client_states.c */

/* Write it to the conn. */
void xf_ua_client_send(struct xf_ua_client *client, struct xf_flow *flow);
void xf_ua_client_fail(struct xf_ua_client *client, enum xf_ua_cause cause, enum xf_help help,
                       const char *text);
void xf_ua_client_flow_ended(struct xf_flow *flow); /* all that was sent on it */
void xf_ua_client_answer(struct xf_flow *flow, const struct xf_sip_message *answer);
void xf_ua_client_cut_all(struct xf_ua *ua);

/* Actions of the table. */
void xf_ua_client_proceed(struct xf_ua_client *client);
void xf_ua_client_tell_progress(struct xf_ua_client *client);
void xf_ua_client_accept(struct xf_ua_client *client);
void xf_ua_client_again(struct xf_ua_client *client);
void xf_ua_client_finish(struct xf_ua_client *client);
void xf_ua_client_give_up(struct xf_ua_client *client);
