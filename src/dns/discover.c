/* SPDX-License-Identifier: MIT */
/*
 * discover.c — turns a peer's domain into candidates to connect to (RFC 6120 §3.2, RFC 2782,
 * XEP-0368, RFC 3263).
 *
 * How this works: what there is to look for is the table `kinds`. The SRV questions of all services
 * that the caller wants go out together. When all are answered, the endpoints that they name are
 * put in order as one set, and targets.c finds their addresses.
 *
 *  - enum said is what the SRV answer of one service says; after_srv decides from all of them what
 *    happens next.
 *  - "." means "not here" for its own service only (RFC 2782): "." for _xmpps-server does not
 *    affect the SRV records of STARTTLS, but excludes the fallback, since the domain uses SRV
 *    (XEP-0368 §5).
 *  - A failed SRV query does not mean that there are no records. We use the endpoints from the
 *    other query, but not the fallback to A/AAAA, which could lead to a machine that the domain
 *    does not name.
 *  - A service with NAPTR rules asks for them first. Those of the most preferred order are followed
 *    one after the other until one leads to endpoints; of those that lead nowhere the worst counts.
 *    Rules for other services, and regular expressions, count as none: then the SRV records under
 *    the service's own name decide, as they do when the NAPTR query fails; but then their absence
 *    is no absence.
 *  - Without any candidate, one failed target makes the result FAILED: that target might have had
 *    an address.
 *  - An IP literal needs no query; a domain that cannot be a DNS name is NOT_FOUND.
 *  - An endpoint is secure when the SRV answer that names it is, and the NAPTR answer before that;
 *    the fallback when every question was securely denied (RFC 7673 §3.1). A static route never is:
 *    the operator's word does not prove that the domain is served there, even if the zone of the
 *    host is signed.
 */
#include <xfed/dns/discover.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include <xfed/base/alloc.h>

#include "name_priv.h"
#include "targets_priv.h"

/* clang-format off */
static const struct protocol {
    const char *name;
    uint16_t port;
    bool is_direct; /* of an address without SRV record */
} xmpp = {"XMPP", 5269, false}, sip_tls = {"SIP", 5061, true}, sip_tcp = {"SIP", 5060, false};

static const struct kind {
    enum xf_service service;
    const struct protocol *protocol;
    const char *prefix; /* of the name with the SRV records */
    const char *rules;  /* the service of the NAPTR rules to follow; NULL: none */
    bool is_direct, falls_back;
} kinds[] = {
    {XF_SERVICE_XMPPS,          &xmpp,    "_xmpps-server._tcp.",     NULL,       true,  false},
    {XF_SERVICE_XMPP,           &xmpp,    "_xmpp-server._tcp.",      NULL,       false, true },
    {XF_SERVICE_SIPS,           &sip_tls, "_sips._tcp.",             "SIPS+D2T", true,  true },
    {XF_SERVICE_SIP_FEDERATION, &sip_tls, "_sipfederationtls._tcp.", NULL,       true,  false},
    {XF_SERVICE_SIP_TCP,        &sip_tcp, "_sip._tcp.",              NULL,       false, true },
};

enum said { /* what comes later in this list wins over what comes before */
    SAID_UNASKED,
    SAID_WAIT,      /* no answer yet */
    SAID_ABSENT,    /* no such record */
    SAID_NOT_HERE,  /* "." and nothing else */
    SAID_UNUSABLE,  /* records, but none with a port and a target */
    SAID_FAILED,
    SAID_HERE,      /* endpoints */
};
/* clang-format on */

#define SERVICES_MAX  2 /* of one protocol */
#define ENDPOINTS_MAX (SERVICES_MAX * XF_DNS_RECORDS_MAX)

struct rule {
    uint16_t order, preference;
    char name[XF_DNS_NAME_MAX + 1]; /* with the SRV records */
};

struct service { /* the questions about one: NAPTR, then SRV */
    struct xf_discovery *discovery;
    const struct kind *kind;
    struct xf_dns_query *query;
    bool is_secure;     /* what all answers said */
    enum said said;     /* at last */
    enum said worst;    /* until now */
    struct rule *rules; /* those that are still to be followed begin at next_rule */
    size_t rule_count, next_rule;
};

struct xf_discovery {
    struct xf_dns *dns;
    xf_discovered_fn done;
    void *owner;
    char domain[XF_DNS_NAME_MAX + 1];
    const struct protocol *protocol;
    bool may_fall_back, dane;
    struct service services[SERVICES_MAX];
    size_t service_count;
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
    for (size_t i = 0; i < discovery->service_count; i++) {
        cancel(discovery->dns, &discovery->services[i].query);
        xf_free(discovery->services[i].rules);
    }
    xf_targets_free(&discovery->targets);
    xf_free(discovery->endpoints);
    xf_free(discovery);
}

static bool any_said(const struct xf_discovery *discovery, enum said said)
{
    for (size_t i = 0; i < discovery->service_count; i++)
        if (discovery->services[i].said == said)
            return true;
    return false;
}

/* True for any endpoint: each of the domain's servers may connect to us. */
static bool tlsa_is_open(const struct xf_discovery *discovery)
{
    return discovery->dane && discovery->dns->may_be_secure &&
           (any_said(discovery, SAID_FAILED) ||
            (discovery->targets && xf_targets_tlsa_is_open(discovery->targets)));
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
    bool by_srv = any_said(discovery, SAID_HERE);

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
        if (by_srv)
            say(discovery, "the domain's SRV records name a host without an address:",
                discovery->endpoints[0].target);
        else
            snprintf(discovery->detail, sizeof(discovery->detail),
                     "no %s server in DNS, neither SRV records nor an address, at %s",
                     discovery->protocol->name, discovery->endpoints[0].target);
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

/* Without an SRV record: the address of this name, with the protocol's port. */
static struct xf_endpoint *add_home(struct xf_discovery *discovery, const char *name)
{
    return add_endpoint(discovery, name, discovery->protocol->port, discovery->protocol->is_direct);
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
    for (size_t i = 0; i < discovery->service_count; i++)
        if (!discovery->services[i].is_secure)
            return false;
    return true;
}

/*
 * True if the result is known (verdict and detail are set), false if address lookups are running.
 */
static bool after_srv(struct xf_discovery *discovery)
{
    if (any_said(discovery, SAID_HERE)) {
        xf_endpoints_order(discovery->endpoints, discovery->endpoint_count);
        resolve_targets(discovery);
        return false;
    }
    if (any_said(discovery, SAID_FAILED))
        return conclude(discovery, XF_DISCOVERY_FAILED, discovery->help,
                        "DNS gave no answer for the SRV records of");
    if (any_said(discovery, SAID_UNUSABLE))
        return conclude(discovery, XF_DISCOVERY_NOT_FOUND, XF_HELP_DNS_NO_SERVER,
                        "no usable SRV record at");
    if (any_said(discovery, SAID_NOT_HERE))
        return conclude(discovery, XF_DISCOVERY_NO_SERVICE, XF_HELP_DNS_NO_SERVICE,
                        discovery->protocol == &xmpp ? "no XMPP service (SRV \".\") at"
                                                     : "no SIP service (SRV \".\") at");
    if (!discovery->may_fall_back)
        return conclude(discovery, XF_DISCOVERY_NOT_FOUND, XF_HELP_DNS_NO_SERVER,
                        "no SRV record at");

    add_home(discovery, discovery->domain)->is_secure = srv_is_securely_absent(discovery);
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
        struct xf_endpoint *endpoint = add_endpoint(service->discovery, record->target,
                                                    record->port, service->kind->is_direct);
        endpoint->priority = record->priority;
        endpoint->weight = record->weight;
        endpoint->is_secure = service->is_secure;
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

static bool all_have_answered(const struct xf_discovery *discovery)
{
    return !any_said(discovery, SAID_WAIT);
}

/* After the last answer of a service. */
static void go_on(struct xf_discovery *discovery)
{
    if (all_have_answered(discovery) && after_srv(discovery))
        finish(discovery, discovery->verdict, NULL, 0);
}

/* Of every answer. */
static void note(struct service *service, const struct xf_dns_answer *answer)
{
    struct xf_discovery *discovery = service->discovery;

    service->query = NULL;
    service->is_secure = service->is_secure && answer->is_secure;
    if (answer->status != XF_DNS_FAILED)
        return;
    snprintf(discovery->cause, sizeof(discovery->cause), "%s", answer->detail);
    discovery->help = answer->help;
    service->worst = SAID_FAILED;
}

static bool follow_next_rule(struct service *service);

static void on_srv(void *owner, const struct xf_dns_answer *answer)
{
    struct service *service = owner;

    note(service, answer);
    enum said said = read_srv(service, answer);
    if (said > service->worst)
        service->worst = said;
    if (said != SAID_HERE && follow_next_rule(service))
        return;
    service->said = service->worst;
    go_on(service->discovery);
}

static void ask(struct service *service, const char *name, enum xf_dns_type type,
                xf_dns_answered_fn answered)
{
    struct xf_dns *dns = service->discovery->dns;

    service->query = dns->ops->ask(dns, name, type, answered, service);
}

static bool follow_next_rule(struct service *service)
{
    if (service->next_rule == service->rule_count)
        return false;
    ask(service, service->rules[service->next_rule++].name, XF_DNS_SRV, on_srv);
    return true;
}

/*
 * A domain that is too long for the prefix cannot have the record, so its absence needs no proof.
 */
static void ask_own_name(struct service *service)
{
    char name[XF_DNS_NAME_MAX + 32];
    int len =
        snprintf(name, sizeof(name), "%s%s", service->kind->prefix, service->discovery->domain);

    if (len > XF_DNS_NAME_TEXT_MAX)
        service->said = service->worst;
    else
        ask(service, name, XF_DNS_SRV, on_srv);
}

static bool is_before(const struct xf_dns_record *record, const struct rule *rule)
{
    return record->priority != rule->order ? record->priority < rule->order
                                           : record->weight < rule->preference;
}

/* In order; of too many the last is dropped. */
static void insert_rule(struct service *service, const struct xf_dns_record *record)
{
    size_t at = service->rule_count, kept = at < XF_NAPTR_RULES_MAX ? at : at - 1;

    while (at > 0 && is_before(record, &service->rules[at - 1]))
        at--;
    if (at == XF_NAPTR_RULES_MAX)
        return;
    memmove(&service->rules[at + 1], &service->rules[at], (kept - at) * sizeof(*service->rules));
    service->rules[at] = (struct rule){.order = record->priority, .preference = record->weight};
    memcpy(service->rules[at].name, record->target, sizeof(service->rules[at].name));
    service->rule_count = kept + 1;
}

/* RFC 3403 §4.1: once a rule applies, those of a higher order are not considered. */
static void drop_higher_orders(struct service *service)
{
    while (service->rule_count > 0 &&
           service->rules[service->rule_count - 1].order != service->rules[0].order)
        service->rule_count--;
}

static void on_rules(void *owner, const struct xf_dns_answer *answer)
{
    struct service *service = owner;

    note(service, answer);
    service->rules = xf_alloc(XF_NAPTR_RULES_MAX * sizeof(*service->rules));
    for (size_t i = 0; i < answer->count; i++)
        if (strcmp(answer->records[i].service, service->kind->rules) == 0 &&
            answer->records[i].target[0] != '\0')
            insert_rule(service, &answer->records[i]);
    drop_higher_orders(service);
    if (!follow_next_rule(service))
        ask_own_name(service);
    if (service->said != SAID_WAIT)
        go_on(service->discovery);
}

static void ask_service(struct xf_discovery *discovery, const struct kind *kind)
{
    xf_require(discovery->service_count < SERVICES_MAX);

    struct service *service = &discovery->services[discovery->service_count++];
    *service = (struct service){.discovery = discovery,
                                .kind = kind,
                                .said = SAID_WAIT,
                                .worst = SAID_ABSENT,
                                .is_secure = true};
    if (kind->rules)
        ask(service, discovery->domain, XF_DNS_NAPTR, on_rules);
    else
        ask_own_name(service);
}

/* Without any service nothing can be found, and XMPP is what the texts then speak of. */
static const struct protocol *protocol_of(unsigned services)
{
    for (size_t i = 0; i < XF_ARRAY_LEN(kinds); i++)
        if (services & kinds[i].service)
            return kinds[i].protocol;
    return &xmpp;
}

static struct xf_discovery *discovery_new(struct xf_dns *dns, unsigned services,
                                          xf_discovered_fn done, void *owner)
{
    struct xf_discovery *discovery = xf_new(struct xf_discovery);

    *discovery = (struct xf_discovery){
        .dns = dns, .protocol = protocol_of(services), .done = done, .owner = owner};
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
    struct xf_discovery *discovery = discovery_new(dns, opts->services, done, owner);
    char address[XF_DNS_NAME_MAX + 1];

    if (read_literal(domain, address)) {
        memcpy(discovery->domain, address, sizeof(address));
        add_home(discovery, address)->is_literal = true;
        resolve_targets(discovery);
        return discovery;
    }
    if (!xf_dns_name_of_domain(domain, discovery->domain)) {
        snprintf(discovery->detail, sizeof(discovery->detail), "not a name of the DNS");
        discovery->help = XF_HELP_DNS_NO_SERVER;
        finish_later(discovery, XF_DISCOVERY_NOT_FOUND);
        return discovery;
    }
    discovery->dane = opts->dane;
    for (size_t i = 0; i < XF_ARRAY_LEN(kinds); i++) {
        if (!(opts->services & kinds[i].service))
            continue;
        discovery->may_fall_back |= kinds[i].falls_back && !opts->srv_only;
        ask_service(discovery, &kinds[i]);
    }
    if (all_have_answered(discovery) && after_srv(discovery))
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
    unsigned long port = discovery->protocol->port;

    if (colon)
        port = strtoul(colon + 1, &end, 10);
    if (port == 0 || port > UINT16_MAX || (end && *end != '\0'))
        return;

    bool is_literal = read_literal(host, name);
    if (is_literal || xf_dns_name_of_domain(host, name))
        add_endpoint(discovery, name, (uint16_t)port, discovery->protocol->is_direct)->is_literal =
            is_literal;
}

struct xf_discovery *xf_discover_static(struct xf_dns *dns, enum xf_service service,
                                        const char *const *routes, size_t count, bool are_equal,
                                        xf_discovered_fn done, void *owner)
{
    struct xf_discovery *discovery = discovery_new(dns, service, done, owner);

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
