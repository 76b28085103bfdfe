/* SPDX-License-Identifier: MIT */
/*
 * verb_peers.c — peers: all that are known, one row each. A peer is known by a section, a route, a
 * stream or an attempt; the rows are put together in several turns, then sorted and shown.
 */
#include "control_priv.h"

#include <stdlib.h>
#include <string.h>

#include <xfed/base/alloc.h>
#include <xfed/base/map.h>
#include <xfed/conf/conf.h>
#include <xfed/routing/view.h>
#include <xfed/s2s/counts.h>
#include <xfed/s2s/view.h>

struct peer {
    char *name;
    bool is_named;
    enum xf_protocol protocol;
    /* Pairs that may send to us, that we may send to, or neither yet; of SIP: connections. */
    size_t in, out, connecting;
    struct xf_stanza_sum queued;
    const char *cause; /* NULL: no route has failed */
    char *text;
    uint64_t retry_ms, heard_ms; /* heard_ms: last event about a stream, 0 for none */
    const char *auth, *cert; /* of the weakest pair that is authenticated; NULL: there is none */
    uint64_t stanzas_in, stanzas_out; /* messages, presence and queries, since the start */
    int64_t cert_until_s;             /* of the certificate that it showed last; 0: none */
};

enum phase { SECTIONS, ROUTES, STREAMS, CONNS, ATTEMPTS, COUNTS, ROWS };

struct job {
    struct xf_client *client;
    enum phase phase;
    size_t section_at;
    uint64_t route_at;
    struct xf_s2s_view_at stream_at;
    uint64_t conn_at;
    struct xf_map *peers; /* name -> struct peer */
    struct peer **sorted;
    size_t shown;
};

/* ------------------------------------------------------------------ gathering */

static struct peer *peer_of(struct job *job, struct xf_span name)
{
    struct peer *peer = xf_map_find(job->peers, name);
    if (peer)
        return peer;
    peer = xf_new(struct peer);
    peer->name = xf_span_dup(name);
    peer->is_named = xf_policy_names(job->client->control->parts.policy, name);
    peer->protocol = xf_policy_protocol(job->client->control->parts.policy, name);
    (void)xf_map_set(job->peers, name, peer);
    return peer;
}

/* False: those were all. A reload in between may leave some out or show some again. */
static bool gather_sections(struct job *job)
{
    const struct xf_conf *conf = job->client->control->parts.conf;
    for (size_t n = 0; n < XF_CONTROL_PAGE && job->section_at < conf->peer_count; n++) {
        const char *pattern = conf->peers[job->section_at++].pattern;
        if (*pattern != '*')
            (void)peer_of(job, xf_span_of(pattern));
    }
    return job->section_at < conf->peer_count;
}

static void gather_route(void *owner, const struct xf_route_view *view)
{
    struct peer *peer = peer_of(owner, view->peer);
    peer->queued.bytes += view->queued.bytes;
    peer->queued.count += view->queued.count;
    if (!view->cause || peer->cause)
        return;
    peer->cause = view->cause;
    peer->text = xf_strdup(view->text);
    peer->retry_ms = view->retry_ms;
}

static bool proves(const char *cert)
{
    static const char *const good[] = {"good", "pinned", "dane"};
    for (size_t i = 0; cert && i < XF_ARRAY_LEN(good); i++)
        if (strcmp(cert, good[i]) == 0)
            return true;
    return false;
}

static bool is_weaker(const struct xf_stream_view *view, const struct peer *peer)
{
    return !peer->auth || proves(peer->cert) > proves(view->cert) ||
           (proves(peer->cert) == proves(view->cert) && strcmp(peer->auth, "external") == 0);
}

static void note_proof(struct peer *peer, const struct xf_stream_view *view)
{
    if (!view->auth || !is_weaker(view, peer))
        return;
    peer->auth = view->auth;
    peer->cert = view->cert;
}

static void gather_stream(void *owner, const struct xf_stream_view *view)
{
    if (!view->peer || strcmp(view->dir, "verify") == 0 || (*view->dir == 'i' && !view->is_ready))
        return; /* an accepted stream has only a claim so far */
    struct peer *peer = peer_of(owner, xf_span_of(view->peer));
    if (view->is_ready)
        note_proof(peer, view);
    if (!view->is_ready)
        peer->connecting++;
    else if (*view->dir == 'i')
        peer->in++;
    else
        peer->out++;
}

/* Of an accepted connection somebody authenticated has sent a request. */
static void gather_conn(void *owner, const struct xf_control_sip_conn *conn)
{
    if (!conn->peer)
        return;
    struct peer *peer = peer_of(owner, xf_span_of(conn->peer));
    if (!conn->is_open)
        peer->connecting++;
    else if (conn->is_out)
        peer->out++;
    else
        peer->in++;
}

static void gather_attempts(void *owner, struct xf_span name, uint64_t heard_ms)
{
    peer_of(owner, name)->heard_ms = heard_ms;
}

static uint64_t stanzas_of(const struct xf_traffic *traffic)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < XF_COUNTED_KINDS; i++)
        sum += traffic->stanzas[i];
    return sum;
}

/* Those that are counted by name: a bounded number. */
static void gather_counts(void *owner, struct xf_span name, const struct xf_peer_counts *counts)
{
    const struct job *job = owner;
    struct peer *peer = name.ptr ? xf_map_find(job->peers, name) : NULL;
    if (!peer)
        return;
    peer->stanzas_in = stanzas_of(&counts->in);
    peer->stanzas_out = stanzas_of(&counts->out);
    peer->cert_until_s = counts->cert_until_s;
}

/* ------------------------------------------------------------------ rows */

static int by_name(const void *a, const void *b)
{
    return strcmp((*(struct peer *const *)a)->name, (*(struct peer *const *)b)->name);
}

static void sort(struct job *job)
{
    size_t cursor = 0, count = 0;
    void *peer = NULL;
    job->sorted = xf_alloc((xf_map_count(job->peers) + 1) * sizeof(struct peer *));
    while (xf_map_next(job->peers, &cursor, NULL, &peer))
        job->sorted[count++] = peer;
    qsort(job->sorted, count, sizeof(struct peer *), by_name);
}

static const char *state_of(const struct job *job, const struct peer *peer)
{
    const struct xf_policy_switches *switches = job->client->control->opts.switches;
    if (switches->is_off || xf_texts_has(&switches->peers, peer->name))
        return "switched-off";
    if (peer->protocol == XF_PROTOCOL_SIP &&
        !xf_policy_goes_by_sip(job->client->control->parts.policy, xf_span_of(peer->name)))
        return "sip-off";
    if (peer->cause)
        return "failing";
    if (peer->in + peer->out > 0)
        return "up";
    return peer->connecting > 0 ? "connecting" : "idle";
}

static void put_proof(json_t *row, const char *auth, const char *cert)
{
    xf_json_put(row, "auth", auth);
    xf_json_put(row, "cert", cert);
    if (!proves(cert))
        xf_json_put_bool(row, "lacks_certificate", true);
}

/* Of our own: anybody can fail in the name of the peer. */
static void put_outcome(json_t *row, const struct xf_attempt *attempt)
{
    if (strcmp(attempt->dir, "out") == 0 && attempt->outcome != XF_ATTEMPT_UNDER_WAY &&
        !json_object_get(row, "reached"))
        xf_json_put_bool(row, "reached", attempt->outcome != XF_ATTEMPT_FAILED);
}

/* Anybody can fail in the name of a peer, with words of his own. */
static bool are_words_of_anybody(const struct xf_attempt *attempt)
{
    return strcmp(attempt->dir, "in") == 0 &&
           strcmp(attempt->help, xf_help_code(XF_HELP_PEER_STREAM_ERROR)) == 0;
}

/* Newest first; what we saw ourselves goes before what came in. */
static bool is_last_failure(const json_t *row, const struct xf_attempt *attempt)
{
    const json_t *last = json_object_get(row, "last_failure");
    if (attempt->outcome != XF_ATTEMPT_FAILED || are_words_of_anybody(attempt))
        return false;
    return !last || (strcmp(attempt->dir, "in") != 0 &&
                     strcmp(json_string_value(json_object_get(last, "dir")), "in") == 0);
}

static void put_last(void *owner, const struct xf_attempt *attempt)
{
    json_t *row = owner;
    put_outcome(row, attempt);
    if (*attempt->auth && strcmp(attempt->dir, "verify") != 0 && !json_object_get(row, "auth"))
        put_proof(row, attempt->auth, attempt->cert);
    if (!is_last_failure(row, attempt))
        return;
    json_t *last = json_object();
    xf_json_put(last, "dir", attempt->dir);
    xf_json_put_signed(last, "unix_s", attempt->began_s);
    xf_json_put(last, "reason", attempt->reason);
    xf_json_put(last, "detail", attempt->detail);
    xf_json_put(last, "advice", attempt->advice);
    xf_json_put(last, "help", attempt->help);
    xf_json_put_new(row, "last_failure", last);
}

static void show_peer(struct job *job, const struct peer *peer)
{
    const struct xf_control *control = job->client->control;
    json_t *row = json_object();
    xf_json_put(row, "peer", peer->name);
    xf_json_put(row, "state", state_of(job, peer));
    xf_json_put_bool(row, "named", peer->is_named);
    xf_json_put(row, "protocol", xf_protocol_word(peer->protocol));
    xf_json_put_int(row, "in", peer->in);
    xf_json_put_int(row, "out", peer->out);
    xf_json_put_int(row, "connecting", peer->connecting);
    xf_json_put_sum(row, "queued", &peer->queued);
    xf_json_put(row, "cause", peer->cause);
    xf_json_put(row, "text", peer->text);
    xf_json_put_int(row, "retry_ms", peer->retry_ms);
    if (peer->heard_ms)
        xf_json_put_int(row, "heard_ms", control->clock->now_ms - peer->heard_ms);
    if (peer->auth)
        put_proof(row, peer->auth, peer->cert);
    if (peer->cert_until_s)
        xf_json_put_signed(row, "cert_until_s", peer->cert_until_s);
    xf_json_put_int(row, "stanzas_in", peer->stanzas_in);
    xf_json_put_int(row, "stanzas_out", peer->stanzas_out);
    xf_attempts_show(control->opts.attempts, xf_span_of(peer->name), put_last, row);
    xf_client_row(job->client, row);
}

/* False: all were shown. */
static bool show_page(struct job *job)
{
    size_t count = xf_map_count(job->peers), end = job->shown + XF_CONTROL_PAGE;
    if (!job->sorted)
        sort(job);
    while (job->shown < count && job->shown < end)
        show_peer(job, job->sorted[job->shown++]);
    return job->shown < count;
}

/* ------------------------------------------------------------------ one turn after the other */

/* False: the phase is over. */
static bool work(struct job *job)
{
    const struct xf_control *control = job->client->control;
    switch (job->phase) {
    case SECTIONS:
        return gather_sections(job);
    case ROUTES:
        return xf_routing_view(control->parts.routing, &job->route_at, XF_CONTROL_PAGE,
                               gather_route, job);
    case STREAMS:
        return xf_s2s_view(control->parts.s2s, &job->stream_at, XF_CONTROL_PAGE, gather_stream,
                           job);
    case CONNS:
        return xf_control_conns(control, &job->conn_at, gather_conn, job);
    case ATTEMPTS:
        xf_attempts_each_peer(control->opts.attempts, gather_attempts, job);
        return false;
    case COUNTS:
        xf_s2s_each_peer(control->parts.s2s, gather_counts, job);
        return false;
    case ROWS:
        break;
    }
    return show_page(job);
}

static void free_job(void *owner)
{
    struct job *job = owner;
    size_t cursor = 0;
    void *value = NULL;
    while (xf_map_next(job->peers, &cursor, NULL, &value)) {
        struct peer *peer = value;
        xf_free(peer->name);
        xf_free(peer->text);
        xf_free(peer);
    }
    xf_map_free(&job->peers);
    xf_free(job->sorted);
    xf_free(job);
}

static void go_on(struct xf_client *client)
{
    struct job *job = client->job;
    bool has_more = work(job);
    if (job->phase == ROWS && !has_more) {
        xf_client_done_with(client, "peers", job->shown);
        return;
    }
    if (job->phase != ROWS || job->shown == 0)
        xf_timer_start(client->control->timers, &client->timer, 0);
    if (job->phase != ROWS && !has_more)
        job->phase++;
}

static void on_timer(void *owner)
{
    go_on(owner);
}

void xf_verb_peers(struct xf_client *client, const json_t *request)
{
    struct job *job = xf_new(struct job);
    (void)request;
    job->client = client;
    job->peers = xf_map_new();
    client->job = job;
    client->free_job = free_job;
    client->go_on = go_on;
    xf_timer_init(&client->timer, on_timer, client);
    go_on(client);
}
