/* SPDX-License-Identifier: MIT */
/*
 * view.h — what an operator may see of SIP conns and next hops, and do to them. A view is made for
 * the call, and everything in it is borrowed until the call returns.
 */
#pragma once

#include <xfed/ua/ua.h>

struct xf_ua_conn_view {
    uint64_t number; /* as conn= in the log */
    enum xf_ua_dir dir;
    /* Ours: whose next hop it is. Accepted: who sent a request over it last; NULL: nobody did. */
    const char *peer;
    const char *server; /* ours: the host that was looked up; else NULL */
    const char *addr;
    const char *state;        /* a word: connecting, securing, judging, open */
    const char *tls, *cipher; /* NULL: no TLS, or not yet */
    bool is_open, is_paused;  /* paused: we do not read it now */
    uint64_t age_ms;          /* since it is open; 0: it is not yet */
    uint64_t idle_ms;         /* since the last message */
    unsigned asked, open;     /* requests without a final answer: of ours, of the peer */
};
typedef void (*xf_ua_conn_view_fn)(void *owner, const struct xf_ua_conn_view *view);

/*
 * Show up to `most` conns, in the order in which they began; `*at` is where that stands, and starts
 * with 0. False: those were the last ones.
 */
bool xf_ua_view_conns(const struct xf_ua *ua, uint64_t *at, size_t most, xf_ua_conn_view_fn show,
                      void *owner);

struct xf_ua_hop_view {
    size_t conns;           /* open ones, by which requests to it go */
    size_t waiting, asked;  /* requests that wait for a conn; all without a final answer */
    enum xf_ua_cause cause; /* NONE: it has not failed a moment ago */
    const char *text;       /* the same for people; "" */
    uint64_t retry_ms;      /* it failed, and is left alone for so long */
};
/* The next hop of this name (xf_ua_hop.name), as we are now; all is 0 where there is none. */
void xf_ua_view_hop(const struct xf_ua *ua, struct xf_span name, struct xf_ua_hop_view *out);

/*
 * End conns: those of a peer, both ways, or the one of this number. Requests of ours on them end
 * without an answer. Returns how many there were.
 */
size_t xf_ua_close_peer(struct xf_ua *ua, struct xf_span peer);
size_t xf_ua_close_conn(struct xf_ua *ua, uint64_t number);
