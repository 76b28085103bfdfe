/* SPDX-License-Identifier: MIT */
/*
 * verb_peer.c — peer, explain: all about one peer, and whether and how two users can reach each
 * other. Both show the peer's routes, streams and last attempts as rows. forget: the protocol that
 * was learned of a peer.
 */
#include "control_priv.h"

#include <stdio.h>
#include <string.h>

#include <xfed/base/alloc.h>
#include <xfed/conf/conf.h>
#include <xfed/routing/view.h>
#include <xfed/s2s/view.h>
#include <xfed/xmpp/jid.h>

#define EXPLAIN_BYTES (256u << 10)
#define SERVED_MAX    64

enum phase { ROUTES, STREAMS, CONNS, ATTEMPTS };

struct job {
    struct xf_client *client;
    enum phase phase;
    uint64_t route_at;
    struct xf_s2s_view_at stream_at;
    uint64_t conn_at;
    char peer[XF_DOMAIN_MAX + 1];
    json_t *result; /* shown behind the rows */
};

/* ------------------------------------------------------------------ rows */

static void show_row(const struct job *job, const char *kind, json_t *row)
{
    xf_json_put(row, "kind", kind);
    xf_client_row(job->client, row);
}

static void show_route(void *owner, const struct xf_route_view *view)
{
    const struct job *job = owner;
    if (xf_span_is(view->peer, job->peer))
        show_row(job, "route", xf_control_route(view));
}

static void show_stream(void *owner, const struct xf_stream_view *view)
{
    const struct job *job = owner;
    if (view->peer && strcmp(view->peer, job->peer) == 0)
        show_row(job, "stream", xf_control_stream(view));
}

static void show_conn(void *owner, const struct xf_control_sip_conn *conn)
{
    const struct job *job = owner;
    if (conn->peer && strcmp(conn->peer, job->peer) == 0)
        show_row(job, "conn", xf_control_conn(conn));
}

static const char *outcome_word(enum xf_attempt_outcome outcome)
{
    static const char *const words[] = {
        [XF_ATTEMPT_UNDER_WAY] = "under-way",
        [XF_ATTEMPT_UP] = "up",
        [XF_ATTEMPT_FAILED] = "failed",
        [XF_ATTEMPT_ENDED] = "ended",
    };
    return words[outcome];
}

static json_t *steps_of(const struct xf_attempt *attempt)
{
    json_t *steps = json_array();
    for (size_t i = 0; i < attempt->step_count; i++) {
        json_t *step = json_object();
        xf_json_put_int(step, "ms", attempt->steps[i].ms);
        xf_json_put(step, "event", attempt->steps[i].event);
        xf_json_put(step, "pairs", attempt->steps[i].pairs);
        json_array_append_new(steps, step);
    }
    return steps;
}

json_t *xf_control_attempt(const struct xf_attempt *attempt)
{
    json_t *row = json_object();
    xf_json_put_int(row, "stream", attempt->stream);
    xf_json_put(row, "dir", attempt->dir);
    xf_json_put(row, "local", attempt->local);
    xf_json_put_signed(row, "unix_s", attempt->began_s);
    xf_json_put(row, "outcome", outcome_word(attempt->outcome));
    xf_json_put(row, "addr", attempt->addr);
    xf_json_put(row, "auth", attempt->auth);
    xf_json_put(row, "cert", attempt->cert);
    xf_json_put(row, "reason", attempt->reason);
    xf_json_put(row, "detail", attempt->detail);
    xf_json_put(row, "advice", attempt->advice);
    xf_json_put(row, "help", attempt->help);
    xf_json_put_int(row, "steps_left_out", attempt->steps_left_out);
    xf_json_put_new(row, "steps", steps_of(attempt));
    return row;
}

static void show_attempt(void *owner, const struct xf_attempt *attempt)
{
    show_row(owner, "attempt", xf_control_attempt(attempt));
}

/* ------------------------------------------------------------------ one turn after the other */

static void go_on(struct xf_client *client)
{
    struct job *job = client->job;
    const struct xf_control *control = client->control;
    bool has_more = false;
    if (job->phase == ROUTES) {
        has_more = xf_routing_view(control->parts.routing, &job->route_at, XF_CONTROL_PAGE,
                                   show_route, job);
    } else if (job->phase == STREAMS) {
        has_more =
            xf_s2s_view(control->parts.s2s, &job->stream_at, XF_CONTROL_PAGE, show_stream, job);
    } else if (job->phase == CONNS) {
        has_more = xf_control_conns(control, &job->conn_at, show_conn, job);
    } else {
        xf_attempts_show(control->opts.attempts, xf_span_of(job->peer), show_attempt, job);
        json_t *result = job->result;
        job->result = NULL;
        xf_client_done(client, result);
        return;
    }
    if (!has_more)
        job->phase++;
    xf_timer_start(control->timers, &client->timer, 0);
}

static void on_timer(void *owner)
{
    struct xf_client *client = owner;
    if (client->outlet->is_busy(client))
        return; /* go_on comes when the client has taken what there is */
    go_on(client);
}

static void free_job(void *owner)
{
    struct job *job = owner;
    json_decref(job->result);
    xf_free(job);
}

/* The client's job from now on. */
static struct job *new_job(struct xf_client *client)
{
    struct job *job = xf_new(struct job);
    job->client = client;
    job->result = json_object();
    client->job = job;
    client->free_job = free_job;
    return job;
}

static void begin(struct xf_client *client)
{
    client->go_on = go_on;
    xf_timer_init(&client->timer, on_timer, client);
    xf_timer_start(client->control->timers, &client->timer, 0);
}

/* ------------------------------------------------------------------ peer */

static void put_section(const struct xf_control *control, struct job *job)
{
    const struct xf_conf_peer *section =
        xf_conf_peer_find(control->parts.conf, xf_span_of(job->peer));
    char place[512];
    if (!section)
        return;
    snprintf(place, sizeof(place), "%s:%d", section->at.file, section->at.line);
    xf_json_put(job->result, "section", section->pattern);
    xf_json_put(job->result, "place", place);
}

static json_t *ruling_of(const struct xf_control *control, const struct job *job,
                         const char *served, enum xf_direction direction)
{
    struct xf_ruling ruling;
    struct xf_policy *policy = control->parts.policy;
    json_t *object = json_object();
    enum xf_protocol protocol =
        xf_policy_goes_by_sip(policy, xf_span_of(job->peer)) ? XF_PROTOCOL_SIP : XF_PROTOCOL_XMPP;
    xf_policy_judge_pair_by(policy, protocol, xf_span_of(served), xf_span_of(job->peer), direction,
                            &ruling);
    xf_json_put_bool(object, "passes", ruling.passes);
    xf_json_put(object, "rule", xf_rule_word(ruling.rule));
    xf_json_put(object, "key", ruling.key);
    xf_json_put(object, "text", *ruling.text ? ruling.text : NULL);
    return object;
}

/* With each of our domains, as far as there are not too many of them. */
static json_t *rulings(const struct xf_control *control, const struct job *job)
{
    const struct xf_conf *conf = control->parts.conf;
    json_t *all = json_array();
    for (size_t i = 0; i < conf->served_count && i < SERVED_MAX; i++) {
        const char *served = conf->served[i].settings.domain;
        json_t *object = json_object();
        xf_json_put(object, "local", served);
        xf_json_put_new(object, "out", ruling_of(control, job, served, XF_DIRECTION_OUT));
        xf_json_put_new(object, "in", ruling_of(control, job, served, XF_DIRECTION_IN));
        json_array_append_new(all, object);
    }
    return all;
}

/* It belongs to SIP, and cannot be reached by it. */
static bool is_sip_off(struct xf_policy *policy, struct xf_span peer)
{
    return xf_policy_protocol(policy, peer) == XF_PROTOCOL_SIP &&
           !xf_policy_goes_by_sip(policy, peer);
}

/* What the domain belongs to, and with protocol = auto why, and since when it is silent by it. */
static void put_protocol(struct xf_policy *policy, struct xf_span peer, json_t *object)
{
    struct xf_protocol_facts facts;
    xf_policy_protocol_facts(policy, peer, &facts);
    xf_json_put(object, "protocol", xf_protocol_word(facts.protocol));
    if (!xf_policy_learns(policy, peer))
        return;
    xf_json_put(object, "protocol_why", facts.why);
    if (facts.is_learned)
        xf_json_put_signed(object, "learned_unix_s", facts.last_s);
}

void xf_verb_peer(struct xf_client *client, const json_t *request)
{
    struct job *job = new_job(client);
    if (!xf_verb_need_domain(client, request, "peer", job->peer))
        return;
    xf_json_put(job->result, "peer", job->peer);
    xf_json_put_bool(job->result, "named",
                     xf_policy_names(client->control->parts.policy, xf_span_of(job->peer)));
    put_protocol(client->control->parts.policy, xf_span_of(job->peer), job->result);
    if (is_sip_off(client->control->parts.policy, xf_span_of(job->peer)))
        xf_json_put_bool(job->result, "sip_off", true);
    put_section(client->control, job);
    xf_json_put_new(job->result, "policy", rulings(client->control, job));
    begin(client);
}

/* ------------------------------------------------------------------ forget */

/* The result says what was known. */
void xf_verb_forget(struct xf_client *client, const json_t *request)
{
    const struct xf_control *control = client->control;
    char peer[XF_DOMAIN_MAX + 1];
    if (!xf_verb_need_domain(client, request, "peer", peer))
        return;
    if (!xf_policy_learns(control->parts.policy, xf_span_of(peer))) {
        xf_client_fail(
            client, "not-learned",
            "%s: nothing is learned of this peer: its protocol is a setting, and not auto", peer);
        return;
    }
    json_t *result = json_object();
    xf_json_put(result, "peer", peer);
    put_protocol(control->parts.policy, xf_span_of(peer), result);
    control->opts.ops->forget(control->opts.owner, xf_span_of(peer));
    (void)xf_routing_retry(control->parts.routing, xf_span_of(peer));
    xf_client_done(client, result);
}

/* ------------------------------------------------------------------ explain */

/* The user of ours, and what peers with mail = yes see in place of the JID. */
static void put_mail(const struct xf_control *control, struct job *job, const struct xf_jid *ours)
{
    struct xf_mailmap *mailmap = control->parts.mailmap;
    struct xf_span mail = XF_SPAN_NONE;
    if (!mailmap || !ours->local.ptr)
        return;
    static const char *const words[] = {[XF_MAILMAP_NONE] = "none",
                                        [XF_MAILMAP_FOUND] = "found",
                                        [XF_MAILMAP_LATER] = "asked-now",
                                        [XF_MAILMAP_UNKNOWN] = "unknown-now"};
    enum xf_mailmap_answer answer = xf_mailmap_mail_of(mailmap, xf_jid_bare(ours), &mail);
    json_t *object = json_object();
    xf_json_put_span(object, "jid", xf_jid_bare(ours));
    xf_json_put(object, "answer", words[answer]);
    xf_json_put_span(object, "mail", answer == XF_MAILMAP_FOUND ? mail : XF_SPAN_NONE);
    xf_json_put_new(job->result, "mail", object);
}

/* False: the verb has failed. */
static bool put_policy(struct xf_client *client, struct job *job, struct xf_span from,
                       struct xf_span to)
{
    char *text = xf_alloc(EXPLAIN_BYTES);
    FILE *out = fmemopen(text, EXPLAIN_BYTES, "w"); /* what is behind that is cut */
    xf_require(out);
    enum xf_err err =
        xf_policy_explain(client->control->parts.policy, from, to, xf_local_minute_of_week(), out);
    (void)fclose(out);
    if (err == XF_ERR_OK)
        xf_json_put_span(job->result, "policy",
                         (struct xf_span){text, strnlen(text, EXPLAIN_BYTES)});
    xf_free(text);
    if (err == XF_ERR_BAD_JID)
        xf_client_fail(client, "bad-jid", "expected two JIDs, as user@example.org or example.org");
    else if (err != XF_ERR_OK)
        xf_client_fail(client, "not-served",
                       "expected one of them in a domain that xfedd serves, the other not");
    return err == XF_ERR_OK;
}

void xf_verb_explain(struct xf_client *client, const json_t *request)
{
    const char *from = xf_verb_need(client, request, "from");
    const char *to = from ? xf_verb_need(client, request, "to") : NULL;
    if (!to)
        return;
    struct job *job = new_job(client);
    if (!put_policy(client, job, xf_span_of(from), xf_span_of(to)))
        return;
    char scratch[2][XF_JID_MAX + 1];
    struct xf_jid jids[2];
    /* xf_policy_explain has prepared the same texts. */
    xf_require(xf_jid_prepare(xf_span_of(from), scratch[0], &jids[0]) == XF_ERR_OK &&
               xf_jid_prepare(xf_span_of(to), scratch[1], &jids[1]) == XF_ERR_OK);
    bool from_is_ours = xf_policy_served(client->control->parts.policy, jids[0].domain) != NULL;
    const struct xf_jid *ours = &jids[from_is_ours ? 0 : 1], *peer = &jids[from_is_ours ? 1 : 0];
    snprintf(job->peer, sizeof(job->peer), "%.*s", XF_SPAN_ARGS(peer->domain));
    xf_json_put(job->result, "peer", job->peer);
    xf_json_put_span(job->result, "local", ours->domain);
    put_mail(client->control, job, ours);
    begin(client);
}
