/* SPDX-License-Identifier: MIT */
/*
 * client.c — the resolver of the running program: hosts file, cache, servers.
 *
 * A query is answered from the hosts file (addresses only), else from the cache, else by an
 * exchange with the servers. Further queries for the same name and type join the exchange that is
 * under way (struct pending). An answer that is known at once is stored with the query and
 * delivered by a timer of 0 ms, since xf_dns.ask must return before `answered` is called.
 *
 *  - Answers from the hosts file are never secure: AD is about zones, and a file that overrides a
 *    zone is exactly what DNSSEC would detect. So we accept no TLSA record for names in it.
 *  - The last one to cancel ends the exchange.
 *  - Each exchange needs a socket, and strangers choose the domains that we look up: so
 *    EXCHANGES_MAX run at a time, and the others wait. The newest goes first, since in a flood
 *    those who wait for the oldest have given up. When many unanswered exchanges are about one
 *    owner's domains (xmpp/owner.h), one of them is postponed for a query about another owner's.
 *  - While a pending delivers its answer, it is no longer in the map: a query made in `answered`
 *    starts a new exchange (or finds the answer in the cache, if it may be cached).
 *  - When resolv.conf names other servers (resolv.c), exchanges start again with them, and the
 *    cache is emptied: another network may have another view of names, and its servers' AD may not
 *    be trusted.
 */
#include <xfed/dns/dns.h>

#include <xfed/base/alloc.h>
#include <xfed/base/help.h>
#include <xfed/base/list.h>
#include <xfed/base/log.h>
#include <xfed/base/map.h>
#include <xfed/limits/quota.h>
#include <xfed/xmpp/owner.h>

#include "cache_priv.h"
#include "exchange_priv.h"
#include "hosts_priv.h"
#include "key_priv.h"
#include "resolv_priv.h"

#define EXCHANGES_MAX 256
#define SLOW_MS       2000 /* an exchange this old may be postponed */

struct pending { /* one question, with all queries that wait for it */
    struct xf_node queries;
    struct xf_node waiting;       /* in client->waiting, until there is a socket for it */
    struct xf_exchange *exchange; /* NULL before, and once it is answered */
    struct xf_place place;        /* held while there is an exchange */
    struct client *client;
    char name[XF_DNS_NAME_MAX + 1];
    enum xf_dns_type type;
    uint64_t asked_ms;
};

struct xf_dns_query {    /* an asker */
    struct xf_node node; /* in pending->queries or client->known */
    struct pending *pending;
    xf_dns_answered_fn answered;
    void *owner;
    struct xf_timer timer; /* delivers an answer that is known at once */
    struct client *client; /* for such an answer */
    struct xf_dns_answer *answer;
};

struct client {
    struct xf_dns seam;
    struct xf_loop *loop;
    struct xf_dns_servers servers;
    struct xf_dns_resolv resolv; /* without a file if servers are configured */
    struct xf_dns_hosts *hosts;
    struct xf_dns_cache *cache;
    size_t cache_entries;
    struct xf_map *pending;
    struct xf_node known; /* queries whose answer is known but not delivered yet */
    unsigned answering;   /* how many `answered` callbacks are running */
    struct xf_node waiting;
    struct xf_quota running; /* exchanges, counted by the owner of the name */
};

static void query_free(struct xf_dns_query *query)
{
    xf_timer_stop(&query->timer);
    xf_list_remove(&query->node);
    xf_free(query->answer);
    xf_free(query);
}

static struct xf_dns_query *query_new(struct xf_node *list, xf_dns_answered_fn answered,
                                      void *owner)
{
    struct xf_dns_query *query = xf_new(struct xf_dns_query);

    query->answered = answered;
    query->owner = owner;
    xf_list_push(list, &query->node);
    return query;
}

static void answer_query(struct client *client, struct xf_dns_query *query,
                         const struct xf_dns_answer *answer)
{
    xf_dns_answered_fn answered = query->answered;
    void *owner = query->owner;

    query_free(query);
    client->answering++;
    answered(owner, answer);
    client->answering--;
}

static void on_known(void *owner)
{
    struct xf_dns_query *query = owner;
    struct xf_dns_answer *answer = query->answer;

    query->answer = NULL;
    answer_query(query->client, query, answer);
    xf_free(answer);
}

static struct xf_dns_query *answer_soon(struct client *client, const struct xf_dns_answer *answer,
                                        xf_dns_answered_fn answered, void *owner)
{
    struct xf_dns_query *query = query_new(&client->known, answered, owner);

    query->client = client;
    query->answer = xf_dns_answer_dup(answer);
    xf_timer_init(&query->timer, on_known, query);
    xf_timer_start(xf_loop_timers(client->loop), &query->timer, 0);
    return query;
}

static void pending_remove(struct pending *pending)
{
    char key[XF_DNS_KEY_BYTES];

    xf_map_remove(pending->client->pending, xf_dns_key(pending->name, pending->type, key));
}

static const char *type_word(enum xf_dns_type type)
{
    switch (type) {
    case XF_DNS_A:
        return "A";
    case XF_DNS_AAAA:
        return "AAAA";
    case XF_DNS_SRV:
        return "SRV";
    case XF_DNS_NAPTR:
        return "NAPTR";
    case XF_DNS_TLSA:
        return "TLSA";
    }
    return "unknown";
}

static const char *status_word(enum xf_dns_status status)
{
    switch (status) {
    case XF_DNS_FOUND:
        return "found";
    case XF_DNS_NO_DATA:
        return "no-data";
    case XF_DNS_NXDOMAIN:
        return "nxdomain";
    case XF_DNS_FAILED:
        return "failed";
    }
    return "unknown";
}

static void on_exchanged(void *owner, const struct xf_dns_answer *answer, uint32_t ttl_s);

/* It starts again when all waiting ones have had their turn. */
static void put_off(struct pending *pending)
{
    xf_exchange_free(&pending->exchange);
    /* In front, where its turn comes last: the list is served from its end. */
    xf_list_push(pending->client->waiting.next, &pending->waiting);
}

/* Start it if there is room; otherwise it keeps waiting. */
static void try_start(struct pending *pending)
{
    static const struct xf_quota_limits limits = {.per_member = EXCHANGES_MAX,
                                                  .per_group = EXCHANGES_MAX,
                                                  .total = EXCHANGES_MAX,
                                                  .unused_ms = SLOW_MS};
    struct client *client = pending->client;
    struct xf_span owner = xf_domain_owner(xf_span_of(pending->name));
    const struct xf_quota_keys keys = {.group = owner, .member = owner};
    struct xf_place *evicted;

    if (xf_quota_take(&client->running, &pending->place, &keys, &limits,
                      xf_loop_clock(client->loop)->now_ms, &evicted) != XF_QUOTA_ROOM)
        return;
    if (evicted)
        put_off(XF_CONTAINER(evicted, struct pending, place));
    xf_list_remove(&pending->waiting);
    pending->exchange = xf_exchange_start(client->loop, &client->servers, pending->name,
                                          pending->type, on_exchanged, pending);
}

static void start_waiting(struct client *client)
{
    while (xf_quota_count(&client->running) < EXCHANGES_MAX && !xf_list_is_empty(&client->waiting))
        try_start(XF_CONTAINER(client->waiting.prev, struct pending, waiting));
}

static void on_exchanged(void *owner, const struct xf_dns_answer *answer, uint32_t ttl_s)
{
    struct pending *pending = owner;
    struct client *client = pending->client;

    xf_log(XF_LOG_DEBUG, "dns.query.answered", XF_STR("name", pending->name),
           XF_WORD("type", type_word(pending->type)),
           XF_WORD("result", status_word(answer->status)),
           XF_INT("ms", xf_loop_clock(client->loop)->now_ms - pending->asked_ms),
           XF_INT("records", answer->count), XF_WORD("secure", answer->is_secure ? "yes" : "no"),
           XF_INT("ttl_s", ttl_s), XF_STR("detail", answer->detail));
    pending->exchange = NULL; /* frees itself */
    xf_quota_give(&client->running, &pending->place);
    pending_remove(pending);
    xf_dns_cache_put(pending->client->cache, pending->name, pending->type, answer, ttl_s);
    while (!xf_list_is_empty(&pending->queries))
        answer_query(pending->client,
                     XF_CONTAINER(pending->queries.next, struct xf_dns_query, node), answer);
    xf_free(pending);
    start_waiting(client);
}

static struct pending *pending_get(struct client *client, const char *name, enum xf_dns_type type)
{
    char text[XF_DNS_KEY_BYTES];
    struct xf_span key = xf_dns_key(name, type, text);
    struct pending *pending = xf_map_find(client->pending, key);

    if (pending)
        return pending;
    pending = xf_new(struct pending);
    pending->client = client;
    pending->type = type;
    pending->asked_ms = xf_loop_clock(client->loop)->now_ms;
    snprintf(pending->name, sizeof(pending->name), "%s", name);
    xf_list_init(&pending->queries);
    xf_map_set(client->pending, key, pending);
    xf_list_push(&client->waiting, &pending->waiting);
    try_start(pending);
    return pending;
}

/* ------------------------------------------------------------------ servers */

static bool any_is_believed(const struct xf_dns_servers *servers)
{
    for (size_t i = 0; i < servers->count; i++)
        if (xf_dns_server_is_believed(servers, i))
            return true;
    return false;
}

static void use_servers(struct client *client, const struct xf_addr *list, size_t count)
{
    struct xf_dns_servers *servers = &client->servers;

    *servers = (struct xf_dns_servers){
        .count = count, .trust_ad = servers->trust_ad, .timeout_ms = servers->timeout_ms};
    memcpy(servers->list, list, count * sizeof(*list));
    client->seam.may_be_secure = any_is_believed(servers);
}

/* What is known of servers by their place in the list does not hold any more. */
static void put_off_all(struct client *client)
{
    size_t cursor = 0;
    void *value;

    while (xf_map_next(client->pending, &cursor, NULL, &value)) {
        struct pending *pending = value;

        if (!pending->exchange)
            continue;
        put_off(pending);
        xf_quota_give(&client->running, &pending->place);
    }
}

static void look_at_servers(struct client *client, bool is_reload)
{
    const struct xf_dns_resolv *resolv = &client->resolv;
    char text[XF_DNS_SERVERS_TEXT_BYTES];

    if (!xf_dns_resolv_look(&client->resolv, is_reload))
        return;
    xf_dns_servers_text(resolv->servers, resolv->count, text);
    /* bounded: once for each change of a file of this host */
    xf_log(XF_LOG_INFO, "dns.servers.changed", XF_STR("file", resolv->file.path),
           XF_STR("servers", text));
    put_off_all(client);
    use_servers(client, resolv->servers, resolv->count);
    xf_dns_cache_free(&client->cache);
    client->cache = xf_dns_cache_new(xf_loop_clock(client->loop), client->cache_entries);
    start_waiting(client);
}

/* ------------------------------------------------------------------ queries */

static struct xf_dns_query *ask(struct xf_dns *dns, const char *name, enum xf_dns_type type,
                                xf_dns_answered_fn answered, void *owner)
{
    struct client *client = (struct client *)(void *)dns;
    struct xf_dns_record records[XF_DNS_RECORDS_MAX];
    struct xf_dns_answer local = {.records = records, .detail = "from the hosts file"};

    look_at_servers(client, false);
    if ((type == XF_DNS_A || type == XF_DNS_AAAA) &&
        xf_dns_hosts_find(client->hosts, name, type, records, &local.count)) {
        local.status = local.count > 0 ? XF_DNS_FOUND : XF_DNS_NO_DATA;
        return answer_soon(client, &local, answered, owner);
    }

    const struct xf_dns_answer *cached = xf_dns_cache_find(client->cache, name, type);
    if (cached)
        return answer_soon(client, cached, answered, owner);

    struct pending *pending = pending_get(client, name, type);
    struct xf_dns_query *query = query_new(&pending->queries, answered, owner);
    query->pending = pending;
    return query;
}

static struct xf_dns_query *later(struct xf_dns *dns, xf_dns_answered_fn answered, void *owner)
{
    struct xf_dns_answer nothing = {.status = XF_DNS_NO_DATA, .detail = "nothing was asked"};

    return answer_soon((struct client *)(void *)dns, &nothing, answered, owner);
}

static void cancel(struct xf_dns *dns, struct xf_dns_query *query)
{
    struct client *client = (struct client *)(void *)dns;
    struct pending *pending = query->pending;

    query_free(query);
    if (!pending || !xf_list_is_empty(&pending->queries))
        return;
    if (!pending->exchange && !xf_list_is_linked(&pending->waiting))
        return; /* an answered pending frees itself when the last asker was told */
    xf_exchange_free(&pending->exchange);
    xf_quota_give(&client->running, &pending->place);
    xf_list_remove(&pending->waiting);
    pending_remove(pending);
    xf_free(pending);
    start_waiting(client);
}

static const struct xf_dns_ops client_ops = {.ask = ask, .later = later, .cancel = cancel};

static void choose_servers(struct client *client, const struct xf_dns_client_opts *opts)
{
    bool is_set = opts->server_count > 0;

    xf_dns_resolv_init(&client->resolv, is_set ? NULL : opts->resolv_conf,
                       xf_loop_clock(client->loop));
    client->servers.trust_ad = opts->trust_ad;
    client->servers.timeout_ms = opts->timeout_ms;
    if (is_set) {
        use_servers(client, opts->servers,
                    opts->server_count < XF_DNS_SERVERS_MAX ? opts->server_count
                                                            : XF_DNS_SERVERS_MAX);
        return;
    }
    use_servers(client, client->resolv.servers, client->resolv.count);
    if (!client->resolv.is_named)
        /* bounded: once, at the start */
        xf_log(XF_LOG_WARN, "dns.servers.missing", XF_STR("file", client->resolv.file.path),
               XF_HELP(XF_HELP_DNS_SERVERS_MISSING));
}

struct xf_dns *xf_dns_client_new(struct xf_loop *loop, const struct xf_dns_client_opts *opts)
{
    struct client *client = xf_new(struct client);

    client->seam.ops = &client_ops;
    client->loop = loop;
    choose_servers(client, opts);
    client->hosts = xf_dns_hosts_new(opts->hosts_file, xf_loop_clock(loop));
    client->cache = xf_dns_cache_new(xf_loop_clock(loop), opts->cache_entries);
    client->cache_entries = opts->cache_entries;
    client->pending = xf_map_new();
    xf_list_init(&client->known);
    xf_list_init(&client->waiting);
    xf_quota_init(&client->running, NULL);
    return &client->seam;
}

void xf_dns_client_reload(struct xf_dns *dns)
{
    look_at_servers((struct client *)(void *)dns, true);
}

bool xf_dns_client_is_idle(const struct xf_dns *dns)
{
    const struct client *client = (const struct client *)(const void *)dns;

    return xf_map_count(client->pending) == 0 && xf_list_is_empty(&client->known) &&
           client->answering == 0;
}

static void pending_free(struct pending *pending)
{
    XF_LIST_EACH_SAFE (node, &pending->queries) {
        query_free(XF_CONTAINER(node, struct xf_dns_query, node));
    }
    xf_exchange_free(&pending->exchange);
    xf_quota_give(&pending->client->running, &pending->place);
    xf_free(pending);
}

void xf_dns_client_free(struct xf_dns **dns)
{
    struct client *client = (struct client *)(void *)*dns;
    size_t cursor = 0;
    void *pending;

    if (!client)
        return;
    while (xf_map_next(client->pending, &cursor, NULL, &pending))
        pending_free(pending);
    XF_LIST_EACH_SAFE (node, &client->known) {
        query_free(XF_CONTAINER(node, struct xf_dns_query, node));
    }
    xf_map_free(&client->pending);
    xf_quota_fini(&client->running);
    xf_dns_cache_free(&client->cache);
    xf_dns_hosts_free(&client->hosts);
    xf_dns_resolv_release(&client->resolv);
    xf_free(client);
    *dns = NULL;
}
