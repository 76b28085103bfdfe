/* SPDX-License-Identifier: MIT */
/*
 * tcp.c — one question over TCP (RFC 7766).
 *
 * The question is put into the conn's output at once, and is sent when the connection is up. The
 * caller may close at any time; then the struct lives on, without events, until the conn delivers
 * `closed`.
 */
#include "tcp_priv.h"

#include <xfed/base/alloc.h>

#define LENGTH_BYTES 2
#define MESSAGE_MAX  65535

struct xf_dns_tcp {
    struct xf_conn *conn;
    struct xf_buf in;
    const struct xf_dns_tcp_events *events; /* NULL: nobody is interested any more */
    void *owner;
};

static void fail(struct xf_dns_tcp *tcp, const char *detail)
{
    const struct xf_dns_tcp_events *events = tcp->events;

    tcp->events = NULL;
    if (events)
        events->failed(tcp->owner, detail);
}

static void on_connected(void *owner)
{
    struct xf_dns_tcp *tcp = owner;

    xf_conn_flush_soon(tcp->conn);
}

static void on_nothing(void *owner)
{
    (void)owner;
}

static void on_data(void *owner, const char *bytes, size_t len)
{
    struct xf_dns_tcp *tcp = owner;
    const struct xf_dns_tcp_events *events = tcp->events;

    if (!events)
        return;
    if (xf_buf_try_append(&tcp->in, bytes, len) != XF_ERR_OK) {
        fail(tcp, "more than one message");
        return;
    }
    if (tcp->in.len < LENGTH_BYTES)
        return;

    const uint8_t *in = (const uint8_t *)xf_buf_ptr(&tcp->in);
    size_t message_len = (size_t)in[0] << 8 | in[1];
    if (tcp->in.len < LENGTH_BYTES + message_len)
        return;
    tcp->events = NULL; /* further data is ignored */
    events->received(tcp->owner, in + LENGTH_BYTES, message_len);
}

static void on_closed(void *owner, enum xf_conn_end end, const char *detail)
{
    struct xf_dns_tcp *tcp = owner;

    (void)end;
    tcp->conn = NULL;
    if (tcp->events) {
        fail(tcp, detail); /* the owner calls xf_dns_tcp_close, which frees */
        return;
    }
    xf_buf_release(&tcp->in);
    xf_free(tcp);
}

static const struct xf_conn_events conn_events = {
    .connected = on_connected,
    .secured = on_nothing,
    .data = on_data,
    .drained = on_nothing,
    .closed = on_closed,
};

struct xf_dns_tcp *xf_dns_tcp_ask(struct xf_loop *loop, const struct xf_addr *server,
                                  const uint8_t *message, size_t len, unsigned timeout_ms,
                                  const struct xf_dns_tcp_events *events, void *owner)
{
    struct xf_dns_tcp *tcp = xf_new(struct xf_dns_tcp);
    uint8_t length[LENGTH_BYTES] = {(uint8_t)(len >> 8), (uint8_t)len};

    xf_require(len <= MESSAGE_MAX);
    tcp->events = events;
    tcp->owner = owner;
    xf_buf_init(&tcp->in, LENGTH_BYTES + MESSAGE_MAX);
    tcp->conn = xf_conn_connect(loop, server, NULL, timeout_ms, &conn_events, tcp);
    /* One segment with the message (RFC 7766 §8). */
    /* banned-ok: of a conn that just began */
    xf_buf_append(&tcp->conn->out, length, sizeof(length));
    /* banned-ok: the same, and 64 KiB at most */
    xf_buf_append(&tcp->conn->out, message, len);
    return tcp;
}

void xf_dns_tcp_close(struct xf_dns_tcp **tcp)
{
    struct xf_dns_tcp *old = *tcp;

    *tcp = NULL;
    if (!old)
        return;
    old->events = NULL;
    if (old->conn) {
        xf_conn_close(old->conn, 0);
        return;
    }
    xf_buf_release(&old->in);
    xf_free(old);
}
