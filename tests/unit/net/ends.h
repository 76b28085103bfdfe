/* SPDX-License-Identifier: MIT */
/*
 * ends.h — both ends of connections on loopback, in one loop: record events, act on them by hooks.
 *
 * A test opens a bench, connects, and calls bench_run_until with a condition; it is asked after
 * each event and every few milliseconds, and the test fails when it does not hold in time.
 */
#pragma once

#include <xfed/net/loop.h>

struct bench;

struct end {
    struct bench *bench;
    struct xf_conn *conn; /* NULL after closed */
    struct xf_buf got;
    size_t got_bytes; /* also counted when got is not kept */
    bool keeps;
    int connected, secured, drained, closed;
    enum xf_conn_end how;
    char detail[200];
    uint64_t left, left_at_most;      /* xf_conn_left and the like when it closed */
    const struct xf_tls_facts *facts; /* set by secured; dies with the conn */
    void (*on_data)(struct end *end, const char *bytes, size_t len);
    void (*on_up)(struct end *end); /* connected or accepted */
    void (*on_secured)(struct end *end);
    void (*on_drained)(struct end *end);
    void (*on_closed)(struct end *end); /* conn is already NULL, facts still there */
    void *more;
};

struct bench {
    struct xf_loop *loop;
    struct xf_listener *listener;
    struct xf_addr addr; /* of the listener */
    struct end client, server;
    bool refuses_accept;
    bool (*is_done)(struct bench *bench);
    struct xf_timer poll, watchdog;
    bool timed_out;
};

void bench_open(struct bench *bench); /* on 127.0.0.1 */
void bench_open_at(struct bench *bench, struct xf_addr addr);
void bench_connect(struct bench *bench);
void bench_connect_from(struct bench *bench, const struct xf_source *source);
void bench_run_until(struct bench *bench, bool (*is_done)(struct bench *bench), const char *label);
void bench_close(struct bench *bench); /* closes what is open and frees the loop */

bool both_closed(struct bench *bench);
bool both_up(struct bench *bench);

void end_send(struct end *end, const char *bytes, size_t len);
void end_say(struct end *end, const char *text);
