/* SPDX-License-Identifier: MIT */
/*
 * routing.c — the routing as the daemon sees it: create, attach S2S and links, apply a new policy,
 * drain.
 *
 * routing_priv.h lists the other files.
 */
#include "routing_priv.h"

#include "address_queue_priv.h"
#include "answers_priv.h"
#include "backpressure_priv.h"
#include "hand_over_priv.h"
#include "links_priv.h"
#include "outbound_priv.h"
#include "probe_priv.h"
#include "repair_priv.h"
#include "replay_priv.h"
#include "requests_by_jid_priv.h"
#include "route_limits_priv.h"
#include "route_priv.h"
#include "unreachable_priv.h"

#include <xfed/base/alloc.h>
#include <xfed/journal/sessions.h>

#define STRIPPED_MAX (64u << 20) /* no stanza is larger */

struct xf_routing *xf_routing_new(const struct xf_routing_opts *opts)
{
    struct xf_routing *routing = xf_new(struct xf_routing);
    routing->env = opts->env;
    routing->policy = opts->policy;
    routing->settings = *opts->settings;
    routing->on_refuses = opts->refuses;
    routing->refuses_owner = opts->owner;
    routing->routes = xf_map_new();
    routing->failed_peers = xf_map_new();
    xf_list_init(&routing->all);
    xf_list_init(&routing->links);
    xf_stanza_queue_init(&routing->handed, NULL);
    xf_buf_init(&routing->stripped, STRIPPED_MAX);
    xf_buf_init(&routing->rewritten, STRIPPED_MAX);
    xf_probes_init(&routing->probes, &xf_route_probe_events);
    xf_route_limits_init(routing);
    xf_unreachable_init(&routing->unreachables);
    xf_presence_table_init(&routing->presences);
    routing->repair_ops = &xf_outbound_repair_ops;
    routing->presences.max_bytes = routing->settings.repair_bytes;
    return routing;
}

void xf_routing_free(struct xf_routing **routing)
{
    if (!*routing)
        return;
    size_t cursor = 0;
    void *route = NULL;
    xf_mailmap_forget(&(*routing)->parting);
    while (xf_map_next((*routing)->routes, &cursor, NULL, &route))
        xf_route_free(route); /* no stream of s2s may exist any more */
    XF_LIST_EACH_SAFE (node, &(*routing)->links) {
        struct xf_routing_link *link = XF_CONTAINER(node, struct xf_routing_link, node);
        xf_backpressure_fini(link);
        xf_barrier_fini(link);
        xf_require(xf_map_count(link->answers) == 0); /* xf_routing_end was called */
        xf_map_free(&link->answers);
        xf_free(link->title);
        xf_free(link);
    }
    xf_repair_free_all(*routing);
    xf_map_free(&(*routing)->routes);
    xf_route_limits_fini(*routing);
    xf_map_free(&(*routing)->failed_peers);
    xf_unreachable_fini(&(*routing)->unreachables);
    xf_buf_release(&(*routing)->stripped);
    xf_buf_release(&(*routing)->rewritten);
    xf_map_free(&(*routing)->strangers);
    xf_requests_free(&(*routing)->requests);
    xf_free(*routing);
    *routing = NULL;
}

void xf_routing_attach_s2s(struct xf_routing *routing, struct xf_s2s *s2s)
{
    routing->s2s = s2s;
}

struct xf_stanza_sum *xf_routing_waiting(struct xf_routing *routing)
{
    return &routing->queued;
}

void xf_routing_attach_mailmap(struct xf_routing *routing, struct xf_mailmap *mailmap)
{
    routing->mailmap = mailmap;
    routing->last_in.key.len = 0;
}

void xf_routing_attach_journal(struct xf_routing *routing, struct xf_journal *journal)
{
    routing->journal = journal;
    if (!journal)
        return;
    xf_hand_over_begin(routing);
    xf_replay_messages(routing);
}

void xf_routing_attach_link(struct xf_routing *routing, const char *title, struct xf_link *link)
{
    struct xf_routing_link *entry = xf_new(struct xf_routing_link);
    entry->title = xf_strdup(title);
    entry->link = link;
    entry->routing = routing;
    xf_backpressure_init(entry);
    xf_barrier_init(entry);
    entry->answers = xf_map_new();
    xf_list_push(&routing->links, &entry->node);
}

void xf_routing_reload(struct xf_routing *routing, struct xf_policy *policy,
                       const struct xf_routing_settings *settings)
{
    size_t cursor = 0;
    void *value = NULL;
    routing->policy = policy;
    routing->settings = *settings;
    routing->presences.max_bytes = settings->repair_bytes;
    routing->last_in.key.len = 0;
    while (xf_map_next(routing->routes, &cursor, NULL, &value)) {
        struct xf_route *route = value;
        xf_route_judge(route);
        xf_route_forgive(route);
        if (route->is_watched) {
            xf_route_sift(route);
            xf_address_queue_sift(route->address_queue_out);
        }
        if (!route->may) {
            xf_route_bounce_queue(route, XF_STANZA_ERROR_NOT_ALLOWED,
                                  "communication with this domain is not allowed");
            xf_address_queue_bounce(route->address_queue_out, XF_STANZA_ERROR_NOT_ALLOWED,
                                    "communication with this domain is not allowed");
        }
    }
    XF_LIST_EACH (node, &routing->links)
        xf_answers_follow(XF_CONTAINER(node, struct xf_routing_link, node));
    /* not before all have moved: to a link that is idle, nothing else calls them */
    XF_LIST_EACH (node, &routing->links)
        xf_answers_go_on(XF_CONTAINER(node, struct xf_routing_link, node));
}

void xf_routing_drain(struct xf_routing *routing)
{
    size_t cursor = 0;
    void *route = NULL;
    routing->is_draining = true;
    while (xf_map_next(routing->routes, &cursor, NULL, &route))
        xf_route_drain(route);
    routing->hands_over = xf_journal_keeps_sessions(routing->journal);
    if (routing->hands_over)
        xf_s2s_hand_over(routing->s2s);
}

static size_t count_unproved(const struct xf_routing *routing)
{
    size_t cursor = 0, count = 0;
    void *value = NULL;
    while (xf_map_next(routing->routes, &cursor, NULL, &value)) {
        const struct xf_route *route = value;
        count += route->out ? xf_out_unproved(route->out)->count : 0;
    }
    return count;
}

bool xf_routing_has_sent_all(const struct xf_routing *routing)
{
    return routing->queued.count <= count_unproved(routing) && routing->answers.count == 0;
}

bool xf_routing_is_idle(const struct xf_routing *routing)
{
    return routing->queued.count == 0 && routing->answers.count == 0;
}

static const char stopping[] = "the gateway is shutting down";

/* No answer makes a new route: a stanza is answered over the route of its own pair. */
bool xf_routing_return_unmapped(struct xf_routing *routing)
{
    size_t cursor = 0;
    void *route = NULL;
    bool returned = false;
    routing->returns_unmapped = true;
    while (xf_map_next(routing->routes, &cursor, NULL, &route)) {
        struct xf_address_queue *queue = ((struct xf_route *)route)->address_queue_in;
        returned |= !xf_address_queue_is_empty(queue);
        xf_address_queue_bounce(queue, XF_STANZA_ERROR_REMOTE_SERVER_TIMEOUT, stopping);
    }
    return returned;
}

/* The stanzas of peers are answered first: the answers go through the queues of routes. */
void xf_routing_finish(struct xf_routing *routing)
{
    size_t cursor = 0;
    void *route = NULL;
    routing->is_draining = true;
    (void)xf_routing_return_unmapped(routing);
    routing->is_finished = true;
    while (xf_map_next(routing->routes, &cursor, NULL, &route)) {
        xf_address_queue_bounce(((struct xf_route *)route)->address_queue_out,
                                XF_STANZA_ERROR_REMOTE_SERVER_TIMEOUT, stopping);
        xf_route_bounce_queue(route, XF_STANZA_ERROR_REMOTE_SERVER_TIMEOUT, stopping);
    }
    if (routing->sip)
        routing->sip->finish(routing);
}

void xf_routing_end(struct xf_routing *routing)
{
    routing->has_ended = true;
    xf_hand_over_end(routing);
    if (routing->kept_count > 0)
        /* bounded: once, at the end */
        xf_log(XF_LOG_INFO, "journal.messages.kept", XF_INT("stanzas", routing->kept_count));
    XF_LIST_EACH (node, &routing->links)
        xf_answers_end(XF_CONTAINER(node, struct xf_routing_link, node));
}
