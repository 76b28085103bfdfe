/* SPDX-License-Identifier: MIT */
/*
 * server.c — libmicrohttpd on our loop.
 *
 * It runs without threads: all its descriptors are in one epoll descriptor, which the loop watches,
 * and it says when it wants to be called without any of them being ready. Each call does a bounded
 * part of the work.
 *
 * When the process has no descriptor left, libmicrohttpd tries to accept for ever, and says that it
 * wants to be called at once. So whoever calls it looks away for STARVED_MS then.
 *
 * libmicrohttpd ends a connection that is idle for IDLE_S. That does not hold back a client that
 * sends, or reads, one byte now and then, so a connection has TIME_MS from accept to the end of its
 * answer, and is then cut; one that is suspended as soon as it goes on. A client on this machine
 * can take all connections for that long; it cannot take more. Test: tests/integration/metrics.py.
 */
#include "http_priv.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <xfed/base/alloc.h>

#define BACKLOG           32
#define CONNS_MAX         32
#define CONNS_ADDRESS_MAX 16 /* of one address */
#define HEAD_MAX_BYTES    (16u << 10)
#define IDLE_S            5u
#define TIME_MS           10000
#define STARVED_MS        100

/* ------------------------------------------------------------------ connections */

static uint64_t now_ms(const struct xf_http *http)
{
    return xf_loop_clock(http->loop)->now_ms;
}

static void arm_sweep(struct xf_http *http)
{
    if (xf_list_is_empty(&http->conns)) {
        xf_timer_stop(&http->sweep);
        return;
    }
    const struct xf_http_conn *oldest = XF_CONTAINER(http->conns.next, struct xf_http_conn, node);
    uint64_t due_ms = oldest->since_ms + TIME_MS;
    xf_timer_start(xf_loop_timers(http->loop), &http->sweep,
                   due_ms > now_ms(http) ? due_ms - now_ms(http) : 0);
}

/* libmicrohttpd finds the end of its connection, and closes the descriptor. */
static void on_sweep(void *owner)
{
    struct xf_http *http = owner;
    while (!xf_list_is_empty(&http->conns)) {
        struct xf_http_conn *oldest = XF_CONTAINER(http->conns.next, struct xf_http_conn, node);
        if (now_ms(http) - oldest->since_ms < TIME_MS)
            break;
        (void)shutdown(oldest->fd, SHUT_RDWR);
        xf_list_remove(&oldest->node);
    }
    arm_sweep(http);
}

static void on_conn(void *owner, struct MHD_Connection *connection, void **socket_context,
                    enum MHD_ConnectionNotificationCode code)
{
    struct xf_http *http = owner;
    struct xf_http_conn *conn = *socket_context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        conn = *socket_context = xf_new(struct xf_http_conn);
        conn->connection = connection;
        xf_buf_init(&conn->form, XF_HTTP_FORM_MAX);
        conn->fd =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        conn->since_ms = now_ms(http);
        xf_list_push(&http->conns, &conn->node);
        http->counts.conns++;
    } else {
        xf_list_remove(&conn->node);
        xf_buf_release(&conn->form);
        xf_free(conn->query);
        xf_free(conn);
        *socket_context = NULL;
        http->counts.conns--;
    }
    if (!xf_timer_is_running(&http->sweep))
        arm_sweep(http);
}

/* The whole address, before libmicrohttpd takes it apart. */
static void *on_uri(void *owner, const char *uri, struct MHD_Connection *connection)
{
    struct xf_http_conn *conn =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    const char *mark = strchr(uri, '?');
    (void)owner;
    if (mark && !conn->query)
        conn->query = xf_strdup(mark + 1);
    return NULL;
}

/* ------------------------------------------------------------------ its turns */

/* Are there no descriptors for another connection? */
static bool is_starved(const struct xf_http *http)
{
    int fd = socket(http->addr.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return true;
    (void)close(fd);
    return false;
}

/*
 * While it has all the connections that it may have, it does not listen. It begins again at the
 * start of a call, and ends connections at the end of one: so another call must follow.
 */
static void turn(void *owner)
{
    struct xf_http *http = owner;
    unsigned before = http->counts.conns;
    MHD_UNSIGNED_LONG_LONG wait_ms;
    (void)MHD_run(http->daemon);
    bool is_away = http->counts.conns == before && is_starved(http);
    xf_loop_watch_pause(http->watch, is_away);
    if (is_away)
        xf_timer_start(xf_loop_timers(http->loop), &http->turn, STARVED_MS);
    else if (http->counts.conns < before)
        xf_timer_start(xf_loop_timers(http->loop), &http->turn, 0);
    else if (MHD_get_timeout(http->daemon, &wait_ms) == MHD_YES)
        xf_timer_start(xf_loop_timers(http->loop), &http->turn, wait_ms);
    else
        xf_timer_stop(&http->turn);
}

void xf_http_again(struct xf_http *http)
{
    xf_http_resume(http);
    xf_timer_start(xf_loop_timers(http->loop), &http->turn, 0);
}

/* ------------------------------------------------------------------ open and close */

/* A path is compared as it came. */
static size_t leave_escapes(void *owner, struct MHD_Connection *connection, char *text)
{
    (void)owner;
    (void)connection;
    return strlen(text);
}

static void say_nothing(void *owner, const char *fmt, va_list args)
{
    (void)owner;
    (void)fmt;
    (void)args;
}

static enum xf_err fail(struct xf_error *err, const struct xf_addr *addr, const char *what)
{
    char text[XF_ADDR_TEXT_BYTES], words[128];
    int number = errno;
    xf_addr_text(addr, text);
    return xf_fail(err, XF_ERR_IO, "%s: %s: %s", text, what,
                   strerror_r(number, words, sizeof(words)));
}

/* -1: it cannot listen there, and errno says why. */
static int listen_on(struct xf_addr *addr)
{
    static const int yes = 1;
    socklen_t bytes = sizeof(*addr);
    int fd = socket(addr->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    if (bind(fd, &addr->sa, sizeof(*addr)) == 0 && listen(fd, BACKLOG) == 0 &&
        getsockname(fd, &addr->sa, &bytes) == 0)
        return fd;
    int number = errno;
    (void)close(fd);
    errno = number;
    return -1;
}

static struct MHD_Daemon *start(struct xf_http *http, int fd)
{
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME |
                     (http->addr.sa.sa_family == AF_INET6 ? MHD_USE_IPv6 : 0);
    return MHD_start_daemon(
        flags, 0, NULL, NULL, xf_http_answer, http, MHD_OPTION_EXTERNAL_LOGGER, say_nothing, NULL,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNS_MAX,
        MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)CONNS_ADDRESS_MAX,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEAD_MAX_BYTES, MHD_OPTION_CONNECTION_TIMEOUT,
        IDLE_S, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_UNESCAPE_CALLBACK, leave_escapes, NULL,
        MHD_OPTION_URI_LOG_CALLBACK, on_uri, NULL, MHD_OPTION_NOTIFY_CONNECTION, on_conn, http,
        MHD_OPTION_END);
}

enum xf_err xf_http_open(const struct xf_http_opts *opts, struct xf_http **out_http,
                         struct xf_error *err)
{
    struct xf_http *http = xf_new(struct xf_http);
    http->loop = opts->loop;
    http->addr = opts->addr;
    xf_list_init(&http->conns);
    xf_list_init(&http->waiting);
    xf_timer_init(&http->turn, turn, http);
    xf_timer_init(&http->sweep, on_sweep, http);
    int fd = listen_on(&http->addr);
    if (fd < 0) {
        xf_free(http);
        return fail(err, &opts->addr, "cannot listen");
    }
    http->daemon = start(http, fd);
    const union MHD_DaemonInfo *info =
        http->daemon ? MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
    if (!info || xf_loop_watch_open(http->loop, info->epoll_fd, false, turn, http, &http->watch) !=
                     XF_ERR_OK) {
        if (!http->daemon)
            (void)close(fd);
        xf_http_close(&http);
        return fail(err, &opts->addr, "libmicrohttpd cannot be started");
    }
    for (size_t i = 0; i < opts->hosts->count; i++)
        xf_texts_add_new(&http->hosts, opts->hosts->item[i]);
    *out_http = http;
    return XF_ERR_OK;
}

void xf_http_close(struct xf_http **http)
{
    struct xf_http *s = *http;
    if (!s)
        return;
    *http = NULL;
    xf_loop_watch_close(&s->watch);
    xf_http_resume(s); /* or libmicrohttpd may not be stopped */
    if (s->daemon)
        MHD_stop_daemon(s->daemon); /* closes the socket too */
    xf_http_forget_answers(s);
    xf_timer_stop(&s->turn);
    xf_timer_stop(&s->sweep);
    xf_texts_release(&s->hosts);
    xf_free(s);
}

void xf_http_addr(const struct xf_http *http, struct xf_addr *out_addr)
{
    *out_addr = http->addr;
}

const struct xf_http_counts *xf_http_counts(const struct xf_http *http)
{
    return &http->counts;
}
