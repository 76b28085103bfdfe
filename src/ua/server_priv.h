/* SPDX-License-Identifier: MIT */
/*
 * server_priv.h — a request of a peer and its server transaction (server.c; states:
 * server_states.c; RFC 3261 section 17.2 with RFC 6026, reliable transports only).
 */
#pragma once

#include "core_priv.h"

/* clang-format off */
#define XF_UA_SERVER_STATE_MAP(X)                                       \
    X(ASKED)    /* no final answer was given */                      \
    X(ACCEPTED) /* INVITE: a 2xx, which is repeated until the ACK */ \
    X(REFUSED)  /* INVITE: 300 and above; the ACK is due */          \
    X(OVER)
#define XF_UA_SERVER_EVENT_MAP(X) \
    X(FINAL) X(ACCEPT) X(REFUSE) X(REPEAT) X(ACK) X(TIME) X(CUT)
/* clang-format on */

enum xf_ua_server_state {
#define X(name) XF_UA_SERVER_##name,
    XF_UA_SERVER_STATE_MAP(X)
#undef X
        XF_UA_SERVER_STATE_COUNT
};

enum xf_ua_server_event {
#define X(name) XF_UA_SERVER_ON_##name,
    XF_UA_SERVER_EVENT_MAP(X)
#undef X
        XF_UA_SERVER_EVENT_COUNT
};

struct xf_ua_server {
    struct xf_node node; /* in xf_flow.servers, unless that is NULL */
    struct xf_ua *ua;
    enum xf_ua_server_state state;
    enum xf_sip_method method;
    struct xf_flow *flow;  /* NULL: the conn has ended */
    struct xf_place place; /* in xf_ua.requests, weighing what is kept of request and answer */
    char *peer, *from, *local;
    char tag[XF_ID_CHARS + 1];
    struct xf_span to_tag; /* that our answers have: of the request, or `tag` */
    struct xf_ua_key key, merge_key, dialog_key;

    /* The request: as it is handled now; else its head, in which the body counts 0 bytes. */
    const struct xf_sip_message *request;
    char *head;
    size_t head_len;
    char source[XF_ADDR_TEXT_BYTES];
    uint16_t source_port;

    const struct xf_ua_server_events *events;
    void *owner;            /* NULL: nobody wants to know */
    struct xf_buf answer;   /* the last one; kept while it may have to be repeated */
    struct xf_timer end;    /* its time is up; H, L */
    struct xf_timer repeat; /* 100 is due; the 2xx is */
    unsigned repeat_ms;
    const struct xf_sip_message *ack; /* of a 2xx, that is handled now */
};

extern const struct xf_machine xf_ua_server_machine; /* server_states.c */

/* Make a transaction, tell the owner, and say whether its conn goes on. */
enum xf_ua_taken xf_ua_server_begin(struct xf_flow *flow, const struct xf_core_call *call);
/* Is the same request here already, by another way (RFC 3261 section 8.2.2.2)? */
bool xf_ua_server_is_merged(struct xf_ua *ua, struct xf_span peer,
                            const struct xf_sip_message *request);
/* Has this very request come before? Then the 100 is sent again, if there was one. */
bool xf_ua_server_again(struct xf_ua *ua, struct xf_span peer,
                        const struct xf_sip_message *request);
/* Is there room for one more, of whose head so much is kept? Else the word for what is full. */
const char *xf_ua_server_is_crowded(const struct xf_flow *flow, struct xf_span peer, size_t bytes);

void xf_ua_server_acked(struct xf_flow *flow, struct xf_span peer,
                        const struct xf_sip_message *ack);
/* False: there is no such request. */
bool xf_ua_server_cancel(struct xf_flow *flow, struct xf_span peer,
                         const struct xf_sip_message *cancel);
void xf_ua_server_flow_ended(struct xf_flow *flow);
void xf_ua_server_cut_all(struct xf_ua *ua);

/* Actions of the table. */
void xf_ua_server_accepted(struct xf_ua_server *server);
void xf_ua_server_refused(struct xf_ua_server *server);
void xf_ua_server_repeat(struct xf_ua_server *server);
void xf_ua_server_over(struct xf_ua_server *server);
void xf_ua_server_over_acked(struct xf_ua_server *server);
void xf_ua_server_over_unacked(struct xf_ua_server *server);
void xf_ua_server_over_late(struct xf_ua_server *server);
void xf_ua_server_over_cut(struct xf_ua_server *server);
