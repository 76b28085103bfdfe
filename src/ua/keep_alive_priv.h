/* SPDX-License-Identifier: MIT */
/*
 * keep_alive_priv.h — pings and pongs of a conn (RFC 5626 sections 3.5.1 and 4.4.1): a double CRLF
 * is a ping, a single one its answer. Values only: the flow writes and ends (keep_alive.c).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct xf_keep_alive { /* starts zeroed */
    bool has_odd;      /* half of a ping has come; a message makes it nothing */
    bool awaits_pong;  /* our ping is out, since pinged_ms */
    bool has_pong;     /* the peer has answered one */
    bool is_mute;      /* it did not answer the first one, so it gets no more */
    uint64_t pinged_ms;
};

enum xf_keep_alive_due {
    XF_KEEP_ALIVE_FINE,
    XF_KEEP_ALIVE_PING, /* send one now */
    XF_KEEP_ALIVE_DEAD, /* it does not answer any more */
};

/* So many CRLFs came in a run. Returns how many pongs are due. */
size_t xf_keep_alive_crlfs(struct xf_keep_alive *alive, size_t count);

/* For conns of ours, now and then; `heard_ms`: when the peer last sent anything. */
enum xf_keep_alive_due xf_keep_alive_tick(struct xf_keep_alive *alive, uint64_t now_ms,
                                          uint64_t heard_ms, uint64_t ping_ms);
