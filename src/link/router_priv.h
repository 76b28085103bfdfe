/* SPDX-License-Identifier: MIT */
/*
 * router_priv.h — a leg to jabberd2's router: its states, and what the router has said.
 *
 * The leg binds the link's name, with which it may send, and asks for the default route under
 * another name of its own, to which the router then sends what is for no domain of the cluster.
 * Only one component can hold the default route. Who does not get it stands by: stanzas of peers
 * pass, and the next try follows when somebody leaves the router.
 */
#pragma once

#include "digest_md5_priv.h"
#include "leg_priv.h"

#include <xfed/base/list.h>
#include <xfed/base/map.h>

/* clang-format off */
#define XF_ROUTER_STATE_MAP(X)                      \
    X(APART,     "apart")     /* there is no stream */                                             \
    X(FEATURES,  "features")  /* our header is sent */                                             \
    X(PROCEED,   "proceed")   /* <starttls/> is sent */                                            \
    X(HANDSHAKE, "handshake") /* of TLS */                                                         \
    X(SECURE,    "secure")    /* our header is sent inside TLS */                                  \
    X(CHALLENGE, "challenge") /* the mechanism is chosen */                                        \
    X(PROOF,     "proof")     /* our response is sent, the router's proof is due */                \
    X(RESTART,   "restart")   /* our header is sent after SASL */                                  \
    X(BIND,      "bind")      /* the bind of our name is sent */                                   \
    X(ASKING,    "asking")    /* bound; asked for the default route */                             \
    X(STANDBY,   "standby")   /* bound; another one has the default route */                       \
    X(HOLDER,    "holder")    /* bound; the default route is ours */                               \
    X(LEAVING,   "leaving")   /* bound; we want no default route any more, since we stop */

#define XF_ROUTER_EVENT_MAP(X)                      \
    X(CONNECTED, "connected") /* the TCP connection is open */                                     \
    X(OFFER_TLS, "offer-tls") /* the router offers STARTTLS, and we want it */                     \
    X(GO,        "go")        /* <proceed/> */                                                     \
    X(SECURED,   "secured")   /* TLS is up */                                                      \
    X(OFFER,     "offer")     /* the router offers our SASL mechanism */                           \
    X(CHALLENGED, "challenged") /* its challenge was answered */                                   \
    X(PROVED,    "proved")    /* SASL is over, and the router knows the secret */                  \
    X(RESTARTED, "restarted") /* features after SASL */                                            \
    X(BOUND,     "bound")     /* our name is bound */                                              \
    X(TAKEN,     "taken")     /* the default route is ours */                                      \
    X(HELD,      "held")      /* we did not get the default route */                               \
    X(AGAIN,     "again")     /* somebody left the router, or we have waited for long */           \
    X(LEAVE,     "leave")     /* we are about to stop */                                           \
    X(ENDS,      "ends")      /* the stream ends */
/* clang-format on */

enum xf_router_state {
#define X(name, word) XF_ROUTER_##name,
    XF_ROUTER_STATE_MAP(X)
#undef X
};

enum xf_router_event {
#define X(name, word) XF_ROUTER_ON_##name,
    XF_ROUTER_EVENT_MAP(X)
#undef X
};

/* What the route that is being read carries. */
enum xf_router_route {
    XF_ROUTER_ROUTE_NONE,     /* nothing for us */
    XF_ROUTER_ROUTE_STANZA,   /* a stanza of the cluster */
    XF_ROUTER_ROUTE_RETURNED, /* one of ours that the router could not deliver */
};

struct xf_router {
    struct xf_leg leg; /* first: the leg's memory is ours */
    enum xf_router_state state;
    char rspauth[XF_MD5_HEX_BYTES + 1]; /* the router's proof, in PROOF */
    char *default_name;                 /* bound with the default route; of this stream */
    enum xf_router_route route;
    enum xf_stanza_error route_error; /* with RETURNED */
    struct xf_map *online;            /* keys: the domains that the router has */
    struct xf_buf open;               /* start tag of the last route; kept for its memory */
    struct xf_timer retry;            /* in ASKING and STANDBY: `again` is due */
    struct xf_timer look;             /* after the start: are all domains there? */
    bool is_warned;                   /* that the router does not let us have the default route */
};

extern const struct xf_machine xf_router_machine; /* for the test of its table */

static inline struct xf_router *xf_router_of(struct xf_leg *leg)
{
    return XF_CONTAINER(leg, struct xf_router, leg);
}

/* ------------------------------------------------------------------ router_states.c */

void xf_router_fire(struct xf_router *router, enum xf_router_event event);

/* ------------------------------------------------------------------ router_negotiation.c */

/* The actions of the table. */
void xf_router_send_header(struct xf_router *router);
void xf_router_send_starttls(struct xf_router *router);
void xf_router_start_tls(struct xf_router *router);
void xf_router_send_auth(struct xf_router *router);
void xf_router_restart(struct xf_router *router);
void xf_router_bind_name(struct xf_router *router);
void xf_router_come_up(struct xf_router *router);
void xf_router_ask_default(struct xf_router *router);
void xf_router_hold(struct xf_router *router);
void xf_router_stand_by(struct xf_router *router);
void xf_router_wait_on(struct xf_router *router);
void xf_router_give_up_default(struct xf_router *router);
void xf_router_part(struct xf_router *router);

/* Features, the elements of TLS and SASL, and the answer to a bind. False: not one of these. */
bool xf_router_negotiate(struct xf_router *router, const struct xf_elem *elem);

/* ------------------------------------------------------------------ router_domains.c */

void xf_router_domains_init(struct xf_router *router);
void xf_router_domains_fini(struct xf_router *router);
void xf_router_domains_begin(struct xf_router *router); /* the leg is up */
void xf_router_domains_end(struct xf_router *router);   /* the stream ends: forget all */

/* <presence from= type=/> of the router: one of its domains is online, or offline. */
void xf_router_domains_note(struct xf_router *router, const struct xf_elem *elem);
