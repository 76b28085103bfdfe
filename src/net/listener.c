/* SPDX-License-Identifier: MIT */
/*
 * listener.c — accept TCP connections.
 *
 * Our own accept loop over uv_poll, not uv_listen: it accepts at most ACCEPT_BATCH connections in a
 * turn, and can stop. When descriptors or memory run out we stop polling for a moment
 * (XF_NET_STARVED_MS). Normally that does not happen: since the system
 * assigns the lowest free number, a high number means that few are left, and we close such a conn
 * at once, while the link, DNS and our own streams still get descriptors.
 *
 * A listener only closes its descriptor. If somebody else has the socket open too (systemd), it
 * goes on listening: connections wait in its backlog. To refuse connections it stops the socket
 * from listening, with shutdown(2), and listens again later; the socket keeps its address. Test:
 * tests/unit/net/test_conn.c.
 */
#include "conn_priv.h"

#include <errno.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <xfed/base/alloc.h>

#define BACKLOG      1024
#define ACCEPT_BATCH 64
#define RESERVE_FDS  64 /* and no more than a quarter of all */
#define STARVED_MS   60000

struct xf_listener {
    struct xf_loop *loop;
    uv_poll_t poll;
    int fd;
    bool is_closed, is_refusing;
    struct xf_timer retry;
    int fd_ceiling; /* accepted conns must have descriptors below it */
    xf_starved_fn starved;
    uint64_t starved_ms; /* when `starved` was last called; 0: never */
    unsigned starved_closed;
    xf_accept_fn accept;
    void *owner;
};

static void readable_cb(uv_poll_t *poll, int status, int events);

static void on_retry(void *owner)
{
    struct xf_listener *s = owner;

    uv_poll_start(&s->poll, UV_READABLE, readable_cb);
}

static int fd_ceiling(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > INT_MAX)
        return INT_MAX;
    int all = (int)limit.rlim_cur;
    return all - (all / 4 < RESERVE_FDS ? all / 4 : RESERVE_FDS);
}

static void tell_starved(struct xf_listener *s)
{
    uint64_t now_ms = s->loop->clock.now_ms;

    if (!s->starved || (s->starved_ms && now_ms - s->starved_ms < STARVED_MS))
        return;
    s->starved_ms = now_ms;
    s->starved(s->owner, s->starved_closed);
    s->starved_closed = 0;
}

static void turn_away(struct xf_listener *s, int fd)
{
    close(fd);
    s->starved_closed++;
    tell_starved(s);
}

/* False: no connection is waiting, or none can be accepted now. */
static bool accept_one(struct xf_listener *s)
{
    int fd = accept4(s->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd >= s->fd_ceiling) {
        turn_away(s, fd);
        return true;
    }
    if (fd >= 0) {
        xf_net_conn_adopt(s->loop, fd, s->accept, s->owner);
        return true;
    }
    if (xf_net_is_starved(errno)) {
        uv_poll_stop(&s->poll);
        xf_timer_start(s->loop->timers, &s->retry, XF_NET_STARVED_MS);
        tell_starved(s);
        return false;
    }
    /* else ECONNABORTED and what Linux passes on of the new connection's own errors: accept(2) */
    return errno != EAGAIN;
}

static void readable_cb(uv_poll_t *poll, int status, int events)
{
    struct xf_listener *s = poll->data;

    (void)status;
    (void)events;
    xf_loop_touch(s->loop);
    for (int i = 0; i < ACCEPT_BATCH && !s->is_closed; i++) {
        if (!accept_one(s))
            return;
    }
}

/* A listening socket, or a negative errno. */
static int open_socket(const struct xf_addr *addr)
{
    static const int on = 1, off = 0;
    int fd = socket(addr->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    socklen_t addr_bytes =
        addr->sa.sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);

    if (fd < 0)
        return -errno;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
        (addr->sa.sa_family != AF_INET6 ||
         setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) == 0) &&
        bind(fd, &addr->sa, addr_bytes) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int failure = -errno;
    close(fd);
    return failure;
}

enum xf_err xf_listener_open(struct xf_loop *loop, const struct xf_addr *addr, xf_accept_fn accept,
                             void *owner, struct xf_listener **out_listener, struct xf_error *err)
{
    char text[XF_ADDR_TEXT_BYTES];
    int fd = open_socket(addr);

    if (fd < 0) {
        xf_addr_text(addr, text);
        return xf_fail(err, XF_ERR_IO, "cannot listen on %s: %s", text, uv_strerror(fd));
    }
    *out_listener = xf_listener_adopt(loop, fd, accept, owner);
    return XF_ERR_OK;
}

struct xf_listener *xf_listener_adopt(struct xf_loop *loop, int fd, xf_accept_fn accept,
                                      void *owner)
{
    struct xf_listener *s = xf_new(struct xf_listener);

    s->loop = loop;
    s->fd = fd;
    s->fd_ceiling = fd_ceiling();
    s->accept = accept;
    s->owner = owner;
    xf_timer_init(&s->retry, on_retry, s);
    xf_require(uv_poll_init(&loop->uv, &s->poll, fd) == 0);
    s->poll.data = s;
    uv_poll_start(&s->poll, UV_READABLE, readable_cb);
    return s;
}

static void listener_closed_cb(uv_handle_t *handle)
{
    struct xf_listener *s = handle->data;

    xf_free(s);
}

void xf_listener_close(struct xf_listener **listener)
{
    struct xf_listener *s = *listener;

    if (!s)
        return;
    *listener = NULL;
    s->is_closed = true;
    xf_timer_stop(&s->retry);
    uv_close((uv_handle_t *)&s->poll, listener_closed_cb);
    if (s->is_refusing)
        (void)listen(s->fd, BACKLOG); /* for whoever else has it open */
    close(s->fd);                     /* libuv let go of it in uv_close; the port is free at once */
}

static enum xf_err stop_listening(struct xf_listener *s, struct xf_error *err)
{
    xf_timer_stop(&s->retry);
    uv_poll_stop(&s->poll);
    return shutdown(s->fd, SHUT_RDWR) == 0
               ? XF_ERR_OK
               : xf_fail(err, XF_ERR_IO, "cannot refuse connections: %s", uv_strerror(-errno));
}

static enum xf_err listen_again(struct xf_listener *s, struct xf_error *err)
{
    if (listen(s->fd, BACKLOG) != 0)
        return xf_fail(err, XF_ERR_IO, "cannot listen again: %s", uv_strerror(-errno));
    uv_poll_start(&s->poll, UV_READABLE, readable_cb);
    return XF_ERR_OK;
}

enum xf_err xf_listener_refuse(struct xf_listener *s, bool refuse, struct xf_error *err)
{
    if (s->is_refusing == refuse)
        return XF_ERR_OK;
    enum xf_err result = refuse ? stop_listening(s, err) : listen_again(s, err);
    if (result == XF_ERR_OK)
        s->is_refusing = refuse;
    return result;
}

int xf_listener_fd(const struct xf_listener *listener)
{
    return listener->fd;
}

void xf_listener_on_starved(struct xf_listener *listener, xf_starved_fn starved)
{
    listener->starved = starved;
}

void xf_listener_addr(const struct xf_listener *listener, struct xf_addr *out_addr)
{
    socklen_t addr_bytes = sizeof(*out_addr);

    xf_require(getsockname(listener->fd, &out_addr->sa, &addr_bytes) == 0);
}
