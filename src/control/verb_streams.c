/* SPDX-License-Identifier: MIT */
/*
 * verb_streams.c — streams, close: the streams with other servers, one by one; behind them SIP
 * connections.
 */
#include "control_priv.h"

#include <inttypes.h>
#include <string.h>

#include <xfed/base/alloc.h>
#include <xfed/s2s/view.h>
#include <xfed/xmpp/jid.h>

struct job {
    struct xf_client *client;
    struct xf_s2s_view_at at;
    bool is_at_sip;
    uint64_t conn_at;
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

json_t *xf_control_conn(const struct xf_control_sip_conn *conn)
{
    json_t *row = json_object();
    xf_json_put(row, "protocol", "sip");
    xf_json_put_int(row, "conn", conn->number);
    xf_json_put(row, "dir", conn->is_out ? "out" : "in");
    xf_json_put(row, "peer", conn->peer);
    xf_json_put(row, "addr", conn->addr);
    xf_json_put(row, "server", conn->server);
    xf_json_put(row, "state", conn->state);
    xf_json_put_bool(row, "ready", conn->is_open);
    xf_json_put(row, "tls", conn->tls);
    xf_json_put(row, "cipher", conn->cipher);
    xf_json_put_bool(row, "paused", conn->is_paused);
    xf_json_put_int(row, "age_ms", conn->age_ms);
    xf_json_put_int(row, "idle_ms", conn->idle_ms);
    xf_json_put_int(row, "asked", conn->asked);
    xf_json_put_int(row, "open", conn->open);
    return row;
}

bool xf_control_conns(const struct xf_control *control, uint64_t *at, xf_control_sip_conn_fn each,
                      void *owner)
{
    const struct xf_control_sip *sip = control->opts.ops->sip;
    return sip && sip->conns(control->opts.owner, at, XF_CONTROL_PAGE, each, owner);
}

static void show_conn(void *owner, const struct xf_control_sip_conn *conn)
{
    struct job *job = owner;
    if (*job->peer && (!conn->peer || strcmp(conn->peer, job->peer) != 0))
        return;
    job->shown++;
    xf_client_row(job->client, xf_control_conn(conn));
}

/* False: those were all. */
static bool show_some(struct job *job)
{
    const struct xf_control *control = job->client->control;
    if (!job->is_at_sip)
        job->is_at_sip = !xf_s2s_view(control->parts.s2s, &job->at, XF_CONTROL_PAGE, show, job);
    else
        return xf_control_conns(control, &job->conn_at, show_conn, job);
    return true;
}

static void go_on(struct xf_client *client)
{
    struct job *job = client->job;
    size_t shown_before = job->shown;
    bool has_more = true;
    /* Whoever asks for one peer need not be told in between that there is nothing yet. */
    for (int i = 0; has_more && job->shown == shown_before && i < 8; i++)
        has_more = show_some(job);
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

/* One stream, or one SIP connection, of this number. */
static void close_one(struct xf_client *client, const json_t *number, bool is_conn)
{
    const struct xf_control *control = client->control;
    const struct xf_control_sip *sip = control->opts.ops->sip;
    uint64_t which = (uint64_t)json_integer_value(number);
    size_t closed = !is_conn ? xf_s2s_close_stream(control->parts.s2s, which)
                    : sip    ? sip->close_conn(control->opts.owner, which)
                             : 0;
    if (closed)
        xf_client_done_with(client, "closed", closed);
    else
        xf_client_fail(client, "no-such-stream", "there is no %s %" PRIu64 " (any more)",
                       is_conn ? "SIP connection" : "stream", which);
}

static void close_peer(struct xf_client *client, struct xf_span peer)
{
    const struct xf_control *control = client->control;
    const struct xf_control_sip *sip = control->opts.ops->sip;
    size_t closed = xf_s2s_close_peer(control->parts.s2s, peer);
    if (sip)
        closed += sip->close_peer(control->opts.owner, peer);
    xf_client_done_with(client, "closed", closed);
}

void xf_verb_close(struct xf_client *client, const json_t *request)
{
    const json_t *stream = json_object_get(request, "stream"),
                 *conn = json_object_get(request, "conn");
    char peer[XF_DOMAIN_MAX + 1];
    if (json_is_integer(stream))
        close_one(client, stream, false);
    else if (json_is_integer(conn))
        close_one(client, conn, true);
    else if (xf_verb_need_domain(client, request, "peer", peer))
        close_peer(client, xf_span_of(peer));
}
