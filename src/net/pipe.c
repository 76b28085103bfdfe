/* SPDX-License-Identifier: MIT */
/*
 * pipe.c — Unix-domain stream sockets over libuv's pipes. Test: tests/unit/net/test_pipe.c.
 *
 * We accept ourselves and not by uv_listen: without descriptors libuv gives its spare one away for
 * a moment, and opens "/" to have another. Where that fails, as in our sandbox, its accept loop
 * never ends the next time (libuv 1.44).
 *
 * What is closed on a Unix socket can still be read at the other end, so a conn needs no shutdown
 * to deliver its last bytes: it closes once the system has them.
 */
#include <xfed/net/pipe.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <xfed/base/alloc.h>
#include <xfed/net/timer.h>

#include "loop_priv.h"

#define BACKLOG 16

struct xf_pipe_listener {
    struct xf_loop *loop;
    uv_poll_t poll;
    int fd;
    struct xf_timer retry; /* no descriptor was left */
    char *path;
    dev_t dev; /* of the socket in the file system */
    ino_t ino;
    xf_pipe_accept_fn accept;
    void *owner;
};

struct xf_pipe {
    struct xf_loop_guest guest; /* until its closed event is sent */
    struct xf_loop *loop;
    uv_pipe_t pipe;
    uv_write_t write;
    struct xf_timer linger;
    struct xf_buf out, leaving; /* `leaving` is with libuv while is_writing */
    bool is_writing, is_closing, is_dead;
    const struct xf_pipe_events *events;
    void *owner;
};

/* ------------------------------------------------------------------ conns */

static void conn_closed_cb(uv_handle_t *handle)
{
    struct xf_pipe *s = handle->data;
    xf_list_remove(&s->guest.node);
    if (s->events)
        s->events->closed(s->owner);
    xf_buf_release(&s->out);
    xf_buf_release(&s->leaving);
    xf_free(s);
}

static void die(struct xf_pipe *s)
{
    if (s->is_dead)
        return;
    s->is_closing = s->is_dead = true;
    xf_timer_stop(&s->linger);
    uv_close((uv_handle_t *)&s->pipe, conn_closed_cb);
}

static void on_linger(void *owner)
{
    die(owner);
}

static void write_cb(uv_write_t *write, int status);

static void write_on(struct xf_pipe *s)
{
    if (s->is_writing || s->is_dead || s->out.len == 0)
        return;
    struct xf_buf empty = s->leaving;
    s->leaving = s->out;
    s->out = empty;
    uv_buf_t bytes = uv_buf_init(s->leaving.data + s->leaving.start, (unsigned)s->leaving.len);
    s->is_writing = true;
    s->out.max = XF_PIPE_OUT_MAX - s->leaving.len + 1; /* both together; a buffer's is never 0 */
    if (uv_write(&s->write, (uv_stream_t *)&s->pipe, &bytes, 1, write_cb) != 0) {
        s->is_writing = false;
        die(s);
    }
}

static void write_cb(uv_write_t *write, int status)
{
    struct xf_pipe *s = write->data;
    xf_loop_touch(s->loop);
    s->is_writing = false;
    xf_buf_consume(&s->leaving, s->leaving.len);
    s->out.max = XF_PIPE_OUT_MAX;
    if (status != 0) {
        die(s);
        return;
    }
    write_on(s);
    if (s->is_writing)
        return;
    if (s->is_closing)
        die(s);
    else
        s->events->drained(s->owner);
}

static void read_cb(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
    struct xf_pipe *s = stream->data;
    xf_loop_touch(s->loop);
    if (count == UV_EOF && !s->is_closing) {
        uv_read_stop(stream);
        s->events->ended(s->owner);
    } else if (count < 0) {
        xf_pipe_close(s);
    } else if (count > 0 && !s->is_closing) {
        s->events->data(s->owner, buf->base, (size_t)count);
    }
}

void xf_pipe_own(struct xf_pipe *s, const struct xf_pipe_events *events, void *owner)
{
    s->events = events;
    s->owner = owner;
    xf_require(uv_read_start((uv_stream_t *)&s->pipe, xf_loop_lend_buf, read_cb) == 0);
}

struct xf_buf *xf_pipe_out(struct xf_pipe *s)
{
    return &s->out;
}

void xf_pipe_flush(struct xf_pipe *s)
{
    write_on(s);
}

bool xf_pipe_is_busy(const struct xf_pipe *s)
{
    return s->is_writing || s->out.len > 0;
}

void xf_pipe_close(struct xf_pipe *s)
{
    if (s->is_closing)
        return;
    s->is_closing = true;
    uv_read_stop((uv_stream_t *)&s->pipe);
    write_on(s);
    if (xf_pipe_is_busy(s))
        xf_timer_start(s->loop->timers, &s->linger, XF_PIPE_LINGER_MS);
    else
        die(s);
}

/* ------------------------------------------------------------------ who connected */

static bool ask_who(struct xf_pipe *s, struct xf_pipe_peer *out)
{
    struct ucred cred;
    socklen_t bytes = sizeof(cred);
    uv_os_fd_t fd;
    if (uv_fileno((uv_handle_t *)&s->pipe, &fd) != 0 ||
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &bytes) != 0)
        return false;
    out->uid = cred.uid;
    out->gid = cred.gid;
    out->pid = cred.pid;
    bytes = sizeof(out->groups);
    /* ERANGE: there are more, and none is told. Then only `gid` counts. */
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, out->groups, &bytes) == 0)
        out->group_count = bytes / sizeof(out->groups[0]);
    return true;
}

static void on_loop_ends(struct xf_loop_guest *guest)
{
    die(XF_CONTAINER(guest, struct xf_pipe, guest));
}

static struct xf_pipe *new_conn(struct xf_loop *loop)
{
    struct xf_pipe *s = xf_new(struct xf_pipe);
    s->loop = loop;
    s->pipe.data = s->write.data = s;
    xf_buf_init(&s->out, XF_PIPE_OUT_MAX);
    xf_buf_init(&s->leaving, XF_PIPE_OUT_MAX);
    xf_timer_init(&s->linger, on_linger, s);
    uv_pipe_init(&loop->uv, &s->pipe, 0);
    s->pipe.data = s;
    s->guest.end = on_loop_ends;
    xf_list_push(&loop->guests, &s->guest.node);
    return s;
}

static void adopt(struct xf_pipe_listener *listener, int fd)
{
    struct xf_pipe *s = new_conn(listener->loop);
    struct xf_pipe_peer peer = {0};
    if (uv_pipe_open(&s->pipe, fd) != 0) {
        close(fd);
        die(s);
    } else if (!ask_who(s, &peer)) {
        die(s);
    } else {
        listener->accept(listener->owner, s, &peer);
    }
}

/* One connection in a turn: there are few, and more leave the socket readable. */
static void readable_cb(uv_poll_t *poll, int status, int events)
{
    struct xf_pipe_listener *s = poll->data;
    (void)status;
    (void)events;
    xf_loop_touch(s->loop);
    int fd = accept4(s->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        adopt(s, fd);
    } else if (xf_net_is_starved(errno)) {
        uv_poll_stop(&s->poll);
        xf_timer_start(s->loop->timers, &s->retry, XF_NET_STARVED_MS);
    }
}

static void on_retry(void *owner)
{
    struct xf_pipe_listener *s = owner;
    uv_poll_start(&s->poll, UV_READABLE, readable_cb);
}

/* ------------------------------------------------------------------ listening */

static bool set_path(struct sockaddr_un *addr, const char *path)
{
    addr->sun_family = AF_UNIX;
    if (strlen(path) >= sizeof(addr->sun_path))
        return false;
    memcpy(addr->sun_path, path, strlen(path) + 1);
    return true;
}

/* Does a process listen at the path? */
static bool is_in_use(const struct sockaddr_un *addr)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return false;
    bool is_refused =
        connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) != 0 && errno == ECONNREFUSED;
    close(fd);
    return !is_refused;
}

static enum xf_err make_room(const char *path, const struct sockaddr_un *addr, struct xf_error *err)
{
    struct stat st;
    if (lstat(path, &st) != 0)
        return XF_ERR_OK;
    if (!S_ISSOCK(st.st_mode))
        return xf_fail(err, XF_ERR_CONFIG, "%s exists and is not a socket", path);
    if (is_in_use(addr))
        return xf_fail(err, XF_ERR_CONFIG, "another process listens on %s", path);
    unlink(path);
    return XF_ERR_OK;
}

static enum xf_err bind_to(int fd, const struct sockaddr_un *addr, mode_t mode)
{
    mode_t mask = umask(0177); /* nobody else gets in between bind and chmod */
    int result = bind(fd, (const struct sockaddr *)addr, sizeof(*addr));
    umask(mask);
    if (result == 0)
        result = chmod(addr->sun_path, mode);
    if (result == 0)
        result = listen(fd, BACKLOG);
    return result == 0 ? XF_ERR_OK : XF_ERR_IO;
}

static void free_listener_cb(uv_handle_t *handle)
{
    xf_free(handle->data);
}

enum xf_err xf_pipe_listen(struct xf_loop *loop, const char *path, mode_t mode,
                           xf_pipe_accept_fn accept, void *owner,
                           struct xf_pipe_listener **out_listener, struct xf_error *err)
{
    struct sockaddr_un addr = {0};
    char words[128];
    struct stat st;
    if (!set_path(&addr, path))
        return xf_fail(err, XF_ERR_CONFIG,
                       "%s is longer than the %zu bytes of a Unix socket's path", path,
                       sizeof(addr.sun_path) - 1);
    enum xf_err result = make_room(path, &addr, err);
    if (result != XF_ERR_OK)
        return result;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind_to(fd, &addr, mode) != XF_ERR_OK || stat(path, &st) != 0) {
        result = xf_fail(err, XF_ERR_IO,
                         "cannot listen on %s: %s: expected a folder in which xfedd may make this "
                         "socket",
                         path, strerror_r(errno, words, sizeof(words)));
        if (fd >= 0)
            close(fd);
        return result;
    }
    struct xf_pipe_listener *s = xf_new(struct xf_pipe_listener);
    *s = (struct xf_pipe_listener){.loop = loop,
                                   .fd = fd,
                                   .path = xf_strdup(path),
                                   .dev = st.st_dev,
                                   .ino = st.st_ino,
                                   .accept = accept,
                                   .owner = owner};
    xf_timer_init(&s->retry, on_retry, s);
    xf_require(uv_poll_init(&loop->uv, &s->poll, fd) == 0);
    s->poll.data = s;
    uv_poll_start(&s->poll, UV_READABLE, readable_cb);
    *out_listener = s;
    return XF_ERR_OK;
}

void xf_pipe_listener_close(struct xf_pipe_listener **listener)
{
    struct xf_pipe_listener *s = *listener;
    struct stat st;
    if (!s)
        return;
    *listener = NULL;
    if (lstat(s->path, &st) == 0 && st.st_dev == s->dev && st.st_ino == s->ino)
        unlink(s->path);
    xf_free(s->path);
    xf_timer_stop(&s->retry);
    uv_close((uv_handle_t *)&s->poll, free_listener_cb);
    close(s->fd); /* libuv let go of it in uv_close */
}
