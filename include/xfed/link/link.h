/* SPDX-License-Identifier: MIT */
/*
 * link.h — the connection to the local cluster: XEP-0114 component streams to one or several nodes.
 * Sans I/O.
 *
 * Reconnects after 200 ms, doubling, with jitter, up to a second, or up to 10 s after a stream
 * error; `conflict` waits the longest time. While no connection is up, stanzas are held (hold_ms,
 * hold_bytes), then refused. Nothing that could make a server close the link leaves here: only
 * message, presence and iq with prepared from and to, legal XML, and at most max_stanza_bytes.
 */
#pragma once

#include <xfed/link/settings.h>
#include <xfed/stream/stream.h>

struct xf_link;

struct xf_link_events {
    /* A stanza of the cluster: raw_from and raw_to not yet prepared. Borrowed. */
    void (*stanza)(void *owner, struct xf_link *link, struct xf_stanza *stanza);
    /*
     * A held stanza waited too long, or the link never came back: tell its sender (it is given
     * again, addressed).
     */
    void (*expired)(void *owner, struct xf_link *link, struct xf_stanza *stanza);
    /* some part of it is no longer congested, or up again */
    void (*drained)(void *owner, struct xf_link *link);
    void (*state)(void *owner, struct xf_link *link, bool is_up);
};

/* `settings` are borrowed for the link's life. Connects at once. */
struct xf_link *xf_link_new(struct xf_env *env, const struct xf_link_settings *settings,
                            const struct xf_link_events *events, void *owner);

/* The component's own name. */
const char *xf_link_name(const struct xf_link *link);

/*
 * Closes the streams politely; what is held expires, from within. xf_link_is_gone when nothing is
 * left, then free. Nothing can be sent any more; stanzas of the cluster still come until its
 * footer.
 */
void xf_link_stop(struct xf_link *link);
bool xf_link_is_gone(const struct xf_link *link);
void xf_link_free(struct xf_link **link);

/*
 * With names = per-peer: have a stream for this peer now and keep it, so that the cluster can reach
 * it before it ever wrote. Without this a peer's stream begins with its first stanza and ends after
 * XF_LINK_PEER_IDLE_MS of silence. Does nothing for a link of one name.
 */
#define XF_LINK_PEER_IDLE_MS 1800000
void xf_link_keep_peer(struct xf_link *link, struct xf_span peer);
/* before a new configuration keeps its own: the others end once they are idle */
void xf_link_keep_none(struct xf_link *link);

/*
 * Deliver an addressed stanza. XF_ERR_LIMIT: larger than the link takes. XF_ERR_CLOSED: down for
 * longer than hold_ms, the hold is full, or stopped. XF_ERR_BAD_VALUE: without from or to.
 * Otherwise it is written or held. Order is kept for each (from, to) as long as the same nodes are
 * up. No event comes from within.
 */
XF_MUST_USE enum xf_err xf_link_send(struct xf_link *link, const struct xf_stanza *stanza);

/* Written bytes wait for a slow cluster, or stanzas are held, in some part of the link. */
bool xf_link_is_congested(const struct xf_link *link);

/*
 * Ask right after xf_link_send of a stanza from this peer: does it wait behind a slow or lost part
 * of the link, so that S2S should stop reading the peer? The part is the peer's own stream with
 * names = per-peer, and the node that the stanza went to with several nodes.
 */
bool xf_link_is_full(const struct xf_link *link, struct xf_span peer);
bool xf_link_is_up(const struct xf_link *link);

/*
 * Would a stanza of this peer go out now, rather than wait? For those who can keep it themselves
 * until `drained`. With names = per-peer true also while the peer's own stream is down, for that
 * may be for ever.
 */
bool xf_link_takes(const struct xf_link *link, struct xf_span peer);

/*
 * Stop reading the cluster, or go on: with names = per-peer only the stream of this peer, else all
 * of it.
 */
void xf_link_pause(struct xf_link *link, struct xf_span peer, bool paused);
bool xf_link_is_per_peer(const struct xf_link *link);
