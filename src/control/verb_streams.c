/* SPDX-License-Identifier: MIT */
/* verb_streams.c — streams, close: the streams with other servers, one by one. */
#include "control_priv.h"

#include <string.h>

#include <xfed/base/alloc.h>
#include <xfed/s2s/view.h>
#include <xfed/xmpp/jid.h>

struct job {
    struct xf_client *client;
    struct xf_s2s_view_at at;
    size_t shown;
    char peer[XF_DOMAIN_MAX + 1]; /* "": all */
};

json_t *xf_control_stream(const struct xf_stream_view *view)
{
    json_t *row = json_object();
    xf_json_put_int(row, "stream", view->number);
    xf_json_put(row, "dir", view->dir);
    xf_json_put(row, "local", view->local);
    xf_json_put(row, "peer", view->peer);
    xf_json_put(row, "addr", *view->addr ? view->addr : NULL);
    xf_json_put(row, "state", view->state);
    xf_json_put_bool(row, "ready", view->is_ready);
    xf_json_put(row, "tls", view->tls);
    xf_json_put(row, "cipher", view->cipher);
    xf_json_put(row, "cert", view->cert);
    xf_json_put(row, "auth", view->auth);
    xf_json_put(row, "via", view->via);
    xf_json_put_bool(row, "bidi", view->is_bidi);
    xf_json_put_bool(row, "paused", view->is_paused);
    xf_json_put_int(row, "age_ms", view->age_ms);
    xf_json_put_int(row, "idle_ms", view->idle_ms);
    xf_json_put_int(row, "stanzas_in", view->stanzas_in);
    xf_json_put_int(row, "stanzas_out", view->stanzas_out);
    xf_json_put_sum(row, "unproved", &view->unproved);
    return row;
}

static void show(void *owner, const struct xf_stream_view *view)
{
    struct job *job = owner;
    if (*job->peer && (!view->peer || strcmp(view->peer, job->peer) != 0))
        return;
    job->shown++;
    xf_client_row(job->client, xf_control_stream(view));
}

static void go_on(struct xf_client *client)
{
    struct job *job = client->job;
    size_t shown_before = job->shown;
    bool has_more = true;
    /* Whoever asks for one peer need not be told in between that there is nothing yet. */
    for (int i = 0; has_more && job->shown == shown_before && i < 8; i++)
        has_more = xf_s2s_view(client->control->parts.s2s, &job->at, XF_CONTROL_PAGE, show, job);
    if (!has_more) {
        xf_client_done_with(client, "streams", job->shown);
    } else if (job->shown == shown_before) {
        xf_timer_start(client->control->timers, &client->timer, 0);
    }
}

static void on_timer(void *owner)
{
    go_on(owner);
}

/* NULL: the request names no domain, or none that is one, and has failed. */
static struct job *new_job(struct xf_client *client, const json_t *request)
{
    struct job *job = xf_new(struct job);
    job->client = client;
    if (!json_object_get(request, "peer") ||
        xf_verb_need_domain(client, request, "peer", job->peer))
        return job;
    xf_free(job);
    return NULL;
}

void xf_verb_streams(struct xf_client *client, const json_t *request)
{
    struct job *job = new_job(client, request);
    if (!job)
        return;
    client->job = job;
    client->free_job = xf_free;
    client->go_on = go_on;
    xf_timer_init(&client->timer, on_timer, client);
    go_on(client);
}

void xf_verb_close(struct xf_client *client, const json_t *request)
{
    struct xf_s2s *s2s = client->control->parts.s2s;
    json_t *stream = json_object_get(request, "stream");
    char peer[XF_DOMAIN_MAX + 1];
    size_t closed;
    if (json_is_integer(stream)) {
        closed = xf_s2s_close_stream(s2s, (uint64_t)json_integer_value(stream));
        if (!closed) {
            xf_client_fail(client, "no-such-stream", "there is no stream %lld (any more)",
                           (long long)json_integer_value(stream));
            return;
        }
    } else if (xf_verb_need_domain(client, request, "peer", peer)) {
        closed = xf_s2s_close_peer(s2s, xf_span_of(peer));
    } else {
        return;
    }
    xf_client_done_with(client, "closed", closed);
}
