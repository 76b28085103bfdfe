/* SPDX-License-Identifier: MIT */
/*
 * answers.c — sends answers to the cluster while it takes them, and keeps them while it does not.
 *
 * Each stanza taken is delivered once or answered once. When many peers fail together, whole queues
 * are answered at once, and the link does not have room for that many answers. So an answer goes
 * into the link only while the link is up and not congested. Otherwise it waits here, behind
 * earlier answers, for the link's `drained` event. Each link has one queue for the answers of all
 * routes, so that they keep their order and a route may be freed before its answers are sent.
 *
 * With names = per-peer there is a queue for each component stream, that is for each peer: one that
 * takes nothing, perhaps since its peer sends so much, makes nobody else's answers wait. An answer
 * for one that is down goes into the link's hold, like any other stanza.
 *
 * The answers that wait may use twice the room of all queues (process { queue-bytes }), because the
 * answer to a very small stanza is larger than the stanza. An answer that does not fit is lost, and
 * so is one that the cluster has not taken when xfedd ends; both are logged.
 */
#include "answers_priv.h"

#include "links_priv.h"
#include "rare_priv.h"
#include "routing_priv.h"

#include <xfed/base/alloc.h>

static void log_lost(struct xf_routing *routing, const struct xf_routing_link *link,
                     const char *detail)
{
    unsigned suppressed = 0;
    if (xf_rare_is_due(&routing->lost, xf_routing_now(routing), &suppressed))
        /* bounded: xf_rare */
        xf_log(XF_LOG_WARN, "routing.bounce.lost", XF_STR("link", link->title),
               XF_STR("detail", detail), XF_INT("suppressed", suppressed));
}

static void give(struct xf_routing_link *link, const struct xf_stanza *answer)
{
    enum xf_err err = xf_link_send(link->link, answer);
    if (err != XF_ERR_OK)
        log_lost(link->routing, link, xf_err_text(err));
}

/* The name of the queue; "": there is only one. */
static struct xf_span name_of(const struct xf_routing_link *link, const struct xf_stanza *answer)
{
    return xf_link_is_per_peer(link->link) ? answer->from.domain : XF_SPAN("");
}

static struct xf_stanza_queue *get(struct xf_routing_link *link, struct xf_span name)
{
    struct xf_stanza_queue *queue = xf_map_find(link->answers, name);
    if (queue)
        return queue;
    queue = xf_new(struct xf_stanza_queue);
    xf_stanza_queue_init(queue, &link->routing->answers);
    (void)xf_map_set(link->answers, name, queue); /* there was none */
    return queue;
}

static void free_if_empty(struct xf_routing_link *link, struct xf_span name,
                          struct xf_stanza_queue *queue)
{
    if (!xf_stanza_queue_is_empty(queue))
        return;
    (void)xf_map_remove(link->answers, name);
    xf_free(queue);
}

static void keep(struct xf_routing_link *link, const struct xf_stanza *answer)
{
    struct xf_routing *routing = link->routing;
    size_t max = routing->settings.queue_bytes;
    if (routing->answers.bytes + xf_stanza_copy_size(answer) > 2 * max) {
        log_lost(routing, link, "too many answers wait for the cluster");
        return;
    }
    xf_stanza_queue_push(get(link, name_of(link, answer)), answer, xf_routing_now(routing));
}

void xf_answer_cluster(struct xf_routing_link *link, const struct xf_stanza *answer)
{
    bool is_first = !xf_map_find(link->answers, name_of(link, answer));
    if ((is_first && xf_link_takes(link->link, answer->from.domain)) || link->routing->has_ended)
        give(link, answer);
    else
        keep(link, answer);
}

/* Returns the sum of what `act` returns: so many are lost. */
static size_t each_queue(struct xf_routing_link *link,
                         size_t (*act)(struct xf_routing_link *link, struct xf_stanza_queue *queue))
{
    size_t sum = 0, cursor = 0;
    struct xf_span name;
    void *queue = NULL;
    while (xf_map_next(link->answers, &cursor, &name, &queue)) {
        sum += act(link, queue);
        free_if_empty(link, name, queue);
    }
    return sum;
}

static size_t give_some(struct xf_routing_link *link, struct xf_stanza_queue *queue)
{
    struct xf_stanza_copy *copy;
    while ((copy = xf_stanza_queue_front(queue))) {
        struct xf_stanza answer;
        xf_stanza_copy_read(copy, &answer);
        if (!xf_link_takes(link->link, answer.from.domain))
            break;
        give(link, &answer);
        xf_free(xf_stanza_queue_pop(queue));
    }
    return 0;
}

void xf_answers_go_on(struct xf_routing_link *link)
{
    (void)each_queue(link, give_some);
}

static size_t follow(struct xf_routing_link *link, struct xf_stanza_queue *queue)
{
    XF_STANZA_QUEUE_EACH (copy, queue) {
        struct xf_stanza answer;
        xf_stanza_copy_read(copy, &answer);
        struct xf_routing_link *other = xf_routing_link_serving(link->routing, answer.to.domain);
        if (!other || other == link)
            continue;
        xf_stanza_queue_remove(queue, copy);
        xf_stanza_queue_append(get(other, name_of(other, &answer)), copy);
    }
    return 0;
}

void xf_answers_follow(struct xf_routing_link *link)
{
    (void)each_queue(link, follow);
}

static size_t end(struct xf_routing_link *link, struct xf_stanza_queue *queue)
{
    size_t lost = 0;
    while (!xf_stanza_queue_is_empty(queue)) {
        struct xf_stanza_copy *copy = xf_stanza_queue_pop(queue);
        struct xf_stanza answer;
        xf_stanza_copy_read(copy, &answer);
        lost += xf_link_send(link->link, &answer) != XF_ERR_OK;
        xf_free(copy);
    }
    return lost;
}

void xf_answers_end(struct xf_routing_link *link)
{
    size_t lost = each_queue(link, end);
    if (lost > 0)
        /* bounded: once for each link */
        xf_log(XF_LOG_WARN, "routing.bounce.lost", XF_STR("link", link->title),
               XF_STR("detail", "the gateway ends before the cluster took them"),
               XF_INT("stanzas", lost));
}

void xf_answers_lost(struct xf_routing_link *link)
{
    log_lost(link->routing, link, "the cluster did not take it in time");
}
