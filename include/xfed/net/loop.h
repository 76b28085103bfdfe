/* SPDX-License-Identifier: MIT */
/*
 * loop.h — the one event loop thread over libuv: clock, timers, signals, work on the thread pool,
 * TCP and UDP. One turn: the clock moves; input events; timers; then every conn with output is
 * flushed once.
 */
#pragma once

#include <xfed/base/clock.h>
#include <xfed/base/histogram.h>
#include <xfed/base/pool.h>
#include <xfed/net/conn.h>
#include <xfed/net/timer.h>

struct xf_loop;
struct xf_listener;
struct xf_udp;
struct xf_loop_watch;

struct xf_loop *xf_loop_new(void); /* aborts if the system cannot create a loop; ignores SIGPIPE */
/* Everything on the loop must be closed; runs pending close callbacks. */
void xf_loop_free(struct xf_loop **loop);

/*
 * Call at the end of main, after the last loop: joins the threads of the pool, so that libraries
 * free their memory of each thread (OpenSSL's random generators). No loop may be created
 * afterwards.
 */
void xf_loop_end_threads(void);

void xf_loop_run(struct xf_loop *loop); /* until xf_loop_stop */
void xf_loop_stop(struct xf_loop *loop);

/* How long each turn worked, from the first event to the next wait. */
const struct xf_histogram *xf_loop_turns(const struct xf_loop *loop);

const struct xf_clock *xf_loop_clock(const struct xf_loop *loop);
struct xf_timers *xf_loop_timers(struct xf_loop *loop);

/* Call `fn` on the loop for each `signum`; a signal has one handler. */
void xf_loop_on_signal(struct xf_loop *loop, int signum, void (*fn)(void *owner), void *owner);

/* Work on threads of libuv's pool; it lives as long as the loop. */
struct xf_pool *xf_loop_pool(struct xf_loop *loop);

/*
 * Connect to `addr` (`source` may be NULL). events->connected, or events->closed with REFUSED or
 * TIMEOUT. TCP_NODELAY. Nagle is off and keep-alive on for every conn. In a range of ports, the
 * search for a free one starts at a random place and tries at most XF_SOURCE_TRIES ports; a port in
 * use towards another address, or in use until just now, counts as free.
 */
#define XF_SOURCE_TRIES 256
struct xf_conn *xf_conn_connect(struct xf_loop *loop, const struct xf_addr *addr,
                                const struct xf_source *source, unsigned timeout_ms,
                                const struct xf_conn_events *events, void *owner);

/*
 * Called for each accepted conn: set conn->events and conn->owner before returning, or call
 * xf_conn_close.
 */
typedef void (*xf_accept_fn)(void *owner, struct xf_conn *conn);

/*
 * An IPv6 wildcard address accepts IPv4 as well. Backlog 1024, SO_REUSEADDR. XF_ERR_IO with text.
 */
XF_MUST_USE enum xf_err xf_listener_open(struct xf_loop *loop, const struct xf_addr *addr,
                                         xf_accept_fn accept, void *owner,
                                         struct xf_listener **out_listener, struct xf_error *err);
/* The same for a listening socket that exists, is non-blocking, and belongs to the listener now. */
struct xf_listener *xf_listener_adopt(struct xf_loop *loop, int fd, xf_accept_fn accept,
                                      void *owner);
/* If another process has the socket open too, connections wait in its backlog from now on. */
void xf_listener_close(struct xf_listener **listener);
/*
 * Refuse connections (a peer sees "connection refused"), or accept them again. The socket stays
 * bound, so no privilege is needed. Those in the backlog are reset. XF_ERR_IO: it cannot listen
 * again.
 */
XF_MUST_USE enum xf_err xf_listener_refuse(struct xf_listener *listener, bool refuse,
                                           struct xf_error *err);
/* For the sandbox, which must let it listen again. */
int xf_listener_fd(const struct xf_listener *listener);

/*
 * The last descriptors of the process are reserved for what we open ourselves (links, DNS,
 * streams). While no others are free, incoming conns are closed at once or stay in the backlog;
 * `starved` is then called, at most once a minute, with the number closed since its last call.
 * `owner` is the owner of `accept`.
 */
typedef void (*xf_starved_fn)(void *owner, unsigned closed);
void xf_listener_on_starved(struct xf_listener *listener, xf_starved_fn starved);
/* The address that it listens on, with the actual port. */
void xf_listener_addr(const struct xf_listener *listener, struct xf_addr *out_addr);

/*
 * The conn of net has one hook for a layer above it (TLS): a filter between wire and plaintext.
 * While a filter is attached, wire bytes go to `input`, and on flush the filter moves conn->out to
 * the wire with xf_conn_wire.
 */
/* A flush stops at this many wire bytes and is called again for the rest. */
#define XF_CONN_WIRE_ENOUGH (256u << 10)

struct xf_conn_filter {
    /* Wire bytes came in: call xf_conn_deliver with the plaintext, or xf_conn_fail. */
    void (*input)(void *filter, const char *wire, size_t len);
    /* Move conn->out to xf_conn_wire, up to XF_CONN_WIRE_ENOUGH. */
    void (*flush)(void *filter);
    /* Write close_notify to the wire, before the close. */
    void (*finish)(void *filter);
    void (*detach)(void *filter); /* the conn is going away: free the filter */
};

void xf_conn_attach_filter(struct xf_conn *conn, const struct xf_conn_filter *filter,
                           void *filter_owner);
/* NULL: that filter is not attached */
void *xf_conn_filter_owner(const struct xf_conn *conn, const struct xf_conn_filter *filter);
/* Wire bytes that wait to leave. */
struct xf_buf *xf_conn_wire(struct xf_conn *conn);
/* Pass plaintext on to events->data. */
void xf_conn_deliver(struct xf_conn *conn, const char *bytes, size_t len);
/*
 * Leads to events->closed, after this function has returned; `detail` is copied. What is on the
 * wire (an alert) is still sent, `out` is not; only with XF_CONN_END_EOF the output is sent, as
 * after a FIN.
 */
void xf_conn_fail(struct xf_conn *conn, enum xf_conn_end end, const char *detail);
/* Like xf_conn_pause, but for the filter: input arrives only while both are off. */
void xf_conn_hold(struct xf_conn *conn, bool held);
bool xf_conn_is_closing(const struct xf_conn *conn);
/* Does xf_conn_deliver still pass on what it is given? */
bool xf_conn_is_heard(const struct xf_conn *conn);
struct xf_pool *xf_conn_pool(const struct xf_conn *conn); /* of its loop */

/* A connected UDP socket on a random port; the kernel drops datagrams from other addresses. */
typedef void (*xf_datagram_fn)(void *owner, const uint8_t *bytes, size_t len);
XF_MUST_USE enum xf_err xf_udp_open(struct xf_loop *loop, const struct xf_addr *to,
                                    xf_datagram_fn received, void *owner, struct xf_udp **out_udp);
XF_MUST_USE enum xf_err xf_udp_send(struct xf_udp *udp, const uint8_t *bytes, size_t len);
void xf_udp_close(struct xf_udp **udp);

/*
 * Wait for a descriptor that a library reads and writes itself. `ready` is called, on the loop, for
 * as long as it can be read (or has failed), and with `for_writing` while it can be written. Close
 * the watch before the library closes the descriptor. XF_ERR_IO: it cannot be watched.
 */
typedef void (*xf_loop_watch_fn)(void *owner);
XF_MUST_USE enum xf_err xf_loop_watch_open(struct xf_loop *loop, int descriptor, bool for_writing,
                                           xf_loop_watch_fn ready, void *owner,
                                           struct xf_loop_watch **out_watch);
/* Call `ready` no more, until `pause` is false again. */
void xf_loop_watch_pause(struct xf_loop_watch *watch, bool pause);
void xf_loop_watch_close(struct xf_loop_watch **watch);
