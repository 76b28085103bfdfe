/* SPDX-License-Identifier: MIT */
/*
 * exchange_priv.h — asks the servers one question until one of them answers, and follows aliases.
 */
#pragma once

#include <xfed/dns/dns.h>

#include "resolv_priv.h"

/* Does a server understand EDNS? exchange.c */
struct xf_dns_edns {
    enum { XF_DNS_EDNS_UNKNOWN, XF_DNS_EDNS_SPEAKS, XF_DNS_EDNS_LACKS } is;
    uint64_t until_ms;
    unsigned silences; /* in a row: silent with EDNS, an answer without */
};

struct xf_dns_servers {
    struct xf_addr list[XF_DNS_SERVERS_MAX];
    struct xf_dns_edns edns[XF_DNS_SERVERS_MAX];
    size_t count;
    size_t first; /* the server to ask first: the one that answered last */
    bool trust_ad;
    unsigned timeout_ms;
};

/* Do we trust this server's AD bit? */
bool xf_dns_server_is_believed(const struct xf_dns_servers *servers, size_t index);

struct xf_exchange;

/* `ttl_s`: how long the answer may be kept. */
typedef void (*xf_exchanged_fn)(void *owner, const struct xf_dns_answer *answer, uint32_t ttl_s);

/*
 * `done` is called once, after this function has returned, unless freed before; then the exchange
 * frees itself. `servers` is borrowed.
 */
struct xf_exchange *xf_exchange_start(struct xf_loop *loop, struct xf_dns_servers *servers,
                                      const char *name, enum xf_dns_type type, xf_exchanged_fn done,
                                      void *owner);
void xf_exchange_free(struct xf_exchange **exchange);
