/* SPDX-License-Identifier: MIT */
/*
 * client.c — one client. It sends one request a line and gets the answer before the next one is
 * read: rows, then one line with "ok". What it may hold here is bounded: LINE_MAX bytes of input
 * and XF_PIPE_OUT_MAX of output, LINE_MS for a line, STUCK_MS to take an answer, SILENT_MS without
 * a request.
 */
#include "control_priv.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <xfed/base/alloc.h>

#define LINE_MAX  16384
#define LINE_MS   10000
#define SILENT_MS 600000
#define STUCK_MS  60000 /* a client must take what it asked for */
#define PRINT     (JSON_COMPACT | JSON_ENSURE_ASCII)

static void end_verb(struct xf_client *s)
{
    xf_log_unwatch(&s->watcher);
    xf_timer_stop(&s->timer);
    if (s->free_job)
        s->free_job(s->job);
    s->verb = NULL;
    s->go_on = NULL;
    s->job = NULL;
    s->free_job = NULL;
    s->rows_lost = 0;
}

static void on_closed(void *owner)
{
    struct xf_client *s = owner;
    end_verb(s);
    xf_timer_stop(&s->patience);
    xf_list_remove(&s->node);
    s->control->client_count--;
    xf_buf_release(&s->in);
    xf_free(s);
}

void xf_client_end(struct xf_client *s)
{
    end_verb(s);
    xf_pipe_close(s->pipe);
}

static void on_patience(void *owner)
{
    struct xf_client *s = owner;
    if (s->verb && !xf_pipe_is_busy(s->pipe)) /* it is the verb that takes its time */
        xf_timer_start(s->control->timers, &s->patience, STUCK_MS);
    else
        xf_client_end(s);
}

/* ------------------------------------------------------------------ answers */

void xf_client_row(struct xf_client *s, json_t *row)
{
    json_t *line = json_object();
    if (s->rows_lost)
        xf_json_put_int(line, "lost", s->rows_lost);
    xf_json_put_new(line, "row", row);
    if (xf_json_append_line(xf_pipe_out(s->pipe), line) == XF_ERR_OK)
        s->rows_lost = 0;
    else
        s->rows_lost++;
    json_decref(line);
    xf_pipe_flush(s->pipe);
}

static void finish(struct xf_client *s, json_t *line)
{
    bool is_written = xf_json_append_line(xf_pipe_out(s->pipe), line) == XF_ERR_OK;
    json_decref(line);
    end_verb(s);
    if (is_written)
        xf_pipe_flush(s->pipe);
    else
        xf_pipe_close(s->pipe); /* a client that reads nothing */
}

void xf_client_done(struct xf_client *s, json_t *result)
{
    json_t *line = json_object();
    xf_json_put_bool(line, "ok", true);
    xf_json_put_new(line, "result", result ? result : json_object());
    finish(s, line);
}

void xf_client_fail(struct xf_client *s, const char *code, const char *fmt, ...)
{
    char words[1024];
    json_t *line = json_object();
    va_list args;
    va_start(args, fmt);
    vsnprintf(words, sizeof(words), fmt, args);
    va_end(args);
    xf_json_put_bool(line, "ok", false);
    xf_json_put(line, "error", code);
    xf_json_put(line, "message", words);
    finish(s, line);
}

/* ------------------------------------------------------------------ requests */

/* Acts are logged with all that was asked. */
static void log_act(const struct xf_client *s, const json_t *request)
{
    char text[512];
    size_t len = json_dumpb(request, text, sizeof(text), PRINT);
    xf_log(XF_LOG_INFO, "control.verb.done", XF_WORD("verb", s->verb->name), XF_INT("uid", s->uid),
           XF_INT("pid", s->pid),
           XF_SPN("request", ((struct xf_span){text, len < sizeof(text) ? len : sizeof(text)})));
}

static void run_request(struct xf_client *s, const json_t *request)
{
    const char *name = json_string_value(json_object_get(request, "verb"));
    s->verb = name ? s->control->find_verb(name) : NULL;
    if (!name) {
        xf_client_fail(s, "bad-request", "expected an object with \"verb\"");
    } else if (!s->verb) {
        xf_client_fail(s, "unknown-verb", "xfedd %s has no verb \"%s\"", s->control->opts.version,
                       name);
    } else if (s->verb->right > s->right) {
        xf_log(XF_LOG_WARN, "control.verb.refused", XF_WORD("verb", s->verb->name),
               XF_INT("uid", s->uid), XF_INT("pid", s->pid));
        xf_client_fail(s, "not-permitted",
                       "%s changes something: you are in no group of listen { control-admins }",
                       name);
    } else {
        if (s->verb->right == XF_RIGHT_ACT)
            log_act(s, request);
        s->verb->run(s, request);
    }
}

static void run_line(struct xf_client *s, const char *line, size_t len)
{
    json_error_t error;
    json_t *request = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);
    if (json_is_object(request))
        run_request(s, request);
    else
        xf_client_fail(s, "bad-request", "expected a JSON object on one line: %s",
                       request ? "it is something else" : error.text);
    json_decref(request);
}

static void run_lines(struct xf_client *s)
{
    const char *end;
    while (!s->verb && (end = memchr(xf_buf_ptr(&s->in), '\n', s->in.len))) {
        size_t len = (size_t)(end - xf_buf_ptr(&s->in));
        char *line = xf_strndup(xf_buf_ptr(&s->in), len); /* the verb may outlive the buffer */
        xf_buf_consume(&s->in, len + 1);
        run_line(s, line, len);
        xf_free(line);
    }
    xf_timer_start(s->control->timers, &s->patience,
                   s->verb     ? STUCK_MS
                   : s->in.len ? LINE_MS
                               : SILENT_MS);
}

static void on_data(void *owner, const char *bytes, size_t len)
{
    struct xf_client *s = owner;
    if (xf_buf_try_append(&s->in, bytes, len) != XF_ERR_OK) {
        s->verb = NULL;
        xf_client_fail(s, "too-long", "a request may have %d bytes", LINE_MAX);
        xf_client_end(s);
        return;
    }
    run_lines(s);
}

static void on_drained(void *owner)
{
    struct xf_client *s = owner;
    if (s->go_on)
        s->go_on(s);
    run_lines(s);
}

static const struct xf_pipe_events events = {.data = on_data,
                                             .drained = on_drained,
                                             .closed = on_closed};

void xf_client_new(struct xf_control *control, struct xf_pipe *pipe,
                   const struct xf_pipe_peer *peer, enum xf_right right)
{
    struct xf_client *s = xf_new(struct xf_client);
    s->control = control;
    s->pipe = pipe;
    s->right = right;
    s->uid = peer->uid;
    s->pid = peer->pid;
    xf_buf_init(&s->in, LINE_MAX);
    xf_timer_init(&s->patience, on_patience, s);
    xf_list_push(&control->clients, &s->node);
    control->client_count++;
    xf_pipe_own(pipe, &events, s);
    xf_timer_start(control->timers, &s->patience, LINE_MS);
}
