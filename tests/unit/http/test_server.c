/* SPDX-License-Identifier: MIT */
/* test_server.c — the server on a real loop while the process has no descriptor left. */
#include <xfed/http/http.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PAUSE_MS  500
#define CPU_MS    50 /* that much work may take, of PAUSE_MS */
#define ANSWER_MS 3000

static struct xf_loop *loop;

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

static void say_hello(void *owner, const struct xf_http_request *request,
                      struct xf_http_answer *out)
{
    (void)owner;
    (void)request;
    out->type = "text/plain";
    xf_buf_append_str(&out->body, "hello");
}

static const struct xf_http_page pages[] = {{"/", 0, false, say_hello}};

static int client_of(const struct xf_addr *addr)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    ck_assert_int_ge(fd, 0);
    (void)connect(fd, &addr->sa, sizeof(addr->v4));
    return fd;
}

static bool is_answered(int client)
{
    static const char request[] = "GET / HTTP/1.0\r\nHost: localhost\r\n\r\n";
    char answer[1024] = "";
    size_t len = 0;
    ck_assert_int_eq(send(client, request, sizeof(request) - 1, MSG_NOSIGNAL), sizeof(request) - 1);
    for (int ms = 0; ms < ANSWER_MS && !strstr(answer, "hello"); ms += 20) {
        run_for(20);
        ssize_t got = recv(client, answer + len, sizeof(answer) - 1 - len, MSG_DONTWAIT);
        len += got > 0 ? (size_t)got : 0;
    }
    return strstr(answer, "hello") != NULL;
}

/* No descriptor is left: the client waits, and the loop does not spin meanwhile. */
START_TEST(waits_when_descriptors_run_out)
{
    struct xf_http *http = NULL;
    struct xf_texts hosts = {0};
    struct xf_http_opts opts = {.loop = loop, .hosts = &hosts};
    struct xf_addr addr;
    struct rlimit old, few;
    int fds[64], count = 0;
    ck_assert_int_eq(xf_addr_parse(XF_SPAN("127.0.0.1:0"), 0, &opts.addr), XF_ERR_OK);
    ck_assert_int_eq(xf_http_open(&opts, &http, NULL), XF_ERR_OK);
    xf_http_serve(http, pages, 1, NULL);
    xf_http_addr(http, &addr);
    run_for(20);
    int client = client_of(&addr);
    getrlimit(RLIMIT_NOFILE, &old);
    few = old;
    few.rlim_cur = (rlim_t)client + 8;
    setrlimit(RLIMIT_NOFILE, &few);
    while (count < 64 && (fds[count] = dup(client)) >= 0)
        count++;
    clock_t before = clock();
    run_for(PAUSE_MS);
    long cpu_ms = (clock() - before) * 1000 / CLOCKS_PER_SEC;
    while (count > 0)
        close(fds[--count]);
    setrlimit(RLIMIT_NOFILE, &old);
    ck_assert_int_lt(cpu_ms, CPU_MS);
    ck_assert(is_answered(client));
    close(client);
    xf_http_close(&http);
}
END_TEST

static void begin(void)
{
    loop = xf_loop_new();
}

static void end(void)
{
    xf_loop_free(&loop);
}

int main(void)
{
    Suite *suite = suite_create("http/server");
    TCase *tests = tcase_create("server");
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, waits_when_descriptors_run_out);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
