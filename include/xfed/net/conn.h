/* SPDX-License-Identifier: MIT */
/*
 * conn.h — a byte stream to one address, with or without TLS; knows no XMPP.
 *
 * The contract that stream, s2s and link see, so that they do no I/O: net implements it over libuv,
 * tests over memory. Output: append plaintext to `out`, then xf_conn_flush_soon; it leaves once, at
 * the end of the turn of the loop. Input arrives by events->data. Every conn ends in exactly one
 * events->closed, after which the pointer is dead; no event comes from within a call made on the
 * conn, except as said.
 */
#pragma once

#include <xfed/base/buf.h>
#include <xfed/net/addr.h>

struct xf_conn;
struct xf_tls_facts; /* tls/facts.h */

enum xf_conn_end {
    XF_CONN_END_LOCAL,   /* xf_conn_close, everything written */
    XF_CONN_END_EOF,     /* the other side closed */
    XF_CONN_END_RESET,   /* reset, or an error of the system */
    XF_CONN_END_REFUSED, /* connect: refused or unreachable */
    XF_CONN_END_TIMEOUT, /* connect: no answer in time; or a close that did not finish */
    XF_CONN_END_TLS,     /* TLS broke, in or after the handshake */
};

struct xf_conn_events {
    void (*connected)(void *owner); /* outgoing: TCP is up */
    /* handshake done, conn->tls is set */
    void (*secured)(void *owner);
    void (*data)(void *owner, const char *bytes, size_t len); /* plaintext, len > 0; borrowed */
    /* output fell below the low-water mark */
    void (*drained)(void *owner);
    /* detail: words, never NULL */
    void (*closed)(void *owner, enum xf_conn_end end, const char *detail);
};

struct xf_conn_ops {
    void (*flush_soon)(struct xf_conn *conn);
    void (*pause)(struct xf_conn *conn, bool paused);
    void (*close)(struct xf_conn *conn, unsigned linger_ms);
};

struct xf_conn {
    const struct xf_conn_ops *ops;
    const struct xf_conn_events *events;
    void *owner;
    struct xf_buf out; /* plaintext waiting to leave */
    /* bytes already taken from `out` that the system has not taken yet */
    size_t unsent_bytes;
    struct xf_addr addr;      /* of the other side */
    struct xf_tls_facts *tls; /* NULL in clear; owned by the conn */
};

/* What to connect from. */
struct xf_source {
    /* the one of the target's family counts; family 0: as the system chooses */
    struct xf_addr v4, v6;
    uint16_t port_first, port_last; /* 0: any */
};

/* ceiling of `out`; a stream stops long before (water marks) */
#define XF_CONN_OUT_MAX    (8u << 20)
#define XF_CONN_HIGH_WATER (512u << 10) /* senders stop above this many unsent bytes ... */
#define XF_CONN_LOW_WATER  (128u << 10) /* ... until events->drained at this many */

static inline void xf_conn_flush_soon(struct xf_conn *conn)
{
    conn->ops->flush_soon(conn);
}

/* Stop or go on reading (backpressure). Data already read may still arrive once. */
static inline void xf_conn_pause(struct xf_conn *conn, bool paused)
{
    conn->ops->pause(conn, paused);
}

/*
 * Write what is in `out`, close, and send events->closed later (never from within). linger_ms: how
 * long the other side may take to accept the output and close too; 0 drops the output and closes at
 * once. No data event comes after. Calling it again only shortens the linger.
 */
static inline void xf_conn_close(struct xf_conn *conn, unsigned linger_ms)
{
    conn->ops->close(conn, linger_ms);
}

static inline size_t xf_conn_backlog(const struct xf_conn *conn)
{
    return conn->out.len + conn->unsent_bytes;
}

static inline bool xf_conn_is_congested(const struct xf_conn *conn)
{
    return xf_conn_backlog(conn) > XF_CONN_HIGH_WATER;
}
