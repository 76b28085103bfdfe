/* SPDX-License-Identifier: MIT */
/*
 * dns.h — one question, one answer. struct xf_dns is the seam: dns/client.c asks servers over UDP
 * and TCP with a cache, tests answer from a table.
 */
#pragma once

#include <stdint.h>
#include <xfed/base/err.h>
#include <xfed/base/span.h>
#include <xfed/net/loop.h>
#include <xfed/tls/tlsa.h>

#define XF_DNS_NAME_MAX    255
#define XF_DNS_RECORDS_MAX 64 /* of one answer; more are cut */

enum xf_dns_type { XF_DNS_A = 1, XF_DNS_AAAA = 28, XF_DNS_SRV = 33, XF_DNS_TLSA = 52 };

enum xf_dns_status {
    XF_DNS_FOUND,   /* count > 0 */
    XF_DNS_NO_DATA, /* the name exists, the type does not */
    XF_DNS_NXDOMAIN,
    XF_DNS_FAILED, /* SERVFAIL, refused, malformed, CNAME loop, or no server answered in time */
};

struct xf_dns_record {
    uint16_t priority, weight, port;  /* SRV */
    char target[XF_DNS_NAME_MAX + 1]; /* SRV: lower case, no trailing dot; "" is the root "." */
    uint8_t address[16];              /* A (4 bytes), AAAA */
    struct xf_tlsa tlsa;              /* TLSA; its data is borrowed for the callback */
};

struct xf_dns_answer {
    enum xf_dns_status status;
    /* AD bit of every answer that it is made of, each from a resolver we trust */
    bool is_secure;
    const struct xf_dns_record *records; /* borrowed for the callback */
    size_t count;
    const char *detail; /* words, never NULL: "SERVFAIL from 127.0.0.1:53" */
};

typedef void (*xf_dns_answered_fn)(void *owner, const struct xf_dns_answer *answer);

struct xf_dns;
struct xf_dns_query;

struct xf_dns_ops {
    /*
     * Exactly one `answered`, never from within, unless cancelled; the query is dead once it was
     * called. `name`: lower-case LDH (and '_'), no trailing dot; what cannot be a name of the DNS
     * is answered FAILED.
     */
    struct xf_dns_query *(*ask)(struct xf_dns *dns, const char *name, enum xf_dns_type type,
                                xf_dns_answered_fn answered, void *owner);
    /*
     * Ask nobody: NO_DATA comes on a later turn. For a caller that knows its result at once and
     * must not give it yet.
     */
    struct xf_dns_query *(*later)(struct xf_dns *dns, xf_dns_answered_fn answered, void *owner);
    void (*cancel)(struct xf_dns *dns, struct xf_dns_query *query);
};

struct xf_dns { /* embedded first in an implementation */
    const struct xf_dns_ops *ops;
    bool may_be_secure; /* some server's AD bit is believed: looking for TLSA records is worth it */
};

struct xf_dns_client_opts {
    const struct xf_addr *servers; /* copied; none: the nameservers of resolv_conf */
    size_t server_count;
    const char *resolv_conf; /* "/etc/resolv.conf" */
    /* "/etc/hosts", "" for none; read at start and when its mtime changes, once a minute */
    const char *hosts_file;
    bool trust_ad;        /* AD counts also from servers that are not loopback */
    unsigned timeout_ms;  /* for one question in all */
    size_t cache_entries; /* ceiling of the cache */
};

/*
 * Real resolver on the loop; hosts_file (never secure) before DNS for A and AAAA. XF_ERR_CONFIG
 * when there is no server at all.
 */
XF_MUST_USE enum xf_err xf_dns_client_new(struct xf_loop *loop,
                                          const struct xf_dns_client_opts *opts,
                                          struct xf_dns **out_dns, struct xf_error *err);
/*
 * Cancels what is under way (nobody is answered) and closes its sockets; the loop must still turn
 * once for their ends. Not from within `answered`.
 */
void xf_dns_client_free(struct xf_dns **dns);

/*
 * Nobody waits for an answer of it, and none is being given: it may be freed without anybody
 * missing it.
 */
bool xf_dns_client_is_idle(const struct xf_dns *dns);

/*
 * Clients of other servers than the usual ones, made when they are asked for, each with a cache of
 * its own; kept until another needs the place. `opts` are copied and hold for each of them, but
 * servers and resolv_conf.
 */
#define XF_DNS_POOL_MAX 32
struct xf_dns_pool;
struct xf_dns_pool *xf_dns_pool_new(struct xf_loop *loop, const struct xf_dns_client_opts *opts);
void xf_dns_pool_free(struct xf_dns_pool **pool); /* as xf_dns_client_free */

/*
 * The client of these servers; good until the next call. NULL: XF_DNS_POOL_MAX others are all at
 * work.
 */
struct xf_dns *xf_dns_pool_get(struct xf_dns_pool *pool, const struct xf_addr *servers,
                               size_t count);
size_t xf_dns_pool_count(const struct xf_dns_pool *pool);
