/* SPDX-License-Identifier: MIT */
/*
 * verb_check_sip.c — check of a peer that belongs to SIP: policy, then a request (OPTIONS) to its
 * server as all others go, whose failure says how far it came.
 *
 * Each step is a row: those before the one that failed are good, those behind were not reached. The
 * lines that the log has about the peer meanwhile are the rest: each address that was found and how
 * it went there, what TLS and the certificate are, and what to do.
 */
#include "control_priv.h"

#include <stdio.h>
#include <string.h>

#include <xfed/base/alloc.h>
#include <xfed/base/help.h>
#include <xfed/xmpp/jid.h>

#define ADDRESSES_MAX 32 /* as many candidates as a discovery yields */

/* clang-format off */
enum step { STEP_POLICY, STEP_DNS, STEP_TCP, STEP_TLS, STEP_CERTIFICATE, STEP_OPTIONS, STEPS };
static const char *const step_names[STEPS] = {"policy", "DNS", "TCP", "TLS", "certificate", "OPTIONS"};

/* Which step failed, by the word of the cause; any other word is about the request itself. */
static const struct {
    const char *cause;
    enum step step;
} failures[] = {
    {"policy",         STEP_POLICY},
    {"dns-not-found",  STEP_DNS},
    {"dns-no-service", STEP_DNS},
    {"dns-failed",     STEP_DNS},
    {"connect",        STEP_TCP},
    {"tls",            STEP_TLS},
    {"certificate",    STEP_CERTIFICATE},
};
/* clang-format on */

struct address {
    char *text, *server, *detail;
    bool is_secure, is_tried, is_up;
};

struct job {
    struct xf_client *client;
    char local[XF_DOMAIN_MAX + 1], peer[XF_DOMAIN_MAX + 1];
    void *check; /* NULL: it has ended */
    char *help, *advice, *detail, *addr;
    char *tls, *names, *chain; /* of the connection that came up, or was refused */
    struct address addresses[ADDRESSES_MAX];
    size_t count;
};

/* ------------------------------------------------------------------ what the log says */

static void take(char **field, const struct xf_log_event *event, const char *key)
{
    struct xf_span text = xf_log_text(event, key);
    if (!text.ptr)
        return;
    xf_free(*field);
    *field = xf_span_dup(text);
}

static struct address *address_of(struct job *job, const struct xf_log_event *event)
{
    struct xf_span addr = xf_log_text(event, "addr");
    for (size_t i = 0; i < job->count; i++)
        if (xf_span_is(addr, job->addresses[i].text))
            return &job->addresses[i];
    if (!addr.ptr || job->count == ADDRESSES_MAX)
        return NULL;
    struct address *address = &job->addresses[job->count++];
    address->text = xf_span_dup(addr);
    take(&address->server, event, "server");
    address->is_secure = xf_span_is(xf_log_text(event, "secure"), "yes");
    return address;
}

/* A connection of ours came up, was refused, or ended. */
static void note_tried(struct job *job, const struct xf_log_event *event, bool is_up)
{
    struct address *address = address_of(job, event);
    if (!address)
        return;
    address->is_tried = true;
    address->is_up |= is_up;
    if (!is_up && !address->is_up)
        take(&address->detail, event, "detail");
}

static void note_event(struct job *job, const struct xf_log_event *event)
{
    bool is_ours = xf_span_is(xf_log_text(event, "dir"), "out");
    if (strcmp(event->name, "sip.address.found") == 0)
        (void)address_of(job, event);
    else if (is_ours && strncmp(event->name, "sip.conn.", 9) == 0)
        note_tried(job, event, strcmp(event->name, "sip.conn.up") == 0);
    if (is_ours) {
        take(&job->tls, event, "tls");
        take(&job->names, event, "names");
        take(&job->chain, event, "chain");
    }
}

/* A later line says more: that of the last candidate, then that of them all. */
static void see(struct xf_log_watcher *watcher, const struct xf_log_event *event)
{
    struct xf_client *client = XF_CONTAINER(watcher, struct xf_client, watcher);
    struct job *job = client->job;
    if (strncmp(event->name, "sip.", 4) != 0 || !xf_span_is(xf_log_text(event, "peer"), job->peer))
        return;
    note_event(job, event);
    take(&job->addr, event, "addr");
    take(&job->help, event, "help");
    take(&job->advice, event, "advice");
    take(&job->detail, event, "detail");
}

/* One that was there before: the log said so then. */
static void note_conn(void *owner, const struct xf_control_sip_conn *conn)
{
    struct job *job = owner;
    if (!conn->is_out || !conn->is_open || !conn->peer || strcmp(conn->peer, job->peer) != 0)
        return;
    xf_free(job->addr);
    job->addr = xf_strdup(conn->addr);
    if (!job->tls)
        job->tls = xf_strdup(conn->tls);
}

/* ------------------------------------------------------------------ the answer */

static void put_help(json_t *result, enum xf_help help)
{
    xf_json_put(result, "help", xf_help_code(help));
    xf_json_put(result, "advice", xf_help_advice(help));
}

static void show_addresses(const struct job *job)
{
    for (size_t i = 0; i < job->count; i++) {
        const struct address *address = &job->addresses[i];
        json_t *row = json_object();
        xf_json_put(row, "kind", "address");
        xf_json_put(row, "addr", address->text);
        xf_json_put(row, "server", address->server);
        xf_json_put_bool(row, "direct", true);
        xf_json_put_bool(row, "dnssec", address->is_secure);
        if (address->is_tried)
            xf_json_put_bool(row, "connects", address->is_up);
        xf_json_put(row, "detail", address->is_tried ? address->detail : "not needed");
        xf_client_row(job->client, row);
    }
}

/* What is known of a step that is good; NULL: nothing. */
static const char *detail_of(const struct job *job, enum step step, const char *answer)
{
    switch (step) {
    case STEP_DNS:
        return job->count ? job->addresses[0].server : NULL;
    case STEP_TCP:
        return job->addr;
    case STEP_TLS:
        return job->tls ? job->tls : answer ? "none: in clear" : NULL;
    case STEP_CERTIFICATE:
        return job->names;
    case STEP_OPTIONS:
        return answer;
    default:
        return NULL;
    }
}

/* One that was refused: whose it is, and what is wrong with its chain. */
static void put_certificate(const struct job *job, json_t *row)
{
    char *text = xf_asprintf("%s%s%s", job->names ? job->names : "it has no name",
                             job->chain ? "; " : "", job->chain ? job->chain : "");
    xf_json_put(row, "detail", text);
    xf_free(text);
}

/* `failed` STEPS: none. */
static void show_steps(const struct job *job, enum step failed, const char *bad_word,
                       const char *answer)
{
    for (unsigned i = 0; i < STEPS; i++) {
        json_t *row = json_object();
        xf_json_put(row, "kind", "step");
        xf_json_put(row, "step", step_names[i]);
        xf_json_put(row, "state", i < failed ? "good" : i == failed ? bad_word : "not reached");
        if (i < failed || answer)
            xf_json_put(row, "detail", detail_of(job, (enum step)i, answer));
        else if (i == failed && i == STEP_CERTIFICATE)
            put_certificate(job, row);
        xf_client_row(job->client, row);
    }
}

/* Any answer is one of its server; but some say that nothing else will pass. */
static enum xf_help help_of_answer(unsigned status)
{
    if (status == 401 || status == 403 || status == 407 || status == 603)
        return XF_HELP_SIP_FORBIDDEN;
    return status >= 500 && status != 501 ? XF_HELP_SIP_UNAVAILABLE : XF_HELP_NONE;
}

static void show_answered(struct job *job, json_t *result, unsigned status, const char *text)
{
    char answer[240];
    enum xf_help help = help_of_answer(status);
    bool is_bad = help != XF_HELP_NONE;
    uint64_t at = 0;
    while (xf_control_conns(job->client->control, &at, note_conn, job))
        ;
    snprintf(answer, sizeof(answer), "%u %s", status, text);
    show_steps(job, is_bad ? STEP_OPTIONS : STEPS, "refused", answer);
    xf_json_put(result, "addr", job->addr);
    xf_json_put_int(result, "status", status);
    xf_json_put_int(result, "warnings", is_bad);
    put_help(result, help);
}

/* The line of the log knows more of a conn that did not come up, the request of one that did. */
static void put_detail(const struct job *job, json_t *result, enum step failed, const char *text)
{
    if (failed != STEP_OPTIONS || !job->detail || strstr(text, job->detail)) {
        xf_json_put(result, "detail", failed != STEP_OPTIONS && job->detail ? job->detail : text);
        return;
    }
    char *both = xf_asprintf("%s: %s", text, job->detail);
    xf_json_put(result, "detail", both);
    xf_free(both);
}

/* A line of the log may know better what to do, and may have come before we looked. */
static void show_unanswered(const struct job *job, json_t *result, const char *cause,
                            enum xf_help help, const char *text)
{
    enum step failed = STEP_OPTIONS;
    for (size_t i = 0; i < XF_ARRAY_LEN(failures); i++)
        if (strcmp(failures[i].cause, cause) == 0)
            failed = failures[i].step;
    show_steps(job, failed, "failed", NULL);
    xf_json_put(result, "addr", job->addr);
    xf_json_put(result, "cause", cause);
    xf_json_put(result, "reason", cause);
    put_detail(job, result, failed, text);
    put_help(result, help);
    if (!job->help)
        return;
    xf_json_put(result, "help", job->help);
    xf_json_put(result, "advice", job->advice);
}

static void on_checked(void *owner, unsigned status, const char *cause, enum xf_help help,
                       const char *text)
{
    struct job *job = owner;
    json_t *result = json_object();
    job->check = NULL;
    show_addresses(job);
    xf_json_put(result, "local", job->local);
    xf_json_put(result, "peer", job->peer);
    xf_json_put(result, "protocol", "sip");
    xf_json_put_bool(result, "reachable", status != 0);
    xf_json_put(result, "text", text);
    if (status)
        show_answered(job, result, status, text);
    else
        show_unanswered(job, result, cause, help, text);
    xf_control_put_down(job->client->control, job->local, result);
    xf_client_done(job->client, result);
}

/* ------------------------------------------------------------------ begin and end */

static void free_job(void *owner)
{
    struct job *job = owner;
    struct xf_control *control = job->client->control;
    control->check_count--;
    if (job->check)
        control->opts.ops->sip->forget(job->check);
    for (size_t i = 0; i < job->count; i++) {
        xf_free(job->addresses[i].text);
        xf_free(job->addresses[i].server);
        xf_free(job->addresses[i].detail);
    }
    xf_free(job->help);
    xf_free(job->advice);
    xf_free(job->detail);
    xf_free(job->addr);
    xf_free(job->tls);
    xf_free(job->names);
    xf_free(job->chain);
    xf_free(job);
}

void xf_verb_check_sip(struct xf_client *client, struct xf_span local, struct xf_span peer)
{
    struct xf_control *control = client->control;
    struct job *job = xf_new(struct job);
    job->client = client;
    memcpy(job->local, local.ptr, local.len);
    memcpy(job->peer, peer.ptr, peer.len);
    client->job = job;
    client->free_job = free_job;
    control->check_count++;
    client->watcher.see = see;
    xf_log_watch(&client->watcher);
    job->check = control->opts.ops->sip->check(control->opts.owner, local, peer, on_checked, job);
}
