/* SPDX-License-Identifier: MIT */
/*
 * dns.c — prints the DNS records to publish.
 *
 * Each of our names gets one SRV record for each node and service, all with the same priority and
 * weight: so peers spread over the nodes, and try another one when a node is down (RFC 2782; with a
 * weight of 0 some peers would always choose the first). A name without a certificate gets no
 * _xmpps-server, since that means TLS from the first byte. There are TLSA records at each port of
 * each host, for every certificate: which certificate a peer gets depends on the domain that it
 * asked for, and usage 3 compares only the key.
 */
#include "sheets_priv.h"

#include <string.h>

#define SRV_ORDER "0 10" /* priority, weight */

struct sheet {
    const struct xf_conf *conf;
    bool has_sip; /* some peer is reached by SIP */
    const struct xf_sheet_cert *certs;
    size_t cert_count;
    const char *zone; /* NULL: all */
    unsigned ttl_s;
    FILE *out;
};

static bool is_wanted(const struct sheet *sheet, const char *name)
{
    return !sheet->zone || xf_name_is_in(name, sheet->zone);
}

static bool has_direct(const struct sheet *sheet)
{
    return sheet->conf->listen.s2s_direct.count > 0;
}

/* ---- SRV */

static bool shows_certificate(const struct sheet *sheet, const struct xf_our_name *ours)
{
    for (size_t i = 0; i < sheet->cert_count; i++) {
        const struct xf_sheet_cert *cert = &sheet->certs[i];
        const char *domain = sheet->conf->served[ours->served].settings.domain;
        if (cert->served == ours->served &&
            (strcmp(cert->name, ours->name) == 0 || strcmp(cert->name, domain) == 0))
            return true;
    }
    return false;
}

/*
 * Several nodes with different addresses may share a host and a port, which need only one record.
 */
static bool is_repeated(const struct xf_conf *conf, size_t i, bool direct)
{
    for (size_t k = 0; k < i; k++) {
        const struct xf_node_settings *a = &conf->nodes[i].settings, *b = &conf->nodes[k].settings;
        if (strcmp(a->host, b->host) == 0 &&
            (direct ? a->direct_port == b->direct_port : a->port == b->port))
            return true;
    }
    return false;
}

static void put_srv(const struct sheet *sheet, const char *service, const char *name, bool direct)
{
    char host[XF_DOMAIN_ASCII_MAX + 1];
    for (size_t i = 0; i < sheet->conf->node_count; i++) {
        const struct xf_node_settings *node = &sheet->conf->nodes[i].settings;
        if (is_repeated(sheet->conf, i, direct))
            continue;
        fprintf(sheet->out, "%s.%s. %u IN SRV " SRV_ORDER " %u %s.\n", service, name, sheet->ttl_s,
                direct ? node->direct_port : node->port, xf_ascii_of(node->host, host));
    }
}

/*
 * The first is what OCS, Lync and Skype for Business look up, the second is that of RFC 3263. One
 * record, as the former try a single one, and only a host below the domain: they refuse others, as
 * anybody could have put them into DNS.
 */
static void put_sip(const struct sheet *sheet, const struct xf_our_name *ours)
{
    char host[XF_DOMAIN_ASCII_MAX + 1];
    const char *name = sheet->conf->ua.host;
    if (!sheet->has_sip || !*name || ours->is_alias)
        return;
    if (!xf_name_is_in(name, ours->name))
        fprintf(sheet->out,
                "; warning: OCS, Lync and Skype for Business accept the next record only with a "
                "host in %s\n",
                ours->name);
    (void)xf_ascii_of(name, host);
    fprintf(sheet->out, "_sipfederationtls._tcp.%s. %u IN SRV 0 0 %u %s.\n", ours->ascii,
            sheet->ttl_s, sheet->conf->ua.port, host);
    fprintf(sheet->out, "_sips._tcp.%s. %u IN SRV 0 0 %u %s.\n", ours->ascii, sheet->ttl_s,
            sheet->conf->ua.port, host);
}

static const char *kind_of(const struct xf_conf *conf, const struct xf_our_name *ours)
{
    return ours->is_alias                                  ? "an alias, such as chat rooms"
           : conf->served[ours->served].settings.mail_only ? "e-mail addresses of users"
                                                           : "users";
}

static void put_name(const struct sheet *sheet, const struct xf_our_name *ours)
{
    fprintf(sheet->out, "\n; %s: %s\n", ours->name, kind_of(sheet->conf, ours));
    put_srv(sheet, "_xmpp-server._tcp", ours->ascii, false);
    if (has_direct(sheet) && shows_certificate(sheet, ours))
        put_srv(sheet, "_xmpps-server._tcp", ours->ascii, true);
    else if (has_direct(sheet))
        fputs("; no _xmpps-server: there is no certificate of this name yet\n", sheet->out);
    put_sip(sheet, ours);
}

/* ---- hosts */

static bool is_first_of_host(const struct xf_conf *conf, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (strcmp(conf->nodes[k].settings.host, conf->nodes[i].settings.host) == 0)
            return false;
    return true;
}

static bool has_address_before(const struct xf_conf *conf, const char *host, size_t node, size_t i)
{
    const char *address = conf->nodes[node].settings.addresses.item[i];
    for (size_t n = 0; n <= node; n++)
        for (size_t k = 0; strcmp(conf->nodes[n].settings.host, host) == 0 &&
                           k < (n == node ? i : conf->nodes[n].settings.addresses.count);
             k++)
            if (strcmp(conf->nodes[n].settings.addresses.item[k], address) == 0)
                return true;
    return false;
}

static void put_addresses(const struct sheet *sheet, const char *host)
{
    const struct xf_conf *conf = sheet->conf;
    char name[XF_DOMAIN_ASCII_MAX + 1];
    for (size_t n = 0; n < conf->node_count; n++) {
        const struct xf_texts *addresses = &conf->nodes[n].settings.addresses;
        for (size_t i = 0; strcmp(conf->nodes[n].settings.host, host) == 0 && i < addresses->count;
             i++)
            if (!has_address_before(conf, host, n, i))
                fprintf(sheet->out, "%s. %u IN %s %s\n", xf_ascii_of(host, name), sheet->ttl_s,
                        xf_address_is_v6(addresses->item[i]) ? "AAAA" : "A", addresses->item[i]);
    }
}

static bool is_known_key(const struct sheet *sheet, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (memcmp(sheet->certs[k].spki_sha256, sheet->certs[i].spki_sha256,
                   sizeof(sheet->certs[i].spki_sha256)) == 0)
            return true;
    return false;
}

static void put_tlsa(const struct sheet *sheet, const char *host, unsigned port)
{
    char name[XF_DOMAIN_ASCII_MAX + 1];
    for (size_t i = 0; i < sheet->cert_count; i++) {
        if (is_known_key(sheet, i))
            continue;
        fprintf(sheet->out, "_%u._tcp.%s. %u IN TLSA 3 1 1 ", port, xf_ascii_of(host, name),
                sheet->ttl_s);
        for (size_t k = 0; k < sizeof(sheet->certs[i].spki_sha256); k++)
            fprintf(sheet->out, "%02x", sheet->certs[i].spki_sha256[k]);
        fputc('\n', sheet->out);
    }
}

static void put_tlsa_of_host(const struct sheet *sheet, const char *host)
{
    for (size_t i = 0; i < sheet->conf->node_count; i++) {
        const struct xf_node_settings *node = &sheet->conf->nodes[i].settings;
        if (strcmp(node->host, host) != 0)
            continue;
        if (!is_repeated(sheet->conf, i, false))
            put_tlsa(sheet, host, node->port);
        if (has_direct(sheet) && !is_repeated(sheet->conf, i, true))
            put_tlsa(sheet, host, node->direct_port);
    }
}

static void put_host(const struct sheet *sheet, const char *host)
{
    fprintf(sheet->out, "\n; %s: where the records above point to\n", host);
    put_addresses(sheet, host);
    if (sheet->cert_count == 0) {
        fputs("; no TLSA: there is no certificate yet\n", sheet->out);
        return;
    }
    fputs("; keys of our certificates, for peers that use DANE: only of use in a zone that is "
          "signed (DNSSEC). Publish the record of a new\n"
          "; key at least one TTL before its certificate is used.\n",
          sheet->out);
    put_tlsa_of_host(sheet, host);
}

/* ---- all of it */

/* Cisco, Interdomain Federation: IBM Sametime tries the first record only. */
static void warn_of_sametime(const struct sheet *sheet)
{
    const struct xf_conf *conf = sheet->conf;
    for (size_t i = 0; i < conf->peer_count && conf->node_count > 1; i++) {
        struct xf_peer_settings settings;
        xf_conf_section_settings(conf, &conf->peers[i], &settings);
        if (settings.profile == XF_PROFILE_SAMETIME)
            fprintf(sheet->out,
                    "; warning: peer \"%s\" is a Sametime gateway, which tries the first SRV "
                    "record only: when that node is away it\n"
                    ";   does not come to another. Give it one name with one record, whose address "
                    "moves to a node that runs.\n",
                    conf->peers[i].pattern);
    }
}

static bool is_node_host(const struct xf_conf *conf, const char *host)
{
    for (size_t i = 0; i < conf->node_count; i++)
        if (strcmp(conf->nodes[i].settings.host, host) == 0)
            return true;
    return false;
}

static void warn_of_sip(const struct sheet *sheet)
{
    const char *host = sheet->conf->ua.host;
    if (!sheet->has_sip)
        return;
    if (!*host)
        fputs("; no records for SIP, although peers have protocol = sip: sip { host } is not set\n",
              sheet->out);
    else if (!is_node_host(sheet->conf, host))
        fprintf(sheet->out,
                "; no addresses of %s, the host for SIP: it is not the host of a node; publish "
                "them yourself\n",
                host);
}

static bool is_in_zone(const struct sheet *sheet)
{
    struct xf_our_name ours;
    for (size_t i = 0; xf_our_name_at(sheet->conf, i, &ours); i++)
        if (is_wanted(sheet, ours.name))
            return true;
    for (size_t i = 0; i < sheet->conf->node_count; i++)
        if (is_wanted(sheet, sheet->conf->nodes[i].settings.host))
            return true;
    return false;
}

static void put_head(const struct sheet *sheet)
{
    fputs("; What to publish in DNS, made by xfedd --dns-records. Names are absolute; use it by "
          "$INCLUDE in the zone's file",
          sheet->out);
    if (sheet->zone)
        fprintf(sheet->out, " of %s", sheet->zone);
    fputs(".\n", sheet->out);
    if (!sheet->zone)
        fputs("; For the names of one zone only: xfedd --dns-records ZONE.\n", sheet->out);
    warn_of_sametime(sheet);
    warn_of_sip(sheet);
}

enum xf_err xf_sheet_dns(const struct xf_conf *conf, const struct xf_sheet_cert *certs,
                         size_t count, const char *zone, FILE *out, struct xf_error *err)
{
    const struct sheet sheet = {.conf = conf,
                                .has_sip = xf_some_peer_is_sip(conf),
                                .certs = certs,
                                .cert_count = count,
                                .zone = zone,
                                .ttl_s = (unsigned)(conf->publish.ttl_ms / 1000),
                                .out = out};
    struct xf_our_name ours;
    if (xf_need_nodes(conf, "--dns-records", err) != XF_ERR_OK)
        return XF_ERR_BAD_VALUE;
    if (!is_in_zone(&sheet))
        return xf_fail(err, XF_ERR_NOT_FOUND,
                       "--dns-records %.80s: no name of ours is in this zone", zone ? zone : "");
    put_head(&sheet);
    for (size_t i = 0; xf_our_name_at(conf, i, &ours); i++)
        if (is_wanted(&sheet, ours.name))
            put_name(&sheet, &ours);
    for (size_t i = 0; i < conf->node_count; i++)
        if (is_first_of_host(conf, i) && is_wanted(&sheet, conf->nodes[i].settings.host))
            put_host(&sheet, conf->nodes[i].settings.host);
    return XF_ERR_OK;
}
