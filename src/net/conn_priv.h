/* SPDX-License-Identifier: MIT */
/* conn_priv.h — the conn of net: what conn.c (life, reading) and flush.c (writing) share. */
#pragma once

#include "loop_priv.h"

enum xf_net_state {
    XF_NET_CONNECTING, /* the timer limits the time to connect */
    XF_NET_OPEN,       /* reads and writes */
    XF_NET_CLOSING,    /* sends output, discards input unless is_heard; the timer: linger */
    XF_NET_DEAD,       /* the handle closes; then events->closed */
};

struct xf_net_conn {
    struct xf_conn pub; /* first: a struct xf_conn * of ours is a struct xf_net_conn * */
    struct xf_loop *loop;
    uv_tcp_t tcp;
    struct xf_timer timer;
    struct xf_node in_conns, in_dirty, in_greedy, in_warm, in_paused;
    const struct xf_conn_filter *filter;
    void *filter_owner;
    struct xf_buf wire;         /* with a filter: bytes for the wire; without one: empty */
    struct xf_net_write *write; /* what the system did not accept at once; one at a time */
    size_t batch_bytes; /* with a filter: what it last made for the wire, behind pub.left_bytes */
    size_t turn_read_bytes;
    uint64_t handed_bytes;  /* to the system, or to libuv for it */
    uint64_t arrived_bytes; /* in DEAD: what op_arrived said last */
    enum xf_net_state state;
    enum xf_conn_end end;
    char *detail;   /* NULL: ended without an error */
    bool is_paused; /* by the owner */
    bool is_held;   /* by the filter */
    bool is_broken; /* was reset while paused: the pause no longer applies */
    bool is_reading;
    bool is_heard;     /* in CLOSING: the owner wants the input (xf_conn_finish) */
    bool has_eof;      /* the other side sends no more data */
    bool is_congested; /* was above the high-water mark: a drained event is due */
    bool is_warm;      /* was flushed since the last sweep */
    bool is_finished;  /* the filter has written its last bytes */
    bool is_shut;      /* our side of the TCP connection is shut down */
};

static inline struct xf_net_conn *xf_net_conn_of(struct xf_conn *conn)
{
    return (struct xf_net_conn *)(void *)conn;
}

/* A conn without a socket; conn.c. */
struct xf_net_conn *xf_net_conn_new(struct xf_loop *loop);

/*
 * Connect the handle (which has no socket yet) from that source; source.c. 0 or a status of libuv;
 * on failure the text is in `out_detail`, and the request was not started.
 */
int xf_net_connect_from(struct xf_net_conn *conn, const struct xf_source *source,
                        uv_connect_t *request, uv_connect_cb done, char *out_detail,
                        size_t detail_bytes);

/* An accepted socket becomes a conn, which is given to `accept` and reads; conn.c. */
void xf_net_conn_adopt(struct xf_loop *loop, int fd, xf_accept_fn accept, void *owner);

/*
 * Close the handle; the loop delivers the event. The first cause counts; `detail` may be NULL;
 * conn.c.
 */
void xf_net_conn_die(struct xf_net_conn *conn, enum xf_conn_end end, const char *detail);

/* Put the conn on the list of the next flush; flush.c. */
void xf_net_conn_dirty(struct xf_net_conn *conn);

/* Count what the system has accepted, as far as it can be known; flush.c. */
void xf_net_conn_count(struct xf_net_conn *conn);

/* Has the system accepted all output? flush.c. */
bool xf_net_conn_is_drained(const struct xf_net_conn *conn);
