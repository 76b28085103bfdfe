/* SPDX-License-Identifier: MIT */
/*
 * loop.c — the event loop: clock, timers, signals and jobs of the thread pool over libuv.
 *
 * One turn of uv_run and what we do in it:
 *   prepare   flush conns which became dirty after the last check; let greedy conns read again; set
 * `wake` to the next due timer, or `idle` so that the wait is none when conns are dirty still wait
 * libuv waits, then calls back for each event; each callback moves the clock (to the same value,
 *             since libuv asks the system once per wait)
 *   check     due timers fire; then every conn with output is flushed once
 *   closing   closed handles: events->closed
 * The check handle keeps uv_run alive, so it runs until xf_loop_stop. Timers live in our own heap
 * (timer.c) and not in libuv's, because the sans-I/O layers use the same ones under a fake clock.
 * Test: tests/unit/net/test_loop.c.
 */
#include "loop_priv.h"

#include <signal.h>

#include <xfed/base/alloc.h>

#define SPARE_WIRE_MAX_BYTES (16u << 20)

struct xf_signal_watch {
    uv_signal_t uv;
    void (*fn)(void *owner);
    void *owner;
    struct xf_signal_watch *next;
};

struct job {
    uv_work_t uv;
    void (*work)(void *owner);
    void (*done)(void *owner);
    void *owner;
};

void xf_loop_lend_buf(uv_handle_t *handle, size_t suggested, uv_buf_t *out_buf)
{
    struct xf_loop *loop = handle->loop->data;

    (void)suggested;
    *out_buf = uv_buf_init(loop->read_buf, sizeof(loop->read_buf));
}

static void wake_cb(uv_timer_t *handle)
{
    struct xf_loop *loop = handle->loop->data;

    loop->wake_at_ms = UINT64_MAX; /* the timers themselves fire in the check */
}

static void idle_cb(uv_idle_t *handle)
{
    (void)handle; /* its only purpose is to be active */
}

static void arm_wake(struct xf_loop *loop)
{
    uint64_t at_ms = xf_timers_next_ms(loop->timers);

    if (at_ms == loop->wake_at_ms)
        return;
    loop->wake_at_ms = at_ms;
    if (at_ms == UINT64_MAX)
        uv_timer_stop(&loop->wake);
    else
        uv_timer_start(&loop->wake, wake_cb,
                       at_ms > loop->clock.now_ms ? at_ms - loop->clock.now_ms : 0, 0);
}

static void prepare_cb(uv_prepare_t *handle)
{
    struct xf_loop *loop = handle->loop->data;
    uint64_t began_ms = loop->clock.now_ms; /* moved when the last wait ended */

    xf_loop_touch(loop);
    xf_histogram_add(&loop->turns, loop->clock.now_ms - began_ms);
    xf_conns_flush(loop);
    xf_conns_resume(loop);
    arm_wake(loop);
    if (xf_list_is_empty(&loop->dirty))
        uv_idle_stop(&loop->idle);
    else
        uv_idle_start(&loop->idle, idle_cb);
}

static void check_cb(uv_check_t *handle)
{
    struct xf_loop *loop = handle->loop->data;

    xf_loop_touch(loop);
    xf_timers_run(loop->timers);
    xf_conns_flush(loop);
}

static void init_handles(struct xf_loop *loop)
{
    loop->uv.data = loop;
    uv_prepare_init(&loop->uv, &loop->prepare);
    uv_check_init(&loop->uv, &loop->check);
    uv_idle_init(&loop->uv, &loop->idle);
    uv_timer_init(&loop->uv, &loop->wake);
    uv_prepare_start(&loop->prepare, prepare_cb);
    uv_check_start(&loop->check, check_cb);
}

static void work_cb(uv_work_t *uv)
{
    struct job *job = uv->data;

    job->work(job->owner);
}

static void work_done_cb(uv_work_t *uv, int status)
{
    struct job *job = uv->data;

    (void)status; /* jobs are never cancelled */
    xf_loop_touch(uv->loop->data);
    job->done(job->owner);
    xf_free(job);
}

static void run_job(struct xf_pool *pool, void (*work)(void *owner), void (*done)(void *owner),
                    void *owner)
{
    struct xf_loop *loop = XF_CONTAINER(pool, struct xf_loop, pool);
    struct job *job = xf_new(struct job);

    job->uv.data = job;
    job->work = work;
    job->done = done;
    job->owner = owner;
    xf_require(uv_queue_work(&loop->uv, &job->uv, work_cb, work_done_cb) == 0);
}

struct xf_loop *xf_loop_new(void)
{
    struct xf_loop *loop = xf_new(struct xf_loop);

    loop->pool.run = run_job;
    /* libuv writes without MSG_NOSIGNAL. */
    signal(SIGPIPE, SIG_IGN);
    xf_require(uv_loop_init(&loop->uv) == 0);
    init_handles(loop);
    xf_loop_touch(loop);
    loop->timers = xf_timers_new(&loop->clock);
    loop->wake_at_ms = UINT64_MAX;
    xf_list_init(&loop->conns);
    xf_list_init(&loop->dirty);
    xf_list_init(&loop->greedy);
    xf_list_init(&loop->warm);
    xf_list_init(&loop->paused);
    xf_list_init(&loop->guests);
    xf_timer_init(&loop->look, xf_conns_look, loop);
    xf_timer_init(&loop->sweep, xf_conns_sweep, loop);
    xf_timer_init(&loop->trim, xf_conns_trim, loop);
    xf_buf_init(&loop->spare_wire, SPARE_WIRE_MAX_BYTES);
    return loop;
}

static void signal_closed_cb(uv_handle_t *handle)
{
    struct xf_signal_watch *watch = handle->data;

    xf_free(watch);
}

static void close_signals(struct xf_loop *loop)
{
    while (loop->signals) {
        struct xf_signal_watch *watch = loop->signals;
        loop->signals = watch->next;
        uv_close((uv_handle_t *)&watch->uv, signal_closed_cb);
    }
}

void xf_loop_free(struct xf_loop **loop)
{
    struct xf_loop *s = *loop;

    if (!s)
        return;
    /*
     * Conns that were closed may still linger; this last run delivers their closed events and the
     * done callbacks.
     */
    xf_conns_end(s);
    XF_LIST_EACH (node, &s->guests) {
        struct xf_loop_guest *guest = XF_CONTAINER(node, struct xf_loop_guest, node);
        guest->end(guest);
    }
    close_signals(s);
    uv_close((uv_handle_t *)&s->prepare, NULL);
    uv_close((uv_handle_t *)&s->check, NULL);
    uv_close((uv_handle_t *)&s->idle, NULL);
    uv_close((uv_handle_t *)&s->wake, NULL);
    uv_run(&s->uv, UV_RUN_DEFAULT);
    if (uv_loop_alive(&s->uv)) /* xf_loop_stop was called and no xf_loop_run followed */
        uv_run(&s->uv, UV_RUN_DEFAULT);
    xf_require(uv_loop_close(&s->uv) == 0);
    xf_timer_stop(&s->sweep);
    xf_timer_stop(&s->trim);
    xf_timer_stop(&s->look);
    xf_timers_free(&s->timers);
    xf_buf_release(&s->spare_wire);
    xf_free(s);
    *loop = NULL;
}

void xf_loop_end_threads(void)
{
    uv_library_shutdown();
}

void xf_loop_run(struct xf_loop *loop)
{
    uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void xf_loop_stop(struct xf_loop *loop)
{
    uv_stop(&loop->uv);
}

const struct xf_histogram *xf_loop_turns(const struct xf_loop *loop)
{
    return &loop->turns;
}

const struct xf_clock *xf_loop_clock(const struct xf_loop *loop)
{
    return &loop->clock;
}

struct xf_timers *xf_loop_timers(struct xf_loop *loop)
{
    return loop->timers;
}

static void signal_cb(uv_signal_t *handle, int signum)
{
    struct xf_signal_watch *watch = handle->data;

    (void)signum;
    xf_loop_touch(handle->loop->data);
    watch->fn(watch->owner);
}

static struct xf_signal_watch *find_signal(const struct xf_loop *loop, int signum)
{
    struct xf_signal_watch *watch = loop->signals;

    while (watch && watch->uv.signum != signum)
        watch = watch->next;
    return watch;
}

void xf_loop_on_signal(struct xf_loop *loop, int signum, void (*fn)(void *owner), void *owner)
{
    struct xf_signal_watch *watch = find_signal(loop, signum);

    if (!watch) {
        watch = xf_new(struct xf_signal_watch);
        watch->next = loop->signals;
        loop->signals = watch;
        xf_require(uv_signal_init(&loop->uv, &watch->uv) == 0);
        watch->uv.data = watch;
        xf_require(uv_signal_start(&watch->uv, signal_cb, signum) == 0);
    }
    watch->fn = fn;
    watch->owner = owner;
}

struct xf_pool *xf_loop_pool(struct xf_loop *loop)
{
    return &loop->pool;
}
