/* SPDX-License-Identifier: MIT */
/*
 * dns.h — one query, one answer, through the interface struct xf_dns: src/dns/client.c asks servers
 * over UDP and TCP and caches; tests answer from a table.
 */
#pragma once

#include <stdint.h>
#include <xfed/base/err.h>
#include <xfed/base/help.h>
#include <xfed/base/span.h>
#include <xfed/net/loop.h>
#include <xfed/tls/tlsa.h>

#define XF_DNS_NAME_MAX    255
#define XF_DNS_RECORDS_MAX 64 /* records of one answer; further ones are dropped */

enum xf_dns_type {
    XF_DNS_A = 1,
    XF_DNS_AAAA = 28,
    XF_DNS_SRV = 33,
    XF_DNS_NAPTR = 35,
    XF_DNS_TLSA = 52
};

#define XF_NAPTR_SERVICE_MAX 15 /* bytes; longer services are none that anybody here follows */

enum xf_dns_status {
    XF_DNS_FOUND,   /* count > 0 */
    XF_DNS_NO_DATA, /* the name exists, the type does not */
    XF_DNS_NXDOMAIN,
    XF_DNS_FAILED, /* SERVFAIL, refused, malformed, CNAME loop, or no server answered in time */
};

struct xf_dns_record {
    uint16_t priority, weight; /* SRV; NAPTR: order and preference (RFC 3403 §4.1) */
    uint16_t port;             /* SRV */
    /* SRV, and the replacement of NAPTR: lower case, no trailing dot; "" is the root "." */
    char target[XF_DNS_NAME_MAX + 1];
    char service[XF_NAPTR_SERVICE_MAX + 1]; /* NAPTR: upper case, "SIPS+D2T" */
    uint8_t address[16];                    /* A (4 bytes), AAAA */
    struct xf_tlsa tlsa;                    /* TLSA; its data is borrowed for the callback */
};

struct xf_dns_answer {
    enum xf_dns_status status;
    /* All answers that it was built from had the AD bit, from a resolver that we trust. */
    bool is_secure;
    const struct xf_dns_record *records; /* borrowed for the callback */
    size_t count;
    const char *detail; /* text, never NULL: "SERVFAIL from 127.0.0.1:53 (Signature Expired)" */
    enum xf_help help;  /* FAILED: why */
};

typedef void (*xf_dns_answered_fn)(void *owner, const struct xf_dns_answer *answer);

struct xf_dns;
struct xf_dns_query;

struct xf_dns_ops {
    /*
     * Ask. `answered` is called exactly once, after this function has returned; not at all if
     * cancelled. Then the query no longer exists. `name`: lower-case LDH (and '_'), no trailing
     * dot; a name that DNS cannot hold is answered with FAILED.
     */
    struct xf_dns_query *(*ask)(struct xf_dns *dns, const char *name, enum xf_dns_type type,
                                xf_dns_answered_fn answered, void *owner);
    /*
     * Call `answered` with NO_DATA on a later turn, without asking anybody. For a caller that has
     * its result at once and must not deliver it yet.
     */
    struct xf_dns_query *(*later)(struct xf_dns *dns, xf_dns_answered_fn answered, void *owner);
    void (*cancel)(struct xf_dns *dns, struct xf_dns_query *query);
};

struct xf_dns { /* embedded first in an implementation */
    const struct xf_dns_ops *ops;
    /*
     * We trust the AD bit of some server, so looking up TLSA records makes sense. May change with
     * the servers.
     */
    bool may_be_secure;
};

struct xf_dns_client_opts {
    const struct xf_addr *servers; /* copied; none: the nameservers of resolv_conf */
    size_t server_count;
    /*
     * "/etc/resolv.conf"; read at start and when it changes: see xf_dns_client_reload. While it
     * names no server, we ask 127.0.0.1, as the C library does.
     */
    const char *resolv_conf;
    /* "/etc/hosts", "" for none; read at start and when its mtime changes, once a minute */
    const char *hosts_file;
    bool trust_ad;        /* trust AD from servers beyond loopback too */
    unsigned timeout_ms;  /* for one query, retries included */
    size_t cache_entries; /* maximum size of the cache */
};

/* Real resolver on the loop; hosts_file (never secure) before DNS for A and AAAA. */
struct xf_dns *xf_dns_client_new(struct xf_loop *loop, const struct xf_dns_client_opts *opts);

/*
 * Checks now whether resolv_conf has changed; a query does so once a minute, or once a second while
 * no server was named. Other servers get the open queries too. `answered` is not called from here.
 */
void xf_dns_client_reload(struct xf_dns *dns);

/*
 * Cancels all queries (`answered` is not called) and closes the sockets; the loop must run one more
 * turn for their close callbacks. Do not call it from `answered`.
 */
void xf_dns_client_free(struct xf_dns **dns);

/* No query is open, and no `answered` is running: the client may be freed. */
bool xf_dns_client_is_idle(const struct xf_dns *dns);

/*
 * Clients for other servers than the configured ones, created on demand, each with its own cache,
 * and kept until another one needs the place. `opts` are copied and apply to each client, except
 * servers and resolv_conf.
 */
#define XF_DNS_POOL_MAX 32
struct xf_dns_pool;
struct xf_dns_pool *xf_dns_pool_new(struct xf_loop *loop, const struct xf_dns_client_opts *opts);
void xf_dns_pool_free(struct xf_dns_pool **pool); /* as xf_dns_client_free */

/*
 * The client for these servers, valid until the next call. NULL: all XF_DNS_POOL_MAX clients have
 * open queries.
 */
struct xf_dns *xf_dns_pool_get(struct xf_dns_pool *pool, const struct xf_addr *servers,
                               size_t count);
size_t xf_dns_pool_count(const struct xf_dns_pool *pool);
