/* SPDX-License-Identifier: MIT */
/* conn_priv.h — the conn of net: what conn.c (life, reading) and flush.c (writing) share. */
#pragma once

#include "loop_priv.h"

enum xf_net_state {
    XF_NET_CONNECTING, /* the timer guards the connect */
    XF_NET_OPEN,
    XF_NET_CLOSING, /* output leaves, input is thrown away; the timer guards the linger */
    XF_NET_DEAD,    /* the handle closes; then events->closed */
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
    struct xf_net_write *write; /* what the system would not take at once; one at a time */
    size_t turn_read_bytes;
    enum xf_net_state state;
    enum xf_conn_end end;
    char *detail;   /* NULL: ended in the ordinary way */
    bool is_paused; /* by the owner */
    bool is_held;   /* by the filter */
    bool is_broken; /* reset while it was paused: the pause does not count any more */
    bool is_reading;
    bool has_eof;      /* the other side will send no more */
    bool is_congested; /* was above high water: a drained event is due */
    bool is_warm;      /* was flushed since the last sweep */
    bool is_finished;  /* the filter wrote its last word */
    bool is_shut;      /* our side of the TCP connection is shut down */
};

static inline struct xf_net_conn *xf_net_conn_of(struct xf_conn *conn)
{
    return (struct xf_net_conn *)(void *)conn;
}

/* A conn without a socket; conn.c. */
struct xf_net_conn *xf_net_conn_new(struct xf_loop *loop);

/*
 * Connect the handle (without a socket yet) from there; source.c. 0 or a status of libuv, then with
 * words in `out_detail`; the request is not begun then.
 */
int xf_net_connect_from(struct xf_net_conn *conn, const struct xf_source *source,
                        uv_connect_t *request, uv_connect_cb done, char *out_detail,
                        size_t detail_bytes);

/* An accepted socket becomes a conn, which is given to `accept` and reads; conn.c. */
void xf_net_conn_adopt(struct xf_loop *loop, int fd, xf_accept_fn accept, void *owner);

/* First cause wins; `detail` may be NULL; the handle closes, the event comes from the loop; conn.c.
 */
void xf_net_conn_die(struct xf_net_conn *conn, enum xf_conn_end end, const char *detail);

/* To the list of the next flush; flush.c. */
void xf_net_conn_dirty(struct xf_net_conn *conn);

/* Nothing of the output is left in memory of ours; flush.c. */
bool xf_net_conn_is_drained(const struct xf_net_conn *conn);
