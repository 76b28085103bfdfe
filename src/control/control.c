/* SPDX-License-Identifier: MIT */
/*
 * control.c — listens for operators' programs, and keeps their clients. A few clients are left to
 * those who may act, so that a monitor gone wild does not lock the operator out.
 */
#include "control_priv.h"

#include <string.h>
#include <unistd.h>

#include <xfed/base/alloc.h>
#include <xfed/net/loop.h>

#define CLIENTS_MAX      32
#define CLIENTS_TO_SEE   24   /* of these, for those who may only look */
#define SOCKET_MODE      0666 /* rights.c decides; without groups only we and root may connect */
#define SOCKET_MODE_OURS 0600

static gid_t *copy_groups(const gid_t *groups, size_t count)
{
    gid_t *copy = xf_alloc((count + 1) * sizeof(*copy));
    for (size_t i = 0; i < count; i++)
        copy[i] = groups[i];
    return copy;
}

static void note_reload(struct xf_log_watcher *watcher, const struct xf_log_event *event)
{
    struct xf_control *control = XF_CONTAINER(watcher, struct xf_control, watcher);
    bool refused = strcmp(event->name, "config.reload.refused") == 0;
    if (!refused && strcmp(event->name, "config.reload.done") != 0)
        return;
    control->reloaded_s = xf_unix_s();
    control->reload_refused = refused;
}

struct xf_control *xf_control_new(const struct xf_control_opts *opts)
{
    struct xf_control *control = xf_new(struct xf_control);
    control->opts = *opts;
    control->readers = copy_groups(opts->readers, opts->reader_count);
    control->admins = copy_groups(opts->admins, opts->admin_count);
    control->clock = xf_loop_clock(opts->loop);
    control->timers = xf_loop_timers(opts->loop);
    control->started_ms = control->clock->now_ms;
    xf_list_init(&control->clients);
    xf_list_init(&control->tries);
    xf_control_refusals_init(&control->refusals);
    xf_timer_init(&control->level_timer, xf_control_reset_level, control);
    control->find_verb = xf_verb_find;
    control->watcher.see = note_reload;
    xf_log_watch(&control->watcher);
    return control;
}

static void turn_away(struct xf_control *control, struct xf_pipe *pipe,
                      const struct xf_pipe_peer *peer, const char *reason, const char *answer)
{
    unsigned suppressed;
    if (xf_control_may_log_refusal(&control->refusals, control->timers, &suppressed))
        xf_log(XF_LOG_WARN, "control.client.refused", XF_WORD("reason", reason),
               XF_INT("uid", peer->uid), XF_INT("pid", peer->pid),
               XF_INT("suppressed", suppressed));
    (void)!xf_buf_try_append(xf_pipe_out(pipe), answer, strlen(answer));
    xf_pipe_close(pipe);
}

static void on_accept(void *owner, struct xf_pipe *pipe, const struct xf_pipe_peer *peer)
{
    struct xf_control *control = owner;
    enum xf_right right = xf_control_right_of(control, peer);
    size_t most = right == XF_RIGHT_ACT ? CLIENTS_MAX : CLIENTS_TO_SEE;
    if (right == XF_RIGHT_NONE)
        turn_away(control, pipe, peer, "rights",
                  "{\"ok\":false,\"error\":\"not-permitted\",\"message\":\"you are in none of the "
                  "groups of listen { control-readers control-admins }\"}\n");
    else if (control->client_count >= most)
        turn_away(control, pipe, peer, "full",
                  "{\"ok\":false,\"error\":\"busy\",\"message\":\"too many programs are "
                  "connected: end one, or try again\"}\n");
    else
        xf_client_new(control, pipe, peer, right);
}

enum xf_err xf_control_listen(struct xf_control *control, const char *path, struct xf_error *err)
{
    bool has_groups = control->opts.reader_count + control->opts.admin_count > 0;
    return xf_pipe_listen(control->opts.loop, path, has_groups ? SOCKET_MODE : SOCKET_MODE_OURS,
                          on_accept, control, &control->listener, err);
}

void xf_control_attach(struct xf_control *control, const struct xf_control_parts *parts)
{
    XF_LIST_EACH_SAFE (node, &control->clients) {
        struct xf_client *client = XF_CONTAINER(node, struct xf_client, node);
        if (client->renewed)
            client->renewed(client);
    }
    control->parts = *parts;
}

static void end_client(struct xf_client *client)
{
    client->outlet->end(client);
}

void xf_control_stop(struct xf_control *control)
{
    if (!control || control->is_stopped)
        return;
    control->is_stopped = true;
    xf_log_unwatch(&control->watcher);
    xf_timer_stop(&control->level_timer);
    xf_timer_stop(&control->refusals.quiet);
    xf_pipe_listener_close(&control->listener);
    XF_LIST_EACH_SAFE (node, &control->clients)
        end_client(XF_CONTAINER(node, struct xf_client, node));
}

void xf_control_free(struct xf_control **control)
{
    struct xf_control *s = *control;
    if (!s)
        return;
    *control = NULL;
    xf_control_stop(s);
    xf_require(xf_list_is_empty(&s->clients));
    xf_free(s->readers);
    xf_free(s->admins);
    xf_free(s);
}
