/* SPDX-License-Identifier: MIT */
/*
 * simple.h — SIP towards peers with protocol = sip or auto, over the user agent of ua: who they are
 * by their sections, how they are reached, and what passes, both ways: OPTIONS, messages outside a
 * session (pager mode, RFC 3428), and presence (RFC 3856). Sans I/O; stands beside s2s.
 *
 *     out   xf_simple_take takes a stanza of the cluster. A message becomes MESSAGE, and ends in
 *           one `delivered` or one `bounced`; one at a time is under way to each recipient, and
 *           the others wait in their order.
 *     in    MESSAGE becomes a message (events->stanza), and its owner says what became of it by
 *           xf_simple_delivered or xf_simple_refused, from which the answer is made. An error
 *           stanza of the cluster that comes soon enough becomes the answer too. NOTIFY becomes
 *           presence, of which the last one is offered again when the cluster took nothing.
 *
 *     watch SUBSCRIBE asks a user of ours (presence by events->stanza) and is answered at once;
 *           what the user decides and shows comes by xf_simple_take, and becomes NOTIFY.
 *
 * Who a peer is: src/simple/peers.c. Messages out: src/simple/pager.c, in: src/simple/arrivals.c.
 * Presence of peers' users: src/simple/subscriber_priv.h; of ours: src/simple/notifier_priv.h.
 */
#pragma once

#include <xfed/dialogs/dialogs.h>
#include <xfed/policy/policy.h>
#include <xfed/simple/settings.h>
#include <xfed/stream/env.h>
#include <xfed/ua/view.h>
#include <xfed/xmpp/stanza_queue.h>

struct xf_simple;

/* What became of a stanza of a peer. */
enum xf_simple_taken {
    XF_SIMPLE_TAKEN, /* taken: xf_simple_delivered or xf_simple_refused follows, or was called */
    XF_SIMPLE_FULL,  /* the same, and the peer's conn pauses until xf_simple_resume */
    /*
     * Not taken, since the cluster takes nothing now: it is offered again by xf_simple_resume, and
     * its sender is told when that takes too long.
     */
    XF_SIMPLE_LATER,
};

struct xf_simple_events {
    /*
     * A message of an authenticated peer, with prepared addresses and an id that nobody can guess.
     * It is borrowed for the call, and the callee may change it. *out_wait_ms: with LATER, how long
     * it may wait at most.
     */
    enum xf_simple_taken (*stanza)(void *owner, struct xf_stanza *stanza, uint64_t *out_wait_ms);
    /*
     * Presence of type unavailable from a user of a peer whose presence policy does not let through
     * any more: it is for our user all the same, who would keep what it saw before. False: the
     * cluster takes nothing now.
     */
    bool (*parted)(void *owner, struct xf_stanza *stanza);
    /* The peer's server has the message that xf_simple_take took; borrowed. */
    void (*delivered)(void *owner, const struct xf_stanza *stanza);
    /*
     * It was not delivered, or nobody knows: tell its sender. `address` is an XMPP URI, for GONE
     * and REDIRECT that say one, else absent. `text` is never NULL. All are borrowed.
     */
    void (*bounced)(void *owner, const struct xf_stanza *stanza, enum xf_stanza_error error,
                    struct xf_span address, const char *text);
    /*
     * A peer proved by a certificate of its own that it speaks SIP, and policy learns which
     * protocol it belongs to (xf_policy_learns): it sent us a request, or took one of ours.
     */
    void (*peer_seen)(void *owner, struct xf_span local, struct xf_span peer);
    /* How many bytes may still wait, of all peers together. No pair's queue may be larger. */
    size_t (*room)(void *owner);
};

struct xf_simple_opts {
    struct xf_env *env;
    struct xf_policy *policy;              /* borrowed until xf_simple_reload or _free */
    const struct xf_ua_settings *settings; /* copied */
    const struct xf_simple_settings *own;  /* copied */
    struct xf_tls_identities *identities;  /* our certificate as that of settings->host */
    struct xf_dialogs *dialogs;            /* of subscriptions; borrowed, or NULL */
    struct xf_stanza_sum *waiting; /* in which messages count that wait; borrowed, or NULL */
    const struct xf_simple_events *events;
    void *owner;
};

struct xf_simple *xf_simple_new(const struct xf_simple_opts *opts);
void xf_simple_free(struct xf_simple **simple); /* xf_simple_is_over must be true; NULL is fine */

/*
 * Apply a new policy, settings and certificates. Conns of peers that are no longer admitted end;
 * all others go on, with the certificates of their handshake.
 */
void xf_simple_reload(struct xf_simple *simple, struct xf_policy *policy,
                      const struct xf_ua_settings *settings, const struct xf_simple_settings *own,
                      struct xf_tls_identities *identities);

/* Take over a conn that a listener accepted; `is_clear`: of listen { sip-tcp }. */
void xf_simple_accept(struct xf_simple *simple, struct xf_conn *conn, bool is_clear);

/*
 * Take an addressed stanza of the cluster whose pair policy lets pass (XF_PROTOCOL_SIP).
 *
 *     message   becomes MESSAGE within the limits of the peer (queue-bytes, queue-stanzas,
 *               queue-time), for each pair of domains
 *     ... that holds only a chat state: MESSAGE with application/im-iscomposing+xml, unless
 *               messages wait for that recipient; never bounced
 *     ... without text, such as a receipt: nothing is sent, and that is all
 *     ... of type error: the answer to the peer's message with its id, if that still waits for one
 *     ... groupchat: refused with not-acceptable
 *     iq        refused with service-unavailable
 *     presence  of type subscribe, unsubscribe, probe: SUBSCRIBE to the peer's user, and what
 *               follows from it. Of all other types: what our user decides about a watcher, and
 *               shows to it: NOTIFY where a user of the peer watches ours, else nothing
 *
 * False: refused; *out_error and *out_text (may be NULL) say what the sender gets where it may get
 * an error. RESOURCE_CONSTRAINT: a queue is full.
 */
bool xf_simple_take(struct xf_simple *simple, const struct xf_stanza *stanza,
                    enum xf_stanza_error *out_error, const char **out_text);

/*
 * What became of the peer's message with this id: the cluster has it; or it was not delivered, and
 * why. A message that was answered already, since the cluster seemed to have it, is lost: it is
 * logged and counted. What else is not known (any more) is ignored.
 */
void xf_simple_delivered(struct xf_simple *simple, struct xf_span id);
void xf_simple_refused(struct xf_simple *simple, const struct xf_stanza *stanza,
                       enum xf_stanza_error error, const char *text);

/* Is this a message of a peer that has its answer, so that it must not be delivered any more? */
bool xf_simple_is_answered(const struct xf_simple *simple, const struct xf_stanza *stanza);

/* The cluster takes stanzas again: messages that wait for it are offered, conns are read on. */
void xf_simple_resume(struct xf_simple *simple);

/*
 * Presence of a user of ours did not come as far as xf_simple_take, for a reason that passes
 * (hours, a directory that is away). The peer's users who watch are told with their next refresh.
 */
void xf_simple_missed(struct xf_simple *simple, struct xf_span peer);

/*
 * A stream of this link (title) has come up, or the last one went down; of names = per-peer, those
 * for this peer, else `peer` is absent. What our users did meanwhile is asked for, paced.
 */
void xf_simple_link_state(struct xf_simple *simple, struct xf_span title, struct xf_span peer,
                          bool is_up);

/*
 * The time for queues is over: messages that wait for their turn are bounced, peers whose messages
 * wait for the cluster get their answer, and later stanzas are refused.
 */
void xf_simple_finish(struct xf_simple *simple);

/* As the functions of ua of these names; over: no message is under way either. */
void xf_simple_drain(struct xf_simple *simple);
void xf_simple_cut(struct xf_simple *simple);
bool xf_simple_is_over(const struct xf_simple *simple);

struct xf_simple_counts {
    struct xf_ua_counts ua;
    uint64_t messages_in, messages_out;     /* that the cluster took; that peers' servers took */
    uint64_t bounced;                       /* messages of ours */
    uint64_t refused;                       /* messages of peers, by an answer of ours */
    uint64_t late;                          /* error stanzas after the answer: lost for the peer */
    size_t subscriptions_out;               /* of users of ours, now */
    uint64_t notifies_in, notifies_refused; /* NOTIFYs of peers that were taken; refused */
    size_t subscriptions_in;                /* of peers' users to ours, now */
    size_t pending_in;                      /* users of ours who were asked, now */
    uint64_t subscribes_refused;            /* of peers, by an answer of ours */
    uint64_t notifies_out;                  /* that devices of peers took */
};
void xf_simple_count(const struct xf_simple *simple, struct xf_simple_counts *out_counts);

/* ---- what an operator sees and does (src/simple/view.c) */

/* Messages of a served domain to a peer, and how the peer is reached now. Borrowed texts. */
struct xf_simple_view {
    /*
     * A word: sip-idle, sip-open (a conn is there), sip-asking (requests are under way),
     * sip-connecting (they wait for a conn), sip-failing (it could not be reached a moment ago).
     */
    const char *state;
    struct xf_stanza_sum queued; /* wait for their turn */
    struct xf_stanza_sum sent;   /* under way: no answer came yet */
    const char *cause, *text;    /* failing: a word, and for people; else NULL */
    uint64_t retry_ms;           /* failing: until it is tried again, at the latest */
};
void xf_simple_view(const struct xf_simple *simple, struct xf_span local, struct xf_span peer,
                    struct xf_simple_view *out);
/* Return what waits for its turn to its senders (remote-server-timeout): how many. */
size_t xf_simple_flush(struct xf_simple *simple, struct xf_span peer);
/* The next request connects, although the peer failed a moment ago. False: it had not. */
bool xf_simple_retry(struct xf_simple *simple, struct xf_span peer);
/* As the functions of ua of these names (xfed/ua/view.h). */
bool xf_simple_view_conns(const struct xf_simple *simple, uint64_t *at, size_t most,
                          xf_ua_conn_view_fn show, void *owner);
size_t xf_simple_close_peer(struct xf_simple *simple, struct xf_span peer);
size_t xf_simple_close_conn(struct xf_simple *simple, uint64_t number);

/*
 * Ask the peer's server what it can (OPTIONS), in the name of a served domain: it has to be looked
 * up, connected to and authenticated as for every request. `done` is called once, after this
 * function has returned; not at all after xf_simple_forget. `status` 0: no answer, `cause` and
 * `text` say why, and `help` what to do; otherwise the answer's, with its reason phrase as text.
 */
struct xf_simple_check;
typedef void (*xf_simple_checked_fn)(void *owner, unsigned status, enum xf_ua_cause cause,
                                     enum xf_help help, const char *text);
struct xf_simple_check *xf_simple_check(struct xf_simple *simple, struct xf_span local,
                                        struct xf_span peer, xf_simple_checked_fn done,
                                        void *owner);
void xf_simple_forget(struct xf_simple_check *check); /* before `done` */
