/* SPDX-License-Identifier: MIT */
/* test_pipe.c — Unix sockets on the loop: who connected, what arrives, and whose path it is. */
#include <xfed/net/pipe.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <xfed/net/loop.h>

static struct xf_loop *loop;
static struct xf_pipe_listener *listener;
static struct xf_pipe *conn;
static struct xf_pipe_peer who;
static char path[64], folder[32];
static char got[256];
static size_t got_len, drained, closed;
static bool answers;

static void stop(void *owner)
{
    (void)owner;
    xf_loop_stop(loop);
}

static void run_for(unsigned ms)
{
    struct xf_timer timer;
    xf_timer_init(&timer, stop, NULL);
    xf_timer_start(xf_loop_timers(loop), &timer, ms);
    xf_loop_run(loop);
    xf_timer_stop(&timer);
}

static void on_data(void *owner, const char *bytes, size_t len)
{
    struct xf_pipe *pipe = owner;
    ck_assert_uint_lt(got_len + len, sizeof(got));
    memcpy(got + got_len, bytes, len);
    got_len += len;
    if (!answers)
        return;
    xf_buf_append_str(xf_pipe_out(pipe), "answer");
    xf_pipe_flush(pipe);
}

static void on_drained(void *owner)
{
    (void)owner;
    drained++;
}

static void on_ended(void *owner)
{
    xf_pipe_close(owner);
}

static void on_closed(void *owner)
{
    (void)owner;
    closed++;
    conn = NULL;
}

static const struct xf_pipe_events events = {on_data, on_drained, on_ended, on_closed};

static void on_accept(void *owner, struct xf_pipe *pipe, const struct xf_pipe_peer *peer)
{
    (void)owner;
    who = *peer;
    conn = pipe;
    xf_pipe_own(pipe, &events, pipe);
}

static enum xf_err try_listen(struct xf_error *err)
{
    return xf_pipe_listen(loop, path, 0600, on_accept, NULL, &listener, err);
}

static void begin(void)
{
    snprintf(folder, sizeof(folder), "/tmp/xfed-pipe-XXXXXX");
    ck_assert(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/sock", folder);
    loop = xf_loop_new();
    got_len = drained = closed = 0;
    answers = false;
}

static void end(void)
{
    if (conn)
        xf_pipe_close(conn);
    xf_pipe_listener_close(&listener);
    xf_loop_free(&loop);
    unlink(path);
    rmdir(folder);
}

static int connect_to(void)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
    return fd;
}

/*
 * No descriptor is left, and the spare one of libuv (uv__emfile_trick) does not help: it is above
 * the limit, as after a sandbox did not let it open "/" again. The client waits, and the loop does
 * not spin.
 */
START_TEST(waits_when_descriptors_run_out)
{
    struct rlimit old, few;
    int fds[64], count = 0;
    ck_assert_int_eq(try_listen(NULL), XF_ERR_OK);
    run_for(20);
    int fd = connect_to();
    getrlimit(RLIMIT_NOFILE, &old);
    few = old;
    few.rlim_cur = 3;
    while (count < 64 && (fds[count] = dup(fd)) >= 0 && fds[count] < fd)
        count++;
    setrlimit(RLIMIT_NOFILE, &few);
    clock_t before = clock();
    run_for(500);
    long cpu_ms = (clock() - before) * 1000 / CLOCKS_PER_SEC;
    setrlimit(RLIMIT_NOFILE, &old);
    ck_assert_int_lt(cpu_ms, 50);
    ck_assert_ptr_null(conn);
    run_for(200);
    ck_assert_ptr_nonnull(conn);
    while (count >= 0)
        close(fds[count--]);
    close(fd);
    run_for(20);
}
END_TEST

START_TEST(tells_who_connected)
{
    struct stat st;
    ck_assert_int_eq(try_listen(NULL), XF_ERR_OK);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(st.st_mode & 0777, 0600);
    int fd = connect_to();
    run_for(50);
    ck_assert(conn);
    ck_assert_int_eq(who.uid, getuid());
    ck_assert_int_eq(who.gid, getgid());
    ck_assert_int_eq(who.pid, getpid());
    close(fd);
    run_for(50);
    ck_assert_uint_eq(closed, 1);
}
END_TEST

START_TEST(bytes_pass_both_ways)
{
    char answer[16] = "";
    answers = true;
    ck_assert_int_eq(try_listen(NULL), XF_ERR_OK);
    int fd = connect_to();
    ck_assert_int_eq(write(fd, "question", 8), 8);
    run_for(50);
    ck_assert_uint_eq(got_len, 8);
    ck_assert_int_eq(read(fd, answer, sizeof(answer)), 6);
    ck_assert_str_eq(answer, "answer");
    ck_assert_uint_eq(drained, 1);
    close(fd);
}
END_TEST

START_TEST(a_close_lets_the_output_leave)
{
    static char much[1 << 20];
    size_t total = 0;
    ck_assert_int_eq(try_listen(NULL), XF_ERR_OK);
    int fd = connect_to();
    run_for(50);
    xf_buf_append(xf_pipe_out(conn), much, sizeof(much));
    xf_pipe_close(conn);
    for (int i = 0; i < 200 && total < sizeof(much); i++) {
        char part[65536];
        run_for(1);
        ssize_t len = recv(fd, part, sizeof(part), MSG_DONTWAIT);
        total += len > 0 ? (size_t)len : 0;
    }
    ck_assert_uint_eq(total, sizeof(much));
    run_for(20);
    ck_assert_uint_eq(closed, 1);
    close(fd);
}
END_TEST

START_TEST(a_close_does_not_wait_for_one_who_never_reads)
{
    static char much[1 << 20];
    ck_assert_int_eq(try_listen(NULL), XF_ERR_OK);
    int fd = connect_to();
    run_for(50);
    xf_buf_append(xf_pipe_out(conn), much, sizeof(much));
    xf_pipe_close(conn);
    run_for(XF_PIPE_LINGER_MS / 2);
    ck_assert_uint_eq(closed, 0);
    run_for(XF_PIPE_LINGER_MS);
    ck_assert_uint_eq(closed, 1);
    close(fd);
}
END_TEST

/* As at the end of a process: no timer fires any more. */
START_TEST(a_loop_that_ends_does_not_wait_for_one_who_never_reads)
{
    static char much[1 << 20];
    ck_assert_int_eq(try_listen(NULL), XF_ERR_OK);
    int fd = connect_to();
    run_for(50);
    xf_buf_append(xf_pipe_out(conn), much, sizeof(much));
    xf_pipe_close(conn);
    run_for(20);
    ck_assert_uint_eq(closed, 0);
    xf_pipe_listener_close(&listener);
    xf_loop_free(&loop);
    ck_assert_uint_eq(closed, 1);
    close(fd);
    loop = xf_loop_new();
}
END_TEST

START_TEST(output_that_has_not_left_has_one_ceiling)
{
    static char much[XF_PIPE_OUT_MAX - (64u << 10)];
    ck_assert_int_eq(try_listen(NULL), XF_ERR_OK);
    int fd = connect_to();
    run_for(50);
    xf_buf_append(xf_pipe_out(conn), much, sizeof(much));
    xf_pipe_flush(conn);
    ck_assert_int_eq(xf_buf_try_append(xf_pipe_out(conn), much, sizeof(much)), XF_ERR_LIMIT);
    ck_assert_int_eq(xf_buf_try_append(xf_pipe_out(conn), much, 32u << 10), XF_ERR_OK);
    close(fd);
}
END_TEST

START_TEST(a_socket_that_nobody_uses_is_replaced)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
    close(fd);
    ck_assert_int_eq(try_listen(NULL), XF_ERR_OK);
}
END_TEST

START_TEST(what_is_used_or_no_socket_stays)
{
    struct xf_pipe_listener *second = NULL;
    struct xf_error err;
    FILE *file = fopen(path, "w");
    fclose(file);
    ck_assert_int_eq(try_listen(&err), XF_ERR_CONFIG);
    ck_assert(strstr(err.detail, "not a socket"));
    unlink(path);
    ck_assert_int_eq(try_listen(NULL), XF_ERR_OK);
    ck_assert_int_eq(xf_pipe_listen(loop, path, 0600, on_accept, NULL, &second, &err),
                     XF_ERR_CONFIG);
    ck_assert(strstr(err.detail, "another process"));
    ck_assert_int_eq(xf_pipe_listen(loop, "/nonexistent/ctl", 0600, on_accept, NULL, &second, &err),
                     XF_ERR_IO);
    ck_assert_str_eq(err.detail, "cannot listen on /nonexistent/ctl: No such file or directory: "
                                 "expected a folder in which xfedd may make this socket");
    snprintf(err.detail, sizeof(err.detail), "%*s", 200, "x");
    ck_assert_int_eq(xf_pipe_listen(loop, err.detail, 0600, on_accept, NULL, &second, &err),
                     XF_ERR_CONFIG);
}
END_TEST

START_TEST(only_our_own_socket_is_removed)
{
    struct stat st;
    ck_assert_int_eq(try_listen(NULL), XF_ERR_OK);
    unlink(path);
    FILE *file = fopen(path, "w");
    fclose(file);
    xf_pipe_listener_close(&listener);
    ck_assert_int_eq(stat(path, &st), 0);
    unlink(path);
    ck_assert_int_eq(try_listen(NULL), XF_ERR_OK);
    xf_pipe_listener_close(&listener);
    ck_assert_int_ne(stat(path, &st), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pipe");
    TCase *tcase = tcase_create("pipe");
    tcase_add_checked_fixture(tcase, begin, end);
    tcase_add_test(tcase, waits_when_descriptors_run_out);
    tcase_add_test(tcase, tells_who_connected);
    tcase_add_test(tcase, bytes_pass_both_ways);
    tcase_add_test(tcase, a_close_lets_the_output_leave);
    tcase_add_test(tcase, a_close_does_not_wait_for_one_who_never_reads);
    tcase_add_test(tcase, a_loop_that_ends_does_not_wait_for_one_who_never_reads);
    tcase_add_test(tcase, output_that_has_not_left_has_one_ceiling);
    tcase_add_test(tcase, a_socket_that_nobody_uses_is_replaced);
    tcase_add_test(tcase, what_is_used_or_no_socket_stays);
    tcase_add_test(tcase, only_our_own_socket_is_removed);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
