/* SPDX-License-Identifier: MIT */
/*
 * flush.c — output of a conn: once per turn from `out` (through the filter) to the system.
 *
 * Usually the filter turns `out` into wire bytes and uv_try_write accepts them all, without an
 * allocation or a callback. What the system does not accept moves, together with its memory, into
 * one uv_write; until that ends nothing else is written, `out` grows, and the callback marks the
 * conn dirty again. The filter produces XF_CONN_WIRE_ENOUGH bytes at a time, so that a long backlog
 * is not in memory twice.
 *
 * Memory: the loop lends its wire buffer for the time of one flush. An emptied `out` keeps its
 * memory for a while, since a busy stream fills it again in the next turn; a sweep frees it when
 * the conn was quiet for a second, so an idle conn holds no buffer.
 *
 * A closing conn continues here: when all output is written, the filter adds its last bytes
 * (close_notify), then we send FIN, and the reading side waits for the other side's FIN (conn.c).
 */
#include "conn_priv.h"

#include <sys/socket.h>

#include <xfed/base/alloc.h>

/* Rounds of XF_CONN_WIRE_ENOUGH bytes each; then the next conn has its turn. */
#define TURN_ROUNDS      4
#define KEEP_OUT_BYTES   (16u << 10) /* an emptied `out` larger than this is freed at once */
#define KEEP_SPARE_BYTES (512u << 10)
#define SWEEP_MS         1000

struct xf_net_write {
    uv_write_t uv;
    struct xf_net_conn *conn;
    struct xf_buf buf;
};

bool xf_net_conn_is_drained(const struct xf_net_conn *s)
{
    return !s->write && s->wire.len == 0 && s->pub.out.len == 0;
}

void xf_net_conn_dirty(struct xf_net_conn *s)
{
    if ((s->state == XF_NET_OPEN || s->state == XF_NET_CLOSING) && !s->in_dirty.next)
        xf_list_push(&s->loop->dirty, &s->in_dirty);
}

/* With a filter, as many bytes of content may have left as bytes of its batch, and no more. */
static uint64_t left_at_most(const struct xf_net_conn *s)
{
    uint64_t taken = s->pub.taken_bytes;
    if (!s->filter || s->batch_bytes < s->pub.unsent_bytes)
        return xf_conn_left(&s->pub);
    uint64_t most = s->pub.left_bytes + (s->batch_bytes - s->pub.unsent_bytes);
    return most < taken ? most : taken;
}

void xf_net_conn_count(struct xf_net_conn *s)
{
    size_t waiting = s->write ? uv_stream_get_write_queue_size((const uv_stream_t *)&s->tcp) : 0;
    s->pub.unsent_bytes = s->wire.len + waiting;
    uint64_t least = xf_conn_left(&s->pub), most = left_at_most(s);
    s->pub.unsure_bytes = most > least ? most - least : 0;
}

/* The system refused the rest of a batch; libuv does not say how much of it. */
static void lose_count(struct xf_net_conn *s)
{
    s->pub.unsure_bytes = s->pub.taken_bytes - xf_conn_left(&s->pub);
}

/* Whoever has seen the conn congested waits for `drained`: note it before anything is written. */
static void note_congestion(struct xf_net_conn *s)
{
    if (xf_conn_is_congested(&s->pub))
        s->is_congested = true;
}

static void write_cb(uv_write_t *uv, int status)
{
    struct xf_net_write *write = uv->data;
    struct xf_net_conn *s = write->conn;

    xf_loop_touch(s->loop);
    s->write = NULL;
    xf_buf_release(&write->buf);
    xf_free(write);
    if (status == 0) {
        note_congestion(s);
        xf_net_conn_count(s);
        xf_net_conn_dirty(s);
    } else if (s->state != XF_NET_DEAD) {
        lose_count(s);
        xf_net_conn_die(s, XF_CONN_END_RESET, uv_strerror(status));
    }
}

/* Hand the rest of `buf` to libuv, which calls back when it is written. */
static void write_later(struct xf_net_conn *s, struct xf_buf *buf)
{
    struct xf_net_write *write = xf_new(struct xf_net_write);
    size_t max = buf->max;

    write->uv.data = write;
    write->conn = s;
    write->buf = *buf;
    xf_buf_init(buf, max);
    s->write = write;
    s->handed_bytes += write->buf.len;
    uv_buf_t bytes = {.base = write->buf.data + write->buf.start, .len = write->buf.len};
    int status = uv_write(&write->uv, (uv_stream_t *)&s->tcp, &bytes, 1, write_cb);
    if (status < 0) { /* no callback follows */
        s->write = NULL;
        xf_buf_release(&write->buf);
        xf_free(write);
        xf_net_conn_die(s, XF_CONN_END_RESET, uv_strerror(status));
    }
}

/* Write what the system accepts now. False: not everything, or the conn ended. */
static bool write_now(struct xf_net_conn *s, struct xf_buf *buf)
{
    uv_buf_t bytes = {.base = buf->data + buf->start, .len = buf->len};
    int taken = uv_try_write((uv_stream_t *)&s->tcp, &bytes, 1);

    if (taken < 0 && taken != UV_EAGAIN) {
        xf_net_conn_die(s, XF_CONN_END_RESET, uv_strerror(taken));
        return false;
    }
    if (taken > 0)
        s->handed_bytes += (size_t)taken;
    if (taken > 0 && (size_t)taken == buf->len) {
        xf_buf_clear(buf); /* not _consume: the memory is used again */
        return true;
    }
    if (taken > 0)
        xf_buf_consume(buf, (size_t)taken);
    write_later(s, buf);
    return false;
}

static void lend_wire(struct xf_net_conn *s)
{
    struct xf_buf *spare = &s->loop->spare_wire;

    if (s->wire.data || !spare->data)
        return;
    s->wire.data = spare->data;
    s->wire.cap = spare->cap;
    s->wire.start = s->wire.len = 0;
    spare->data = NULL;
    xf_buf_release(spare);
}

static void return_wire(struct xf_net_conn *s)
{
    struct xf_buf *spare = &s->loop->spare_wire;

    if (s->wire.len > 0)
        return;
    if (!spare->data && s->wire.cap <= KEEP_SPARE_BYTES) {
        spare->data = s->wire.data;
        spare->cap = s->wire.cap;
        spare->start = spare->len = 0;
        s->wire.data = NULL;
    }
    xf_buf_release(&s->wire);
}

/* One round: filter and write. True: there may be more to do now. */
static bool write_round(struct xf_net_conn *s)
{
    struct xf_buf *buf = s->filter ? &s->wire : &s->pub.out;

    if (s->write)
        return false;
    if (s->filter) {
        s->pub.left_bytes = s->pub.taken_bytes; /* or libuv would still write */
        s->filter->flush(s->filter_owner);
        s->batch_bytes = s->wire.len;
    }
    return s->state != XF_NET_DEAD && buf->len > 0 && write_now(s, buf);
}

static void write_output(struct xf_net_conn *s)
{
    size_t before = s->pub.out.len;

    lend_wire(s);
    for (int rounds = 1; write_round(s) && s->pub.out.len > 0; rounds++) {
        if (rounds == TURN_ROUNDS) {
            xf_net_conn_dirty(s);
            break;
        }
    }
    return_wire(s);
    if (!s->filter && s->state != XF_NET_DEAD) /* a filter counts for itself */
        s->pub.taken_bytes += before - s->pub.out.len;
    xf_net_conn_count(s);
}

static void shut_down(struct xf_net_conn *s)
{
    uv_os_fd_t fd;

    s->is_shut = true;
    /* The system has accepted everything, so we need not let uv_shutdown wait for the queue. */
    if (uv_fileno((const uv_handle_t *)&s->tcp, &fd) == 0)
        (void)shutdown(fd, SHUT_WR); /* ENOTCONN: the other side is gone; reading tells */
}

/*
 * For a closing conn that has sent its output: the filter's last bytes, FIN, and the end if the
 * other side's FIN has already come.
 */
static void finish(struct xf_net_conn *s)
{
    if (s->filter && !s->is_finished) {
        s->is_finished = true;
        s->filter->finish(s->filter_owner);
        write_output(s);
        if (s->state == XF_NET_DEAD || !xf_net_conn_is_drained(s))
            return;
    }
    if (!s->is_shut)
        shut_down(s);
    if (s->has_eof)
        xf_net_conn_die(s, s->end, NULL);
}

static void tell_drained(struct xf_net_conn *s)
{
    if (!s->is_congested || xf_conn_backlog(&s->pub) > XF_CONN_LOW_WATER)
        return;
    s->is_congested = false;
    if (s->state == XF_NET_OPEN && s->pub.events->drained)
        s->pub.events->drained(s->pub.owner);
}

static void keep_out_warm(struct xf_net_conn *s)
{
    if (s->pub.out.len > 0 || !s->pub.out.data)
        return;
    if (s->pub.out.cap > KEEP_OUT_BYTES) {
        xf_buf_release(&s->pub.out);
        return;
    }
    s->is_warm = true;
    if (s->in_warm.next)
        return;
    xf_list_push(&s->loop->warm, &s->in_warm);
    if (!xf_timer_is_running(&s->loop->sweep))
        xf_timer_start(s->loop->timers, &s->loop->sweep, SWEEP_MS);
}

static void flush(struct xf_net_conn *s)
{
    note_congestion(s);
    write_output(s);
    if (s->state == XF_NET_DEAD)
        return;
    if (s->state == XF_NET_CLOSING && xf_net_conn_is_drained(s)) {
        finish(s);
        return;
    }
    keep_out_warm(s);
    tell_drained(s);
}

void xf_conns_flush(struct xf_loop *loop)
{
    struct xf_node now;

    /*
     * Conns that become dirty from here on wait for the next flush: an owner that answers each
     * `drained` with more output must not block the loop.
     */
    xf_list_take_all(&now, &loop->dirty);
    while (!xf_list_is_empty(&now)) {
        struct xf_net_conn *s = XF_CONTAINER(now.next, struct xf_net_conn, in_dirty);
        xf_list_remove(&s->in_dirty);
        flush(s);
    }
}

void xf_conns_sweep(void *owner)
{
    struct xf_loop *loop = owner;

    XF_LIST_EACH_SAFE (node, &loop->warm) {
        struct xf_net_conn *s = XF_CONTAINER(node, struct xf_net_conn, in_warm);
        if (s->is_warm) {
            s->is_warm = false;
            continue;
        }
        xf_list_remove(node);
        if (s->pub.out.len == 0)
            xf_buf_release(&s->pub.out);
    }
    if (!xf_list_is_empty(&loop->warm))
        xf_timer_start(loop->timers, &loop->sweep, SWEEP_MS);
}
