/* SPDX-License-Identifier: MIT */
/* loop_priv.h — the parts of the loop that the files of net share. */
#pragma once

#include <errno.h>
#include <uv.h>

#include <xfed/base/list.h>
#include <xfed/net/loop.h>

#define XF_LOOP_READ_BYTES (64u << 10)

struct xf_signal_watch;

/* Has a handle that may wait for its other side: `end` is called before the loop ends. */
struct xf_loop_guest {
    struct xf_node node;
    void (*end)(struct xf_loop_guest *guest);
};

struct xf_loop {
    uv_loop_t uv;
    struct xf_clock clock;
    struct xf_histogram turns;
    struct xf_timers *timers;
    struct xf_pool pool;
    uv_prepare_t prepare; /* before the wait: flush what is left, arm the wake-up */
    uv_check_t check;     /* after the wait: due timers, then flush */
    uv_idle_t idle;       /* active while conns are dirty, so that libuv does not wait */
    uv_timer_t wake;      /* at the next due timer; only ends the wait */
    uint64_t wake_at_ms;  /* what `wake` is set to; UINT64_MAX: not set */
    struct xf_signal_watch *signals;
    struct xf_node conns;  /* every conn, until its closed event is sent */
    struct xf_node dirty;  /* conns with output for the next flush */
    struct xf_node greedy; /* conns that have read their maximum in this turn */
    struct xf_node warm;   /* conns that still hold an empty output buffer */
    struct xf_node paused; /* conns that their owner paused */
    struct xf_node guests; /* xf_loop_guest.node */
    /* While there are paused conns: checks whether one was reset. */
    struct xf_timer look;
    struct xf_timer sweep;          /* frees the buffers of warm conns */
    unsigned conn_count, conn_peak; /* the peak since the last trim */
    struct xf_timer trim;           /* gives memory back after many conns have closed */
    struct xf_buf spare_wire;       /* wire memory lent to the conn that is being flushed */
    char read_buf
        [XF_LOOP_READ_BYTES]; /* shared by all conns: whoever gets data consumes it before returning
                                        */
};

/* Each callback of libuv calls this first: the clock moves when events arrive, once per turn. */
static inline void xf_loop_touch(struct xf_loop *loop)
{
    loop->clock.now_ms = uv_now(&loop->uv) + 1; /* the scale of xf_monotonic_ms */
}

/*
 * How long a listener looks away when accept(2) finds no descriptor or memory: the waiting
 * connection stays in the backlog, the socket stays readable, and a loop that went on would spin.
 */
#define XF_NET_STARVED_MS 100

static inline bool xf_net_is_starved(int number)
{
    return number == EMFILE || number == ENFILE || number == ENOBUFS || number == ENOMEM;
}

/*
 * The alloc callback of everything that reads: lends the shared buffer. handle->loop->data is our
 * loop.
 */
void xf_loop_lend_buf(uv_handle_t *handle, size_t suggested, uv_buf_t *out_buf);

/* conn.c: flush all dirty conns once; let greedy ones read again; end all that linger. */
void xf_conns_flush(struct xf_loop *loop);
void xf_conns_resume(struct xf_loop *loop);
void xf_conns_end(struct xf_loop *loop);
void xf_conns_sweep(void *loop);
void xf_conns_look(void *loop);
void xf_conns_trim(void *loop);
