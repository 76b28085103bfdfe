/* SPDX-License-Identifier: MIT */
/*
 * address_queue.c — stanzas of a pair that wait until an e-mail address is known.
 *
 * While one stanza waits, all later ones of the same pair and direction wait behind it, which keeps
 * their order. Each asks for its own address when it comes, so that the look-ups for many users run
 * at the same time. The peer's queue limits apply. No stanza waits for ever: the mailmap answers
 * within the directory's timeout, or its hold-time while it is away, even if only to say that it
 * does not know the address. The journal has none of them: a crash loses them, a stop returns them.
 */
#include "address_queue_priv.h"

#include "bounce_priv.h"
#include "route_limits_priv.h"
#include "route_priv.h"
#include "routing_priv.h"
#include "screen_priv.h"

#include <xfed/base/alloc.h>

static struct xf_address_queue *new_queue(struct xf_route *route,
                                          const struct xf_address_queue_ops *ops)
{
    struct xf_address_queue *queue = xf_new(struct xf_address_queue);
    queue->route = route;
    queue->ops = ops;
    xf_stanza_queue_init(&queue->stanzas, &route->routing->queued);
    return queue;
}

static struct xf_stanza_copy *pop(struct xf_address_queue *queue)
{
    struct xf_stanza_copy *copy = xf_stanza_queue_pop(&queue->stanzas);
    xf_route_limits_weigh(queue->route);
    return copy;
}

bool xf_address_queue_is_long(const struct xf_address_queue *queue)
{
    return queue && xf_route_limits_is_above(queue->route, &queue->stanzas, 2);
}

static void move(void *owner);

static void wait_for(struct xf_address_queue *queue, struct xf_span address)
{
    queue->wait = (struct xf_mailmap_wait){.done = move, .owner = queue};
    xf_mailmap_wait(queue->route->routing->mailmap, address, &queue->wait);
}

bool xf_address_queue_push(struct xf_address_queue **at, struct xf_route *route,
                           const struct xf_address_queue_ops *ops, const struct xf_stanza *stanza,
                           struct xf_span address)
{
    if (!*at)
        *at = new_queue(route, ops);
    struct xf_address_queue *queue = *at;
    bool was_empty = xf_stanza_queue_is_empty(&queue->stanzas);
    if (!xf_route_limits_has_room(route, &queue->stanzas, stanza)) {
        /* What cannot be returned (errors, results) is dropped: then only this tells of it. */
        xf_route_log_full(route, &queue->stanzas.held);
        return false;
    }
    xf_stanza_queue_push(&queue->stanzas, stanza, xf_routing_now(route->routing));
    xf_route_limits_weigh(route);
    if (was_empty)
        wait_for(queue, address);
    return true;
}

static void moved(struct xf_address_queue *queue)
{
    if (queue->ops->relieved && !xf_route_limits_is_above(queue->route, &queue->stanzas, 4))
        queue->ops->relieved(queue->route);
}

/*
 * The address of the first stanza is known: deliver it, and the ones behind it up to the first
 * whose address is not known. A stanza is taken out of the queue before it is delivered, because
 * the delivery may cost the route its place, and then the queue is emptied.
 */
static void move(void *owner)
{
    struct xf_address_queue *queue = owner;
    while (!xf_stanza_queue_is_empty(&queue->stanzas)) {
        struct xf_span address = XF_SPAN_NONE;
        struct xf_stanza_copy *copy = pop(queue);
        struct xf_stanza stanza;
        xf_stanza_copy_read(copy, &stanza);
        xf_stanza_find_children(&stanza);
        if (!queue->ops->go(queue->route, &stanza, &address)) {
            xf_stanza_queue_put_back(&queue->stanzas, copy);
            xf_route_limits_weigh(queue->route);
            wait_for(queue, address);
            break;
        }
        xf_free(copy);
    }
    moved(queue);
}

void xf_address_queue_bounce(struct xf_address_queue *queue, enum xf_stanza_error error,
                             const char *text)
{
    if (!queue)
        return;
    xf_mailmap_forget(&queue->wait);
    while (!xf_stanza_queue_is_empty(&queue->stanzas)) {
        struct xf_stanza_copy *copy = pop(queue);
        struct xf_stanza stanza;
        xf_stanza_copy_read(copy, &stanza);
        queue->ops->answer(queue->route, &stanza, error, text);
        xf_free(copy);
    }
    moved(queue);
}

void xf_address_queue_sift(struct xf_address_queue *queue)
{
    if (!queue)
        return;
    XF_STANZA_QUEUE_EACH (copy, &queue->stanzas) {
        struct xf_stanza stanza;
        struct xf_ruling ruling;
        xf_stanza_copy_read(copy, &stanza);
        if (xf_screen_still_passes(queue->route->routing, &stanza, &ruling))
            continue;
        xf_bounce_refused(queue->route->routing, queue->route->link, &stanza, &ruling);
        xf_stanza_queue_remove(&queue->stanzas, copy);
        xf_route_limits_weigh(queue->route);
        xf_free(copy);
    }
    if (xf_stanza_queue_is_empty(&queue->stanzas))
        xf_mailmap_forget(&queue->wait); /* the next stanza waits for its own address */
    moved(queue);
}

void xf_address_queue_free(struct xf_address_queue **queue)
{
    if (!*queue)
        return;
    xf_mailmap_forget(&(*queue)->wait);
    /* what is left came from a peer whose stream we had closed: it cannot be answered */
    xf_stanza_queue_clear(&(*queue)->stanzas);
    xf_route_limits_weigh((*queue)->route);
    xf_free(*queue);
    *queue = NULL;
}
