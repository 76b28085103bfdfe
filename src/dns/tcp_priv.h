/* SPDX-License-Identifier: MIT */
/* tcp_priv.h — one question over TCP (RFC 7766): two bytes of length and the message, each way. */
#pragma once

#include <xfed/net/loop.h>

struct xf_dns_tcp;

struct xf_dns_tcp_events {
    /* The first message came; then call xf_dns_tcp_close. */
    void (*received)(void *owner, const uint8_t *message, size_t len);
    /* No message will come; then call xf_dns_tcp_close. */
    void (*failed)(void *owner, const char *detail);
};

/*
 * `message` is copied. One of the events is called, after this function has returned, unless closed
 * before.
 */
struct xf_dns_tcp *xf_dns_tcp_ask(struct xf_loop *loop, const struct xf_addr *server,
                                  const uint8_t *message, size_t len, unsigned timeout_ms,
                                  const struct xf_dns_tcp_events *events, void *owner);
void xf_dns_tcp_close(struct xf_dns_tcp **tcp); /* NULL is allowed; may be called in an event */
