/* SPDX-License-Identifier: MIT */
/*
 * test_source.c — connect from addresses and ports of ours, on loopback, whose addresses are all of
 * 127.0.0.0/8.
 */
#include <arpa/inet.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ends.h"

static struct bench bench;

static void set_up(void)
{
    bench_open(&bench);
}

static void tear_down(void)
{
    bench_close(&bench);
}

static struct xf_addr v4(const char *text, uint16_t port)
{
    uint8_t bytes[4];
    ck_assert_int_eq(inet_pton(AF_INET, text, bytes), 1);
    return xf_addr_from_v4(bytes, port);
}

/* Ports that nobody has now: what the system gives to sockets that ask for any. */
static uint16_t free_ports(unsigned count)
{
    for (unsigned tries = 0; tries < 100; tries++) {
        struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t bytes = sizeof(any);
        int fds[16], got = 0;
        uint16_t first = 0;
        for (unsigned i = 0; i < count; i++) {
            int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
            any.sin_port = htons((uint16_t)(first ? first + i : 0));
            if (bind(fd, (struct sockaddr *)&any, sizeof(any)) == 0)
                fds[got++] = fd;
            else
                close(fd);
            if (i == 0 && getsockname(fd, (struct sockaddr *)&any, &bytes) == 0)
                first = ntohs(any.sin_port);
        }
        bool all = (unsigned)got == count && first < 65000;
        while (got > 0)
            close(fds[--got]);
        if (all)
            return first;
    }
    ck_abort_msg("no free ports");
}

static bool client_closed(struct bench *b)
{
    return b->client.closed > 0;
}

START_TEST(comes_from_the_address)
{
    struct xf_source source = {.v4 = v4("127.0.0.2", 0)};
    char text[XF_ADDR_TEXT_BYTES];
    bench_connect_from(&bench, &source);
    bench_run_until(&bench, both_up, "up");
    xf_addr_host_text(&bench.server.conn->addr, text);
    ck_assert_str_eq(text, "127.0.0.2");
}
END_TEST

START_TEST(comes_from_the_range)
{
    uint16_t first = free_ports(8);
    struct xf_source source = {
        .v4 = v4("127.0.0.3", 0), .port_first = first, .port_last = (uint16_t)(first + 7)};
    unsigned seen = 0;
    for (unsigned i = 0; i < 40; i++) {
        char text[XF_ADDR_TEXT_BYTES];
        bench_connect_from(&bench, &source);
        bench_run_until(&bench, both_up, "up");
        uint16_t port = xf_addr_port(&bench.server.conn->addr);
        ck_assert_uint_ge(port, first);
        ck_assert_uint_le(port, first + 7);
        seen |= 1u << (port - first);
        xf_addr_host_text(&bench.server.conn->addr, text);
        ck_assert_str_eq(text, "127.0.0.3");
        /* we close first: our port is in TIME_WAIT, and free all the same, in time */
        xf_conn_close(bench.client.conn, 1000);
        xf_conn_close(bench.server.conn, 1000);
        bench_run_until(&bench, both_closed, "closed");
        bench.client.connected = bench.client.closed = bench.server.connected =
            bench.server.closed = 0;
        if (seen == 0xff)
            break;
    }
    ck_assert_msg((seen & (seen - 1)) != 0, "always the same port: %x", seen);
}
END_TEST

/*
 * All taken but one: that one is found, wherever the search begins; then none is left, and the
 * words say so.
 */
START_TEST(finds_the_last_free_port_and_says_when_there_is_none)
{
    uint16_t first = free_ports(4);
    struct xf_source source = {
        .v4 = v4("127.0.0.1", 0), .port_first = first, .port_last = (uint16_t)(first + 3)};
    int fds[4];
    char want[100];
    /* one that listens keeps its port from others, SO_REUSEADDR or not */
    for (int i = 0; i < 4; i++) {
        struct sockaddr_in addr = {.sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)(first + i)),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (i != 2) {
            ck_assert_int_eq(bind(fds[i], (struct sockaddr *)&addr, sizeof(addr)), 0);
            ck_assert_int_eq(listen(fds[i], 1), 0);
        }
    }
    bench_connect_from(&bench, &source);
    bench_run_until(&bench, both_up, "up");
    ck_assert_uint_eq(xf_addr_port(&bench.server.conn->addr), first + 2);

    /*
     * The same port towards the same server is taken by the first conn: connect() says so, not
     * bind().
     */
    struct bench second;
    bench_open(&second);
    second.addr = bench.addr;
    bench_connect_from(&second, &source);
    bench_run_until(&second, client_closed, "refused");
    snprintf(want, sizeof(want), "no free port of %u-%u to connect from (source-ports), 4 tried",
             first, first + 3);
    ck_assert_str_eq(second.client.detail, want);
    ck_assert_int_eq(second.client.how, XF_CONN_END_SOURCE);
    bench_close(&second);
    for (int i = 0; i < 4; i++)
        close(fds[i]);
}
END_TEST

START_TEST(one_port_serves_several_servers)
{
    uint16_t port = free_ports(1);
    struct xf_source source = {.v4 = v4("127.0.0.1", 0), .port_first = port, .port_last = port};
    struct bench second;
    bench_open_at(&second, v4("127.0.0.9", 0));
    bench_connect_from(&bench, &source);
    bench_run_until(&bench, both_up, "first");
    bench_connect_from(&second, &source);
    bench_run_until(&second, both_up, "second");
    ck_assert_uint_eq(xf_addr_port(&bench.server.conn->addr), port);
    ck_assert_uint_eq(xf_addr_port(&second.server.conn->addr), port);
    bench_close(&second);
}
END_TEST

START_TEST(says_that_the_address_is_not_ours)
{
    struct xf_source source = {.v4 = v4("192.0.2.1", 0), .port_first = 30000, .port_last = 35999};
    bench_connect_from(&bench, &source);
    ck_assert_int_eq(bench.client.closed, 0); /* never from within */
    bench_run_until(&bench, client_closed, "refused");
    ck_assert_str_eq(bench.client.detail, "cannot connect from 192.0.2.1: address not available");
    ck_assert_int_eq(bench.client.how, XF_CONN_END_SOURCE);
}
END_TEST

START_TEST(the_other_family_goes_as_the_system_chooses)
{
    struct xf_source source = {0};
    uint8_t bytes[16] = {0x20, 0x01, 0x0d, 0xb8};
    source.v6 = xf_addr_from_v6(bytes, 0); /* not ours */
    bench_connect_from(&bench, &source);
    bench_run_until(&bench, both_up, "up");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("net/source");
    TCase *tc = tcase_create("source");
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, comes_from_the_address);
    tcase_add_test(tc, comes_from_the_range);
    tcase_add_test(tc, finds_the_last_free_port_and_says_when_there_is_none);
    tcase_add_test(tc, one_port_serves_several_servers);
    tcase_add_test(tc, says_that_the_address_is_not_ours);
    tcase_add_test(tc, the_other_family_goes_as_the_system_chooses);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
