/* SPDX-License-Identifier: MIT */
/*
 * verb_trace.c — trace: every event about one peer as it happens, also those at debug, without
 * setting the whole log to debug. Like the log, it holds no secrets, keys or stanza bodies.
 */
#include "control_priv.h"

#include <xfed/base/alloc.h>
#include <xfed/xmpp/jid.h>

#define MINUTE_MS       60000
#define MINUTES_USUALLY 10
#define MINUTES_MAX     1440

struct job {
    struct xf_client *client;
    char peer[XF_DOMAIN_MAX + 1];
    size_t shown;
};

static void see(struct xf_log_watcher *watcher, const struct xf_log_event *event)
{
    struct xf_client *client = XF_CONTAINER(watcher, struct xf_client, watcher);
    struct job *job = client->job;
    char line[XF_LOG_LINE_BYTES];
    if (!xf_span_is(xf_log_text(event, "peer"), job->peer))
        return;
    json_t *row = json_object();
    xf_log_print(event, line);
    xf_json_put_signed(row, "unix_ms", xf_unix_ms());
    xf_json_put(row, "event", event->name);
    xf_json_put(row, "line", line);
    job->shown++;
    xf_client_row(client, row);
}

static void on_over(void *owner)
{
    struct xf_client *client = owner;
    const struct job *job = client->job;
    xf_client_done_with(client, "events", job->shown);
}

void xf_verb_trace(struct xf_client *client, const json_t *request)
{
    int64_t minutes = xf_json_signed(request, "minutes");
    struct job *job = xf_new(struct job);
    client->job = job;
    client->free_job = xf_free;
    if (!xf_verb_need_domain(client, request, "peer", job->peer))
        return;
    minutes = minutes <= 0 ? MINUTES_USUALLY : minutes > MINUTES_MAX ? MINUTES_MAX : minutes;
    client->watcher.see = see;
    xf_log_watch(&client->watcher);
    xf_timer_init(&client->timer, on_over, client);
    xf_timer_start(client->control->timers, &client->timer, (uint64_t)minutes * MINUTE_MS);
}
