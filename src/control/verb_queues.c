/* SPDX-License-Identifier: MIT */
/* verb_queues.c — queue, retry, flush: the routes to peers, and what waits in them. */
#include "control_priv.h"

#include <string.h>

#include <xfed/base/alloc.h>
#include <xfed/routing/view.h>
#include <xfed/xmpp/jid.h>

struct job {
    struct xf_client *client;
    uint64_t at;
    size_t shown;
    bool shows_all;               /* also routes in which nothing waits */
    char peer[XF_DOMAIN_MAX + 1]; /* "": all */
};

json_t *xf_control_route(const struct xf_route_view *view)
{
    json_t *row = json_object();
    xf_json_put_span(row, "local", view->local);
    xf_json_put_span(row, "peer", view->peer);
    xf_json_put(row, "state", view->state);
    xf_json_put_bool(row, "for_stranger", view->for_stranger);
    xf_json_put_sum(row, "queued", &view->queued);
    xf_json_put_sum(row, "unproved", &view->unproved);
    xf_json_put_int(row, "oldest_ms", view->oldest_ms);
    xf_json_put(row, "cause", view->cause);
    xf_json_put(row, "text", view->text);
    xf_json_put_int(row, "retry_ms", view->retry_ms);
    xf_json_put_int(row, "taken", view->taken);
    xf_json_put_int(row, "sent", view->sent);
    xf_json_put_int(row, "bounced", view->bounced);
    return row;
}

static void show(void *owner, const struct xf_route_view *view)
{
    struct job *job = owner;
    bool is_empty = view->queued.count == 0 && view->unproved.count == 0 && !view->cause;
    if ((is_empty && !job->shows_all) || (*job->peer && !xf_span_is(view->peer, job->peer)))
        return;
    job->shown++;
    xf_client_row(job->client, xf_control_route(view));
}

static void go_on(struct xf_client *client)
{
    struct job *job = client->job;
    size_t shown_before = job->shown;
    if (!xf_routing_view(client->control->parts.routing, &job->at, XF_CONTROL_PAGE, show, job)) {
        xf_client_done_with(client, "routes", job->shown);
    } else if (job->shown == shown_before) {
        xf_timer_start(client->control->timers, &client->timer, 0);
    }
}

static void on_timer(void *owner)
{
    go_on(owner);
}

void xf_verb_queue(struct xf_client *client, const json_t *request)
{
    struct job *job = xf_new(struct job);
    job->client = client;
    job->shows_all = xf_json_is(request, "all");
    client->job = job;
    client->free_job = xf_free;
    if (json_object_get(request, "peer") &&
        !xf_verb_need_domain(client, request, "peer", job->peer))
        return;
    client->go_on = go_on;
    xf_timer_init(&client->timer, on_timer, client);
    go_on(client);
}

void xf_verb_retry(struct xf_client *client, const json_t *request)
{
    char peer[XF_DOMAIN_MAX + 1];
    if (!xf_verb_need_domain(client, request, "peer", peer))
        return;
    json_t *result = json_object();
    xf_json_put_int(result, "routes",
                    xf_routing_retry(client->control->parts.routing, xf_span_of(peer)));
    if (xf_policy_goes_by_sip(client->control->parts.policy, xf_span_of(peer)))
        xf_json_put(result, "protocol", "sip");
    xf_client_done(client, result);
}

void xf_verb_flush(struct xf_client *client, const json_t *request)
{
    char peer[XF_DOMAIN_MAX + 1];
    if (!xf_verb_need_domain(client, request, "peer", peer))
        return;
    xf_client_done_with(client, "stanzas",
                        xf_routing_flush(client->control->parts.routing, xf_span_of(peer)));
}
