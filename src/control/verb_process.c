/* SPDX-License-Identifier: MIT */
/* verb_process.c — reload, drain, log: what concerns the process. */
#include "control_priv.h"

#include <string.h>

#include <xfed/base/alloc.h>
#include <xfed/conf/conf.h>

#define MINUTE_MS   60000
#define MINUTES_MAX 1440
#define RELOAD_MS   60000 /* reading files may hang, on a network's file system */

/* ------------------------------------------------------------------ reload */

/* What the log says about the reload, the client gets too. */
static bool is_outcome(const struct xf_log_event *event)
{
    return strcmp(event->name, "config.reload.refused") == 0 ||
           strcmp(event->name, "config.reload.done") == 0;
}

static void see_reload(struct xf_log_watcher *watcher, const struct xf_log_event *event)
{
    struct xf_client *client = XF_CONTAINER(watcher, struct xf_client, watcher);
    unsigned *others = client->job;
    if (*others > 0) {
        *others -= is_outcome(event);
        return;
    }
    struct xf_span detail = xf_log_text(event, "detail");
    bool warned = strcmp(event->name, "config.reload.warned") == 0;
    if (warned || strcmp(event->name, "config.restart.needed") == 0) {
        json_t *row = json_object();
        xf_json_put(row, "level", xf_log_level_name(event->level));
        xf_json_put(row, "kind", warned ? "message" : "restart-needed");
        xf_json_put_span(row, "detail", detail);
        xf_client_row(client, row);
    } else if (strcmp(event->name, "config.reload.refused") == 0) {
        xf_client_fail(client, "refused", "the running configuration stays in force: %.*s",
                       XF_SPAN_ARGS(detail));
    } else if (strcmp(event->name, "config.reload.done") == 0) {
        xf_client_done(client, NULL);
    }
}

static void on_reload_hangs(void *owner)
{
    xf_client_fail(owner, "timeout", "the files were not read in %d s: the log will say more",
                   RELOAD_MS / 1000);
}

void xf_verb_reload(struct xf_client *client, const json_t *request)
{
    const struct xf_control *control = client->control;
    (void)request;
    if (!xf_verb_need_running(client))
        return;
    unsigned *others = xf_new(unsigned);
    client->job = others;
    client->free_job = xf_free;
    xf_timer_init(&client->timer, on_reload_hangs, client);
    xf_timer_start(control->timers, &client->timer, RELOAD_MS);
    *others = control->opts.reload(control->opts.owner);
    client->watcher.see = see_reload;
    xf_log_watch(&client->watcher);
}

/* ------------------------------------------------------------------ drain */

void xf_verb_drain(struct xf_client *client, const json_t *request)
{
    const struct xf_control *control = client->control;
    (void)request;
    if (!xf_verb_need_running(client))
        return;
    xf_client_done_with(client, "drain_ms", control->parts.conf->process.drain_ms);
    control->opts.drain(control->opts.owner);
}

/* ------------------------------------------------------------------ log */

void xf_control_reset_level(void *owner)
{
    const struct xf_control *control = owner;
    xf_log_set_level(control->parts.conf->process.level);
    xf_log(XF_LOG_INFO, "control.level.reset",
           XF_WORD("level", xf_log_level_name(xf_log_threshold)));
}

static uint64_t minutes_of(const json_t *request)
{
    int64_t minutes = xf_json_signed(request, "minutes");
    return minutes < 0 ? 0 : minutes > MINUTES_MAX ? MINUTES_MAX : (uint64_t)minutes;
}

void xf_verb_log(struct xf_client *client, const json_t *request)
{
    struct xf_control *control = client->control;
    const char *word = xf_verb_need(client, request, "level");
    enum xf_log_level level;
    if (!word)
        return;
    if (!xf_log_level_parse(word, &level)) {
        xf_client_fail(client, "bad-level", "\"%s\": expected error, warn, info or debug", word);
        return;
    }
    xf_log_set_level(level);
    xf_timer_stop(&control->level_timer);
    if (minutes_of(request) > 0)
        xf_timer_start(control->timers, &control->level_timer, minutes_of(request) * MINUTE_MS);
    json_t *result = json_object();
    xf_json_put(result, "level", xf_log_level_name(level));
    xf_json_put_int(result, "minutes", minutes_of(request));
    xf_client_done(client, result);
}
