/* SPDX-License-Identifier: MIT */
/* verb_status.c — status: the gateway at a glance. */
#include "control_priv.h"

#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <xfed/base/help.h>
#include <xfed/conf/conf.h>
#include <xfed/link/view.h>
#include <xfed/routing/counts.h>
#include <xfed/s2s/counts.h>

#define LEGS_MAX 64 /* of each link: with names = per-peer there may be thousands */

static void add_leg(void *owner, const struct xf_leg_view *view)
{
    json_t *leg = json_object();
    xf_json_put(leg, "node", view->node);
    xf_json_put(leg, "name", view->name);
    xf_json_put(leg, "state", view->state);
    xf_json_put_bool(leg, "up", view->is_up);
    xf_json_put_int(leg, "since_ms", view->since_ms);
    xf_json_put_int(leg, "weight", view->weight);
    xf_json_put_bool(leg, "congested", view->is_congested);
    xf_json_put_bool(leg, "paused", view->is_paused);
    xf_json_put_bool(leg, "draining", view->is_draining);
    xf_json_put(leg, "failure", view->failure);
    if (view->help != XF_HELP_NONE) {
        xf_json_put(leg, "help", xf_help_code(view->help));
        xf_json_put(leg, "advice", xf_help_advice(view->help));
    }
    json_array_append_new(owner, leg);
}

static json_t *link_of(const struct xf_link *link)
{
    struct xf_link_view view;
    json_t *object = json_object(), *legs = json_array();
    xf_link_view(link, &view);
    xf_json_put(object, "link", view.title);
    xf_json_put(object, "driver", view.driver);
    xf_json_put(object, "name", view.name);
    xf_json_put_bool(object, "up", view.is_up);
    xf_json_put_int(object, "down_ms", view.down_ms);
    xf_json_put_bool(object, "refuses_peers", view.refuses_peers);
    xf_json_put_bool(object, "congested", view.is_congested);
    xf_json_put_int(object, "components", view.components);
    xf_json_put_int(object, "legs_up", view.legs_up);
    xf_json_put_sum(object, "held", &view.held);
    xf_json_put_sum(object, "unproved", &view.unproved);
    xf_link_view_legs(link, LEGS_MAX, add_leg, legs);
    xf_json_put_new(object, "legs", legs);
    return object;
}

static json_t *all_links(const struct xf_control_parts *parts)
{
    json_t *links = json_array();
    for (size_t i = 0; i < parts->link_count; i++)
        json_array_append_new(links, link_of(parts->links[i]));
    return links;
}

void xf_control_put_down(const struct xf_control *control, const char *local, json_t *result)
{
    const struct xf_control_parts *parts = &control->parts;
    const struct xf_served_settings *served = xf_policy_served(parts->policy, xf_span_of(local));
    for (size_t i = 0; served && i < parts->link_count; i++) {
        struct xf_link_view view;
        xf_link_view(parts->links[i], &view);
        if (view.is_up || view.is_per_peer || strcmp(view.title, served->link) != 0)
            continue;
        json_t *links = json_array();
        json_array_append_new(links, link_of(parts->links[i]));
        xf_json_put_new(result, "links", links);
    }
}

static json_t *stream_counts(const struct xf_s2s *s2s)
{
    struct xf_s2s_counts counts;
    json_t *object = json_object();
    xf_s2s_count(s2s, &counts);
    xf_json_put_int(object, "in", counts.by[XF_S2S_IN].streams);
    xf_json_put_int(object, "half_open", counts.half_open);
    xf_json_put_int(object, "out", counts.by[XF_S2S_OUT].streams);
    xf_json_put_int(object, "ready", counts.by[XF_S2S_OUT].ready);
    xf_json_put_int(object, "verify", counts.by[XF_S2S_VERIFY].streams);
    xf_json_put_int(object, "peers_in", counts.peers_in);
    xf_json_put_int(object, "pairs_out", counts.pairs_out);
    return object;
}

/* Nothing in a build without SIP. */
static void put_sip(const struct xf_control *control, json_t *result)
{
    const struct xf_control_sip *sip = control->opts.ops->sip;
    struct xf_control_sip_counts counts;
    if (!sip)
        return;
    json_t *object = json_object();
    sip->count(control->opts.owner, &counts);
    xf_json_put_int(object, "conns", counts.conns);
    xf_json_put_int(object, "half_open", counts.half_open);
    xf_json_put_int(object, "asked", counts.asked);
    xf_json_put_int(object, "open", counts.open);
    xf_json_put_int(object, "requests_in", counts.requests_in);
    xf_json_put_int(object, "refused", counts.refused);
    xf_json_put_int(object, "requests_out", counts.requests_out);
    xf_json_put_int(object, "unanswered", counts.unanswered);
    xf_json_put_int(object, "malformed", counts.malformed);
    xf_json_put_int(object, "messages_in", counts.messages_in);
    xf_json_put_int(object, "messages_refused", counts.messages_refused);
    xf_json_put_int(object, "messages_out", counts.messages_out);
    xf_json_put_int(object, "messages_bounced", counts.messages_bounced);
    xf_json_put_int(object, "errors_late", counts.errors_late);
    xf_json_put_int(object, "subscriptions_in", counts.subscriptions_in);
    xf_json_put_int(object, "pending_in", counts.pending_in);
    xf_json_put_int(object, "subscriptions_out", counts.subscriptions_out);
    xf_json_put_new(result, "sip", object);
}

static void put_routes(json_t *result, struct xf_routing *routing)
{
    struct xf_routing_counts counts;
    json_t *routes = json_object();
    xf_routing_count(routing, &counts);
    for (size_t i = 0; i < XF_ROUTE_STATES; i++)
        xf_json_put_int(routes, counts.routes[i].state, counts.routes[i].count);
    xf_json_put_new(result, "routes", routes);
    xf_json_put_sum(result, "waiting", &counts.queued);
    xf_json_put_sum(result, "answers", &counts.answers);
}

static void add_certificate(void *owner, const struct xf_control_certificate *cert)
{
    json_t *object = json_object();
    xf_json_put(object, "name", cert->name);
    xf_json_put(object, "file", cert->file);
    xf_json_put_signed(object, "not_before_s", cert->not_before_s);
    xf_json_put_signed(object, "not_after_s", cert->not_after_s);
    json_array_append_new(owner, object);
}

static json_t *switched_off(const struct xf_policy_switches *switches)
{
    json_t *peers = json_array();
    for (size_t i = 0; i < switches->peers.count; i++)
        json_array_append_new(peers, json_string(switches->peers.item[i]));
    return peers;
}

static const char *federation_word(const struct xf_control *control)
{
    if (!control->parts.conf->policy.federation)
        return "off";
    return control->opts.switches->is_off ? "switched-off" : "on";
}

static json_t *last_reload(const struct xf_control *control)
{
    json_t *object = json_object();
    xf_json_put_signed(object, "unix_s", control->reloaded_s);
    xf_json_put_bool(object, "ok", !control->reload_refused);
    return object;
}

void xf_verb_status(struct xf_client *client, const json_t *request)
{
    const struct xf_control *control = client->control;
    json_t *result = json_object(), *certificates = json_array();
    struct rusage usage;
    (void)request;
    xf_json_put(result, "version", control->opts.version);
    xf_json_put(result, "config", control->opts.file);
    xf_json_put_int(result, "pid", (uint64_t)getpid());
    xf_json_put(result, "state", control->opts.ops->state(control->opts.owner));
    xf_json_put_int(result, "uptime_ms", control->clock->now_ms - control->started_ms);
    xf_json_put(result, "log_level", xf_log_level_name(xf_log_threshold));
    xf_json_put(result, "federation", federation_word(control));
    xf_json_put_new(result, "switched_off", switched_off(control->opts.switches));
    if (control->reloaded_s)
        xf_json_put_new(result, "reload", last_reload(control));
    xf_json_put_new(result, "links", all_links(&control->parts));
    xf_json_put_new(result, "streams", stream_counts(control->parts.s2s));
    put_sip(control, result);
    put_routes(result, control->parts.routing);
    control->opts.ops->certificates(control->opts.owner, add_certificate, certificates);
    xf_json_put_new(result, "certificates", certificates);
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        xf_json_put_int(result, "memory_peak_kib", (uint64_t)usage.ru_maxrss);
        xf_json_put_int(result, "cpu_ms",
                        (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
                            (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000);
    }
    xf_client_done(client, result);
}
