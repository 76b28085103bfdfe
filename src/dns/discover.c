/* SPDX-License-Identifier: MIT */
/*
 * discover.c — turns a peer's domain into candidates to connect to (RFC 6120 §3.2, RFC 2782,
 * XEP-0368).
 *
 * How this works: the SRV questions of _xmpps-server and _xmpp-server go out together. When both
 * are answered, the endpoints that they name are put in order as one set, and targets.c finds their
 * addresses.
 *
 *  - enum said is what one SRV answer says; after_srv decides from both answers what happens next.
 *  - "." means "not here" for its own service only (RFC 2782): "." for _xmpps-server does not
 *    affect the SRV records of STARTTLS, but excludes the fallback, since the domain uses SRV
 *    (XEP-0368 §5).
 *  - A failed SRV query does not mean that there are no records. We use the endpoints from the
 *    other query, but not the fallback to A/AAAA, which could lead to a machine that the domain
 *    does not name.
 *  - Without any candidate, one failed target makes the result FAILED: that target might have had
 *    an address.
 *  - An IP literal needs no query; a domain that cannot be a DNS name is NOT_FOUND.
 *  - An endpoint is secure when the SRV answer that names it is; the fallback when every SRV
 *    question was securely denied (RFC 7673 §3.1). A static route never is: the operator's word
 *    does not prove that the domain is served there, even if the zone of the host is signed.
 */
#include <xfed/dns/discover.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include <xfed/base/alloc.h>

#include "name_priv.h"
#include "targets_priv.h"

#define STARTTLS_PORT 5269
#define ENDPOINTS_MAX (2 * XF_DNS_RECORDS_MAX)

/* clang-format off */
enum said {
    SAID_UNASKED,
    SAID_WAIT,      /* no answer yet */
    SAID_ABSENT,    /* no such record */
    SAID_NOT_HERE,  /* "." and nothing else */
    SAID_UNUSABLE,  /* records, but none with a port and a target */
    SAID_FAILED,
    SAID_HERE,      /* endpoints */
};
/* clang-format on */

struct service { /* one SRV question */
    struct xf_discovery *discovery;
    struct xf_dns_query *query;
    bool is_direct;
    bool is_secure; /* what it said */
    enum said said;
};

struct xf_discovery {
    struct xf_dns *dns;
    xf_discovered_fn done;
    void *owner;
    char domain[XF_DNS_NAME_MAX + 1];
    bool may_fall_back, dane;
    struct service direct, starttls;
    struct xf_dns_query *later; /* brings `verdict` */
    enum xf_discovery_outcome verdict;
    size_t endpoint_count;
    struct xf_endpoint *endpoints;
    struct xf_targets *targets;
    char detail[320];
    char cause[240];
    enum xf_help help; /* of a result without candidates */
};

static void cancel(struct xf_dns *dns, struct xf_dns_query **query)
{
    if (*query)
        dns->ops->cancel(dns, *query);
    *query = NULL;
}

static void discovery_free(struct xf_discovery *discovery)
{
    cancel(discovery->dns, &discovery->later);
    cancel(discovery->dns, &discovery->direct.query);
    cancel(discovery->dns, &discovery->starttls.query);
    xf_targets_free(&discovery->targets);
    xf_free(discovery->endpoints);
    xf_free(discovery);
}

/* True for any endpoint: each of the domain's servers may connect to us. */
static bool tlsa_is_open(const struct xf_discovery *discovery)
{
    bool srv_failed =
        discovery->direct.said == SAID_FAILED || discovery->starttls.said == SAID_FAILED;

    return discovery->dane && discovery->dns->may_be_secure &&
           (srv_failed || (discovery->targets && xf_targets_tlsa_is_open(discovery->targets)));
}

static void finish(struct xf_discovery *discovery, enum xf_discovery_outcome outcome,
                   const struct xf_candidate *candidates, size_t count)
{
    struct xf_discovery_result result = {
        outcome,           candidates,       count,          tlsa_is_open(discovery),
        discovery->detail, discovery->cause, discovery->help};

    discovery->done(discovery->owner, &result);
    discovery_free(discovery);
}

/* The detail must not name our resolvers: it goes into bounces. */
static void say(struct xf_discovery *discovery, const char *words, const char *name)
{
    snprintf(discovery->detail, sizeof(discovery->detail), "%s %s", words, name);
}

static void on_later(void *owner, const struct xf_dns_answer *answer)
{
    struct xf_discovery *discovery = owner;

    (void)answer;
    discovery->later = NULL;
    finish(discovery, discovery->verdict, NULL, 0);
}

static void finish_later(struct xf_discovery *discovery, enum xf_discovery_outcome outcome)
{
    discovery->verdict = outcome;
    discovery->later = discovery->dns->ops->later(discovery->dns, on_later, discovery);
}

static void on_targets_known(void *owner)
{
    struct xf_discovery *discovery = owner;
    struct xf_candidate candidates[XF_CANDIDATES_MAX];
    size_t count = xf_targets_candidates(discovery->targets, candidates);
    const char *asked, *cause;
    enum xf_help help;
    const char *failed = xf_targets_failed(discovery->targets, &asked, &cause, &help);
    bool by_srv = discovery->direct.said == SAID_HERE || discovery->starttls.said == SAID_HERE;

    if (count > 0) {
        say(discovery, "found", discovery->domain);
        finish(discovery, XF_DISCOVERY_FOUND, candidates, count);
    } else if (failed) {
        snprintf(discovery->detail, sizeof(discovery->detail),
                 "DNS gave no answer for the %s of %s", asked, failed);
        snprintf(discovery->cause, sizeof(discovery->cause), "%s", cause);
        discovery->help = help;
        finish(discovery, XF_DISCOVERY_FAILED, NULL, 0);
    } else {
        say(discovery,
            by_srv ? "the domain's SRV records name a host without an address:"
                   : "no XMPP server in DNS, neither SRV records nor an address, at",
            discovery->endpoints[0].target);
        discovery->help = by_srv ? XF_HELP_DNS_NO_SRV_ADDRESS : XF_HELP_DNS_NO_SERVER;
        finish(discovery, XF_DISCOVERY_NOT_FOUND, NULL, 0);
    }
}

/* More endpoints than candidates cannot all be tried. */
static void resolve_targets(struct xf_discovery *discovery)
{
    if (discovery->endpoint_count > XF_CANDIDATES_MAX)
        discovery->endpoint_count = XF_CANDIDATES_MAX;
    discovery->targets =
        xf_targets_new(discovery->dns, discovery->endpoints, discovery->endpoint_count,
                       discovery->dane, on_targets_known, discovery);
}

static struct xf_endpoint *add_endpoint(struct xf_discovery *discovery, const char *target,
                                        uint16_t port, bool is_direct)
{
    xf_require(discovery->endpoint_count < ENDPOINTS_MAX);
    discovery->endpoints = xf_realloc(discovery->endpoints, (discovery->endpoint_count + 1) *
                                                                sizeof(*discovery->endpoints));

    struct xf_endpoint *endpoint = &discovery->endpoints[discovery->endpoint_count++];
    *endpoint = (struct xf_endpoint){.port = port, .is_direct = is_direct};
    snprintf(endpoint->target, sizeof(endpoint->target), "%s", target);
    return endpoint;
}

static bool srv_is_known(const struct xf_discovery *discovery)
{
    return discovery->direct.said != SAID_WAIT && discovery->starttls.said != SAID_WAIT;
}

static bool conclude(struct xf_discovery *discovery, enum xf_discovery_outcome outcome,
                     enum xf_help help, const char *words)
{
    discovery->verdict = outcome;
    discovery->help = help;
    say(discovery, words, discovery->domain);
    return true;
}

static bool srv_is_securely_absent(const struct xf_discovery *discovery)
{
    return (discovery->direct.said == SAID_UNASKED || discovery->direct.is_secure) &&
           discovery->starttls.is_secure;
}

/*
 * True if the result is known (verdict and detail are set), false if address lookups are running.
 */
static bool after_srv(struct xf_discovery *discovery)
{
    enum said direct = discovery->direct.said, starttls = discovery->starttls.said;

    if (direct == SAID_HERE || starttls == SAID_HERE) {
        xf_endpoints_order(discovery->endpoints, discovery->endpoint_count);
        resolve_targets(discovery);
        return false;
    }
    if (direct == SAID_FAILED || starttls == SAID_FAILED)
        return conclude(discovery, XF_DISCOVERY_FAILED, discovery->help,
                        "DNS gave no answer for the SRV records of");
    if (direct == SAID_UNUSABLE || starttls == SAID_UNUSABLE)
        return conclude(discovery, XF_DISCOVERY_NOT_FOUND, XF_HELP_DNS_NO_SERVER,
                        "no usable SRV record at");
    if (starttls == SAID_NOT_HERE || direct == SAID_NOT_HERE)
        return conclude(discovery, XF_DISCOVERY_NO_SERVICE, XF_HELP_DNS_NO_SERVICE,
                        "no XMPP service (SRV \".\") at");
    if (!discovery->may_fall_back)
        return conclude(discovery, XF_DISCOVERY_NOT_FOUND, XF_HELP_DNS_NO_SERVER,
                        "no SRV record at");

    add_endpoint(discovery, discovery->domain, STARTTLS_PORT, false)->is_secure =
        srv_is_securely_absent(discovery);
    resolve_targets(discovery);
    return false;
}

static enum said take_records(struct service *service, const struct xf_dns_answer *answer)
{
    enum said said = SAID_NOT_HERE;

    for (size_t i = 0; i < answer->count; i++) {
        const struct xf_dns_record *record = &answer->records[i];

        if (record->target[0] == '\0') /* beside others it says nothing */
            continue;
        if (record->port == 0) {
            said = said == SAID_HERE ? said : SAID_UNUSABLE;
            continue;
        }
        struct xf_endpoint *endpoint =
            add_endpoint(service->discovery, record->target, record->port, service->is_direct);
        endpoint->priority = record->priority;
        endpoint->weight = record->weight;
        endpoint->is_secure = answer->is_secure;
        said = SAID_HERE;
    }
    return said;
}

static enum said read_srv(struct service *service, const struct xf_dns_answer *answer)
{
    switch (answer->status) {
    case XF_DNS_FOUND:
        return take_records(service, answer);
    case XF_DNS_NO_DATA:
    case XF_DNS_NXDOMAIN:
        return SAID_ABSENT;
    case XF_DNS_FAILED:
        break;
    }
    return SAID_FAILED;
}

static void on_srv(void *owner, const struct xf_dns_answer *answer)
{
    struct service *service = owner;
    struct xf_discovery *discovery = service->discovery;

    service->query = NULL;
    service->is_secure = answer->is_secure;
    service->said = read_srv(service, answer);
    if (service->said == SAID_FAILED) {
        snprintf(discovery->cause, sizeof(discovery->cause), "%s", answer->detail);
        discovery->help = answer->help;
    }
    if (srv_is_known(discovery) && after_srv(discovery))
        finish(discovery, discovery->verdict, NULL, 0);
}

/*
 * A domain that is too long for the prefix cannot have the record, so its absence needs no proof.
 */
static void ask_srv(struct xf_discovery *discovery, struct service *service, const char *prefix)
{
    char name[XF_DNS_NAME_MAX + 32];
    int len = snprintf(name, sizeof(name), "%s%s", prefix, discovery->domain);

    if (len > XF_DNS_NAME_TEXT_MAX) {
        service->said = SAID_ABSENT;
        service->is_secure = true;
        return;
    }
    service->said = SAID_WAIT;
    service->query = discovery->dns->ops->ask(discovery->dns, name, XF_DNS_SRV, on_srv, service);
}

static struct xf_discovery *discovery_new(struct xf_dns *dns, xf_discovered_fn done, void *owner)
{
    struct xf_discovery *discovery = xf_new(struct xf_discovery);

    *discovery = (struct xf_discovery){.dns = dns, .done = done, .owner = owner};
    discovery->direct = (struct service){.discovery = discovery, .is_direct = true};
    discovery->starttls = (struct service){.discovery = discovery};
    return discovery;
}

/* An address, in brackets or not, as text of inet_pton; false for anything else. */
static bool read_literal(struct xf_span text, char out[XF_DNS_NAME_MAX + 1])
{
    uint8_t bytes[16];

    if (text.len >= 2 && text.ptr[0] == '[' && text.ptr[text.len - 1] == ']')
        text = (struct xf_span){text.ptr + 1, text.len - 2};
    if (text.len > XF_DNS_NAME_MAX)
        return false;
    snprintf(out, XF_DNS_NAME_MAX + 1, "%.*s", XF_SPAN_ARGS(text));
    return inet_pton(AF_INET, out, bytes) == 1 || inet_pton(AF_INET6, out, bytes) == 1;
}

struct xf_discovery *xf_discover(struct xf_dns *dns, struct xf_span domain,
                                 const struct xf_discovery_opts *opts, xf_discovered_fn done,
                                 void *owner)
{
    struct xf_discovery *discovery = discovery_new(dns, done, owner);
    char address[XF_DNS_NAME_MAX + 1];

    if (read_literal(domain, address)) {
        memcpy(discovery->domain, address, sizeof(address));
        add_endpoint(discovery, address, STARTTLS_PORT, false)->is_literal = true;
        resolve_targets(discovery);
        return discovery;
    }
    if (!xf_dns_name_of_domain(domain, discovery->domain)) {
        snprintf(discovery->detail, sizeof(discovery->detail), "not a name of the DNS");
        discovery->help = XF_HELP_DNS_NO_SERVER;
        finish_later(discovery, XF_DISCOVERY_NOT_FOUND);
        return discovery;
    }
    discovery->may_fall_back = opts->starttls;
    discovery->dane = opts->dane;
    if (opts->direct_tls)
        ask_srv(discovery, &discovery->direct, "_xmpps-server._tcp.");
    if (opts->starttls)
        ask_srv(discovery, &discovery->starttls, "_xmpp-server._tcp.");
    if (srv_is_known(discovery) && after_srv(discovery))
        finish_later(discovery, discovery->verdict);
    return discovery;
}

/*
 * "host", "host:port", "v4", "v4:port", "[v6]", "[v6]:port"; anything else is ignored (conf refuses
 * it).
 */
static void add_route(struct xf_discovery *discovery, const char *route)
{
    const char *bracket = strrchr(route, ']'), *colon = strrchr(bracket ? bracket : route, ':');
    struct xf_span host = {route, colon ? (size_t)(colon - route) : strlen(route)};
    char name[XF_DNS_NAME_MAX + 1], *end = NULL;
    unsigned long port = STARTTLS_PORT;

    if (colon)
        port = strtoul(colon + 1, &end, 10);
    if (port == 0 || port > UINT16_MAX || (end && *end != '\0'))
        return;

    bool is_literal = read_literal(host, name);
    if (is_literal || xf_dns_name_of_domain(host, name))
        add_endpoint(discovery, name, (uint16_t)port, false)->is_literal = is_literal;
}

struct xf_discovery *xf_discover_static(struct xf_dns *dns, const char *const *routes, size_t count,
                                        bool are_equal, xf_discovered_fn done, void *owner)
{
    struct xf_discovery *discovery = discovery_new(dns, done, owner);

    for (size_t i = 0; i < count && i < XF_CANDIDATES_MAX; i++)
        add_route(discovery, routes[i]);
    if (are_equal)
        xf_endpoints_order(discovery->endpoints, discovery->endpoint_count);
    if (discovery->endpoint_count > 0) {
        snprintf(discovery->domain, sizeof(discovery->domain), "static route");
        resolve_targets(discovery);
    } else {
        snprintf(discovery->detail, sizeof(discovery->detail), "no usable static route");
        discovery->help = XF_HELP_DNS_NO_SERVER;
        finish_later(discovery, XF_DISCOVERY_NOT_FOUND);
    }
    return discovery;
}

void xf_discovery_cancel(struct xf_discovery **discovery)
{
    if (*discovery)
        discovery_free(*discovery);
    *discovery = NULL;
}
