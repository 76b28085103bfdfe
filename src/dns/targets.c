/* SPDX-License-Identifier: MIT */
/*
 * targets.c — the addresses of a list of endpoints.
 *
 * Each distinct target is a `host`, whose A and AAAA are asked together, HOSTS_AT_ONCE hosts at a
 * time, in the order of the endpoints. When the last host is known, the endpoints are read in order
 * and their addresses become the candidates, v6 and v4 in turn (RFC 8305 §4). A host that cannot be
 * resolved costs only its own candidates.
 */
#include "targets_priv.h"

#include <arpa/inet.h>

#include <xfed/base/alloc.h>

#define HOSTS_AT_ONCE 8
#define ADDRESSES_MAX XF_CANDIDATES_MAX /* of one host and family */
#define ADDRESSES_SHARE 8 /* of one endpoint among several, so that none crowds out the others */

enum family { FAMILY_V6, FAMILY_V4, FAMILY_COUNT };

static const enum xf_dns_type type_of_family[FAMILY_COUNT] = {
    [FAMILY_V6] = XF_DNS_AAAA, [FAMILY_V4] = XF_DNS_A};

struct host;

struct lookup { /* of one family */
    struct host *host;
    struct xf_dns_query *query;
    size_t count;
    uint8_t (*addresses)[16];
};

struct host {
    struct xf_targets *targets;
    const char *name;
    bool is_literal, has_failed;
    struct lookup lookups[FAMILY_COUNT];
};

struct xf_targets {
    struct xf_dns *dns;
    const struct xf_endpoint *endpoints;
    size_t *host_of; /* of each endpoint */
    size_t endpoint_count;
    struct host *hosts;
    size_t host_count, started_count, known_count;
    struct xf_dns_query *later;
    void (*done)(void *owner);
    void *owner;
};

static void cancel(struct xf_dns *dns, struct xf_dns_query **query)
{
    if (*query)
        dns->ops->cancel(dns, *query);
    *query = NULL;
}

/* Called once a lookup. */
static void set_addresses(struct lookup *lookup, const struct xf_dns_record *records, size_t count)
{
    lookup->count = count < ADDRESSES_MAX ? count : ADDRESSES_MAX;
    if (lookup->count == 0)
        return;
    lookup->addresses = xf_alloc(lookup->count * sizeof(*lookup->addresses));
    for (size_t i = 0; i < lookup->count; i++)
        memcpy(lookup->addresses[i], records[i].address, sizeof(records[i].address));
}

static void start_hosts(struct xf_targets *targets);

static void on_address(void *owner, const struct xf_dns_answer *answer)
{
    struct lookup *lookup = owner;
    struct host *host = lookup->host;
    struct xf_targets *targets = host->targets;

    lookup->query = NULL;
    host->has_failed |= answer->status == XF_DNS_FAILED;
    set_addresses(lookup, answer->records, answer->count);
    if (host->lookups[FAMILY_V6].query || host->lookups[FAMILY_V4].query)
        return;

    targets->known_count++;
    start_hosts(targets);
    if (targets->known_count == targets->host_count)
        targets->done(targets->owner);
}

static void on_later(void *owner, const struct xf_dns_answer *answer)
{
    struct xf_targets *targets = owner;

    (void)answer;
    targets->later = NULL;
    targets->done(targets->owner);
}

static void read_literal(struct host *host)
{
    struct xf_dns_record record = {0};

    if (inet_pton(AF_INET, host->name, record.address) == 1)
        set_addresses(&host->lookups[FAMILY_V4], &record, 1);
    else if (inet_pton(AF_INET6, host->name, record.address) == 1)
        set_addresses(&host->lookups[FAMILY_V6], &record, 1);
}

static void ask(struct host *host)
{
    struct xf_dns *dns = host->targets->dns;

    for (size_t f = 0; f < FAMILY_COUNT; f++)
        host->lookups[f].query =
            dns->ops->ask(dns, host->name, type_of_family[f], on_address, &host->lookups[f]);
}

static void start_hosts(struct xf_targets *targets)
{
    while (targets->started_count < targets->host_count &&
           targets->started_count - targets->known_count < HOSTS_AT_ONCE) {
        struct host *host = &targets->hosts[targets->started_count++];

        if (host->is_literal) {
            read_literal(host);
            targets->known_count++;
        } else {
            ask(host);
        }
    }
}

static size_t find_or_add_host(struct xf_targets *targets, const struct xf_endpoint *endpoint)
{
    for (size_t i = 0; i < targets->host_count; i++)
        if (strcmp(targets->hosts[i].name, endpoint->target) == 0)
            return i;

    struct host *host = &targets->hosts[targets->host_count];
    host->targets = targets;
    host->name = endpoint->target;
    host->is_literal = endpoint->is_literal;
    for (size_t f = 0; f < FAMILY_COUNT; f++)
        host->lookups[f].host = host;
    return targets->host_count++;
}

struct xf_targets *xf_targets_new(struct xf_dns *dns, const struct xf_endpoint *endpoints,
                                  size_t count, void (*done)(void *owner), void *owner)
{
    struct xf_targets *targets = xf_new(struct xf_targets);

    *targets = (struct xf_targets){
        .dns = dns, .endpoints = endpoints, .endpoint_count = count, .done = done, .owner = owner};
    targets->hosts = xf_alloc(count * sizeof(*targets->hosts));
    targets->host_of = xf_alloc(count * sizeof(*targets->host_of));
    for (size_t i = 0; i < count; i++)
        targets->host_of[i] = find_or_add_host(targets, &endpoints[i]);

    start_hosts(targets);
    if (targets->known_count == targets->host_count)
        targets->later = dns->ops->later(dns, on_later, targets);
    return targets;
}

void xf_targets_free(struct xf_targets **targets)
{
    struct xf_targets *old = *targets;

    if (!old)
        return;
    cancel(old->dns, &old->later);
    for (size_t i = 0; i < old->host_count; i++) {
        for (size_t f = 0; f < FAMILY_COUNT; f++) {
            cancel(old->dns, &old->hosts[i].lookups[f].query);
            xf_free(old->hosts[i].lookups[f].addresses);
        }
    }
    xf_free(old->hosts);
    xf_free(old->host_of);
    xf_free(old);
    *targets = NULL;
}

static struct xf_candidate candidate_of(const struct xf_endpoint *endpoint, enum family family,
                                        const uint8_t *address)
{
    struct xf_candidate candidate = {.is_direct = endpoint->is_direct};

    candidate.addr = family == FAMILY_V6 ? xf_addr_from_v6(address, endpoint->port)
                                         : xf_addr_from_v4(address, endpoint->port);
    memcpy(candidate.target, endpoint->target, sizeof(candidate.target));
    return candidate;
}

size_t xf_targets_candidates(const struct xf_targets *targets,
                             struct xf_candidate out[XF_CANDIDATES_MAX])
{
    size_t share = targets->endpoint_count > 1 ? ADDRESSES_SHARE : XF_CANDIDATES_MAX, count = 0;

    for (size_t e = 0; e < targets->endpoint_count; e++) {
        const struct lookup *lookups = targets->hosts[targets->host_of[e]].lookups;
        size_t end = count + share < XF_CANDIDATES_MAX ? count + share : XF_CANDIDATES_MAX;

        for (size_t i = 0; i < ADDRESSES_MAX; i++)
            for (size_t f = 0; f < FAMILY_COUNT; f++)
                if (i < lookups[f].count && count < end)
                    out[count++] = candidate_of(&targets->endpoints[e], (enum family)f,
                                                lookups[f].addresses[i]);
    }
    return count;
}

const char *xf_targets_failed_name(const struct xf_targets *targets)
{
    for (size_t i = 0; i < targets->host_count; i++)
        if (targets->hosts[i].has_failed)
            return targets->hosts[i].name;
    return NULL;
}
