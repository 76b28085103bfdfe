/* SPDX-License-Identifier: MIT */
/* test_watch.c — descriptors of others on the loop. */
#include <check.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <xfed/net/loop.h>

struct probe {
    struct xf_loop *loop;
    struct xf_loop_watch *watch;
    struct xf_timer timer;
    int pair[2];
    int calls, reopened;
};

static void make_pair(struct probe *probe)
{
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, probe->pair), 0);
}

static void begin(struct probe *probe)
{
    *probe = (struct probe){.loop = xf_loop_new()};
    make_pair(probe);
}

static void end(struct probe *probe)
{
    xf_loop_watch_close(&probe->watch);
    close(probe->pair[0]);
    close(probe->pair[1]);
    xf_loop_free(&probe->loop);
}

static void stop(void *owner)
{
    struct probe *probe = owner;
    probe->calls++;
    xf_loop_stop(probe->loop);
}

static void give_up(void *owner)
{
    struct probe *probe = owner;
    xf_loop_stop(probe->loop);
}

static void must_open(struct probe *probe, bool for_writing, xf_loop_watch_fn ready)
{
    ck_assert_int_eq(
        xf_loop_watch_open(probe->loop, probe->pair[0], for_writing, ready, probe, &probe->watch),
        XF_ERR_OK);
}

static void run_for(struct probe *probe, unsigned ms)
{
    xf_timer_init(&probe->timer, give_up, probe);
    xf_timer_start(xf_loop_timers(probe->loop), &probe->timer, ms);
    xf_loop_run(probe->loop);
    xf_timer_stop(&probe->timer);
}

START_TEST(tells_what_can_be_done)
{
    static const struct {
        const char *label;
        bool for_writing, has_input, is_called;
    } rows[] = {
        {"nothing came", false, false, false},
        {"a byte came", false, true, true},
        {"there is room to write", true, false, true},
    };
    for (size_t i = 0; i < XF_ARRAY_LEN(rows); i++) {
        struct probe probe;
        begin(&probe);
        must_open(&probe, rows[i].for_writing, stop);
        if (rows[i].has_input)
            ck_assert_int_eq(write(probe.pair[1], "x", 1), 1);
        run_for(&probe, rows[i].is_called ? 5000 : 30);
        ck_assert_msg(probe.calls == rows[i].is_called, "%s: %d calls", rows[i].label, probe.calls);
        end(&probe);
    }
}
END_TEST

START_TEST(tells_of_the_end)
{
    struct probe probe;
    begin(&probe);
    must_open(&probe, false, stop);
    shutdown(probe.pair[1], SHUT_RDWR);
    run_for(&probe, 5000);
    ck_assert_int_eq(probe.calls, 1);
    end(&probe);
}
END_TEST

/* As libpq does: it closes its socket and gets the same number for the next one. */
static void reopen(void *owner)
{
    struct probe *probe = owner;
    int before = probe->pair[0];
    xf_loop_watch_close(&probe->watch);
    close(probe->pair[0]);
    close(probe->pair[1]);
    make_pair(probe);
    ck_assert_int_eq(probe->pair[0], before);
    must_open(probe, false, stop);
    probe->reopened++;
    ck_assert_int_eq(write(probe->pair[1], "y", 1), 1);
}

START_TEST(the_same_number_may_be_another_socket)
{
    struct probe probe;
    begin(&probe);
    must_open(&probe, false, reopen);
    ck_assert_int_eq(write(probe.pair[1], "x", 1), 1);
    run_for(&probe, 5000);
    ck_assert_int_eq(probe.reopened, 1);
    ck_assert_int_eq(probe.calls, 1);
    end(&probe);
}
END_TEST

START_TEST(what_is_no_descriptor_is_refused)
{
    struct probe probe;
    begin(&probe);
    ck_assert_int_eq(xf_loop_watch_open(probe.loop, 9999, false, stop, &probe, &probe.watch),
                     XF_ERR_IO);
    ck_assert_ptr_null(probe.watch);
    end(&probe);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("net/watch");
    TCase *tcase = tcase_create("watch");
    tcase_add_test(tcase, tells_what_can_be_done);
    tcase_add_test(tcase, tells_of_the_end);
    tcase_add_test(tcase, the_same_number_may_be_another_socket);
    tcase_add_test(tcase, what_is_no_descriptor_is_refused);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    xf_loop_end_threads();
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
