/* SPDX-License-Identifier: MIT */
/*
 * client.c — one client. It sends one request a line and gets the answer before the next one is
 * read, in another turn of the loop: rows, then one line with "ok". A client that ends its own side
 * still gets what it has asked for.
 *
 * What it may hold here is bounded: LINE_MAX bytes of input and XF_PIPE_OUT_MAX of output, LINE_MS
 * for a line from its first byte, STUCK_MS to take what there is, SILENT_MS without a request.
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

/* An act is logged when its answer is known, with what was asked for. */
static void log_act(const struct xf_client *s, const char *result)
{
    const json_t *stream = json_object_get(s->request, "stream");
    const json_t *minutes = json_object_get(s->request, "minutes");
    const char *const keys[] = {"peer", "turn", "level"};
    const char *texts[XF_ARRAY_LEN(keys)];
    for (size_t i = 0; i < XF_ARRAY_LEN(keys); i++)
        texts[i] = json_string_value(json_object_get(s->request, keys[i]));
    char number[32] = "", time[32] = "";
    if (json_is_integer(stream))
        snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(stream));
    if (json_is_integer(minutes))
        snprintf(time, sizeof(time), "%lld", (long long)json_integer_value(minutes));
    xf_log(XF_LOG_INFO, "control.verb.done", XF_WORD("verb", s->verb->name),
           XF_WORD("result", result), XF_INT("uid", s->uid), XF_INT("pid", s->pid),
           XF_STR("peer", texts[0]), XF_STR("turn", texts[1]), XF_STR("level", texts[2]),
           XF_STR("number", *number ? number : NULL), XF_STR("minutes", *time ? time : NULL));
}

/* `result`: "ok", a code, or "gone". */
static void end_verb(struct xf_client *s, const char *result)
{
    if (s->verb && s->verb->right == XF_RIGHT_ACT && s->is_permitted)
        log_act(s, result);
    xf_log_unwatch(&s->watcher);
    xf_alarms_unfollow(&s->follower);
    xf_timer_stop(&s->timer);
    if (s->free_job)
        s->free_job(s->job);
    s->verb = NULL;
    s->go_on = NULL;
    s->job = NULL;
    s->free_job = NULL;
    s->renewed = NULL;
    json_decref(s->request);
    s->request = NULL;
    s->is_permitted = false;
    s->rows_lost = 0;
}

static void on_closed(void *owner)
{
    struct xf_client *s = owner;
    end_verb(s, "gone");
    xf_timer_stop(&s->patience);
    xf_timer_stop(&s->turn);
    xf_list_remove(&s->node);
    s->control->client_count--;
    xf_buf_release(&s->in);
    xf_free(s);
}

void xf_client_end(struct xf_client *s)
{
    end_verb(s, "gone");
    s->is_over = true;
    xf_timer_stop(&s->patience);
    xf_timer_stop(&s->turn);
    xf_pipe_close(s->pipe);
}

/* ------------------------------------------------------------------ patience */

static const unsigned patience_ms[] = {
    [XF_WAIT_VERB] = 0,
    [XF_WAIT_OUTPUT] = STUCK_MS,
    [XF_WAIT_LINE] = LINE_MS,
    [XF_WAIT_REQUEST] = SILENT_MS,
};

static enum xf_client_wait wait_of(const struct xf_client *s)
{
    if (xf_pipe_is_busy(s->pipe))
        return XF_WAIT_OUTPUT;
    if (s->verb)
        return XF_WAIT_VERB;
    return s->in.len > 0 ? XF_WAIT_LINE : XF_WAIT_REQUEST;
}

/* The time runs from when we began to wait; `has_moved`: the client has done its part. */
static void keep_patience(struct xf_client *s, bool has_moved)
{
    enum xf_client_wait wait = wait_of(s);
    if (s->is_over || (wait == s->wait && !has_moved && xf_timer_is_running(&s->patience)))
        return;
    s->wait = wait;
    if (patience_ms[wait] > 0)
        xf_timer_start(s->control->timers, &s->patience, patience_ms[wait]);
    else
        xf_timer_stop(&s->patience);
}

static void on_patience(void *owner)
{
    xf_client_end(owner);
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

static void next_turn(struct xf_client *s)
{
    if (!s->is_over)
        xf_timer_start(s->control->timers, &s->turn, 0);
}

static void finish(struct xf_client *s, json_t *line, const char *result)
{
    if (s->rows_lost)
        xf_json_put_int(line, "lost", s->rows_lost);
    bool is_written = xf_json_append_line(xf_pipe_out(s->pipe), line) == XF_ERR_OK;
    json_decref(line);
    end_verb(s, result);
    if (!is_written) { /* a client that reads nothing */
        xf_client_end(s);
        return;
    }
    xf_pipe_flush(s->pipe);
    keep_patience(s, true);
    next_turn(s);
}

void xf_client_done(struct xf_client *s, json_t *result)
{
    json_t *line = json_object();
    xf_json_put_bool(line, "ok", true);
    xf_json_put_new(line, "result", result ? result : json_object());
    finish(s, line, "ok");
}

void xf_client_done_with(struct xf_client *client, const char *key, uint64_t number)
{
    json_t *result = json_object();
    xf_json_put_int(result, key, number);
    xf_client_done(client, result);
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
    finish(s, line, code);
}

/* ------------------------------------------------------------------ requests */

static void log_refused(const struct xf_client *s)
{
    unsigned suppressed;
    if (xf_control_may_log_refusal(&s->control->refusals, s->control->timers, &suppressed))
        xf_log(XF_LOG_WARN, "control.verb.refused", XF_WORD("verb", s->verb->name),
               XF_INT("uid", s->uid), XF_INT("pid", s->pid), XF_INT("suppressed", suppressed));
}

static void run_request(struct xf_client *s)
{
    const char *name = json_string_value(json_object_get(s->request, "verb"));
    s->verb = name ? s->control->find_verb(name) : NULL;
    if (!name) {
        xf_client_fail(s, "bad-request", "expected an object with \"verb\"");
    } else if (!s->verb) {
        xf_client_fail(s, "unknown-verb", "xfedd %s has no verb \"%s\"", s->control->opts.version,
                       name);
    } else if (s->verb->right > s->right) {
        log_refused(s);
        xf_client_fail(s, "not-permitted",
                       "%s changes something: you are in no group of listen { control-admins }",
                       name);
    } else {
        s->is_permitted = true;
        s->verb->run(s, s->request);
    }
}

static void run_line(struct xf_client *s, const char *line, size_t len)
{
    json_error_t error;
    s->request = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);
    if (json_is_object(s->request))
        run_request(s);
    else
        xf_client_fail(s, "bad-request", "expected a JSON object on one line: %s",
                       s->request ? "it is something else" : error.text);
}

/* One request a turn: others are served in between. */
static void on_turn(void *owner)
{
    struct xf_client *s = owner;
    const char *end = memchr(xf_buf_ptr(&s->in), '\n', s->in.len);
    if (s->verb || xf_pipe_is_busy(s->pipe))
        return; /* the end of the answer, or on_drained, comes here again */
    if (end) {
        size_t len = (size_t)(end - xf_buf_ptr(&s->in));
        char *line = xf_strndup(xf_buf_ptr(&s->in), len); /* the verb may outlive the buffer */
        xf_buf_consume(&s->in, len + 1);
        run_line(s, line, len);
        xf_free(line);
        keep_patience(s, true);
    } else if (s->has_ended) {
        xf_client_end(s);
    } else {
        keep_patience(s, false);
    }
}

static void on_data(void *owner, const char *bytes, size_t len)
{
    struct xf_client *s = owner;
    if (s->is_over)
        return;
    if (xf_buf_try_append(&s->in, bytes, len) != XF_ERR_OK) {
        end_verb(s, "too-long");
        xf_client_fail(s, "too-long", "a request may have %d bytes", LINE_MAX);
        xf_client_end(s);
        return;
    }
    keep_patience(s, false);
    next_turn(s);
}

static void on_drained(void *owner)
{
    struct xf_client *s = owner;
    if (s->go_on)
        s->go_on(s);
    keep_patience(s, true);
    next_turn(s);
}

static void on_ended(void *owner)
{
    struct xf_client *s = owner;
    s->has_ended = true;
    if (s->verb && s->verb->ends_with_client)
        xf_client_end(s);
    else
        next_turn(s);
}

static const struct xf_pipe_events events = {.data = on_data,
                                             .drained = on_drained,
                                             .ended = on_ended,
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
    xf_timer_init(&s->turn, on_turn, s);
    xf_list_push(&control->clients, &s->node);
    control->client_count++;
    xf_pipe_own(pipe, &events, s);
    s->wait = XF_WAIT_LINE; /* the first request is due */
    xf_timer_start(control->timers, &s->patience, LINE_MS);
}
