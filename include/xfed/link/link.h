/* SPDX-License-Identifier: MIT */
/*
 * link.h — the connection to the local cluster: XEP-0114 component streams to one or several nodes,
 * or jabberd2's router. Sans I/O.
 *
 * A lost stream is made again after 200 ms. The wait doubles at each failure, with jitter, up to a
 * second, or up to 10 s after a stream error; after `conflict` the longest wait applies at once.
 * While no stream is up, stanzas are held (hold_ms, hold_bytes), then refused. What a stream has
 * written is kept until the server has proved it by answering a ping (ack), else sent again or
 * returned (resend). The link sends
 * nothing that could make a server close the stream: only message, presence and iq, in legal XML,
 * with prepared from and to, of at most max_stanza_bytes.
 */
#pragma once

#include <xfed/link/settings.h>
#include <xfed/stream/stream.h>

struct xf_link;

struct xf_link_events {
    /* The cluster sent a stanza; its raw_from and raw_to are not prepared yet. Borrowed. */
    void (*stanza)(void *owner, struct xf_link *link, struct xf_stanza *stanza);
    /*
     * A held stanza waited too long, or its stream was stopped for good, or its stream broke and
     * nobody can tell whether the server has it: tell its sender. `stanza` has its prepared
     * addresses.
     */
    void (*expired)(void *owner, struct xf_link *link, struct xf_stanza *stanza);
    /*
     * The cluster returned a stanza that we sent, with its prepared addresses: tell its sender.
     * Only a router does so.
     */
    void (*returned)(void *owner, struct xf_link *link, struct xf_stanza *stanza,
                     enum xf_stanza_error error);
    /* Some part of the link is up again, or no longer congested. */
    void (*drained)(void *owner, struct xf_link *link);
    /*
     * A stream came up, the first one or one more: what the cluster wanted to send over it while it
     * was down never came. Or the last one went down. `peer`: with names = per-peer, whose
     * component it is; else absent. May be NULL.
     */
    void (*state)(void *owner, struct xf_link *link, struct xf_span peer, bool is_up);
    /* xf_link_refuses has changed; may be NULL. */
    void (*refuses)(void *owner, struct xf_link *link, bool refuses);
};

/* `settings` is borrowed for the life of the link. Connects at once. */
struct xf_link *xf_link_new(struct xf_env *env, const struct xf_link_settings *settings,
                            const struct xf_link_events *events, void *owner);

/* The component's own name. */
const char *xf_link_name(const struct xf_link *link);

/* Is it that name? At a router it has others too, below it. */
bool xf_link_has_name(const struct xf_link *link, struct xf_span domain);

/*
 * The server has a module that shares its users among gateways
 * (conf/prosody/mod_route_gateway.lua): it asked the component a question in the component's own
 * name.
 */
void xf_link_has_module(struct xf_link *link);

/*
 * A reload has these `nodes`. Weights change at once; a node that is gone, or has weight 0, is
 * drained: it gets nothing more, and its stream ends politely when all is proved that went there,
 * at the latest after `drain_ms`. Nodes that are new need a restart. Changes nothing when none
 * would be left, or with names = per-peer.
 */
void xf_link_set_nodes(struct xf_link *link, const struct xf_texts *nodes, uint64_t drain_ms);

/*
 * We are about to stop: tell the cluster, so that it sends to another gateway if it has one. What
 * it sends to us all the same still comes. A component tells only a module (xf_link_has_module):
 * other servers would not understand. With names = per-peer nobody is told.
 */
void xf_link_leave(struct xf_link *link);

/* Does a stanza wait for a stream of the cluster that is not there? */
bool xf_link_holds(const struct xf_link *link);

/*
 * The gateway is about to stop: ask every node of a component what it has. While others answer, one
 * that does not is given up much earlier than else, and what it may not have goes over them.
 */
void xf_link_prove(struct xf_link *link);

/* Is that to be waited for? */
bool xf_link_is_unsure(const struct xf_link *link);

/*
 * Peers can be told for a little longer: what waits while no stream is up expires
 * (events->expired), after this function has returned, and nothing waits from now on (xf_link_send:
 * XF_ERR_CLOSED).
 */
void xf_link_hold_no_more(struct xf_link *link);

/*
 * Peers can be told for the last time: what waits expires (events->expired) before this returns,
 * also where a stream is up but does not take it, and nothing waits from now on, except what nobody
 * can be told of, such as results.
 */
void xf_link_return_held(struct xf_link *link);

/*
 * Closes the streams politely. The stanzas that are held expire before this returns
 * (events->expired), and nothing can be sent any more. Stanzas of the cluster still come until the
 * server's footer. Free the link once xf_link_is_gone.
 */
void xf_link_stop(struct xf_link *link);
bool xf_link_is_gone(const struct xf_link *link);
void xf_link_free(struct xf_link **link);

/*
 * With names = per-peer: open the component stream of this peer now and keep it, so that the
 * cluster can write to the peer before the peer has ever written. Otherwise the component stream of
 * a peer begins with the first stanza from the peer and ends after XF_LINK_PEER_IDLE_MS of silence.
 * Does nothing for a link of one name.
 */
#define XF_LINK_PEER_IDLE_MS 1800000
void xf_link_keep_peer(struct xf_link *link, struct xf_span peer);
/* Call before a new configuration names the peers to keep: other streams end once they are idle. */
void xf_link_keep_none(struct xf_link *link);

/*
 * The cluster should have this domain (prepared). A router says which domains it has: the log tells
 * when an expected one is missing. Call xf_link_expect_none before the domains of a new
 * configuration.
 */
void xf_link_expect(struct xf_link *link, struct xf_span domain);
void xf_link_expect_none(struct xf_link *link);

/*
 * Write a stanza with prepared addresses, or hold it. XF_ERR_LIMIT: it is larger than the link
 * takes. XF_ERR_CLOSED: the link has been down for longer than hold_ms, the hold is full, too many
 * peers have a stream (names = per-peer), or the link was stopped. XF_ERR_BAD_VALUE: from or to is
 * missing. Order is kept for each local user as long as the same nodes are up. No event is
 * delivered before this function returns.
 */
XF_MUST_USE enum xf_err xf_link_send(struct xf_link *link, const struct xf_stanza *stanza);

/*
 * Some part of the link has written bytes that wait for a slow cluster, or holds stanzas although
 * it is up; or a quarter of hold_bytes is held.
 */
bool xf_link_is_congested(const struct xf_link *link);

/*
 * Ask right after xf_link_send of a stanza from this peer. True: the stanza waits behind a slow or
 * lost part of the link, and S2S should stop reading the peer. With names = per-peer that part is
 * the peer's own component stream; with several nodes it is the node that the stanza went to.
 */
bool xf_link_is_full(const struct xf_link *link, struct xf_span peer);
bool xf_link_is_up(const struct xf_link *link);

/*
 * Should peers go to another node (refuse_peers)? True while the link has been down for longer than
 * hold_ms. Always false with names = per-peer, where each component has a state of its own.
 */
bool xf_link_refuses(const struct xf_link *link);

/*
 * Would a stanza from this peer be written now, rather than wait? For callers that can keep it
 * themselves until `drained`. With names = per-peer also true while the peer's own component stream
 * is down, because that stream may never come up.
 */
bool xf_link_takes(const struct xf_link *link, struct xf_span peer);

/*
 * How long would xf_link_send hold a stanza from this peer now, at most, before it is returned? 0:
 * it would refuse it. For callers that keep it themselves, since xf_link_takes is false.
 */
uint64_t xf_link_wait_ms(const struct xf_link *link, struct xf_span peer);

/*
 * Stop reading the cluster, or go on: with names = per-peer only the component stream of this peer,
 * otherwise all streams of the link.
 */
void xf_link_pause(struct xf_link *link, struct xf_span peer, bool paused);
bool xf_link_is_per_peer(const struct xf_link *link);
