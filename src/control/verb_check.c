/* SPDX-License-Identifier: MIT */
/*
 * verb_check.c — check: a real attempt to reach a peer, which sends no stanza. First policy, then a
 * stream as for delivery (xf_out_check), whose steps the attempt log keeps; then a connection to
 * each address that this stream did not need.
 */
#include "control_priv.h"

#include <stdio.h>
#include <string.h>

#include <xfed/base/alloc.h>
#include <xfed/net/loop.h>
#include <xfed/xmpp/jid.h>

#define ADDRESSES_MAX 32   /* as many candidates as a discovery yields */
#define LINE_MS       6000 /* longer than a stream lingers: then the log tells how it ended */
#define CONNECT_MS    5000 /* for an address that the stream did not need */

struct address {
    char *text, *server;
    bool is_direct, is_secure, has_tlsa, is_tried, is_connected;
    char *detail;
    uint64_t ms;
};

struct job {
    struct xf_client *client;
    char local[XF_DOMAIN_MAX + 1], peer[XF_DOMAIN_MAX + 1];
    struct xf_out *out; /* NULL: it has ended */
    uint64_t number;
    bool is_inbound; /* the peer is a domain of ours: what do peers find there? */
    bool was_ready;
    bool is_told; /* the log says how the stream ended */
    enum xf_cause cause;
    char *text;
    struct address addresses[ADDRESSES_MAX];
    size_t count, connecting;
    void *look; /* for the address of our SIP listener; NULL: it is not looked for (any more) */
    bool has_looked;
};

/* A connection to one address; outlives the job if that is cut. */
struct
try {
    struct job *job; /* NULL: nobody wants to know any more */
    struct address *address;
    struct xf_conn *conn;
    const struct xf_clock *clock;
    uint64_t began_ms;
    struct xf_node node; /* in tries */
};

/* ------------------------------------------------------------------ the answer */

static void put_help(json_t *object, enum xf_help help)
{
    xf_json_put(object, "help", xf_help_code(help));
    xf_json_put(object, "advice", xf_help_advice(help));
}

static json_t *address_row(const struct address *address, bool is_inbound)
{
    json_t *row = json_object();
    xf_json_put(row, "kind", "address");
    xf_json_put(row, "addr", address->text);
    xf_json_put(row, "server", address->server);
    xf_json_put_bool(row, "direct", address->is_direct);
    xf_json_put_bool(row, "dnssec", address->is_secure);
    xf_json_put_bool(row, "tlsa", address->has_tlsa);
    xf_json_put_bool(row, "connects", address->is_connected);
    xf_json_put(row, "detail", address->detail);
    if (is_inbound && !address->is_connected)
        put_help(row, XF_HELP_OUR_ADDRESS_SHUT);
    xf_json_put_int(row, "ms", address->ms);
    return row;
}

struct last {
    const struct job *job;
    json_t *result;
};

static void show_attempt(void *owner, const struct xf_attempt *attempt)
{
    const struct last *last = owner;
    if (attempt->stream != last->job->number)
        return;
    json_t *row = xf_control_attempt(attempt);
    xf_json_put(row, "kind", "attempt");
    xf_client_row(last->job->client, row);
    if (last->job->was_ready)
        return;
    xf_json_put(last->result, "reason", attempt->reason);
    xf_json_put(last->result, "detail", attempt->detail);
    xf_json_put(last->result, "advice", attempt->advice);
    xf_json_put(last->result, "help", attempt->help);
    xf_json_put(last->result, "addr", attempt->addr);
}

/*
 * That an address of ours does not answer us need not mean that it does not answer others: many
 * firewalls do not let a host reach its own public address ("hairpin NAT").
 */
static void put_inbound(const struct job *job, json_t *result)
{
    uint64_t shut = 0;
    for (size_t i = 0; i < job->count; i++)
        shut += !job->addresses[i].is_connected;
    xf_json_put_bool(result, "inbound", true);
    xf_json_put_int(result, "warnings", shut);
    if (shut == 0)
        return;
    put_help(result, XF_HELP_OUR_ADDRESS_SHUT);
    xf_json_put(result, "hint",
                "xfedd runs and listens; a firewall may keep this host from its own public address "
                "(hairpin NAT) and let others in");
}

static void finish(struct job *job)
{
    struct last last = {job, json_object()};
    for (size_t i = 0; i < job->count; i++)
        xf_client_row(job->client, address_row(&job->addresses[i], job->is_inbound));
    xf_json_put(last.result, "local", job->local);
    xf_json_put(last.result, "peer", job->peer);
    xf_json_put_bool(last.result, "reachable", job->was_ready);
    if (!job->was_ready) {
        xf_json_put(last.result, "cause", xf_cause_word(job->cause));
        xf_json_put(last.result, "text", job->text);
    }
    xf_attempts_show(job->client->control->opts.attempts, xf_span_of(job->peer), show_attempt,
                     &last);
    if (job->is_inbound)
        put_inbound(job, last.result);
    xf_control_put_down(job->client->control, job->local, last.result);
    xf_client_done(job->client, last.result);
}

/* ------------------------------------------------------------------ the other addresses */

static void end_try(struct try *try, const char *detail)
{
    struct job *job = try->job;
    try->job = NULL;
    xf_list_remove(&try->node);
    if (!job)
        return;
    try->address->ms = try->clock->now_ms - try->began_ms;
    try->address->is_connected = !detail;
    try->address->detail = detail ? xf_strdup(detail) : NULL;
    if (--job->connecting == 0)
        finish(job);
}

static void on_connected(void *owner)
{
    struct try *try = owner;
    xf_conn_close(try->conn, 0);
    end_try(try, NULL);
}

static void on_nothing(void *owner)
{
    (void)owner;
}

static void on_data(void *owner, const char *bytes, size_t len)
{
    (void)owner, (void)bytes, (void)len; /* it is being closed */
}

static void on_closed(void *owner, enum xf_conn_end end, const char *detail)
{
    (void)end;
    end_try(owner, detail);
    xf_free(owner);
}

static const struct xf_conn_events conn_events = {
    .connected = on_connected,
    .secured = on_nothing,
    .data = on_data,
    .drained = on_nothing,
    .closed = on_closed,
};

static void connect_to(struct job *job, struct address *address)
{
    struct xf_control *control = job->client->control;
    struct xf_addr addr;
    if (xf_addr_parse(xf_span_of(address->text), 5269, &addr) != XF_ERR_OK)
        return; /* not an address as we print it: cannot be */
    struct try *try = xf_new(struct try);
    try->job = job;
    try->address = address;
    try->clock = control->clock;
    try->began_ms = control->clock->now_ms;
    xf_list_push(&control->tries, &try->node);
    job->connecting++;
    const struct xf_source source =
        xf_peer_source(xf_policy_peer(control->parts.policy, xf_span_of(job->peer)));
    try->conn = xf_conn_connect(control->opts.loop, &addr, &source, CONNECT_MS, &conn_events, try);
}

static void try_the_others(struct job *job)
{
    for (size_t i = 0; i < job->count; i++)
        if (!job->addresses[i].is_tried)
            connect_to(job, &job->addresses[i]);
    if (job->connecting == 0)
        finish(job);
}

/* ------------------------------------------------------------------ the stream */

static bool is_yes(const struct xf_log_event *event, const char *key)
{
    return xf_span_is(xf_log_text(event, key), "yes");
}

static void note_found(struct job *job, const struct xf_log_event *event)
{
    if (job->count == ADDRESSES_MAX)
        return;
    job->addresses[job->count++] = (struct address){
        .text = xf_span_dup(xf_log_text(event, "addr")),
        .server = xf_span_dup(xf_log_text(event, "server")),
        .is_direct = is_yes(event, "direct"),
        .is_secure = is_yes(event, "secure"),
        .has_tlsa = is_yes(event, "tlsa"),
    };
}

static void note_tried(struct job *job, const struct xf_log_event *event)
{
    struct xf_span addr = xf_log_text(event, "addr"), detail = xf_log_text(event, "detail");
    const struct xf_kv *ms = xf_log_find(event, "ms");
    for (size_t i = 0; i < job->count; i++) {
        struct address *address = &job->addresses[i];
        if (address->is_tried || !xf_span_is(addr, address->text))
            continue;
        address->is_tried = true;
        address->is_connected = !detail.ptr;
        address->detail = detail.ptr ? xf_span_dup(detail) : NULL;
        address->ms = ms ? (uint64_t)ms->number : 0;
        return;
    }
}

/* The line may come before or behind `ended`. Not here, as a watcher must not log. */
static void end_is_told(struct job *job)
{
    job->is_told = true;
    if (!job->out)
        xf_timer_start(job->client->control->timers, &job->client->timer, 0);
}

static void see(struct xf_log_watcher *watcher, const struct xf_log_event *event)
{
    struct xf_client *client = XF_CONTAINER(watcher, struct xf_client, watcher);
    struct job *job = client->job;
    const struct xf_kv *stream = xf_log_find(event, "stream");
    if (!stream || (uint64_t)stream->number != job->number)
        return;
    if (strcmp(event->name, "s2s.address.found") == 0)
        note_found(job, event);
    else if (strcmp(event->name, "s2s.address.tried") == 0)
        note_tried(job, event);
    else if (strcmp(event->name, "s2s.stream.down") == 0)
        end_is_told(job);
}

static void on_ready(void *owner)
{
    struct job *job = owner;
    job->was_ready = true;
    xf_out_close(job->out);
}

static void on_ended(void *owner, bool was_ready, enum xf_cause cause, const char *text)
{
    struct job *job = owner;
    (void)was_ready;
    job->out = NULL;
    job->cause = cause;
    job->text = xf_strdup(text);
    xf_timer_start(job->client->control->timers, &job->client->timer, job->is_told ? 0 : LINE_MS);
}

/* SIP peers connect to the host of sip { }, wherever XMPP ones go. */
static void on_found(void *owner, const char *const *addresses, size_t count, const char *host)
{
    struct job *job = owner;
    job->look = NULL;
    job->has_looked = true;
    for (size_t i = 0; i < count && job->count < ADDRESSES_MAX; i++)
        job->addresses[job->count++] = (struct address){
            .text = xf_strdup(addresses[i]), .server = xf_strdup(host), .is_direct = true};
    try_the_others(job);
}

static void on_timer(void *owner)
{
    struct xf_client *client = owner;
    const struct xf_control *control = client->control;
    struct job *job = client->job;
    if (job->is_inbound && control->opts.ops->sip && !job->has_looked)
        job->look = control->opts.ops->sip->look(control->opts.owner, on_found, job);
    else
        try_the_others(job);
}

static const struct xf_out_events out_events = {.ready = on_ready, .ended = on_ended};

/* ------------------------------------------------------------------ begin and end */

static void free_job(void *owner)
{
    struct job *job = owner;
    struct xf_control *control = job->client->control;
    control->check_count--;
    if (job->out)
        xf_out_forget(job->out);
    if (job->look)
        control->opts.ops->sip->forget_look(job->look);
    XF_LIST_EACH_SAFE (node, &control->tries) {
        struct try *try = XF_CONTAINER(node, struct try, node);
        if (try->job != job)
            continue;
        try->job = NULL;
        xf_list_remove(&try->node);
        xf_conn_close(try->conn, 0);
    }
    for (size_t i = 0; i < job->count; i++) {
        xf_free(job->addresses[i].text);
        xf_free(job->addresses[i].server);
        xf_free(job->addresses[i].detail);
    }
    xf_free(job->text);
    xf_free(job);
}

/* Which of our domains; false: the verb has failed. */
static bool take_local(struct xf_client *client, const json_t *request, struct job *job)
{
    struct xf_policy *policy = client->control->parts.policy;
    const struct xf_served_settings *first = xf_policy_first_served(policy);
    if (json_object_get(request, "local")) {
        if (!xf_verb_need_domain(client, request, "local", job->local))
            return false;
    } else if (first) {
        snprintf(job->local, sizeof(job->local), "%s", first->domain);
    }
    if (xf_policy_served(policy, xf_span_of(job->local)) &&
        !xf_policy_served(policy, xf_span_of(job->peer)))
        return true;
    xf_client_fail(client, "not-served", "%s is not a domain of xfedd, or %s is one too",
                   job->local, job->peer);
    return false;
}

static bool may(struct xf_client *client, const struct job *job)
{
    struct xf_ruling ruling;
    xf_policy_judge_pair(client->control->parts.policy, xf_span_of(job->local),
                         xf_span_of(job->peer), XF_DIRECTION_OUT, &ruling);
    if (ruling.passes)
        return true;
    if (ruling.rule == XF_RULE_SIP)
        xf_client_fail(client, "policy",
                       "%s is a SIP domain (protocol = sip, %s:%d), and SIP is off: it needs "
                       "listen { sip } and sip { host }",
                       job->peer, ruling.file, ruling.line);
    else
        xf_client_fail(client, "policy", "policy refuses %s (%s%s%s): %s", job->peer,
                       xf_rule_word(ruling.rule), ruling.key ? ", " : "",
                       ruling.key ? ruling.key : "", ruling.text);
    return false;
}

/* NULL: the verb has failed. */
static struct job *new_job(struct xf_client *client)
{
    if (!xf_verb_need_check(client) || !xf_verb_need_running(client))
        return NULL;
    struct job *job = xf_new(struct job);
    job->client = client;
    client->job = job;
    client->free_job = free_job;
    client->control->check_count++;
    return job;
}

/* `out` is about to resolve; its lines in the log are ours from now on. */
static void follow(struct job *job, struct xf_out *out)
{
    job->client->watcher.see = see;
    xf_log_watch(&job->client->watcher);
    xf_timer_init(&job->client->timer, on_timer, job->client);
    job->out = out;
    job->number = xf_out_number(out);
}

static bool is_of_sip(const struct job *job)
{
    const struct xf_control *control = job->client->control;
    return control->opts.ops->sip &&
           xf_policy_goes_by_sip(control->parts.policy, xf_span_of(job->peer));
}

/* A job of another kind takes the place of this one. */
static void hand_to_sip(struct xf_client *client, struct job *job)
{
    char local[sizeof(job->local)], peer[sizeof(job->peer)];
    memcpy(local, job->local, sizeof(local));
    memcpy(peer, job->peer, sizeof(peer));
    client->job = NULL;
    free_job(job);
    xf_verb_check_sip(client, xf_span_of(local), xf_span_of(peer));
}

void xf_verb_check(struct xf_client *client, const json_t *request)
{
    struct job *job = new_job(client);
    if (!job || !xf_verb_need_domain(client, request, "peer", job->peer) ||
        !take_local(client, request, job))
        return;
    if (is_of_sip(job)) {
        hand_to_sip(client, job);
        return;
    }
    if (!may(client, job))
        return;
    follow(job, xf_out_check(client->control->parts.s2s, xf_span_of(job->local),
                             xf_span_of(job->peer), &out_events, job));
}

/* Only to where DNS leads those who look for a domain of ours. */
void xf_verb_check_inbound(struct xf_client *client, const json_t *request)
{
    struct xf_policy *policy = client->control->parts.policy;
    const struct xf_served_settings *first = xf_policy_first_served(policy);
    struct job *job = new_job(client);
    if (!job)
        return;
    job->is_inbound = true;
    if (!json_object_get(request, "local") && first)
        snprintf(job->peer, sizeof(job->peer), "%s", first->domain);
    else if (!xf_verb_need_domain(client, request, "local", job->peer))
        return;
    memcpy(job->local, job->peer, sizeof(job->local));
    if (xf_policy_served(policy, xf_span_of(job->peer)))
        follow(job,
               xf_out_look(client->control->parts.s2s, xf_span_of(job->peer), &out_events, job));
    else
        xf_client_fail(client, "not-served", "%s is not a domain of xfedd", job->peer);
}
