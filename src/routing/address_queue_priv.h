/* SPDX-License-Identifier: MIT */
/*
 * address_queue_priv.h — stanzas of a pair, one direction, that wait until an e-mail address is
 * known.
 */
#pragma once

#include <xfed/mailmap/mailmap.h>
#include <xfed/xmpp/stanza_queue.h>

struct xf_route;

struct xf_address_queue {
    struct xf_route *route;
    bool is_in;
    struct xf_stanza_queue stanzas;
    struct xf_mailmap_wait wait; /* for an address of the first */
};

/* False: it is full. `address` is what the stanza waits for, when it is the first. */
bool xf_address_queue_push(struct xf_route *route, bool is_in, const struct xf_stanza *stanza,
                           struct xf_span address);
bool xf_address_queue_is_empty(const struct xf_address_queue *line); /* also NULL */
bool xf_address_queue_is_long(const struct xf_address_queue *line);  /* the sender should stop */
void xf_address_queue_bounce(struct xf_address_queue *line, enum xf_stanza_error error,
                             const char *text);
void xf_address_queue_sift(struct xf_address_queue *line); /* of out: as xf_route_sift */
void xf_address_queue_free(struct xf_address_queue **line);
