/* SPDX-License-Identifier: MIT */
/* ends.c — both ends of connections on loopback, in one loop. */
#include "ends.h"

#include <check.h>
#include <stdio.h>

#define WATCHDOG_MS 20000
#define POLL_MS     5

static void look(struct bench *bench)
{
    if (bench->is_done && bench->is_done(bench))
        xf_loop_stop(bench->loop);
}

static void on_poll(void *owner)
{
    struct bench *bench = owner;

    look(bench);
    xf_timer_start(xf_loop_timers(bench->loop), &bench->poll, POLL_MS);
}

static void on_watchdog(void *owner)
{
    struct bench *bench = owner;

    bench->timed_out = true;
    xf_loop_stop(bench->loop);
}

static void on_connected(void *owner)
{
    struct end *end = owner;

    end->connected++;
    if (end->on_up)
        end->on_up(end);
    look(end->bench);
}

static void on_secured(void *owner)
{
    struct end *end = owner;

    end->secured++;
    end->facts = end->conn->tls;
    ck_assert_ptr_nonnull(end->facts);
    if (end->on_secured)
        end->on_secured(end);
    look(end->bench);
}

static void on_data(void *owner, const char *bytes, size_t len)
{
    struct end *end = owner;

    ck_assert_ptr_nonnull(end->conn);
    ck_assert(xf_conn_is_heard(end->conn));
    ck_assert_uint_gt(len, 0);
    end->got_bytes += len;
    if (end->keeps)
        xf_buf_append(&end->got, bytes, len);
    if (end->on_data)
        end->on_data(end, bytes, len);
    look(end->bench);
}

static void on_drained(void *owner)
{
    struct end *end = owner;

    end->drained++;
    if (end->on_drained)
        end->on_drained(end);
    look(end->bench);
}

static void on_closed(void *owner, enum xf_conn_end how, const char *detail)
{
    struct end *end = owner;

    ck_assert_ptr_nonnull(end->conn);
    ck_assert_ptr_nonnull(detail);
    end->closed++;
    end->how = how;
    snprintf(end->detail, sizeof(end->detail), "%s", detail);
    end->left = xf_conn_left(end->conn);
    end->left_at_most = xf_conn_left_at_most(end->conn);
    end->conn = NULL;
    if (end->on_closed)
        end->on_closed(end);
    end->facts = NULL;
    look(end->bench);
}

static const struct xf_conn_events events = {on_connected, on_secured, on_data, on_drained,
                                             on_closed};

static void on_accept(void *owner, struct xf_conn *conn)
{
    struct bench *bench = owner;

    if (bench->refuses_accept || bench->server.conn) {
        xf_conn_close(conn, 0);
        return;
    }
    conn->events = &events;
    conn->owner = &bench->server;
    bench->server.conn = conn;
    on_connected(&bench->server);
}

static void end_init(struct bench *bench, struct end *end)
{
    end->bench = bench;
    end->keeps = true;
    xf_buf_init(&end->got, 64u << 20);
}

void bench_open(struct bench *bench)
{
    static const uint8_t loopback[4] = {127, 0, 0, 1};

    bench_open_at(bench, xf_addr_from_v4(loopback, 0));
}

void bench_open_at(struct bench *bench, struct xf_addr addr)
{
    *bench = (struct bench){0};
    bench->loop = xf_loop_new();
    end_init(bench, &bench->client);
    end_init(bench, &bench->server);
    xf_timer_init(&bench->poll, on_poll, bench);
    xf_timer_init(&bench->watchdog, on_watchdog, bench);
    ck_assert_int_eq(xf_listener_open(bench->loop, &addr, on_accept, bench, &bench->listener, NULL),
                     XF_ERR_OK);
    xf_listener_addr(bench->listener, &bench->addr);
}

void bench_connect_from(struct bench *bench, const struct xf_source *source)
{
    bench->client.conn =
        xf_conn_connect(bench->loop, &bench->addr, source, 5000, &events, &bench->client);
}

void bench_connect(struct bench *bench)
{
    bench_connect_from(bench, NULL);
}

void bench_run_until(struct bench *bench, bool (*is_done)(struct bench *bench), const char *label)
{
    bench->is_done = is_done;
    xf_timer_start(xf_loop_timers(bench->loop), &bench->poll, 0);
    xf_timer_start(xf_loop_timers(bench->loop), &bench->watchdog, WATCHDOG_MS);
    xf_loop_run(bench->loop);
    xf_timer_stop(&bench->poll);
    xf_timer_stop(&bench->watchdog);
    bench->is_done = NULL;
    ck_assert_msg(!bench->timed_out,
                  "%s: not in time; client closed=%d (%s) got=%zu, server closed=%d (%s) got=%zu",
                  label, bench->client.closed, bench->client.detail, bench->client.got_bytes,
                  bench->server.closed, bench->server.detail, bench->server.got_bytes);
}

static void end_fini(struct end *end)
{
    end->on_closed = NULL;
    if (end->conn)
        xf_conn_close(end->conn, 0);
}

void bench_close(struct bench *bench)
{
    end_fini(&bench->client);
    end_fini(&bench->server);
    xf_listener_close(&bench->listener);
    xf_loop_free(&bench->loop);
    ck_assert_ptr_null(bench->client.conn);
    ck_assert_ptr_null(bench->server.conn);
    ck_assert_int_le(bench->client.closed, 1);
    ck_assert_int_le(bench->server.closed, 1);
    xf_buf_release(&bench->client.got);
    xf_buf_release(&bench->server.got);
}

bool both_closed(struct bench *bench)
{
    return bench->client.closed > 0 && bench->server.closed > 0;
}

bool both_up(struct bench *bench)
{
    return bench->client.connected > 0 && bench->server.connected > 0;
}

void end_send(struct end *end, const char *bytes, size_t len)
{
    xf_buf_append(&end->conn->out, bytes, len);
    xf_conn_flush_soon(end->conn);
}

void end_say(struct end *end, const char *text)
{
    end_send(end, text, strlen(text));
}
