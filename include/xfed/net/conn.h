/* SPDX-License-Identifier: MIT */
/*
 * conn.h — a byte stream to one address, with or without TLS; knows no XMPP.
 *
 * The contract that stream, s2s and link rely on, so that they do no I/O themselves: net implements
 * it over libuv, tests over memory. To write, append plaintext to `out`, then call
 * xf_conn_flush_soon; it leaves at the end of the turn of the loop. Input arrives through
 * events->data. Every conn ends with exactly one events->closed, after which the pointer is
 * invalid. No event is delivered before a call on the conn has returned, except where stated.
 *
 * To add a filter such as TLS between wire and plaintext, start at struct xf_conn_filter in loop.h;
 * to add another transport, at struct xf_conn_ops and tests/support/.
 */
#pragma once

#include <xfed/base/buf.h>
#include <xfed/base/texts.h>
#include <xfed/net/addr.h>

struct xf_conn;
struct xf_tls_facts; /* tls/facts.h */

enum xf_conn_end {
    XF_CONN_END_LOCAL, /* we called xf_conn_close, and everything was written */
    XF_CONN_END_EOF,   /* the other side closed */
    XF_CONN_END_RESET, /* reset by the other side, or a system error */
    /* Connecting failed: */
    XF_CONN_END_REFUSED,     /* by the other side, or a firewall in front of it */
    XF_CONN_END_UNREACHABLE, /* there is no way to it */
    XF_CONN_END_SOURCE,      /* this host may not connect from there (struct xf_source) */
    /* While connecting: no answer in time; while closing: the other side did not finish in time. */
    XF_CONN_END_TIMEOUT,
    XF_CONN_END_TLS, /* TLS failed, during or after the handshake */
    /* ... because the other side */
    XF_CONN_END_TLS_ALIEN,   /* does not speak TLS */
    XF_CONN_END_TLS_VERSION, /* speaks no version of it that we accept */
    XF_CONN_END_TLS_REFUSED, /* does not accept our certificate, or requires one and got none */
};

static inline bool xf_conn_end_is_tls(enum xf_conn_end end)
{
    return end >= XF_CONN_END_TLS;
}

/* ... though the other side speaks it, and did not turn us away. */
static inline bool xf_conn_end_is_bad_tls(enum xf_conn_end end)
{
    return end == XF_CONN_END_TLS || end == XF_CONN_END_TLS_VERSION;
}

struct xf_conn_events {
    void (*connected)(void *owner); /* outgoing: TCP is up */
    /* The handshake is done, conn->tls is set. */
    void (*secured)(void *owner);
    void (*data)(void *owner, const char *bytes, size_t len); /* plaintext, len > 0; borrowed */
    /* Output fell below the low-water mark. */
    void (*drained)(void *owner);
    /* `detail` is a text, never NULL. */
    void (*closed)(void *owner, enum xf_conn_end end, const char *detail);
};

struct xf_conn_ops {
    void (*flush_soon)(struct xf_conn *conn);
    void (*pause)(struct xf_conn *conn, bool paused);
    void (*close)(struct xf_conn *conn, unsigned linger_ms);
    void (*finish)(struct xf_conn *conn, unsigned linger_ms);
    uint64_t (*arrived)(const struct xf_conn *conn);
};

struct xf_conn {
    const struct xf_conn_ops *ops;
    const struct xf_conn_events *events;
    void *owner;
    struct xf_buf out; /* plaintext waiting to leave */
    /* Bytes taken from `out` that the system has not accepted yet; with TLS, in records. */
    size_t unsent_bytes;
    uint64_t taken_bytes;     /* from `out`, since the conn began; whoever takes them counts */
    uint64_t left_bytes;      /* of these, what the system had accepted when more was taken */
    size_t unsure_bytes;      /* see xf_conn_left_at_most */
    struct xf_addr addr;      /* of the other side */
    struct xf_tls_facts *tls; /* NULL without TLS; owned by the conn */
};

/* Address and ports to connect from. */
struct xf_source {
    /* The address of the target's family is used; family 0: the system chooses. */
    struct xf_addr v4, v6;
    uint16_t port_first, port_last; /* 0: any */
};

/*
 * From the settings `source` and `source-ports` (NULL or "": any), which src/conf has checked: they
 * are addresses, at most one of each family.
 */
struct xf_source xf_source_of(const struct xf_texts *addresses, const char *ports);

/* Ceiling of `out`; senders stop long before (see the water marks). */
#define XF_CONN_OUT_MAX    (8u << 20)
#define XF_CONN_HIGH_WATER (512u << 10) /* senders stop above this many unsent bytes ... */
#define XF_CONN_LOW_WATER  (128u << 10) /* ... until events->drained at this many */

static inline void xf_conn_flush_soon(struct xf_conn *conn)
{
    conn->ops->flush_soon(conn);
}

/* Stop or resume reading (backpressure). Data that was already read may still arrive once. */
static inline void xf_conn_pause(struct xf_conn *conn, bool paused)
{
    conn->ops->pause(conn, paused);
}

/*
 * Write what is in `out`, close, and deliver events->closed after this function has returned.
 * linger_ms: how long the other side may take to accept the output and close too; 0 drops the
 * output and closes at once. No further data event comes. Calling it again can only shorten the
 * linger.
 */
static inline void xf_conn_close(struct xf_conn *conn, unsigned linger_ms)
{
    conn->ops->close(conn, linger_ms);
}

/*
 * As xf_conn_close, but events->data comes until the other side closes too. So nothing that it
 * sends is thrown away behind the acknowledgement of our TCP: what comes too late meets a reset.
 */
static inline void xf_conn_finish(struct xf_conn *conn, unsigned linger_ms)
{
    conn->ops->finish(conn, linger_ms);
}

static inline size_t xf_conn_backlog(const struct xf_conn *conn)
{
    return conn->out.len + conn->unsent_bytes;
}

/* How many bytes were ever appended to `out`. */
static inline uint64_t xf_conn_written(const struct xf_conn *conn)
{
    return conn->taken_bytes + conn->out.len;
}

/*
 * How many of these the system has accepted, at least. Records are longer than what is in them, so
 * this never counts a byte that is still here.
 */
static inline uint64_t xf_conn_left(const struct xf_conn *conn)
{
    uint64_t left =
        conn->taken_bytes > conn->unsent_bytes ? conn->taken_bytes - conn->unsent_bytes : 0;
    return left > conn->left_bytes ? left : conn->left_bytes;
}

/* ... and at most: the other side cannot have a byte behind these. */
static inline uint64_t xf_conn_left_at_most(const struct xf_conn *conn)
{
    return xf_conn_left(conn) + conn->unsure_bytes;
}

/*
 * How many of these the other side's TCP has acknowledged, as far as we can tell: a little less at
 * worst. Nobody says whether they were read. Asks the system; also for `closed`.
 */
static inline uint64_t xf_conn_arrived(const struct xf_conn *conn)
{
    return conn->ops->arrived(conn);
}

static inline bool xf_conn_is_congested(const struct xf_conn *conn)
{
    return xf_conn_backlog(conn) > XF_CONN_HIGH_WATER;
}
