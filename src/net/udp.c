/* SPDX-License-Identifier: MIT */
/*
 * udp.c — a connected UDP socket, for DNS queries and their answers.
 *
 * Connecting makes the kernel pick a random source port and drop datagrams of others (RFC 5452
 * §9.2). A datagram that cannot be sent now is an error; it is not queued, since callers have a
 * retry timer anyway. An ICMP "port unreachable" shows as an error of the next send; when reading
 * we ignore it, since anybody can forge one. Test: tests/unit/net/test_loop.c.
 */
#include "loop_priv.h"

#include <xfed/base/alloc.h>

struct xf_udp {
    struct xf_loop *loop;
    uv_udp_t uv;
    xf_datagram_fn received;
    void *owner;
};

static void received_cb(uv_udp_t *uv, ssize_t count, const uv_buf_t *buf,
                        const struct sockaddr *from, unsigned flags)
{
    struct xf_udp *s = uv->data;

    (void)from;
    xf_loop_touch(s->loop);
    if (count > 0 && !(flags & UV_UDP_PARTIAL))
        s->received(s->owner, (const uint8_t *)buf->base, (size_t)count);
}

static void udp_closed_cb(uv_handle_t *handle)
{
    struct xf_udp *s = handle->data;

    xf_free(s);
}

enum xf_err xf_udp_open(struct xf_loop *loop, const struct xf_addr *to, xf_datagram_fn received,
                        void *owner, struct xf_udp **out_udp)
{
    struct xf_udp *s = xf_new(struct xf_udp);

    s->loop = loop;
    s->received = received;
    s->owner = owner;
    if (uv_udp_init(&loop->uv, &s->uv) != 0) {
        xf_free(s);
        return XF_ERR_IO;
    }
    s->uv.data = s;
    if (uv_udp_connect(&s->uv, &to->sa) != 0 ||
        uv_udp_recv_start(&s->uv, xf_loop_lend_buf, received_cb) != 0) {
        xf_udp_close(&s);
        return XF_ERR_IO;
    }
    *out_udp = s;
    return XF_ERR_OK;
}

enum xf_err xf_udp_send(struct xf_udp *udp, const uint8_t *bytes, size_t len)
{
    uv_buf_t buf = uv_buf_init((char *)(uintptr_t)bytes, (unsigned)len); /* libuv only reads it */
    int sent = uv_udp_try_send(&udp->uv, &buf, 1, NULL);

    if (sent == UV_ECONNREFUSED)
        return XF_ERR_REFUSED;
    return sent >= 0 ? XF_ERR_OK : XF_ERR_IO;
}

void xf_udp_close(struct xf_udp **udp)
{
    struct xf_udp *s = *udp;

    if (!s)
        return;
    *udp = NULL;
    uv_close((uv_handle_t *)&s->uv, udp_closed_cb);
}
