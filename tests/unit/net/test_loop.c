/* SPDX-License-Identifier: MIT */
/* test_loop.c — clock, timers, signals, jobs and UDP on a real loop. */
#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <xfed/net/loop.h>

struct probe {
    struct xf_loop *loop;
    struct xf_timer timer;
    int count, wanted;
    uint64_t at_ms;
    pthread_t work_thread;
    bool worked;
};

static void hit(struct probe *probe)
{
    if (++probe->count == probe->wanted)
        xf_loop_stop(probe->loop);
}

static void on_timer(void *owner)
{
    struct probe *probe = owner;

    probe->at_ms = xf_loop_clock(probe->loop)->now_ms;
    if (probe->count + 1 < probe->wanted)
        xf_timer_start(xf_loop_timers(probe->loop), &probe->timer, 0);
    hit(probe);
}

START_TEST(timer_fires_on_time)
{
    struct probe probe = {.loop = xf_loop_new(), .wanted = 1};
    uint64_t start_ms = xf_loop_clock(probe.loop)->now_ms;

    ck_assert_uint_gt(start_ms, 0);
    xf_timer_init(&probe.timer, on_timer, &probe);
    xf_timer_start(xf_loop_timers(probe.loop), &probe.timer, 40);
    xf_loop_run(probe.loop);
    ck_assert_uint_ge(probe.at_ms - start_ms, 40);
    ck_assert_uint_le(probe.at_ms - start_ms, 2000);
    ck_assert_uint_le(xf_monotonic_ms() - probe.at_ms, 2000); /* one scale */
    xf_loop_free(&probe.loop);
    ck_assert_ptr_null(probe.loop);
}
END_TEST

START_TEST(timer_of_delay_zero_fires_without_events)
{
    struct probe probe = {.loop = xf_loop_new(), .wanted = 100};

    xf_timer_init(&probe.timer, on_timer, &probe);
    xf_timer_start(xf_loop_timers(probe.loop), &probe.timer, 0);
    xf_loop_run(probe.loop);
    ck_assert_int_eq(probe.count, 100);
    xf_loop_free(&probe.loop);
}
END_TEST

START_TEST(earlier_timer_moves_the_wake_up)
{
    struct probe late = {.loop = xf_loop_new(), .wanted = 1},
                 early = {.loop = late.loop, .wanted = 1};
    uint64_t start_ms = xf_loop_clock(late.loop)->now_ms;

    xf_timer_init(&late.timer, on_timer, &late);
    xf_timer_init(&early.timer, on_timer, &early);
    xf_timer_start(xf_loop_timers(late.loop), &late.timer, 60000);
    xf_timer_start(xf_loop_timers(late.loop), &early.timer, 5);
    xf_loop_run(late.loop);
    ck_assert_uint_lt(early.at_ms - start_ms, 5000);
    xf_timer_stop(&late.timer);
    xf_loop_free(&late.loop);
}
END_TEST

static void on_signal(void *owner)
{
    hit(owner);
}

static void raise_usr1(void *owner)
{
    (void)owner;
    kill(getpid(), SIGUSR1);
}

/* Blocks, as nothing should. */
static void on_slow_timer(void *owner)
{
    struct probe *probe = owner;

    usleep(60000);
    hit(probe);
}

START_TEST(turns_that_take_long_are_counted)
{
    struct probe probe = {.loop = xf_loop_new(), .wanted = 2};
    const struct xf_histogram *turns = xf_loop_turns(probe.loop);
    struct xf_timer slow, quick;
    uint64_t count = 0, is_long = 0;

    xf_timer_init(&slow, on_slow_timer, &probe);
    xf_timer_init(&quick, on_timer, &probe);
    xf_timer_start(xf_loop_timers(probe.loop), &slow, 5);
    xf_timer_start(xf_loop_timers(probe.loop), &quick, 100); /* waits for the end of the turn */
    xf_loop_run(probe.loop);
    for (size_t i = 0; i <= XF_HISTOGRAM_BOUNDS; i++) {
        count += turns->counts[i];
        is_long +=
            i >= XF_HISTOGRAM_BOUNDS || xf_histogram_bounds_ms[i] > 50 ? turns->counts[i] : 0;
    }
    ck_assert_uint_ge(count, 2);
    ck_assert_uint_ge(is_long, 1);
    ck_assert_uint_ge(turns->sum_ms, 60);
    xf_loop_free(&probe.loop);
}
END_TEST

START_TEST(signal_arrives_on_the_loop)
{
    struct probe probe = {.loop = xf_loop_new(), .wanted = 1}, other = {.loop = probe.loop};

    xf_loop_on_signal(probe.loop, SIGUSR1, on_signal, &other);
    xf_loop_on_signal(probe.loop, SIGUSR1, on_signal, &probe); /* replaces */
    xf_timer_init(&probe.timer, raise_usr1, &probe);
    xf_timer_start(xf_loop_timers(probe.loop), &probe.timer, 1);
    xf_loop_run(probe.loop);
    ck_assert_int_eq(probe.count, 1);
    ck_assert_int_eq(other.count, 0);
    xf_loop_free(&probe.loop);
}
END_TEST

static void work(void *owner)
{
    struct probe *probe = owner;

    probe->work_thread = pthread_self();
    probe->worked = true;
}

static void work_done(void *owner)
{
    struct probe *probe = owner;

    ck_assert(probe->worked);
    hit(probe);
}

START_TEST(job_runs_on_another_thread_and_ends_on_the_loop)
{
    struct probe probe = {.loop = xf_loop_new(), .wanted = 1};

    xf_pool_run(xf_loop_pool(probe.loop), work, work_done, &probe);
    xf_loop_run(probe.loop);
    ck_assert_int_eq(probe.count, 1);
    ck_assert(!pthread_equal(probe.work_thread, pthread_self()));
    xf_loop_free(&probe.loop);
}
END_TEST

START_TEST(job_still_out_ends_while_the_loop_is_freed)
{
    struct probe probe = {.loop = xf_loop_new(), .wanted = 1};

    xf_pool_run(xf_loop_pool(probe.loop), work, work_done, &probe);
    xf_loop_free(&probe.loop);
    ck_assert_int_eq(probe.count, 1);
}
END_TEST

struct dns {
    struct xf_loop *loop;
    struct xf_udp *udp;
    char got[32];
    size_t got_bytes;
};

static void on_datagram(void *owner, const uint8_t *bytes, size_t len)
{
    struct dns *dns = owner;

    ck_assert_uint_lt(len, sizeof(dns->got));
    memcpy(dns->got, bytes, len);
    dns->got_bytes = len;
    xf_udp_close(&dns->udp); /* from within is fine */
    xf_loop_stop(dns->loop);
}

/* A bound UDP socket of the system, and its address. */
static int plain_socket(struct xf_addr *out_addr)
{
    static const uint8_t loopback[4] = {127, 0, 0, 1};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    socklen_t bytes = sizeof(*out_addr);

    *out_addr = xf_addr_from_v4(loopback, 0);
    ck_assert_int_eq(bind(fd, &out_addr->sa, sizeof(out_addr->v4)), 0);
    ck_assert_int_eq(getsockname(fd, &out_addr->sa, &bytes), 0);
    return fd;
}

START_TEST(udp_takes_the_answer_of_its_server_only)
{
    struct dns dns = {.loop = xf_loop_new()};
    struct xf_addr server_addr, other_addr, from;
    int server = plain_socket(&server_addr), other = plain_socket(&other_addr);
    socklen_t from_bytes = sizeof(from);
    char question[16];

    ck_assert_int_eq(xf_udp_open(dns.loop, &server_addr, on_datagram, &dns, &dns.udp), XF_ERR_OK);
    ck_assert_int_eq(xf_udp_send(dns.udp, (const uint8_t *)"question", 8), XF_ERR_OK);
    ck_assert_int_eq(recvfrom(server, question, sizeof(question), 0, &from.sa, &from_bytes), 8);
    ck_assert_int_eq(sendto(other, "forged", 6, 0, &from.sa, from_bytes), 6);
    ck_assert_int_eq(sendto(server, "answer", 6, 0, &from.sa, from_bytes), 6);
    xf_loop_run(dns.loop);
    ck_assert_uint_eq(dns.got_bytes, 6);
    ck_assert_mem_eq(dns.got, "answer", 6);
    ck_assert_ptr_null(dns.udp);
    xf_udp_close(&dns.udp);
    close(server);
    close(other);
    xf_loop_free(&dns.loop);
}
END_TEST

START_TEST(udp_to_nobody_fails_by_the_second_send)
{
    struct dns dns = {.loop = xf_loop_new()};
    struct xf_addr addr;

    close(plain_socket(&addr));
    ck_assert_int_eq(xf_udp_open(dns.loop, &addr, on_datagram, &dns, &dns.udp), XF_ERR_OK);
    ck_assert_int_eq(xf_udp_send(dns.udp, (const uint8_t *)"question", 8), XF_ERR_OK);
    ck_assert_int_eq(xf_udp_send(dns.udp, (const uint8_t *)"question", 8), XF_ERR_REFUSED);
    xf_udp_close(&dns.udp);
    xf_loop_free(&dns.loop);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("net/loop");
    TCase *tc = tcase_create("loop");

    tcase_add_test(tc, timer_fires_on_time);
    tcase_add_test(tc, timer_of_delay_zero_fires_without_events);
    tcase_add_test(tc, earlier_timer_moves_the_wake_up);
    tcase_add_test(tc, turns_that_take_long_are_counted);
    tcase_add_test(tc, signal_arrives_on_the_loop);
    tcase_add_test(tc, job_runs_on_another_thread_and_ends_on_the_loop);
    tcase_add_test(tc, job_still_out_ends_while_the_loop_is_freed);
    tcase_add_test(tc, udp_takes_the_answer_of_its_server_only);
    tcase_add_test(tc, udp_to_nobody_fails_by_the_second_send);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    xf_loop_end_threads();
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
