/* SPDX-License-Identifier: MIT */
/*
 * watch.c — waits for a descriptor that a library reads and writes itself (libpq's connection).
 * Test: tests/unit/net/test_watch.c.
 *
 * A closed watch may be followed at once by another one for the same number: stopping takes the
 * descriptor out of epoll, so that the library may close it and get the number again.
 */
#include "loop_priv.h"

#include <xfed/base/alloc.h>

struct xf_loop_watch {
    struct xf_loop *loop;
    uv_poll_t uv;
    int events;
    bool is_paused;
    xf_loop_watch_fn ready;
    void *owner;
};

static void ready_cb(uv_poll_t *uv, int status, int events)
{
    struct xf_loop_watch *s = uv->data;

    (void)status; /* the library finds out what is wrong when it reads */
    (void)events;
    xf_loop_touch(s->loop);
    s->ready(s->owner);
}

static void watch_closed_cb(uv_handle_t *handle)
{
    xf_free(handle->data);
}

enum xf_err xf_loop_watch_open(struct xf_loop *loop, int descriptor, bool for_writing,
                               xf_loop_watch_fn ready, void *owner,
                               struct xf_loop_watch **out_watch)
{
    struct xf_loop_watch *s = xf_new(struct xf_loop_watch);

    s->loop = loop;
    s->ready = ready;
    s->owner = owner;
    if (uv_poll_init(&loop->uv, &s->uv, descriptor) != 0) {
        xf_free(s);
        return XF_ERR_IO;
    }
    s->uv.data = s;
    s->events = UV_READABLE | (for_writing ? UV_WRITABLE : 0);
    xf_require(uv_poll_start(&s->uv, s->events, ready_cb) == 0);
    *out_watch = s;
    return XF_ERR_OK;
}

void xf_loop_watch_pause(struct xf_loop_watch *s, bool pause)
{
    if (s->is_paused == pause)
        return;
    s->is_paused = pause;
    if (pause)
        uv_poll_stop(&s->uv);
    else
        xf_require(uv_poll_start(&s->uv, s->events, ready_cb) == 0);
}

void xf_loop_watch_close(struct xf_loop_watch **watch)
{
    struct xf_loop_watch *s = *watch;

    if (!s)
        return;
    *watch = NULL;
    uv_poll_stop(&s->uv);
    uv_close((uv_handle_t *)&s->uv, watch_closed_cb);
}
