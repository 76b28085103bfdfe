/* SPDX-License-Identifier: MIT */
/* stanza_queue.c — a list of copies and its sums; add() and subtract() alone write these. */
#include <xfed/xmpp/stanza_queue.h>

#include <xfed/base/alloc.h>
#include <xfed/base/err.h>

static void add(struct xf_stanza_sum *sum, size_t bytes)
{
    sum->bytes += bytes;
    sum->count++;
}

static void subtract(struct xf_stanza_sum *sum, size_t bytes)
{
    xf_require(sum->count > 0 && sum->bytes >= bytes);
    sum->bytes -= bytes;
    sum->count--;
}

static void count_in(struct xf_stanza_queue *queue, const struct xf_stanza_copy *copy)
{
    add(&queue->held, copy->bytes);
    if (queue->shared)
        add(queue->shared, copy->bytes);
}

void xf_stanza_queue_init(struct xf_stanza_queue *queue, struct xf_stanza_sum *shared)
{
    *queue = (struct xf_stanza_queue){.shared = shared};
    xf_list_init(&queue->copies);
}

struct xf_stanza_copy *xf_stanza_queue_front(const struct xf_stanza_queue *queue)
{
    return xf_stanza_queue_is_empty(queue)
               ? NULL
               : XF_CONTAINER(queue->copies.next, struct xf_stanza_copy, node);
}

struct xf_stanza_copy *xf_stanza_queue_back(const struct xf_stanza_queue *queue)
{
    return xf_stanza_queue_is_empty(queue)
               ? NULL
               : XF_CONTAINER(queue->copies.prev, struct xf_stanza_copy, node);
}

struct xf_stanza_copy *xf_stanza_queue_next(const struct xf_stanza_queue *queue,
                                            const struct xf_stanza_copy *copy)
{
    return copy->node.next == &queue->copies
               ? NULL
               : XF_CONTAINER(copy->node.next, struct xf_stanza_copy, node);
}

void xf_stanza_queue_append(struct xf_stanza_queue *queue, struct xf_stanza_copy *copy)
{
    xf_list_push(&queue->copies, &copy->node);
    count_in(queue, copy);
}

void xf_stanza_queue_put_back(struct xf_stanza_queue *queue, struct xf_stanza_copy *copy)
{
    xf_list_push(queue->copies.next, &copy->node); /* before the oldest */
    count_in(queue, copy);
}

struct xf_stanza_copy *xf_stanza_queue_push(struct xf_stanza_queue *queue,
                                            const struct xf_stanza *stanza, uint64_t now_ms)
{
    struct xf_stanza_copy *copy = xf_stanza_copy_new(stanza, now_ms);
    xf_stanza_queue_append(queue, copy);
    return copy;
}

void xf_stanza_queue_remove(struct xf_stanza_queue *queue, struct xf_stanza_copy *copy)
{
    xf_list_remove(&copy->node);
    subtract(&queue->held, copy->bytes);
    if (queue->shared)
        subtract(queue->shared, copy->bytes);
}

struct xf_stanza_copy *xf_stanza_queue_pop(struct xf_stanza_queue *queue)
{
    struct xf_stanza_copy *oldest = xf_stanza_queue_front(queue);
    xf_require(oldest != NULL);
    xf_stanza_queue_remove(queue, oldest);
    return oldest;
}

void xf_stanza_queue_clear(struct xf_stanza_queue *queue)
{
    while (!xf_stanza_queue_is_empty(queue))
        xf_free(xf_stanza_queue_pop(queue));
}
