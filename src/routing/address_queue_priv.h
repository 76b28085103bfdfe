/* SPDX-License-Identifier: MIT */
/*
 * address_queue_priv.h — stanzas of a pair, in one direction, that wait until an e-mail address is
 * known.
 */
#pragma once

#include <xfed/mailmap/mailmap.h>
#include <xfed/xmpp/stanza_queue.h>

struct xf_route;

/* What becomes of the stanzas of one direction. */
struct xf_address_queue_ops {
    /*
     * Deliver the first stanza, whose address should be known now. False: the address *out_later is
     * not known yet; it is valid until the next call.
     */
    bool (*go)(struct xf_route *route, struct xf_stanza *stanza, struct xf_span *out_later);
    void (*answer)(struct xf_route *route, const struct xf_stanza *stanza,
                   enum xf_stanza_error error, const char *text);
    void (*relieved)(struct xf_route *route); /* the queue is short again; may be NULL */
};

struct xf_address_queue {
    struct xf_route *route;
    const struct xf_address_queue_ops *ops;
    struct xf_stanza_queue stanzas;
    struct xf_mailmap_wait wait; /* for an address that the first stanza needs */
};

/*
 * Put a stanza into the queue, which is made when *at is NULL. False: the queue is full. `address`
 * is what the stanza waits for; it matters only if the queue was empty.
 */
bool xf_address_queue_push(struct xf_address_queue **at, struct xf_route *route,
                           const struct xf_address_queue_ops *ops, const struct xf_stanza *stanza,
                           struct xf_span address);

/* All functions below accept NULL as an empty queue. */
static inline bool xf_address_queue_is_empty(const struct xf_address_queue *queue)
{
    return !queue || xf_stanza_queue_is_empty(&queue->stanzas);
}
static inline size_t xf_address_queue_bytes(const struct xf_address_queue *queue)
{
    return queue ? queue->stanzas.held.bytes : 0;
}
/* S2S should stop reading the peer */
bool xf_address_queue_is_long(const struct xf_address_queue *queue);
void xf_address_queue_bounce(struct xf_address_queue *queue, enum xf_stanza_error error,
                             const char *text);
/* For outbound stanzas only: does for this queue what xf_route_sift does for the route's own. */
void xf_address_queue_sift(struct xf_address_queue *queue);
void xf_address_queue_free(struct xf_address_queue **queue);
