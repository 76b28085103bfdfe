/* SPDX-License-Identifier: MIT */
/* test_conn.c — conns and listeners on loopback: bytes, backpressure, and each way to end. */
#include <check.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ends.h"

#define BIG_BYTES (6u << 20)

static struct bench bench;

static void set_up(void)
{
    bench_open(&bench);
}

static void tear_down(void)
{
    bench_close(&bench);
}

static void run_until_both_up(void)
{
    bench_connect(&bench);
    bench_run_until(&bench, both_up, "both up");
}

static void echo(struct end *end, const char *bytes, size_t len)
{
    end_send(end, bytes, len);
}

static bool client_got_hello(struct bench *b)
{
    return b->client.got_bytes == 5;
}

START_TEST(echoes)
{
    bench.server.on_data = echo;
    bench_connect(&bench);
    end_say(&bench.client, "hello"); /* before it is connected: leaves then */
    bench_run_until(&bench, client_got_hello, "echo");
    ck_assert(xf_span_is(xf_buf_span(&bench.client.got), "hello"));
    ck_assert_int_eq(bench.client.connected, 1);
    ck_assert(xf_addr_is_loopback(&bench.server.conn->addr));
    ck_assert_uint_eq(xf_conn_backlog(bench.server.conn), 0);
}
END_TEST

static bool is_connected_tcp(int fd)
{
    struct sockaddr_storage other;
    socklen_t bytes = sizeof(other);

    return getpeername(fd, (struct sockaddr *)&other, &bytes) == 0 &&
           (other.ss_family == AF_INET || other.ss_family == AF_INET6);
}

static int tcp_option(int fd, int name)
{
    int value = -1;
    socklen_t bytes = sizeof(value);

    ck_assert_int_eq(getsockopt(fd, IPPROTO_TCP, name, &value, &bytes), 0);
    return value;
}

START_TEST(sockets_send_at_once_and_give_up_on_the_dead)
{
    int found = 0;

    run_until_both_up();
    for (int fd = 3; fd < 256; fd++) {
        if (!is_connected_tcp(fd))
            continue;
        found++;
        ck_assert_int_eq(tcp_option(fd, TCP_NODELAY), 1);
        ck_assert_int_eq(tcp_option(fd, TCP_USER_TIMEOUT), 30000);
    }
    ck_assert_int_eq(found, 2); /* both ends */
}
END_TEST

static char pattern(size_t i)
{
    return (char)(i * 31 + i / 251);
}

static void append_pattern(struct end *end, size_t bytes)
{
    char *room = xf_buf_reserve(&end->conn->out, bytes);

    ck_assert_ptr_nonnull(room);
    for (size_t i = 0; i < bytes; i++)
        room[i] = pattern(i);
    xf_buf_commit(&end->conn->out, bytes);
    xf_conn_flush_soon(end->conn);
}

static bool server_got_big(struct bench *b)
{
    return b->server.got_bytes >= BIG_BYTES;
}

static bool client_drained(struct bench *b)
{
    return b->client.drained > 0;
}

static bool quarter_second_passed(struct bench *b)
{
    return xf_loop_clock(b->loop)->now_ms >= (uint64_t)(uintptr_t)b->client.more;
}

static void run_quarter_second(void)
{
    bench.client.more = (void *)(uintptr_t)(xf_loop_clock(bench.loop)->now_ms + 250);
    bench_run_until(&bench, quarter_second_passed, "250 ms");
}

START_TEST(paused_reader_holds_the_writer_until_drained)
{
    run_until_both_up();
    xf_conn_pause(bench.server.conn, true);
    append_pattern(&bench.client, BIG_BYTES);
    ck_assert(xf_conn_is_congested(bench.client.conn));
    run_quarter_second();
    ck_assert_uint_eq(bench.server.got_bytes, 0);
    ck_assert_int_eq(bench.client.drained, 0);
    ck_assert(xf_conn_is_congested(bench.client.conn));
    ck_assert_uint_gt(bench.client.conn->unsent_bytes, 0);
    xf_conn_pause(bench.server.conn, false);
    bench_run_until(&bench, client_drained, "drained");
    ck_assert_uint_le(xf_conn_backlog(bench.client.conn), XF_CONN_LOW_WATER);
    bench_run_until(&bench, server_got_big, "all data");
    ck_assert_uint_eq(bench.server.got_bytes, BIG_BYTES);
    const char *got = xf_buf_ptr(&bench.server.got);
    size_t same = 0;
    while (same < BIG_BYTES && got[same] == pattern(same))
        same++;
    ck_assert_uint_eq(same, BIG_BYTES);
    ck_assert_int_eq(bench.client.drained, 1);
}
END_TEST

static void refill(struct end *end)
{
    if (end->drained < 8)
        append_pattern(end, XF_CONN_HIGH_WATER + 1);
}

static bool client_drained_8_times(struct bench *b)
{
    return b->client.drained == 8;
}

START_TEST(owner_that_refills_at_each_drained_goes_on)
{
    run_until_both_up();
    bench.client.on_drained = refill;
    append_pattern(&bench.client, XF_CONN_HIGH_WATER + 1);
    bench_run_until(&bench, client_drained_8_times, "8 times");
}
END_TEST

START_TEST(refused_is_told_once_and_later)
{
    xf_listener_close(&bench.listener);
    bench_connect(&bench);
    ck_assert_int_eq(bench.client.closed, 0);
    bench.server.closed = 1; /* there is none to wait for */
    bench_run_until(&bench, both_closed, "refused");
    ck_assert_int_eq(bench.client.closed, 1);
    ck_assert_int_eq(bench.client.connected, 0);
    ck_assert_int_eq(bench.client.how, XF_CONN_END_REFUSED);
    ck_assert_str_eq(bench.client.detail, "connection refused");
}
END_TEST

static bool client_closed(struct bench *b)
{
    return b->client.closed > 0;
}

/* A full backlog drops SYNs on Linux: nobody answers. */
START_TEST(connect_times_out)
{
    struct xf_addr addr = bench.addr;
    int fds[8], listener = socket(AF_INET, SOCK_STREAM, 0);
    socklen_t bytes = sizeof(addr);

    addr.v4.sin_port = 0;
    ck_assert_int_eq(bind(listener, &addr.sa, sizeof(addr.v4)), 0);
    ck_assert_int_eq(listen(listener, 0), 0);
    ck_assert_int_eq(getsockname(listener, &addr.sa, &bytes), 0);
    for (size_t i = 0; i < XF_ARRAY_LEN(fds); i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(fds[i], &addr.sa, sizeof(addr.v4)); /* EINPROGRESS */
    }
    struct xf_addr real = bench.addr;
    bench.addr = addr;
    bench_connect(&bench);
    bench.addr = real;
    bench_run_until(&bench, client_closed, "timeout");
    ck_assert_int_eq(bench.client.how, XF_CONN_END_TIMEOUT);
    for (size_t i = 0; i < XF_ARRAY_LEN(fds); i++)
        close(fds[i]);
    close(listener);
}
END_TEST

START_TEST(close_before_connected)
{
    bench_connect(&bench);
    xf_conn_close(bench.client.conn, 1000);
    ck_assert_int_eq(bench.client.closed, 0);
    bench_run_until(&bench, client_closed, "closed");
    ck_assert_int_eq(bench.client.how, XF_CONN_END_LOCAL);
    ck_assert_int_eq(bench.client.connected, 0);
}
END_TEST

START_TEST(close_writes_everything_first)
{
    run_until_both_up();
    append_pattern(&bench.client, BIG_BYTES);
    xf_conn_close(bench.client.conn, 15000);
    ck_assert_int_eq(bench.client.closed, 0);
    bench_run_until(&bench, both_closed, "closed");
    ck_assert_uint_eq(bench.server.got_bytes, BIG_BYTES);
    ck_assert_int_eq(bench.client.how, XF_CONN_END_LOCAL);
    ck_assert_int_eq(bench.server.how, XF_CONN_END_EOF);
    ck_assert_str_eq(bench.server.detail, "closed by the other side");
}
END_TEST

START_TEST(close_without_linger_drops_output)
{
    run_until_both_up();
    end_say(&bench.client, "never seen");
    xf_conn_close(bench.client.conn, 0);
    bench_run_until(&bench, both_closed, "closed");
    ck_assert_uint_eq(bench.server.got_bytes, 0);
    ck_assert_int_eq(bench.client.how, XF_CONN_END_LOCAL);
}
END_TEST

START_TEST(linger_ends_when_the_peer_does_not_read)
{
    run_until_both_up();
    xf_conn_pause(bench.server.conn, true);
    append_pattern(&bench.client, BIG_BYTES);
    xf_conn_close(bench.client.conn, 60000);
    run_quarter_second();
    ck_assert_int_eq(bench.client.closed, 0);
    xf_conn_close(bench.client.conn, 30);
    xf_conn_close(bench.client.conn, 60000); /* only shortens */
    bench_run_until(&bench, client_closed, "linger");
    ck_assert_int_eq(bench.client.how, XF_CONN_END_TIMEOUT);
}
END_TEST

START_TEST(linger_after_everything_was_written_is_a_local_end)
{
    run_until_both_up();
    xf_conn_pause(bench.server.conn, true); /* does not see our FIN, so does not close */
    end_say(&bench.client, "bye");
    xf_conn_close(bench.client.conn, 50);
    bench_run_until(&bench, client_closed, "linger");
    ck_assert_int_eq(bench.client.how, XF_CONN_END_LOCAL);
}
END_TEST

static void close_at_once(struct end *end, const char *bytes, size_t len)
{
    (void)bytes;
    (void)len;
    end_say(end, "bye");
    xf_conn_close(end->conn, 5000);
}

START_TEST(close_from_within_data_delivers_no_more)
{
    bench.server.on_data = close_at_once;
    bench_connect(&bench);
    append_pattern(&bench.client, 1u << 20); /* the on_data of ends.c fails on data after close */
    bench_run_until(&bench, both_closed, "closed");
    ck_assert_int_eq(bench.server.how, XF_CONN_END_LOCAL);
    ck_assert_uint_le(bench.server.got_bytes, 64u << 10);
}
END_TEST

static void pause_at_once(struct end *end, const char *bytes, size_t len)
{
    (void)bytes;
    (void)len;
    xf_conn_pause(end->conn, true);
}

START_TEST(pause_from_within_data_stops_after_one_piece)
{
    bench.server.on_data = pause_at_once;
    bench_connect(&bench);
    append_pattern(&bench.client, 1u << 20);
    run_quarter_second();
    ck_assert_uint_gt(bench.server.got_bytes, 0);
    ck_assert_uint_le(bench.server.got_bytes, 64u << 10);
}
END_TEST

/* A plain socket whose other end is the server of the bench. */
static int raw_client(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    ck_assert_int_eq(connect(fd, &bench.addr.sa, sizeof(bench.addr.v4)), 0);
    return fd;
}

static bool server_closed(struct bench *b)
{
    return b->server.closed > 0;
}

static bool server_up(struct bench *b)
{
    return b->server.connected > 0;
}

static void answer_big(struct end *end, const char *bytes, size_t len)
{
    (void)bytes;
    (void)len;
    append_pattern(end, 100000);
}

START_TEST(output_pending_at_the_peers_fin_still_leaves)
{
    int fd = raw_client();
    char buf[4096];
    size_t got = 0;
    ssize_t count;

    bench.server.on_data = answer_big;
    ck_assert_int_eq(write(fd, "x", 1), 1);
    shutdown(fd, SHUT_WR);
    bench_run_until(&bench, server_closed, "closed");
    ck_assert_int_eq(bench.server.how, XF_CONN_END_EOF);
    while ((count = read(fd, buf, sizeof(buf))) > 0)
        got += (size_t)count;
    ck_assert_uint_eq(got, 100000);
    close(fd);
}
END_TEST

START_TEST(reset_is_told)
{
    static const struct linger hard = {1, 0};
    int fd = raw_client();

    bench_run_until(&bench, server_up, "up");
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    close(fd);
    bench_run_until(&bench, server_closed, "closed");
    ck_assert_int_eq(bench.server.how, XF_CONN_END_RESET);
    ck_assert_str_eq(bench.server.detail, "connection reset by peer");
}
END_TEST

static bool a_second_passed(struct bench *b)
{
    return xf_loop_clock(b->loop)->now_ms >= (uint64_t)(uintptr_t)b->client.more;
}

START_TEST(reset_is_told_while_paused_behind_what_came_before)
{
    static const struct linger hard = {1, 0};
    int fd = raw_client();

    bench_run_until(&bench, server_up, "up");
    xf_conn_pause(bench.server.conn, true);
    ck_assert_int_eq(write(fd, "hello", 5), 5);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    close(fd);
    bench.client.more = (void *)(uintptr_t)(xf_loop_clock(bench.loop)->now_ms + 1000);
    bench_run_until(&bench, a_second_passed, "a second");
    ck_assert_int_eq(bench.server.closed, 1);
    ck_assert_int_eq(bench.server.how, XF_CONN_END_RESET);
    ck_assert(xf_span_is(xf_buf_span(&bench.server.got), "hello"));
}
END_TEST

START_TEST(a_fin_waits_for_the_pause_behind_what_came_before)
{
    int fd = raw_client();

    bench_run_until(&bench, server_up, "up");
    xf_conn_pause(bench.server.conn, true);
    ck_assert_int_eq(write(fd, "hello", 5), 5);
    close(fd);
    bench.client.more = (void *)(uintptr_t)(xf_loop_clock(bench.loop)->now_ms + 1000);
    bench_run_until(&bench, a_second_passed, "a second");
    ck_assert_int_eq(bench.server.closed, 0);
    ck_assert_uint_eq(bench.server.got_bytes, 0);
    xf_conn_pause(bench.server.conn, false);
    bench_run_until(&bench, server_closed, "closed");
    ck_assert_int_eq(bench.server.how, XF_CONN_END_EOF);
    ck_assert(xf_span_is(xf_buf_span(&bench.server.got), "hello"));
}
END_TEST

static bool a_piece_came(struct bench *b)
{
    return b->server.got_bytes > 0;
}

START_TEST(finish_hears_the_other_side_until_it_closes_too)
{
    int fd = raw_client();
    char buf[16];

    bench_run_until(&bench, server_up, "up");
    end_say(&bench.server, "bye");
    xf_conn_finish(bench.server.conn, 5000);
    run_quarter_second();
    ck_assert_int_eq(read(fd, buf, sizeof(buf)), 3);
    ck_assert_int_eq(read(fd, buf, sizeof(buf)), 0); /* our FIN */
    ck_assert_int_eq(write(fd, "late", 4), 4);
    bench_run_until(&bench, a_piece_came, "what came late");
    ck_assert_int_eq(bench.server.closed, 0);
    close(fd);
    bench_run_until(&bench, server_closed, "closed");
    ck_assert(xf_span_is(xf_buf_span(&bench.server.got), "late"));
    ck_assert_int_eq(bench.server.how, XF_CONN_END_LOCAL);
}
END_TEST

START_TEST(close_after_finish_hears_no_more)
{
    int fd = raw_client();

    bench_run_until(&bench, server_up, "up");
    xf_conn_finish(bench.server.conn, 5000);
    xf_conn_close(bench.server.conn, 5000);
    ck_assert_int_eq(write(fd, "late", 4), 4);
    close(fd);
    bench_run_until(&bench, server_closed, "closed");
    ck_assert_uint_eq(bench.server.got_bytes, 0);
}
END_TEST

/* Whoever wrote it must not take the acknowledgement of our TCP for that of a reader. */
START_TEST(what_finish_leaves_unread_is_reset)
{
    int fd = raw_client();
    char byte;

    bench_run_until(&bench, server_up, "up");
    xf_conn_pause(bench.server.conn, true);
    xf_conn_finish(bench.server.conn, 50);
    ck_assert_int_eq(write(fd, "unread", 6), 6);
    bench_run_until(&bench, server_closed, "the linger is over");
    ck_assert_uint_eq(bench.server.got_bytes, 0);
    ck_assert_int_eq(read(fd, &byte, 1), 0); /* our FIN was first */
    ck_assert_int_eq(write(fd, "more", 4), -1);
    close(fd);
}
END_TEST

static bool client_closed_by_peer(struct bench *b)
{
    return b->client.closed > 0 && b->server.closed == 0;
}

START_TEST(accept_may_refuse)
{
    bench.refuses_accept = true;
    bench_connect(&bench);
    bench_run_until(&bench, client_closed_by_peer, "refused");
    ck_assert_int_eq(bench.server.connected, 0);
}
END_TEST

/*
 * No descriptor is left: the listener looks away, and comes back. The second connection is for
 * valgrind, whose emulated limit lets the kernel take the first one and then throws it away.
 */
START_TEST(listener_waits_when_descriptors_run_out)
{
    int client = raw_client();
    int fds[64];
    int count = 0;
    struct rlimit old, few;

    getrlimit(RLIMIT_NOFILE, &old);
    few = old;
    few.rlim_cur = (rlim_t)client + 8;
    setrlimit(RLIMIT_NOFILE, &few);
    while (count < 64 && (fds[count] = dup(client)) >= 0)
        count++;
    ck_assert_int_gt(count, 0);
    ck_assert_int_lt(count, 64);
    run_quarter_second();
    ck_assert_int_eq(bench.server.connected, 0);
    while (count > 0)
        close(fds[--count]);
    int second = raw_client();
    bench_run_until(&bench, server_up, "accepted");
    setrlimit(RLIMIT_NOFILE, &old);
    close(second);
    close(client);
}
END_TEST

static unsigned starved_calls;
static int starving_client;

static void on_starved(void *owner, unsigned closed)
{
    (void)owner;
    (void)closed;
    starved_calls++;
}

static bool second_is_closed(struct bench *b)
{
    char byte;

    (void)b;
    return recv(starving_client, &byte, 1, MSG_DONTWAIT) == 0;
}

static void never_accepts(void *owner, struct xf_conn *conn)
{
    (void)owner;
    (void)conn;
    ck_abort_msg("accepted with the last descriptors");
}

/*
 * A quarter of these few descriptors is kept: a conn with such a number is closed, and one line
 * says so.
 */
START_TEST(listener_keeps_descriptors_for_others)
{
    struct xf_listener *listener = NULL;
    struct xf_addr any = bench.addr, addr;
    struct rlimit old, few;
    int fds[64], count = 0;

    any.v4.sin_port = 0;
    getrlimit(RLIMIT_NOFILE, &old);
    few = old;
    few.rlim_cur = 64;
    setrlimit(RLIMIT_NOFILE, &few);
    ck_assert_int_eq(xf_listener_open(bench.loop, &any, never_accepts, NULL, &listener, NULL),
                     XF_ERR_OK);
    xf_listener_on_starved(listener, on_starved);
    xf_listener_addr(listener, &addr);
    while (count < 64 && (fds[count] = dup(0)) >= 0 && fds[count] < 50)
        count++;
    starved_calls = 0;
    for (int i = 0; i < 3; i++) {
        starving_client = socket(AF_INET, SOCK_STREAM, 0);
        ck_assert_int_ge(starving_client, 0);
        ck_assert_int_eq(connect(starving_client, &addr.sa, sizeof(addr.v4)), 0);
        bench_run_until(&bench, second_is_closed, "closed");
        close(starving_client);
    }
    ck_assert_uint_eq(starved_calls, 1);
    while (count >= 0)
        close(fds[count--]);
    setrlimit(RLIMIT_NOFILE, &old);
    xf_listener_close(&listener);
}
END_TEST

START_TEST(listener_says_why_it_cannot)
{
    struct xf_listener *second = NULL;
    struct xf_error err;

    ck_assert_int_eq(xf_listener_open(bench.loop, &bench.addr, NULL, NULL, &second, &err),
                     XF_ERR_IO);
    ck_assert_ptr_nonnull(strstr(err.detail, "address already in use"));
    ck_assert_ptr_nonnull(strstr(err.detail, "127.0.0.1:"));
    ck_assert_ptr_null(second);
}
END_TEST

START_TEST(listener_refuses)
{
    ck_assert_int_eq(xf_listener_refuse(bench.listener, true, NULL), XF_ERR_OK);
    ck_assert_int_eq(xf_listener_refuse(bench.listener, true, NULL), XF_ERR_OK);
    bench_connect(&bench);
    bench_run_until(&bench, client_closed, "refused");
    ck_assert_int_eq(bench.client.how, XF_CONN_END_REFUSED);
    ck_assert_int_eq(bench.server.connected, 0);
}
END_TEST

/* A port that the system chose would not stay ours. */
START_TEST(listener_refuses_no_longer)
{
    struct xf_addr addr = bench.addr;
    bench_close(&bench);
    bench_open_at(&bench, addr);
    ck_assert_int_eq(xf_listener_refuse(bench.listener, true, NULL), XF_ERR_OK);
    ck_assert_int_eq(xf_listener_refuse(bench.listener, false, NULL), XF_ERR_OK);
    run_until_both_up();
    bench.server.on_data = echo;
    ck_assert_int_eq(xf_listener_refuse(bench.listener, true, NULL), XF_ERR_OK);
    end_say(&bench.client, "hello"); /* what was accepted goes on */
    bench_run_until(&bench, client_got_hello, "echo");
}
END_TEST

/* Whoever has the socket open too (systemd) finds it listening. */
START_TEST(listener_that_refuses_closes_listening)
{
    int fd = xf_listener_fd(bench.listener), copy = dup(fd), value = 0;
    socklen_t bytes = sizeof(value);
    ck_assert_int_eq(xf_listener_refuse(bench.listener, true, NULL), XF_ERR_OK);
    ck_assert_int_eq(getsockopt(copy, SOL_SOCKET, SO_ACCEPTCONN, &value, &bytes), 0);
    ck_assert_int_eq(value, 0);
    xf_listener_close(&bench.listener);
    ck_assert_int_eq(getsockopt(copy, SOL_SOCKET, SO_ACCEPTCONN, &value, &bytes), 0);
    ck_assert_int_eq(value, 1);
    close(copy);
}
END_TEST

START_TEST(v6_wildcard_takes_v4)
{
    static const uint8_t any[16] = {0};
    char text[XF_ADDR_TEXT_BYTES];

    bench_close(&bench);
    bench_open_at(&bench, xf_addr_from_v6(any, 0));
    bench.addr = xf_addr_from_v4((const uint8_t[4]){127, 0, 0, 1}, xf_addr_port(&bench.addr));
    run_until_both_up();
    xf_addr_host_text(&bench.server.conn->addr, text);
    ck_assert_str_eq(text, "127.0.0.1");
}
END_TEST

static bool idle_conns_hold_nothing(struct bench *b)
{
    return !b->client.conn->out.data && !b->server.conn->out.data;
}

START_TEST(idle_conn_holds_no_buffer)
{
    bench.server.on_data = echo;
    bench_connect(&bench);
    end_say(&bench.client, "hello");
    bench_run_until(&bench, client_got_hello, "echo");
    bench_run_until(&bench, idle_conns_hold_nothing, "buffers released");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("net/conn");
    TCase *tc = tcase_create("conn");

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, echoes);
    tcase_add_test(tc, sockets_send_at_once_and_give_up_on_the_dead);
    tcase_add_test(tc, paused_reader_holds_the_writer_until_drained);
    tcase_add_test(tc, owner_that_refills_at_each_drained_goes_on);
    tcase_add_test(tc, refused_is_told_once_and_later);
    tcase_add_test(tc, connect_times_out);
    tcase_add_test(tc, close_before_connected);
    tcase_add_test(tc, close_writes_everything_first);
    tcase_add_test(tc, close_without_linger_drops_output);
    tcase_add_test(tc, finish_hears_the_other_side_until_it_closes_too);
    tcase_add_test(tc, close_after_finish_hears_no_more);
    tcase_add_test(tc, what_finish_leaves_unread_is_reset);
    tcase_add_test(tc, linger_ends_when_the_peer_does_not_read);
    tcase_add_test(tc, linger_after_everything_was_written_is_a_local_end);
    tcase_add_test(tc, close_from_within_data_delivers_no_more);
    tcase_add_test(tc, pause_from_within_data_stops_after_one_piece);
    tcase_add_test(tc, output_pending_at_the_peers_fin_still_leaves);
    tcase_add_test(tc, reset_is_told);
    tcase_add_test(tc, reset_is_told_while_paused_behind_what_came_before);
    tcase_add_test(tc, a_fin_waits_for_the_pause_behind_what_came_before);
    tcase_add_test(tc, accept_may_refuse);
    tcase_add_test(tc, listener_waits_when_descriptors_run_out);
    tcase_add_test(tc, listener_keeps_descriptors_for_others);
    tcase_add_test(tc, listener_says_why_it_cannot);
    tcase_add_test(tc, listener_refuses);
    tcase_add_test(tc, listener_refuses_no_longer);
    tcase_add_test(tc, listener_that_refuses_closes_listening);
    tcase_add_test(tc, v6_wildcard_takes_v4);
    tcase_add_test(tc, idle_conn_holds_no_buffer);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
