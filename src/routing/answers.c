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
 * With names = per-peer, an answer for the component stream of one peer goes into the link's hold
 * while that stream is down, like any other stanza: a name that the server does not know must not
 * stop the queue.
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

static void keep(struct xf_routing_link *link, const struct xf_stanza *answer)
{
    struct xf_routing *routing = link->routing;
    size_t max = routing->settings.queue_bytes;
    if (routing->answers.bytes + xf_stanza_copy_size(answer) > 2 * max) {
        log_lost(routing, link, "too many answers wait for the cluster");
        return;
    }
    xf_stanza_queue_push(&link->answers, answer, xf_routing_now(routing));
}

void xf_answer_cluster(struct xf_routing_link *link, const struct xf_stanza *answer)
{
    bool is_first = xf_stanza_queue_is_empty(&link->answers);
    if ((is_first && xf_link_takes(link->link, answer->from.domain)) || link->routing->has_ended)
        give(link, answer);
    else
        keep(link, answer);
}

void xf_answers_go_on(struct xf_routing_link *link)
{
    struct xf_stanza_copy *copy;
    while ((copy = xf_stanza_queue_front(&link->answers))) {
        struct xf_stanza answer;
        xf_stanza_copy_read(copy, &answer);
        if (!xf_link_takes(link->link, answer.from.domain))
            return;
        give(link, &answer);
        xf_free(xf_stanza_queue_pop(&link->answers));
    }
}

void xf_answers_follow(struct xf_routing_link *link)
{
    XF_STANZA_QUEUE_EACH (copy, &link->answers) {
        struct xf_stanza answer;
        xf_stanza_copy_read(copy, &answer);
        struct xf_routing_link *other = xf_routing_link_serving(link->routing, answer.to.domain);
        if (!other || other == link)
            continue;
        xf_stanza_queue_remove(&link->answers, copy);
        xf_stanza_queue_append(&other->answers, copy);
    }
}

void xf_answers_end(struct xf_routing_link *link)
{
    size_t lost = 0;
    while (!xf_stanza_queue_is_empty(&link->answers)) {
        struct xf_stanza_copy *copy = xf_stanza_queue_pop(&link->answers);
        struct xf_stanza answer;
        xf_stanza_copy_read(copy, &answer);
        lost += xf_link_send(link->link, &answer) != XF_ERR_OK;
        xf_free(copy);
    }
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
