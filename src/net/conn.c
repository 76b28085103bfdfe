/* SPDX-License-Identifier: MIT */
/*
 * conn.c — life and input of a TCP conn. Output is in flush.c.
 *
 * CONNECTING -> OPEN -> CLOSING -> DEAD -> events->closed, which libuv's close callback delivers
 * before it frees the conn: so `closed` comes exactly once, and not before a call on the conn has
 * returned. Every state may move to DEAD directly.
 *
 * Input: all conns share one read buffer of the loop; a read event passes it to the filter or the
 * owner, which consume it before they return. After xf_conn_close nothing more is delivered, not
 * even the rest of what a filter is processing. A conn that has read TURN_READ_BYTES in one turn
 * waits for the next turn, so that no peer occupies the loop.
 *
 * Ends:
 * - xf_conn_close(linger): send the output and FIN, then wait for the other side's FIN or the
 *   linger timer (a close with unread input would make the kernel send RST, which destroys what the
 *   other side has not read yet);
 * - xf_conn_finish(linger): the same, and the input goes to the owner meanwhile;
 * - FIN of the other side: keep sending the output for at most EOF_LINGER_MS;
 * - xf_conn_fail of a filter: send what is on the wire (a TLS alert) for at most FAIL_LINGER_MS;
 * - an error of the system: at once.
 *
 * libuv does not poll a conn that is neither read nor written, so a paused conn would not notice a
 * reset, and would keep accepting output. We check paused conns twice a second; after a reset, we
 * read what came before it, in spite of the pause, and report the end. A FIN, and the data before
 * it, waits until the pause is over. Test: tests/unit/net/test_conn.c.
 */
#include "conn_priv.h"
#include "tcp_info_priv.h"

#include <netinet/tcp.h>
#include <stdio.h>
#include <unistd.h>

#include <xfed/base/alloc.h>

#define TURN_READ_BYTES   (256u << 10)
#define EOF_LINGER_MS     2000
#define FAIL_LINGER_MS    500
#define KEEPALIVE_S       60    /* after so long without a byte TCP asks whether the peer lives */
#define KEEPALIVE_EVERY_S 10    /* ... and again, until UNACKNOWLEDGED_MS are over */
#define UNACKNOWLEDGED_MS 30000 /* a peer that acknowledges nothing for so long is dead */
/*
 * What the system may hold that it has not sent yet. The rest waits in the conn, where it can be
 * taken back when the connection breaks.
 */
#define NOTSENT_BYTES  (128 << 10)
#define WIRE_MAX_BYTES (XF_CONN_OUT_MAX + (8u << 20))
/* From this many conns on, it is worth giving their memory back to the system. */
#define CROWD   256
#define TRIM_MS 2000
#define LOOK_MS 500 /* how often to check paused conns for a reset */

static void update_reading(struct xf_net_conn *s);

static enum xf_conn_end end_of_status(int status)
{
    switch (status) {
    case UV_ECONNREFUSED:
        return XF_CONN_END_REFUSED;
    case UV_ENETUNREACH:
    case UV_EHOSTUNREACH:
        return XF_CONN_END_UNREACHABLE;
    case UV_EADDRNOTAVAIL:
    case UV_EACCES:
    case UV_EPERM:
        return XF_CONN_END_SOURCE;
    case UV_ETIMEDOUT:
        return XF_CONN_END_TIMEOUT;
    default:
        return XF_CONN_END_RESET;
    }
}

static const char *plain_detail(enum xf_conn_end end)
{
    switch (end) {
    case XF_CONN_END_LOCAL:
        return "closed by us";
    case XF_CONN_END_EOF:
        return "closed by the other side";
    case XF_CONN_END_TIMEOUT:
        return "no answer in time";
    case XF_CONN_END_REFUSED:
        return "connection refused";
    case XF_CONN_END_UNREACHABLE:
        return "no way to the address";
    case XF_CONN_END_SOURCE:
        return "cannot connect from here";
    case XF_CONN_END_RESET:
    case XF_CONN_END_TLS:
    case XF_CONN_END_TLS_ALIEN:
    case XF_CONN_END_TLS_VERSION:
    case XF_CONN_END_TLS_REFUSED:
        break;
    }
    return "connection broke";
}

/*
 * When half of many conns are gone, give their memory back to the system: malloc would keep
 * everything below the last conn that is left.
 */
static void count_out(struct xf_loop *loop)
{
    loop->conn_count--;
    if (loop->conn_peak >= CROWD && loop->conn_count < loop->conn_peak / 2 &&
        !xf_timer_is_running(&loop->trim))
        xf_timer_start(loop->timers, &loop->trim, TRIM_MS);
}

static void count_in(struct xf_loop *loop)
{
    loop->conn_count++;
    if (loop->conn_peak < loop->conn_count)
        loop->conn_peak = loop->conn_count;
}

void xf_conns_trim(void *owner)
{
    struct xf_loop *loop = owner;

    xf_alloc_trim();
    loop->conn_peak = loop->conn_count;
}

static void free_conn(struct xf_net_conn *s)
{
    count_out(s->loop);
    xf_list_remove(&s->in_conns);
    xf_buf_release(&s->pub.out);
    xf_buf_release(&s->wire);
    xf_free(s->detail);
    xf_free(s);
}

static void closed_cb(uv_handle_t *handle)
{
    struct xf_net_conn *s = handle->data;

    xf_loop_touch(s->loop);
    if (s->pub.events) /* NULL: the accept callback refused the conn, or it closed before */
        s->pub.events->closed(s->pub.owner, s->end, s->detail ? s->detail : plain_detail(s->end));
    if (s->filter)
        s->filter->detach(s->filter_owner);
    free_conn(s);
}

static void set_end(struct xf_net_conn *s, enum xf_conn_end end, const char *detail)
{
    s->end = end;
    xf_free(s->detail);
    s->detail = xf_strdup(detail);
}

/* What the system has and the other side's TCP did not acknowledge. */
static uint64_t unacknowledged(const struct xf_net_conn *s)
{
    uv_os_fd_t fd;
    uint64_t waiting = uv_stream_get_write_queue_size((const uv_stream_t *)&s->tcp);
    uint64_t accepted = s->handed_bytes - waiting, acked = 0;

    if (uv_fileno((const uv_handle_t *)&s->tcp, &fd) == 0)
        acked = xf_tcp_acknowledged(fd);
    return accepted > acked ? accepted - acked : 0;
}

static uint64_t op_arrived(const struct xf_conn *conn)
{
    const struct xf_net_conn *s = (const struct xf_net_conn *)(const void *)conn;
    uint64_t left = xf_conn_left(conn);
    if (s->state == XF_NET_DEAD)
        return s->arrived_bytes;
    uint64_t missing = unacknowledged(s);
    return left > missing ? left - missing : 0;
}

void xf_net_conn_die(struct xf_net_conn *s, enum xf_conn_end end, const char *detail)
{
    if (s->state == XF_NET_DEAD)
        return;
    /* A closing conn already has its cause; only an interrupted close of ours changes it. */
    if (s->state != XF_NET_CLOSING ||
        (s->end == XF_CONN_END_LOCAL && !s->is_shut && end != XF_CONN_END_LOCAL))
        set_end(s, end, detail);
    s->arrived_bytes = op_arrived(&s->pub);
    s->state = XF_NET_DEAD;
    if (s->write)
        xf_net_conn_count(s);
    xf_timer_stop(&s->timer);
    xf_list_remove(&s->in_dirty);
    xf_list_remove(&s->in_greedy);
    xf_list_remove(&s->in_warm);
    xf_list_remove(&s->in_paused);
    uv_close((uv_handle_t *)&s->tcp, closed_cb);
}

static bool is_heard(const struct xf_net_conn *s)
{
    return s->state == XF_NET_OPEN || (s->state == XF_NET_CLOSING && s->is_heard);
}

/* From now on discard input, unless is_heard, and send the rest of the output. */
static void start_closing(struct xf_net_conn *s, enum xf_conn_end end, const char *detail,
                          unsigned linger_ms)
{
    set_end(s, end, detail);
    s->state = XF_NET_CLOSING;
    xf_timer_start(s->loop->timers, &s->timer, linger_ms);
    xf_net_conn_dirty(s);
    update_reading(s);
}

static void on_timer(void *owner)
{
    struct xf_net_conn *s = owner;

    xf_net_conn_die(s, XF_CONN_END_TIMEOUT, NULL);
}

static void got_eof(struct xf_net_conn *s)
{
    s->has_eof = true;
    update_reading(s);
    if (s->state == XF_NET_OPEN)
        start_closing(s, XF_CONN_END_EOF, NULL, EOF_LINGER_MS);
    else
        xf_net_conn_dirty(s); /* the flush sees that nothing is left to wait for */
}

static void read_cb(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
    struct xf_net_conn *s = stream->data;

    xf_loop_touch(s->loop);
    if (count == UV_EOF && s->is_broken) { /* libuv reports no error behind the last data */
        xf_net_conn_die(s, XF_CONN_END_RESET, uv_strerror(UV_ECONNRESET));
    } else if (count == UV_EOF) {
        got_eof(s);
    } else if (count < 0) {
        xf_net_conn_die(s, end_of_status((int)count), uv_strerror((int)count));
    } else if (count > 0 && is_heard(s)) {
        s->turn_read_bytes += (size_t)count;
        if (s->turn_read_bytes >= TURN_READ_BYTES && !s->in_greedy.next) {
            xf_list_push(&s->loop->greedy, &s->in_greedy);
            update_reading(s);
        }
        if (s->filter)
            s->filter->input(s->filter_owner, buf->base, (size_t)count);
        else
            xf_conn_deliver(&s->pub, buf->base, (size_t)count);
    }
}

static bool wants_to_read(const struct xf_net_conn *s)
{
    if (s->has_eof)
        return false;
    if (is_heard(s))
        return (!s->is_paused || s->is_broken) && !s->is_held && !s->in_greedy.next;
    return s->state == XF_NET_CLOSING; /* only the FIN matters; the linger ends it */
}

static void update_reading(struct xf_net_conn *s)
{
    bool wanted = wants_to_read(s);

    if (wanted == s->is_reading || s->state == XF_NET_DEAD)
        return;
    s->is_reading = wanted;
    if (wanted)
        xf_require(uv_read_start((uv_stream_t *)&s->tcp, xf_loop_lend_buf, read_cb) == 0);
    else
        uv_read_stop((uv_stream_t *)&s->tcp);
}

void xf_conns_resume(struct xf_loop *loop)
{
    while (!xf_list_is_empty(&loop->greedy)) {
        struct xf_net_conn *s = XF_CONTAINER(loop->greedy.next, struct xf_net_conn, in_greedy);
        xf_list_remove(&s->in_greedy);
        s->turn_read_bytes = 0;
        update_reading(s);
    }
}

static bool was_reset(const struct xf_net_conn *s)
{
    struct tcp_info info;
    socklen_t bytes = sizeof(info);
    uv_os_fd_t fd;

    return uv_fileno((const uv_handle_t *)&s->tcp, &fd) == 0 &&
           getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &bytes) == 0 &&
           info.tcpi_state == TCP_CLOSE;
}

void xf_conns_look(void *owner)
{
    struct xf_loop *loop = owner;

    XF_LIST_EACH (node, &loop->paused) {
        struct xf_net_conn *s = XF_CONTAINER(node, struct xf_net_conn, in_paused);
        if (!is_heard(s) || !was_reset(s))
            continue;
        s->is_broken = true;
        update_reading(s);
    }
    if (!xf_list_is_empty(&loop->paused))
        xf_timer_start(loop->timers, &loop->look, LOOK_MS);
}

void xf_conns_end(struct xf_loop *loop)
{
    XF_LIST_EACH (node, &loop->conns) {
        struct xf_net_conn *s = XF_CONTAINER(node, struct xf_net_conn, in_conns);
        xf_require(s->state == XF_NET_CLOSING || s->state == XF_NET_DEAD);
        xf_net_conn_die(s, XF_CONN_END_TIMEOUT, NULL);
    }
}

static void op_flush_soon(struct xf_conn *conn)
{
    xf_net_conn_dirty(xf_net_conn_of(conn));
}

static void op_pause(struct xf_conn *conn, bool paused)
{
    struct xf_net_conn *s = xf_net_conn_of(conn);

    s->is_paused = paused;
    if (!paused)
        xf_list_remove(&s->in_paused);
    else if (!s->in_paused.next && s->state != XF_NET_DEAD)
        xf_list_push(&s->loop->paused, &s->in_paused);
    if (paused && !xf_timer_is_running(&s->loop->look))
        xf_timer_start(s->loop->timers, &s->loop->look, LOOK_MS);
    if (s->state != XF_NET_CONNECTING)
        update_reading(s);
}

static void op_close(struct xf_conn *conn, unsigned linger_ms)
{
    struct xf_net_conn *s = xf_net_conn_of(conn);

    if (s->state == XF_NET_DEAD)
        return;
    s->is_heard = false;
    if (linger_ms == 0 || s->state == XF_NET_CONNECTING) {
        xf_net_conn_die(s, XF_CONN_END_LOCAL, NULL);
    } else if (s->state == XF_NET_OPEN) {
        start_closing(s, XF_CONN_END_LOCAL, NULL, linger_ms);
    } else if (s->loop->clock.now_ms + linger_ms < s->timer.at_ms) {
        xf_timer_start(s->loop->timers, &s->timer, linger_ms);
    }
    update_reading(s);
}

static void op_finish(struct xf_conn *conn, unsigned linger_ms)
{
    struct xf_net_conn *s = xf_net_conn_of(conn);
    bool was_heard = is_heard(s);

    op_close(conn, linger_ms);
    s->is_heard = was_heard;
    update_reading(s);
}

static const struct xf_conn_ops net_ops = {
    .flush_soon = op_flush_soon,
    .pause = op_pause,
    .close = op_close,
    .finish = op_finish,
    .arrived = op_arrived,
};

struct xf_net_conn *xf_net_conn_new(struct xf_loop *loop)
{
    struct xf_net_conn *s = xf_new(struct xf_net_conn);

    s->pub.ops = &net_ops;
    s->loop = loop;
    s->tcp.data = s;
    xf_buf_init(&s->pub.out, XF_CONN_OUT_MAX);
    xf_buf_init(&s->wire, WIRE_MAX_BYTES);
    xf_timer_init(&s->timer, on_timer, s);
    xf_list_push(&loop->conns, &s->in_conns);
    count_in(loop);
    return s;
}

static void tune_socket(struct xf_net_conn *s)
{
    static const struct {
        int name, value;
    } options[] = {
        {TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS},
        {TCP_KEEPINTVL, KEEPALIVE_EVERY_S},
        {TCP_NOTSENT_LOWAT, NOTSENT_BYTES},
    };
    uv_os_fd_t fd;

    /* If one fails, the conn is only slower, or notices a dead peer later. */
    (void)uv_tcp_nodelay(&s->tcp, 1);
    (void)uv_tcp_keepalive(&s->tcp, 1, KEEPALIVE_S);
    if (uv_fileno((const uv_handle_t *)&s->tcp, &fd) != 0)
        return;
    for (size_t i = 0; i < XF_ARRAY_LEN(options); i++)
        (void)setsockopt(fd, IPPROTO_TCP, options[i].name, &options[i].value,
                         sizeof(options[i].value));
}

void xf_net_conn_adopt(struct xf_loop *loop, int fd, xf_accept_fn accept, void *owner)
{
    struct xf_net_conn *s = xf_net_conn_new(loop);
    int addr_bytes = sizeof(s->pub.addr);

    xf_require(uv_tcp_init(&loop->uv, &s->tcp) == 0);
    s->tcp.data = s;
    if (uv_tcp_open(&s->tcp, fd) != 0) {
        close(fd);
        xf_net_conn_die(s, XF_CONN_END_RESET, NULL);
        return;
    }
    if (uv_tcp_getpeername(&s->tcp, &s->pub.addr.sa, &addr_bytes) != 0) {
        xf_net_conn_die(s, XF_CONN_END_RESET, NULL); /* reset while it waited in the backlog */
        return;
    }
    tune_socket(s);
    s->state = XF_NET_OPEN;
    accept(owner, &s->pub);
    if (!s->pub.events)
        xf_net_conn_die(s, XF_CONN_END_LOCAL, NULL);
    update_reading(s);
}

static void connect_cb(uv_connect_t *request, int status)
{
    struct xf_net_conn *s = request->data;

    xf_free(request);
    xf_loop_touch(s->loop);
    if (s->state == XF_NET_DEAD)
        return;
    if (status < 0) {
        xf_net_conn_die(s, end_of_status(status), uv_strerror(status));
        return;
    }
    xf_timer_stop(&s->timer);
    s->state = XF_NET_OPEN;
    if (s->pub.out.len > 0)
        xf_net_conn_dirty(s);
    update_reading(s);
    if (s->pub.events->connected)
        s->pub.events->connected(s->pub.owner);
}

/* NULL if the source says nothing about targets of that family. */
static const struct xf_source *source_for(const struct xf_addr *addr,
                                          const struct xf_source *source)
{
    const struct xf_addr *from =
        source ? (addr->sa.sa_family == AF_INET6 ? &source->v6 : &source->v4) : NULL;

    return from && (from->sa.sa_family != AF_UNSPEC || source->port_first) ? source : NULL;
}

/* 0 or a status of libuv, with a text if we have a better one. */
static int start_connect(struct xf_net_conn *s, const struct xf_source *source, char *out_detail,
                         size_t detail_bytes)
{
    uv_connect_t *request = xf_new(uv_connect_t);
    int status;

    request->data = s;
    if (source)
        status = xf_net_connect_from(s, source, request, connect_cb, out_detail, detail_bytes);
    else
        status = uv_tcp_connect(request, &s->tcp, &s->pub.addr.sa, connect_cb);
    if (status != 0)
        xf_free(request);
    else
        tune_socket(s);
    return status;
}

struct xf_conn *xf_conn_connect(struct xf_loop *loop, const struct xf_addr *addr,
                                const struct xf_source *source, unsigned timeout_ms,
                                const struct xf_conn_events *events, void *owner)
{
    struct xf_net_conn *s = xf_net_conn_new(loop);
    char detail[128] = "";

    s->pub.events = events;
    s->pub.owner = owner;
    s->pub.addr = *addr;
    xf_require(uv_tcp_init(&loop->uv, &s->tcp) == 0); /* without a socket, which may fail */
    s->tcp.data = s;
    int status = start_connect(s, source_for(addr, source), detail, sizeof(detail));
    if (status != 0)
        xf_net_conn_die(s, detail[0] ? XF_CONN_END_SOURCE : end_of_status(status),
                        detail[0] ? detail : uv_strerror(status));
    else
        xf_timer_start(loop->timers, &s->timer, timeout_ms);
    return &s->pub;
}

void xf_conn_attach_filter(struct xf_conn *conn, const struct xf_conn_filter *filter,
                           void *filter_owner)
{
    struct xf_net_conn *s = xf_net_conn_of(conn);

    xf_require(!s->filter);
    s->filter = filter;
    s->filter_owner = filter_owner;
    /* What was written before the filter was attached (<proceed/>) is sent first, unfiltered. */
    /* banned-ok: nothing was in `wire` yet, and it has more room */
    xf_buf_append(&s->wire, xf_buf_ptr(&conn->out), conn->out.len);
    xf_buf_release(&conn->out);
    if (s->wire.len > 0)
        xf_net_conn_dirty(s);
}

void *xf_conn_filter_owner(const struct xf_conn *conn, const struct xf_conn_filter *filter)
{
    const struct xf_net_conn *s = (const struct xf_net_conn *)(const void *)conn;

    return s->filter == filter ? s->filter_owner : NULL;
}

struct xf_buf *xf_conn_wire(struct xf_conn *conn)
{
    return &xf_net_conn_of(conn)->wire;
}

void xf_conn_deliver(struct xf_conn *conn, const char *bytes, size_t len)
{
    if (len > 0 && xf_conn_is_heard(conn))
        conn->events->data(conn->owner, bytes, len);
}

void xf_conn_fail(struct xf_conn *conn, enum xf_conn_end end, const char *detail)
{
    struct xf_net_conn *s = xf_net_conn_of(conn);

    if (s->state == XF_NET_DEAD)
        return;
    if (end != XF_CONN_END_EOF)
        xf_buf_release(&conn->out); /* nothing can carry it any more */
    if (s->state == XF_NET_CLOSING) {
        s->has_eof |= end == XF_CONN_END_EOF;
        xf_net_conn_dirty(s);
        return;
    }
    start_closing(s, end, detail, end == XF_CONN_END_EOF ? EOF_LINGER_MS : FAIL_LINGER_MS);
    if (end == XF_CONN_END_EOF) {
        /* The other side has said that it is done; do not wait for its FIN. */
        s->has_eof = true;
        update_reading(s);
    }
}

void xf_conn_hold(struct xf_conn *conn, bool held)
{
    struct xf_net_conn *s = xf_net_conn_of(conn);

    s->is_held = held;
    if (s->state != XF_NET_CONNECTING)
        update_reading(s);
}

bool xf_conn_is_closing(const struct xf_conn *conn)
{
    enum xf_net_state state = ((const struct xf_net_conn *)(const void *)conn)->state;

    return state == XF_NET_CLOSING || state == XF_NET_DEAD;
}

bool xf_conn_is_heard(const struct xf_conn *conn)
{
    return is_heard((const struct xf_net_conn *)(const void *)conn);
}

struct xf_pool *xf_conn_pool(const struct xf_conn *conn)
{
    return xf_loop_pool(((const struct xf_net_conn *)(const void *)conn)->loop);
}
