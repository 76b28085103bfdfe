/* SPDX-License-Identifier: MIT */
/*
 * stanza_queue.h — stanzas that wait, oldest first, and how much memory they take.
 *
 * A queue says what it holds, and adds it to a sum that it may share with others; what may wait,
 * and for how long, is up to its owner. All stanzas in a queue are its own; one that was taken out
 * is the caller's, who frees it with xf_free.
 */
#pragma once

#include <xfed/xmpp/stanza_copy.h>

struct xf_stanza_sum {
    size_t bytes, count;
};

struct xf_stanza_queue {
    struct xf_node copies;        /* struct xf_stanza_copy */
    struct xf_stanza_sum held;    /* in this queue */
    struct xf_stanza_sum *shared; /* in this one and others; borrowed, or NULL */
};

void xf_stanza_queue_init(struct xf_stanza_queue *queue, struct xf_stanza_sum *shared);

static inline bool xf_stanza_queue_is_empty(const struct xf_stanza_queue *queue)
{
    return xf_list_is_empty(&queue->copies);
}

/* Put a copy of an addressed stanza at the end, and return it. */
struct xf_stanza_copy *xf_stanza_queue_push(struct xf_stanza_queue *queue,
                                            const struct xf_stanza *stanza, uint64_t now_ms);

/* The oldest, still in the queue; NULL: it is empty. */
struct xf_stanza_copy *xf_stanza_queue_front(const struct xf_stanza_queue *queue);

/* The newest; NULL: it is empty. */
struct xf_stanza_copy *xf_stanza_queue_back(const struct xf_stanza_queue *queue);

/* The one behind it; NULL: that was the newest. */
struct xf_stanza_copy *xf_stanza_queue_next(const struct xf_stanza_queue *queue,
                                            const struct xf_stanza_copy *copy);

/* Take the oldest out; the queue must not be empty. */
struct xf_stanza_copy *xf_stanza_queue_pop(struct xf_stanza_queue *queue);

/* Take any one out. */
void xf_stanza_queue_remove(struct xf_stanza_queue *queue, struct xf_stanza_copy *copy);

/* Put one that was taken out, of this queue or another, at the end or in front. */
void xf_stanza_queue_append(struct xf_stanza_queue *queue, struct xf_stanza_copy *copy);
void xf_stanza_queue_put_back(struct xf_stanza_queue *queue, struct xf_stanza_copy *copy);

/* Drop all that wait. */
void xf_stanza_queue_clear(struct xf_stanza_queue *queue);

/* Oldest first. The body may remove `copy`. */
#define XF_STANZA_QUEUE_EACH(copy, queue)                                                      \
    for (struct xf_stanza_copy *copy = xf_stanza_queue_front(queue),                           \
                               *copy##_next = copy ? xf_stanza_queue_next(queue, copy) : NULL; \
         copy; copy = copy##_next, copy##_next = copy ? xf_stanza_queue_next(queue, copy) : NULL)
