/* SPDX-License-Identifier: MIT */
/*
 * line_client.c — a program at the socket. It sends one request a line and gets the answer before
 * the next one is read, in another turn of the loop. A client that ends its own side still gets
 * what it has asked for.
 *
 * What it may hold here is bounded: LINE_MAX bytes of input and XF_PIPE_OUT_MAX of output, LINE_MS
 * for a line from its first byte, STUCK_MS to take what there is, SILENT_MS without a request.
 */
#include "control_priv.h"

#include <string.h>

#include <xfed/base/alloc.h>

#define LINE_MAX  16384
#define LINE_MS   10000
#define SILENT_MS 600000
#define STUCK_MS  60000 /* a client must take what it asked for */

static void on_closed(void *owner)
{
    struct xf_client *s = owner;
    xf_client_end_verb(s, "gone");
    xf_timer_stop(&s->patience);
    xf_timer_stop(&s->turn);
    xf_list_remove(&s->node);
    s->control->client_count--;
    xf_buf_release(&s->in);
    xf_free(s);
}

static void end(struct xf_client *s)
{
    xf_client_end_verb(s, "gone");
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
    end(owner);
}

/* ------------------------------------------------------------------ answers */

static void next_turn(struct xf_client *s)
{
    if (!s->is_over)
        xf_timer_start(s->control->timers, &s->turn, 0);
}

static bool write_line(struct xf_client *s, const json_t *line)
{
    bool fits = xf_json_append_line(xf_pipe_out(s->pipe), line) == XF_ERR_OK;
    xf_pipe_flush(s->pipe);
    return fits;
}

static void on_answered(struct xf_client *s, bool is_written)
{
    if (!is_written) { /* a client that reads nothing */
        end(s);
        return;
    }
    keep_patience(s, true);
    next_turn(s);
}

static bool is_busy(const struct xf_client *s)
{
    return xf_pipe_is_busy(s->pipe);
}

static const struct xf_client_outlet outlet = {
    .write = write_line,
    .is_busy = is_busy,
    .answered = on_answered,
    .end = end,
};

/* ------------------------------------------------------------------ requests */

static void run_line(struct xf_client *s, const char *line, size_t len)
{
    json_error_t error;
    json_t *request = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);
    if (json_is_object(request)) {
        xf_client_run(s, request);
        return;
    }
    xf_client_fail(s, "bad-request", "expected a JSON object on one line: %s",
                   request ? "it is something else" : error.text);
    json_decref(request);
}

/* One request a turn: others are served in between. */
static void on_turn(void *owner)
{
    struct xf_client *s = owner;
    const char *newline = memchr(xf_buf_ptr(&s->in), '\n', s->in.len);
    if (s->verb || xf_pipe_is_busy(s->pipe))
        return; /* the end of the answer, or on_drained, comes here again */
    if (newline) {
        size_t len = (size_t)(newline - xf_buf_ptr(&s->in));
        char *line = xf_strndup(xf_buf_ptr(&s->in), len); /* the verb may outlive the buffer */
        xf_buf_consume(&s->in, len + 1);
        run_line(s, line, len);
        xf_free(line);
        keep_patience(s, true);
    } else if (s->has_ended) {
        end(s);
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
        xf_client_end_verb(s, "too-long");
        xf_client_fail(s, "too-long", "a request may have %d bytes", LINE_MAX);
        end(s);
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
        end(s);
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
    s->outlet = &outlet;
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
