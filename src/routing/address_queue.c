/* SPDX-License-Identifier: MIT */
/*
 * address_queue.c — stanzas of a pair that wait until an e-mail address is known.
 *
 * While one waits, all that follow of the same pair and direction stand behind it, so that their
 * order stays; each asks for its own address when it comes, so that a line of many users does not
 * wait once for each. The bounds are those of the peer's queue. A line cannot stand for ever: the
 * mailmap answers within the directory's timeout, if only that it does not know.
 */
#include "address_queue_priv.h"

#include "answer_peer_priv.h"
#include "bounce_priv.h"
#include "inbound_priv.h"
#include "mail_priv.h"
#include "route_limits_priv.h"
#include "route_priv.h"
#include "routing_priv.h"
#include "screen_priv.h"

#include <xfed/base/alloc.h>

bool xf_address_queue_is_empty(const struct xf_address_queue *line)
{
    return !line || xf_stanza_queue_is_empty(&line->stanzas);
}

static struct xf_address_queue *get(struct xf_route *route, bool is_in)
{
    struct xf_address_queue **at = is_in ? &route->line_in : &route->line_out;
    if (!*at) {
        *at = xf_new(struct xf_address_queue);
        (*at)->route = route;
        (*at)->is_in = is_in;
        xf_stanza_queue_init(&(*at)->stanzas, &route->routing->queued);
    }
    return *at;
}

static struct xf_stanza_copy *pop(struct xf_address_queue *line)
{
    struct xf_stanza_copy *copy = xf_stanza_queue_pop(&line->stanzas);
    xf_route_limits_weigh(line->route);
    return copy;
}

static bool is_above(const struct xf_address_queue *line, unsigned part)
{
    const struct xf_peer_settings *settings = line->route->settings;
    return line->stanzas.held.bytes * part > settings->queue_bytes ||
           line->stanzas.held.count * part > settings->queue_stanzas;
}

bool xf_address_queue_is_long(const struct xf_address_queue *line)
{
    return line && is_above(line, 2);
}

static void move(void *owner);

static void wait_for(struct xf_address_queue *line, struct xf_span address)
{
    line->wait = (struct xf_mailmap_wait){.done = move, .owner = line};
    xf_mailmap_wait(line->route->routing->mailmap, address, &line->wait);
}

bool xf_address_queue_push(struct xf_route *route, bool is_in, const struct xf_stanza *stanza,
                           struct xf_span address)
{
    struct xf_address_queue *line = get(route, is_in);
    bool was_empty = xf_stanza_queue_is_empty(&line->stanzas);
    size_t bytes = xf_stanza_copy_size(stanza), sum = line->stanzas.held.bytes + bytes;
    if (line->stanzas.held.count >= route->settings->queue_stanzas ||
        sum > route->settings->queue_bytes || sum > xf_routing_room(route->routing) ||
        !xf_route_limits_has_bytes(route, bytes))
        return false;
    xf_stanza_queue_push(&line->stanzas, stanza, xf_routing_now(route->routing));
    xf_route_limits_weigh(route);
    if (was_empty)
        wait_for(line, address);
    return true;
}

static void moved(struct xf_address_queue *line)
{
    struct xf_routing *routing = line->route->routing;
    if (line->is_in && !is_above(line, 4) && routing->s2s && !routing->is_finished)
        xf_s2s_resume_inbound(routing->s2s);
}

/*
 * The first has its answer: on with all that have theirs. It is out of the list meanwhile: its way
 * may cost the route its place, and the line what is in it.
 */
static void move(void *owner)
{
    struct xf_address_queue *line = owner;
    while (!xf_stanza_queue_is_empty(&line->stanzas)) {
        struct xf_span address = XF_SPAN_NONE;
        struct xf_stanza_copy *copy = pop(line);
        struct xf_stanza stanza;
        xf_stanza_copy_read(copy, &stanza);
        xf_stanza_find_children(&stanza);
        if (!(line->is_in ? xf_mail_go_in : xf_mail_go_out)(line->route, &stanza, &address)) {
            xf_stanza_queue_put_back(&line->stanzas, copy);
            xf_route_limits_weigh(line->route);
            wait_for(line, address);
            break;
        }
        xf_free(copy);
    }
    moved(line);
}

void xf_address_queue_bounce(struct xf_address_queue *line, enum xf_stanza_error error,
                             const char *text)
{
    if (!line)
        return;
    xf_mailmap_forget(&line->wait);
    while (!xf_stanza_queue_is_empty(&line->stanzas)) {
        struct xf_stanza_copy *copy = pop(line);
        struct xf_stanza stanza;
        xf_stanza_copy_read(copy, &stanza);
        if (line->is_in)
            xf_answer_peer(line->route->routing, &stanza, error, text);
        else
            xf_bounce(line->route->routing, line->route->link, &stanza, error, text);
        xf_free(copy);
    }
    moved(line);
}

void xf_address_queue_sift(struct xf_address_queue *line)
{
    if (!line)
        return;
    XF_STANZA_QUEUE_EACH (copy, &line->stanzas) {
        struct xf_stanza stanza;
        xf_stanza_copy_read(copy, &stanza);
        if (xf_screen_still_out(line->route->routing, line->route->link, &stanza))
            continue;
        xf_stanza_queue_remove(&line->stanzas, copy);
        xf_route_limits_weigh(line->route);
        xf_free(copy);
    }
    if (xf_stanza_queue_is_empty(&line->stanzas))
        xf_mailmap_forget(&line->wait); /* the next one waits for its own */
    moved(line);
}

void xf_address_queue_free(struct xf_address_queue **line)
{
    if (!*line)
        return;
    xf_mailmap_forget(&(*line)->wait);
    /* a peer sent it when we had closed its stream: there is no way to answer */
    xf_stanza_queue_clear(&(*line)->stanzas);
    xf_route_limits_weigh((*line)->route);
    xf_free(*line);
    *line = NULL;
}
