/* SPDX-License-Identifier: MIT */
/*
 * pool.c — DNS clients for peers with servers of their own (dns-servers).
 *
 * A client is found by its list of servers, as written. An idle client costs a cache but no socket,
 * so it stays until another list needs its place; then the one that was unused for the longest time
 * is freed. A client with open queries is never freed.
 */
#include <xfed/dns/dns.h>

#include <xfed/base/alloc.h>
#include <xfed/base/map.h>

#include "resolv_priv.h"

struct member {
    struct xf_dns *dns;
    uint64_t used; /* the pool's count of gets, then */
};

struct xf_dns_pool {
    struct xf_loop *loop;
    struct xf_dns_client_opts opts;
    char *hosts_file;
    struct xf_map *by_servers; /* -> struct member */
    uint64_t gets;
};

struct xf_dns_pool *xf_dns_pool_new(struct xf_loop *loop, const struct xf_dns_client_opts *opts)
{
    struct xf_dns_pool *pool = xf_new(struct xf_dns_pool);

    pool->loop = loop;
    pool->opts = *opts;
    pool->opts.resolv_conf = NULL;
    pool->hosts_file = xf_strdup(opts->hosts_file ? opts->hosts_file : "");
    pool->opts.hosts_file = pool->hosts_file;
    pool->by_servers = xf_map_new();
    return pool;
}

static void free_member(struct member *member)
{
    xf_dns_client_free(&member->dns);
    xf_free(member);
}

void xf_dns_pool_free(struct xf_dns_pool **pool)
{
    size_t cursor = 0;
    void *member;

    if (!*pool)
        return;
    while (xf_map_next((*pool)->by_servers, &cursor, NULL, &member))
        free_member(member);
    xf_map_free(&(*pool)->by_servers);
    xf_free((*pool)->hosts_file);
    xf_free(*pool);
    *pool = NULL;
}

/* False: all are at work. */
static bool make_room(struct xf_dns_pool *pool)
{
    struct member *oldest = NULL;
    char *servers = NULL;
    size_t cursor = 0;
    struct xf_span key;
    void *value;

    if (xf_map_count(pool->by_servers) < XF_DNS_POOL_MAX)
        return true;
    while (xf_map_next(pool->by_servers, &cursor, &key, &value)) {
        struct member *member = value;
        if (!xf_dns_client_is_idle(member->dns) || (oldest && oldest->used <= member->used))
            continue;
        oldest = member;
        xf_free(servers);
        servers = xf_span_dup(key);
    }
    if (oldest) {
        xf_map_remove(pool->by_servers, xf_span_of(servers));
        free_member(oldest);
    }
    xf_free(servers);
    return oldest != NULL;
}

static struct member *add(struct xf_dns_pool *pool, struct xf_span key,
                          const struct xf_addr *servers, size_t count)
{
    if (!make_room(pool))
        return NULL;
    struct member *member = xf_new(struct member);
    struct xf_dns_client_opts opts = pool->opts;
    opts.servers = servers;
    opts.server_count = count;
    member->dns = xf_dns_client_new(pool->loop, &opts);
    xf_map_set(pool->by_servers, key, member);
    return member;
}

struct xf_dns *xf_dns_pool_get(struct xf_dns_pool *pool, const struct xf_addr *servers,
                               size_t count)
{
    char text[XF_DNS_SERVERS_TEXT_BYTES];

    xf_require(count > 0);
    const struct xf_span key = {text, xf_dns_servers_text(servers, count, text)};
    struct member *member = xf_map_find(pool->by_servers, key);
    if (!member)
        member = add(pool, key, servers, count);
    if (!member)
        return NULL;
    member->used = ++pool->gets;
    return member->dns;
}

size_t xf_dns_pool_count(const struct xf_dns_pool *pool)
{
    return xf_map_count(pool->by_servers);
}
