/* SPDX-License-Identifier: MIT */
/*
 * ua.h — a SIP user agent (RFC 3261) over TLS and TCP: conns, who is calling, transactions, and the
 * checks that every request must pass. Sans I/O. It stands beside s2s and knows no XMPP.
 *
 *     in    xf_ua_accept takes a conn of a listener. A request that passes the checks comes as
 *           events->request, with a transaction (struct xf_ua_server) that the owner answers by
 *           xf_ua_answer, at once or later. OPTIONS, CANCEL and what is refused are answered here.
 *     out   xf_ua_send sends a request to the next hop of a peer, over a conn that is there or is
 *           made; it ends in exactly one `done`.
 *
 * Dialogs are values (dialog.h), which the owner keeps; the layer keeps transactions only. Who a
 * peer is, how it is reached and which names count, only the owner knows: it is asked by struct
 * xf_ua_events. Nothing is relayed: a request that is not from a peer and to us is refused.
 *
 * To check one more thing in each request, start at the table in src/ua/core.c. To add a timer or
 * an event of a transaction, start at src/ua/client_states.c or server_states.c.
 */
#pragma once

#include <xfed/base/help.h>
#include <xfed/dns/discover.h>
#include <xfed/policy/policy.h>
#include <xfed/sip/write.h>
#include <xfed/stream/env.h>
#include <xfed/ua/settings.h>

struct xf_ua;
struct xf_ua_client; /* a request of ours */
struct xf_ua_server; /* a request of a peer */

/* RFC 3261 appendix A; all transports are reliable. */
#define XF_UA_T1_MS 500
#define XF_UA_T2_MS 4000
#define XF_UA_T_MS  (64 * XF_UA_T1_MS) /* timers B, F, H, L, M */
/* An INVITE, sent or received, that got no final answer ends after this time (as timer C). */
#define XF_UA_INVITE_MS 180000

/* ------------------------------------------------------------------ who is there */

/* What is known of the other side of a conn. Borrowed for the call. */
struct xf_ua_party {
    const struct xf_addr *addr;
    const struct xf_tls_facts *tls; /* NULL: TCP in clear */
    /* Of a conn of ours: the peer (xf_ua_hop.name), and the host that was looked up. Else NULL. */
    const char *peer, *target;
};

/* Whose requests a party may send. */
struct xf_ua_caller {
    /* The peer whose section allows it, prepared; lives as long as `domain`, or until a reload. */
    struct xf_span peer;
    bool accepts_sips; /* sips: URIs are taken as sip: ones; else 480 (RFC 5630 section 5.1.2) */
};

/* How a peer is reached. Name and identity are copied; the settings live until the next reload. */
struct xf_ua_hop {
    /*
     * Peers with the same name and identity share conns. It is the domain of the peer, or of the
     * peer through which it is reached; prepared.
     */
    struct xf_span name;
    struct xf_span identity; /* whose certificate we show (xf_tls_request.local) */
    /* Route and its order, resolvers, TLS version, ciphers, ca-file, candidate-timeout. */
    const struct xf_peer_settings *settings;
    unsigned services; /* enum xf_service: what DNS is asked for, without a route */
    /* Where it is reached if DNS has no SRV records of these; NULL or empty: as RFC 3263 says. */
    const struct xf_texts *open_route;
    struct xf_source source; /* where we connect from */
    bool is_clear;           /* TCP without TLS */
    bool sends_alias; /* our Via says that the peer may use our conn for its requests (RFC 5923) */
    unsigned rate;    /* requests a second; 0: any number */
};

enum xf_ua_taken {
    XF_UA_TAKEN, /* the conn goes on */
    XF_UA_FULL,  /* taken, and the conn pauses until xf_ua_resume */
};

struct xf_ua_events {
    /*
     * By what is the certificate of this party to be judged: it is known and was not judged yet,
     * or there was a reload since? A conn of ours is judged first by the settings of its hop.
     * *out_basis is zeroed (the default anchors); what it points to is borrowed for the call;
     * `identities` is filled by ua. May be NULL.
     */
    void (*basis)(void *owner, const struct xf_ua_party *party, struct xf_tls_basis *out_basis);
    /*
     * May we have a conn with this party? Is it any peer at all, by its names or its address; and
     * if it is a conn of ours, is it that peer? A TLS conn has a judged certificate, whose chain
     * the callee looks at. False: *out_refusal says why, for the log.
     */
    bool (*admits)(void *owner, const struct xf_ua_party *party, struct xf_refusal *out_refusal);
    /*
     * May this party send requests from this prepared domain (From, P-Asserted-Identity)? True:
     * *out_caller is filled.
     */
    bool (*calls)(void *owner, const struct xf_ua_party *party, struct xf_span domain,
                  struct xf_ua_caller *out_caller);
    /* How is this peer reached from this served domain? False: not by SIP. */
    bool (*hop)(void *owner, struct xf_span local, struct xf_span peer, struct xf_ua_hop *out_hop);
    /*
     * A request that passed all checks: any method of xf_ua_opts.methods but ACK and CANCEL, and
     * OPTIONS only with a tag in To. The callee may answer it at once. `request` is borrowed for
     * the call. Who answers later, owns the transaction first (xf_ua_server_own), and so hears
     * when it is gone.
     */
    enum xf_ua_taken (*request)(void *owner, struct xf_ua_server *server,
                                const struct xf_sip_message *request);
    /* That party took a request of ours to this peer (2xx); before its `done`. May be NULL. */
    void (*answered)(void *owner, const struct xf_ua_party *party, struct xf_span local,
                     struct xf_span peer);
};

struct xf_ua_opts {
    struct xf_env *env;
    struct xf_policy *policy;              /* borrowed until xf_ua_reload or xf_ua_free */
    const struct xf_ua_settings *settings; /* copied, with its text */
    struct xf_tls_identities *identities;  /* takes a reference */
    unsigned methods;     /* bits 1u << XF_SIP_...: Allow; others are answered with 405 */
    const char *accept;   /* for OPTIONS: types of bodies; a literal */
    const char *packages; /* ... what may be subscribed to (Allow-Events); a literal, or NULL */
    /* Tags of extensions that may be required; literals, ended by NULL; borrowed. NULL: none. */
    const char *const *extensions;
    const struct xf_ua_events *events;
    void *owner;
};

struct xf_ua *xf_ua_new(const struct xf_ua_opts *opts);
void xf_ua_free(struct xf_ua **ua); /* xf_ua_is_over must be true; NULL is allowed */

/*
 * Apply a new policy, settings and certificates. Conns whose party is no longer admitted end; all
 * others, and all transactions, go on. What is left is judged again in turn by the anchors and
 * revocation lists of `identities`, as it is every XF_RECHECK_MS: conns whose certificate is not
 * trusted any more end then. Not with the policy and the certificates that are in force, which only
 * ask policy again.
 */
void xf_ua_reload(struct xf_ua *ua, struct xf_policy *policy, const struct xf_ua_settings *settings,
                  struct xf_tls_identities *identities);

/* Take over a conn that a listener accepted; `is_clear`: TCP without TLS. */
void xf_ua_accept(struct xf_ua *ua, struct xf_conn *conn, bool is_clear);

/*
 * There is room again: read on from the conns that XF_UA_FULL paused. Not before this function has
 * returned, so that it may be called in every event: the message of that stays as it is.
 */
void xf_ua_resume(struct xf_ua *ua);

/* Take no new requests, send none; conns end when their transactions have. */
void xf_ua_drain(struct xf_ua *ua);
void xf_ua_cut(struct xf_ua *ua);           /* time is up: end all transactions and conns */
bool xf_ua_is_over(const struct xf_ua *ua); /* no conn and no transaction is left */

enum xf_ua_dir { XF_UA_IN, XF_UA_OUT, XF_UA_DIRS };
#define XF_UA_CLASSES 7 /* a hundredth of the status; 0: there was no answer */

struct xf_ua_counts {
    size_t conns, half_open;       /* now */
    size_t clients, servers;       /* transactions now */
    uint64_t requests_in, refused; /* ... of these, those that were answered here by a failure */
    uint64_t requests_out, unanswered;
    uint64_t malformed; /* messages that could not be parsed */
    uint64_t strays;    /* responses and ACKs to nothing, repeated requests: dropped */
    uint64_t no_place;  /* conns that found no place, or lost it to another one */
    struct {
        size_t open, opening;               /* conns now: messages pass; not yet */
        uint64_t tls_1_2, tls_1_3, tls_bad; /* handshakes: by version, and failed */
    } by[XF_UA_DIRS];
    /*
     * Requests that have ended: from peers (in), of ours (out), by method and by the class of the
     * final answer. Methods that we do not have count as XF_SIP_METHOD_OTHER.
     */
    uint64_t ended[XF_UA_DIRS][XF_SIP_METHOD_COUNT][XF_UA_CLASSES];
    unsigned methods; /* bits 1u << XF_SIP_...: those that we have */
};
void xf_ua_count(const struct xf_ua *ua, struct xf_ua_counts *out_counts);

/* ------------------------------------------------------------------ requests of ours */

struct xf_ua_header {
    enum xf_sip_header_id id;
    const char *name; /* XF_SIP_H_OTHER: its name, a literal */
    struct xf_span value;
};

/* A request to be sent. All is borrowed for the call; what is absent is not written. */
struct xf_ua_request {
    struct xf_span local;      /* the served domain that it is from, prepared */
    struct xf_span peer;       /* to whose next hop it goes, prepared */
    enum xf_sip_method method; /* not OTHER */
    struct xf_span uri;        /* Request-URI */
    struct xf_span from, to;   /* values of the headers, with their tags */
    struct xf_span call_id;
    uint32_t cseq;
    unsigned max_forwards; /* 0: 70 */
    /* URIs of Route without <>, one behind the other, each ended by LF (dialog.h); or absent. */
    struct xf_span route;
    struct xf_span contact;
    const struct xf_ua_header *headers; /* further ones */
    size_t header_count;
    struct xf_span body; /* with its Content-Type among the headers */
};

/* Why there is no answer: name, word for the log. */
/* clang-format off */
#define XF_UA_CAUSE_MAP(X)                                                       \
    X(NONE,        "none")           /* there is one */                          \
    X(POLICY,      "policy")         /* xf_ua_events.hop says no */              \
    X(NOT_FOUND,   "dns-not-found")                                              \
    X(NO_SERVICE,  "dns-no-service")                                             \
    X(DNS_FAILED,  "dns-failed")                                                 \
    X(CONNECT,     "connect")        /* refused, no way to it, silence */        \
    X(TLS,         "tls")                                                        \
    X(CERTIFICATE, "certificate")    /* xf_ua_events.admits says no */           \
    X(BUSY,        "busy")           /* a limit of ours */                       \
    X(LOST,        "lost")           /* the conn ended before the answer */      \
    X(TIMEOUT,     "timeout")        /* no answer in time */                     \
    X(SHUTDOWN,    "shutdown")       /* xf_ua_cut, as XF_UA_END_SHUTDOWN; xf_ua_drain */
/* clang-format on */

enum xf_ua_cause {
#define X(name, word) XF_UA_CAUSE_##name,
    XF_UA_CAUSE_MAP(X)
#undef X
};
const char *xf_ua_cause_word(enum xf_ua_cause cause);

struct xf_ua_outcome {
    const struct xf_sip_message *answer; /* final; NULL: none, and `cause` says why */
    enum xf_ua_cause cause;
    enum xf_help help; /* what an operator can do; NONE: nothing is known */
    const char *text;  /* for people, never NULL; contains no host name of ours */
    /* No byte of the request left: the peer cannot have it, it may be sent again. */
    bool is_unsent;
};

struct xf_ua_client_events {
    /* A provisional answer other than 100. May be NULL. */
    void (*progress)(void *owner, struct xf_ua_client *client, const struct xf_sip_message *answer);
    /*
     * The end; called exactly once, after xf_ua_send has returned. A 2xx to INVITE must be
     * acknowledged in this call (xf_ua_ack). `client` must not be used afterwards.
     */
    void (*done)(void *owner, struct xf_ua_client *client, const struct xf_ua_outcome *outcome);
    /*
     * A further 2xx to INVITE, from another branch of a fork (RFC 3261 section 13.2.2.4), after
     * `done`: the callee acknowledges it in this call, and sends BYE in the dialog. NULL: it is
     * left alone. The owner is not the one of xf_ua_send, which may be gone, but xf_ua_opts.owner.
     */
    void (*forked)(void *owner, struct xf_ua_client *client, const struct xf_sip_message *answer);
};

/*
 * Send a request. `events` are borrowed for ever (a static table), `owner` until `done` or
 * xf_ua_disown. Via, Max-Forwards, Content-Length are written here. XF_ERR_BAD_VALUE: a value does
 * not belong into a header. XF_ERR_LIMIT: the message is larger than we send. XF_ERR_CLOSED: we
 * drain. Then nothing follows. Else *out_client is set (NULL: not wanted), and valid until `done`.
 */
XF_MUST_USE enum xf_err xf_ua_send(struct xf_ua *ua, const struct xf_ua_request *request,
                                   const struct xf_ua_client_events *events, void *owner,
                                   struct xf_ua_client **out_client);

/* A next hop that failed is left alone for a while: this one (xf_ua_hop.name) no longer. */
void xf_ua_retry(struct xf_ua *ua, const char *name);

/* No event follows for it; the transaction goes on by itself. */
void xf_ua_disown(struct xf_ua_client *client);

/* Cancel an INVITE (RFC 3261 section 9.1), at once or when it was answered provisionally. */
void xf_ua_cancel(struct xf_ua_client *client);

/*
 * In `done` or `forked`: acknowledge `answer`, a 2xx to INVITE, with an ACK in its dialog
 * (xf_dialog_ack). It is sent again as often as the answer comes again. Errors as of xf_ua_send.
 */
XF_MUST_USE enum xf_err xf_ua_ack(struct xf_ua_client *client, const struct xf_sip_message *answer,
                                  const struct xf_ua_request *ack);

/* A new Call-ID, tag or branch without its cookie: XF_ID_CHARS characters and NUL, unguessable. */
void xf_ua_make_id(struct xf_ua *ua, char out[XF_ID_CHARS + 1]);

/* ------------------------------------------------------------------ requests of peers */

/* How a transaction of a peer ended. */
enum xf_ua_end {
    XF_UA_END_ACKED,     /* INVITE: our final answer was acknowledged */
    XF_UA_END_UNACKED,   /* INVITE: it was not, in 32 s; after a 2xx the dialog needs a BYE */
    XF_UA_END_CANCELLED, /* INVITE: it was answered with 487 */
    XF_UA_END_LATE,      /* it got no final answer in time */
    XF_UA_END_SHUTDOWN,  /* xf_ua_cut: the callee ends no other transaction */
};

struct xf_ua_server_events {
    /*
     * The transaction is over: called exactly once, but not for a request other than INVITE that
     * got its final answer, with which it ends. `ack` is not NULL for an ACK to a 2xx.
     */
    void (*ended)(void *owner, enum xf_ua_end end, const struct xf_sip_message *ack);
};

/* Who wants to know the end; `owner` NULL: nobody (again). May be called at any time. */
void xf_ua_server_own(struct xf_ua_server *server, const struct xf_ua_server_events *events,
                      void *owner);

/* The peer whose section allows the request; the domains of From and of the Request-URI. */
struct xf_span xf_ua_server_peer(const struct xf_ua_server *server);
struct xf_span xf_ua_server_from(const struct xf_ua_server *server);
/* ... of the Request-URI, or of To where that names our host; a served domain, prepared. */
struct xf_span xf_ua_server_local(const struct xf_ua_server *server);
/* The tag that our answers have in To, unless the request has one already. */
struct xf_span xf_ua_server_tag(const struct xf_ua_server *server);

struct xf_ua_answer {
    unsigned status;       /* 101-699 */
    struct xf_span reason; /* absent: that of the status */
    struct xf_span contact;
    bool makes_dialog; /* Record-Route is copied (RFC 3261 section 12.1.1) */
    const struct xf_ua_header *headers;
    size_t header_count;
    struct xf_span body;
};

/*
 * Answer a request; to BENOTIFY nothing is sent. After a final status (200 and above) the
 * transaction of a request other than INVITE is gone. XF_ERR_CLOSED: the conn has ended, and no
 * other one with the peer is there: the answer is lost, and after a final status the transaction
 * is gone too. XF_ERR_LIMIT, XF_ERR_BAD_VALUE: as of xf_ua_send; nothing was sent, and another
 * answer is needed.
 */
XF_MUST_USE enum xf_err xf_ua_answer(struct xf_ua_server *server,
                                     const struct xf_ua_answer *answer);
