/* SPDX-License-Identifier: MIT */
/*
 * targets.c — looks up the addresses of a list of endpoints, and their TLSA records.
 *
 * Each distinct target is a `host`; its A and AAAA are looked up together, HOSTS_AT_ONCE hosts at a
 * time, in the order of the endpoints. When all hosts are known, the addresses of the endpoints
 * become the candidates, in order, v6 and v4 alternating (RFC 8305 §4). A host that cannot be
 * resolved only loses its own candidates.
 *
 * With DANE, each distinct host and port that a secure SRV answer names is a `port`, whose TLSA
 * query runs at the same time as those for the addresses, without a further round trip. RFC 7673
 * §3:
 *
 *  - A host without a secure address has no TLSA records for us: its query is cancelled, and a
 *    failure of that query means nothing (some servers of unsigned zones never answer TLSA
 *    queries).
 *  - A port with a secure address whose query failed is omitted, since an attacker may be hiding
 *    its records. Records are absent only if an answer says so; an insecure answer (an alias into
 *    an unsigned zone) means that there is no DANE.
 *  - The name is the target as in SRV (which must not be an alias, RFC 2782), or the domain itself.
 *    We do not look for records under the name that the target is an alias of (RFC 7671 §7 would):
 *    they would vouch for nothing here. Aliases of "_PORT._tcp" are followed.
 */
#include "targets_priv.h"

#include <arpa/inet.h>
#include <stdio.h>

#include <xfed/base/alloc.h>

#include "tlsa_priv.h"

#define HOSTS_AT_ONCE 8
#define ADDRESSES_MAX XF_CANDIDATES_MAX /* of one host and family */
/*
 * How many addresses one endpoint of several may contribute, so that it does not displace the
 * others.
 */
#define ADDRESSES_SHARE 8

enum family { FAMILY_V6, FAMILY_V4, FAMILY_COUNT };

static const enum xf_dns_type type_of_family[FAMILY_COUNT] =
    {[FAMILY_V6] = XF_DNS_AAAA, [FAMILY_V4] = XF_DNS_A};

struct host;

struct lookup { /* of one family */
    struct host *host;
    struct xf_dns_query *query;
    bool is_secure;
    size_t count;
    uint8_t (*addresses)[16];
};

struct port { /* of a host */
    struct host *host;
    uint16_t number;
    bool has_failed;
    struct xf_dns_query *query;
    struct xf_tlsa_set *tlsa;
};

struct host {
    struct xf_targets *targets;
    const char *name;
    bool is_literal, has_failed;
    struct lookup lookups[FAMILY_COUNT];
};

struct xf_targets {
    struct xf_dns *dns;
    char cause[240];   /* what the resolver said of the last query that failed */
    enum xf_help help; /* the same as a code */
    const struct xf_endpoint *endpoints;
    size_t *host_of;       /* of each endpoint */
    struct port **port_of; /* of each endpoint; NULL: no TLSA records are asked for */
    struct port *ports;
    size_t port_count;
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

static bool has_secure_address(const struct host *host)
{
    for (size_t f = 0; f < FAMILY_COUNT; f++)
        if (host->lookups[f].is_secure && host->lookups[f].count > 0)
            return true;
    return false;
}

static bool is_known(const struct host *host)
{
    const struct xf_targets *targets = host->targets;

    if (host->lookups[FAMILY_V6].query || host->lookups[FAMILY_V4].query)
        return false;
    for (size_t i = 0; i < targets->port_count; i++)
        if (targets->ports[i].host == host && targets->ports[i].query)
            return false;
    return true;
}

static void withdraw_tlsa(struct host *host)
{
    struct xf_targets *targets = host->targets;

    for (size_t i = 0; i < targets->port_count; i++)
        if (targets->ports[i].host == host)
            cancel(targets->dns, &targets->ports[i].query);
}

static void start_hosts(struct xf_targets *targets);

/* After each answer. */
static void go_on(struct host *host)
{
    struct xf_targets *targets = host->targets;

    if (!is_known(host))
        return;
    targets->known_count++;
    start_hosts(targets);
    if (targets->known_count == targets->host_count)
        targets->done(targets->owner);
}

static bool has_failed(struct xf_targets *targets, const struct xf_dns_answer *answer)
{
    if (answer->status != XF_DNS_FAILED)
        return false;
    snprintf(targets->cause, sizeof(targets->cause), "%s", answer->detail);
    targets->help = answer->help;
    return true;
}

static void on_address(void *owner, const struct xf_dns_answer *answer)
{
    struct lookup *lookup = owner;
    struct host *host = lookup->host;

    lookup->query = NULL;
    lookup->is_secure = answer->is_secure;
    host->has_failed |= has_failed(host->targets, answer);
    set_addresses(lookup, answer->records, answer->count);
    if (!host->lookups[FAMILY_V6].query && !host->lookups[FAMILY_V4].query &&
        !has_secure_address(host))
        withdraw_tlsa(host);
    go_on(host);
}

static void on_tlsa(void *owner, const struct xf_dns_answer *answer)
{
    struct port *port = owner;

    port->query = NULL;
    port->has_failed = has_failed(port->host->targets, answer);
    port->tlsa = xf_dns_tlsa_set(answer);
    go_on(port->host);
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

static void ask_tlsa(struct port *port)
{
    struct xf_dns *dns = port->host->targets->dns;
    char name[XF_DNS_NAME_MAX + 1];

    if (xf_dns_tlsa_name(port->host->name, port->number, name))
        port->query = dns->ops->ask(dns, name, XF_DNS_TLSA, on_tlsa, port);
}

static void ask(struct host *host)
{
    struct xf_targets *targets = host->targets;
    struct xf_dns *dns = targets->dns;

    for (size_t i = 0; i < targets->port_count; i++)
        if (targets->ports[i].host == host)
            ask_tlsa(&targets->ports[i]);
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

static struct port *find_or_add_port(struct xf_targets *targets, struct host *host, uint16_t number)
{
    for (size_t i = 0; i < targets->port_count; i++)
        if (targets->ports[i].host == host && targets->ports[i].number == number)
            return &targets->ports[i];

    struct port *port = &targets->ports[targets->port_count++];
    *port = (struct port){.host = host, .number = number};
    return port;
}

static void add_endpoint(struct xf_targets *targets, size_t index, bool dane)
{
    const struct xf_endpoint *endpoint = &targets->endpoints[index];
    size_t host = find_or_add_host(targets, endpoint);

    targets->host_of[index] = host;
    if (dane && endpoint->is_secure && !endpoint->is_literal)
        targets->port_of[index] = find_or_add_port(targets, &targets->hosts[host], endpoint->port);
}

struct xf_targets *xf_targets_new(struct xf_dns *dns, const struct xf_endpoint *endpoints,
                                  size_t count, bool dane, void (*done)(void *owner), void *owner)
{
    struct xf_targets *targets = xf_new(struct xf_targets);

    *targets = (struct xf_targets){
        .dns = dns, .endpoints = endpoints, .endpoint_count = count, .done = done, .owner = owner};
    targets->hosts = xf_alloc(count * sizeof(*targets->hosts));
    targets->host_of = xf_alloc(count * sizeof(*targets->host_of));
    targets->port_of = xf_alloc(count * sizeof(*targets->port_of));
    targets->ports = xf_alloc(count * sizeof(*targets->ports));
    for (size_t i = 0; i < count; i++)
        add_endpoint(targets, i, dane && dns->may_be_secure);

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
    for (size_t i = 0; i < old->port_count; i++) {
        cancel(old->dns, &old->ports[i].query);
        xf_tlsa_set_unref(&old->ports[i].tlsa);
    }
    xf_free(old->hosts);
    xf_free(old->host_of);
    xf_free(old->ports);
    xf_free(old->port_of);
    xf_free(old);
    *targets = NULL;
}

static struct xf_candidate candidate_of(const struct xf_targets *targets, size_t endpoint_index,
                                        enum family family, size_t index)
{
    const struct xf_endpoint *endpoint = &targets->endpoints[endpoint_index];
    const struct port *port = targets->port_of[endpoint_index];
    const struct lookup *lookup = &targets->hosts[targets->host_of[endpoint_index]].lookups[family];
    const uint8_t *address = lookup->addresses[index];
    struct xf_candidate candidate = {.is_direct = endpoint->is_direct,
                                     .is_secure = endpoint->is_secure && lookup->is_secure};

    candidate.addr = family == FAMILY_V6 ? xf_addr_from_v6(address, endpoint->port)
                                         : xf_addr_from_v4(address, endpoint->port);
    if (candidate.is_secure && port)
        candidate.tlsa = port->tlsa;
    memcpy(candidate.target, endpoint->target, sizeof(candidate.target));
    return candidate;
}

/* Somebody may be hiding its TLSA records from us. */
static bool is_left_out(const struct port *port)
{
    return port && port->has_failed && has_secure_address(port->host);
}

size_t xf_targets_candidates(const struct xf_targets *targets,
                             struct xf_candidate out[XF_CANDIDATES_MAX])
{
    size_t share = targets->endpoint_count > 1 ? ADDRESSES_SHARE : XF_CANDIDATES_MAX, count = 0;

    for (size_t e = 0; e < targets->endpoint_count; e++) {
        const struct lookup *lookups = targets->hosts[targets->host_of[e]].lookups;

        if (is_left_out(targets->port_of[e]))
            continue;
        size_t end = count + share < XF_CANDIDATES_MAX ? count + share : XF_CANDIDATES_MAX;

        for (size_t i = 0; i < ADDRESSES_MAX; i++)
            for (size_t f = 0; f < FAMILY_COUNT; f++)
                if (i < lookups[f].count && count < end)
                    out[count++] = candidate_of(targets, e, (enum family)f, i);
    }
    return count;
}

/*
 * Without a secure address the TLSA query was cancelled; but then DNS must have said that there is
 * no address.
 */
bool xf_targets_tlsa_is_open(const struct xf_targets *targets)
{
    for (size_t i = 0; i < targets->port_count; i++) {
        const struct port *port = &targets->ports[i];

        if (has_secure_address(port->host) ? port->has_failed : port->host->has_failed)
            return true;
    }
    return false;
}

const char *xf_targets_failed(const struct xf_targets *targets, const char **out_asked,
                              const char **out_cause, enum xf_help *out_help)
{
    *out_cause = targets->cause;
    *out_help = targets->help;
    *out_asked = "TLSA records";
    for (size_t i = 0; i < targets->port_count; i++)
        if (is_left_out(&targets->ports[i]))
            return targets->ports[i].host->name;
    *out_asked = "address";
    for (size_t i = 0; i < targets->host_count; i++)
        if (targets->hosts[i].has_failed)
            return targets->hosts[i].name;
    return NULL;
}
