/* SPDX-License-Identifier: MIT */
/* verb_self.c — check-self: what is wrong with this gateway, one row for each thing looked at. */
#include "control_priv.h"

#include <xfed/base/alloc.h>
#include <xfed/selfcheck/selfcheck.h>

struct job {
    struct xf_client *client;
    struct xf_selfcheck *check; /* NULL: over */
    uint64_t counts[XF_FINDING_WRONG + 1];
};

static void on_found(void *owner, const struct xf_finding *finding)
{
    struct job *job = owner;
    json_t *row = json_object();
    xf_json_put(row, "level", xf_finding_word(finding->level));
    xf_json_put(row, "part", finding->part);
    xf_json_put(row, "where", finding->where);
    xf_json_put(row, "text", finding->text);
    xf_json_put(row, "help", xf_help_code(finding->help));
    xf_json_put(row, "advice", xf_help_advice(finding->help));
    job->counts[finding->level]++;
    xf_client_row(job->client, row);
}

static void on_done(void *owner)
{
    struct job *job = owner;
    json_t *result = json_object();
    job->check = NULL;
    xf_json_put_int(result, "ok", job->counts[XF_FINDING_OK]);
    xf_json_put_int(result, "warnings", job->counts[XF_FINDING_WARNING]);
    xf_json_put_int(result, "wrong", job->counts[XF_FINDING_WRONG]);
    xf_client_done(job->client, result);
}

static const struct xf_selfcheck_events events = {.found = on_found, .done = on_done};

static void free_job(void *owner)
{
    struct job *job = owner;
    job->client->control->check_count--;
    xf_selfcheck_cancel(&job->check);
    xf_free(job);
}

/* What it looks at is about to be freed. */
static void on_renewed(struct xf_client *client)
{
    xf_client_fail(client, "busy", "a reload has changed what was being checked: try again");
}

void xf_verb_check_self(struct xf_client *client, const json_t *request)
{
    struct xf_control *control = client->control;
    (void)request;
    if (!xf_verb_need_check(client) || !xf_verb_need_running(client))
        return;
    struct job *job = xf_new(struct job);
    job->client = client;
    client->job = job;
    client->free_job = free_job;
    client->renewed = on_renewed;
    control->check_count++;
    job->check = control->opts.ops->check_self(control->opts.owner, &events, job);
}
