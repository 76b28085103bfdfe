/* SPDX-License-Identifier: MIT */
/*
 * address_queue_priv.h — stanzas of a pair, one direction, that wait until an e-mail address is
 * known.
 */
#pragma once

#include <xfed/mailmap/mailmap.h>
#include <xfed/xmpp/stanza_queue.h>

struct xf_route;

/* What becomes of the stanzas of one direction. */
struct xf_address_queue_ops {
    /*
     * Deliver the first one, whose address should be known now. False: *out_later is not known
     * yet; it borrows until the next call.
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
    struct xf_mailmap_wait wait; /* for an address of the first */
};

/*
 * Put a stanza into the queue, which is made when *at is NULL. False: it is full. `address` is
 * what the stanza waits for, when it is the first.
 */
bool xf_address_queue_push(struct xf_address_queue **at, struct xf_route *route,
                           const struct xf_address_queue_ops *ops, const struct xf_stanza *stanza,
                           struct xf_span address);

/* All of these take NULL for an empty queue. */
static inline bool xf_address_queue_is_empty(const struct xf_address_queue *queue)
{
    return !queue || xf_stanza_queue_is_empty(&queue->stanzas);
}
static inline size_t xf_address_queue_bytes(const struct xf_address_queue *queue)
{
    return queue ? queue->stanzas.held.bytes : 0;
}
bool xf_address_queue_is_long(const struct xf_address_queue *queue); /* the sender should stop */
void xf_address_queue_bounce(struct xf_address_queue *queue, enum xf_stanza_error error,
                             const char *text);
/* One of stanzas of ours, as xf_route_sift. */
void xf_address_queue_sift(struct xf_address_queue *queue);
void xf_address_queue_free(struct xf_address_queue **queue);
