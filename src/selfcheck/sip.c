/* SPDX-License-Identifier: MIT */
/*
 * sip.c — do SIP peers find us, and will they take our certificate? Only where there are such peers
 * and sip { host } says where we are.
 *
 * Partners may also have a route of their own to us: so a record that is missing is a warning, one
 * that leads elsewhere is wrong.
 */
#include "selfcheck_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <xfed/base/alloc.h>
#include <xfed/dns/discover.h>
#include <xfed/sheets/sheets.h>

#define PART       "sip"
#define AT_A_TIME  8
#define LIST_BYTES 256

enum service { FEDERATION, SIPS, SERVICES };
static const char *const service_names[SERVICES] = {"_sipfederationtls._tcp", "_sips._tcp"};

struct srv {
    struct domain *domain;
    enum service service;
    struct xf_dns_query *query; /* NULL: answered */
};

struct domain {
    struct xf_node node; /* in active */
    struct xf_selfcheck *check;
    struct xf_our_name ours;
    struct srv srv[SERVICES];
    unsigned open; /* answers that are due */
    bool is_bad;   /* something was said about it */
};

struct xf_selfcheck_for_sip {
    char host[XF_DOMAIN_ASCII_MAX + 1]; /* of sip { } */
    char place[XF_DOMAIN_ASCII_MAX + 8];
    struct xf_discovery *discovery;
    struct xf_node active;
    size_t next, count; /* the next name, and how many are active */
};

static unsigned port_of(const struct xf_selfcheck *check)
{
    return check->parts.conf->ua.port;
}

/* ------------------------------------------------------------------ certificates */

static void look_at_certificate(struct xf_selfcheck *check,
                                const struct xf_selfcheck_certificate *cert)
{
    struct xf_spot spot = {PART, cert->file};
    struct xf_tls_about about;
    const char *host = check->parts.conf->ua.host;
    if (!cert->identity)
        return; /* said already */
    xf_tls_identity_about(cert->identity, &about);
    if (!xf_tls_identity_shows(cert->identity, host))
        xf_selfcheck_wrong(check, spot, XF_HELP_SIP_OUR_CERT,
                           "does not name %s, the host of sip { }, without a wildcard: SIP peers "
                           "refuse it",
                           host);
    else if (!about.for_server || !about.for_client)
        xf_selfcheck_warn(check, spot, XF_HELP_SIP_OUR_CERT,
                          "is not for TLS %s (extended key usage %s): many SIP peers refuse it",
                          about.for_server ? "clients" : "servers",
                          about.for_server ? "clientAuth" : "serverAuth");
    else
        xf_selfcheck_ok(check, spot, "names %s, for TLS servers and clients", host);
}

static void look_at_certificates(struct xf_selfcheck *check)
{
    for (size_t i = 0; i < check->parts.certificate_count; i++)
        if (check->certificates[i].is_of_sip)
            look_at_certificate(check, &check->certificates[i]);
}

/* ------------------------------------------------------------------ the host */

static void on_host(void *owner, const struct xf_discovery_result *result)
{
    struct xf_selfcheck *check = owner;
    struct xf_spot spot = {PART, check->parts.conf->ua.host};
    char all[LIST_BYTES] = "";
    check->sip->discovery = NULL;
    for (size_t i = 0; i < result->count; i++) {
        char address[XF_ADDR_TEXT_BYTES];
        size_t len = strlen(all);
        xf_addr_text(&result->candidates[i].addr, address);
        snprintf(all + len, sizeof(all) - len, "%s%s", len ? ", " : "", address);
    }
    if (result->count)
        xf_selfcheck_ok(check, spot, "DNS leads SIP peers to %s", all);
    else
        xf_selfcheck_wrong(check, spot, XF_HELP_OUR_SIP_HOST, "the host of sip { }: %s",
                           result->detail);
    xf_selfcheck_release(check);
}

/* ------------------------------------------------------------------ SRV records */

static void judge_records(const struct srv *srv, const struct xf_dns_answer *answer)
{
    struct xf_selfcheck *check = srv->domain->check;
    struct xf_spot spot = {PART, srv->domain->ours.name};
    for (size_t i = 0; i < answer->count; i++) {
        const struct xf_dns_record *record = &answer->records[i];
        if (record->port == port_of(check) && strcmp(record->target, check->sip->host) == 0)
            continue;
        srv->domain->is_bad = true;
        xf_selfcheck_wrong(check, spot, XF_HELP_OUR_SIP_SRV,
                           "%s names %s:%u in DNS, and sip { } says %s:%u",
                           service_names[srv->service], *record->target ? record->target : ".",
                           record->port, check->sip->host, port_of(check));
    }
}

/* Microsoft's servers take one record, whose host is below the domain. */
static void judge_federation(const struct srv *srv, const struct xf_dns_answer *answer)
{
    struct xf_selfcheck *check = srv->domain->check;
    struct xf_spot spot = {PART, srv->domain->ours.name};
    if (srv->service != FEDERATION || answer->count == 0)
        return;
    if (answer->count == 1 && xf_name_is_in(check->parts.conf->ua.host, srv->domain->ours.name))
        return;
    srv->domain->is_bad = true;
    xf_selfcheck_warn(check, spot, XF_HELP_OUR_SIP_SRV,
                      "OCS, Lync and Skype for Business want one record %s.%s, with a host in the "
                      "domain: there are %zu, and the host is %s",
                      service_names[srv->service], srv->domain->ours.ascii, answer->count,
                      check->sip->host);
}

static void judge(const struct srv *srv, const struct xf_dns_answer *answer)
{
    struct xf_selfcheck *check = srv->domain->check;
    struct xf_spot spot = {PART, srv->domain->ours.name};
    const char *service = service_names[srv->service];
    judge_records(srv, answer);
    judge_federation(srv, answer);
    if (answer->count > 0)
        return;
    srv->domain->is_bad = true;
    if (answer->status == XF_DNS_FAILED)
        xf_selfcheck_wrong(check, spot, answer->help, "%s cannot be looked up: %s", service,
                           answer->detail);
    else
        xf_selfcheck_warn(check, spot, XF_HELP_OUR_SIP_SRV,
                          "SIP peers without a route to us do not find it: missing is %s.%s. SRV 0 "
                          "0 %u %s.",
                          service, srv->domain->ours.ascii, port_of(check), check->sip->host);
}

/* ------------------------------------------------------------------ questions */

static void begin_more(struct xf_selfcheck *check);

static void drop(struct domain *domain)
{
    struct xf_selfcheck *check = domain->check;
    for (size_t i = 0; i < SERVICES; i++)
        if (domain->srv[i].query)
            check->parts.dns->ops->cancel(check->parts.dns, domain->srv[i].query);
    xf_list_remove(&domain->node);
    check->sip->count--;
    xf_free(domain);
}

static void on_srv(void *owner, const struct xf_dns_answer *answer)
{
    struct srv *srv = owner;
    struct domain *domain = srv->domain;
    struct xf_selfcheck *check = domain->check;
    srv->query = NULL;
    judge(srv, answer);
    if (--domain->open > 0)
        return;
    if (!domain->is_bad)
        xf_selfcheck_ok(check, (struct xf_spot){PART, domain->ours.name},
                        "DNS leads SIP peers to %s:%u", check->sip->host, port_of(check));
    drop(domain);
    begin_more(check);
}

static void ask(struct xf_selfcheck *check, const struct xf_our_name *ours)
{
    struct xf_dns *dns = check->parts.dns;
    struct domain *domain = xf_new(struct domain);
    domain->check = check;
    domain->ours = *ours;
    domain->open = SERVICES;
    check->sip->count++;
    xf_list_push(&check->sip->active, &domain->node);
    for (unsigned i = 0; i < SERVICES; i++) {
        char text[XF_DNS_NAME_MAX + 32];
        snprintf(text, sizeof(text), "%s.%s", service_names[i], domain->ours.ascii);
        domain->srv[i] = (struct srv){.domain = domain, .service = (enum service)i};
        domain->srv[i].query = dns->ops->ask(dns, text, XF_DNS_SRV, on_srv, &domain->srv[i]);
    }
}

/* Aliases, such as chat rooms, are not for SIP peers. */
static void begin_more(struct xf_selfcheck *check)
{
    struct xf_selfcheck_for_sip *sip = check->sip;
    struct xf_our_name ours;
    while (sip->count < AT_A_TIME && xf_our_name_at(check->parts.conf, sip->next, &ours)) {
        sip->next++;
        if (!ours.is_alias)
            ask(check, &ours);
    }
    if (sip->count == 0)
        xf_selfcheck_release(check);
}

void xf_selfcheck_sip(struct xf_selfcheck *check)
{
    const struct xf_conf *conf = check->parts.conf;
    if (!*conf->ua.host || !xf_some_peer_is_sip(conf))
        return;
    struct xf_selfcheck_for_sip *sip = check->sip = xf_new(struct xf_selfcheck_for_sip);
    xf_require(xf_domain_to_ascii(xf_span_of(conf->ua.host), sip->host) == XF_ERR_OK);
    snprintf(sip->place, sizeof(sip->place), "%s:%u", sip->host, port_of(check));
    xf_list_init(&sip->active);
    look_at_certificates(check);
    xf_selfcheck_hold(check); /* for the host, and for the domains */
    xf_selfcheck_hold(check);
    sip->discovery =
        xf_discover_static(check->parts.dns, XF_SERVICE_SIPS, (const char *const[]){sip->place}, 1,
                           false, on_host, check);
    begin_more(check);
}

void xf_selfcheck_sip_end(struct xf_selfcheck *check)
{
    if (!check->sip)
        return;
    xf_discovery_cancel(&check->sip->discovery);
    XF_LIST_EACH_SAFE (node, &check->sip->active)
        drop(XF_CONTAINER(node, struct domain, node));
    xf_free(check->sip);
    check->sip = NULL;
}
