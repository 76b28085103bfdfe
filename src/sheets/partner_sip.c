/* SPDX-License-Identifier: MIT */
/*
 * partner_sip.c — the page for the operator of a SIP server: where ours is, what its certificate
 * shows, which names theirs must show, what passes, and the records that lead each side to the
 * other. At its end is a section for an xfedd over there.
 */
#include "sheets_priv.h"

#include <string.h>

static bool is_clear(const struct xf_partner_page *page)
{
    return page->settings.sip_transport == XF_SIP_TCP;
}

static unsigned our_port(const struct xf_partner_page *page)
{
    return is_clear(page) ? xf_conf_sip_tcp_port(page->conf) : page->conf->ua.port;
}

/* The record that both sides look up: Microsoft's servers are not found by RFC 3263. */
static const char *service_of(const struct xf_partner_page *page)
{
    return page->settings.sip_name_check == XF_SIP_NAMES_DOMAIN ? "_sips._tcp"
                                                                : "_sipfederationtls._tcp";
}

/* Our addresses as far as the nodes say them: those of the host for SIP. */
static struct xf_texts our_addresses(const struct xf_partner_page *page)
{
    struct xf_texts found = {0};
    for (size_t i = 0; i < page->conf->node_count; i++) {
        const struct xf_node_settings *node = &page->conf->nodes[i].settings;
        for (size_t k = 0; k < node->addresses.count; k++)
            if (strcmp(node->host, page->conf->ua.host) == 0)
                xf_texts_add_new(&found, node->addresses.item[k]);
    }
    return found;
}

/* The i-th domain of users: SIP carries nothing to rooms. False: there are no more. */
static bool domain_at(const struct xf_conf *conf, size_t *i, struct xf_our_name *out)
{
    while (xf_our_name_at(conf, (*i)++, out))
        if (!out->is_alias)
            return true;
    return false;
}

/* ---- our side */

static void put_server(const struct xf_partner_page *page, const char *host)
{
    struct xf_texts addresses = our_addresses(page);
    fputs("\n## Our server\n| host | addresses | port | over |\n| --- | --- | --- | --- |\n",
          page->out);
    fprintf(page->out, "| %s | ", host);
    if (addresses.count)
        xf_partner_put_list(&addresses, page->out);
    else
        fputs("see DNS", page->out);
    fprintf(page->out, " | %u | %s |\n", our_port(page), is_clear(page) ? "TCP" : "TLS");
    if (page->settings.source.count) {
        fputs("\nWe connect from ", page->out);
        xf_partner_put_list(&page->settings.source, page->out);
        fputs(".\n", page->out);
    }
    xf_texts_release(&addresses);
}

static void put_records(const struct xf_partner_page *page, const char *host)
{
    struct xf_our_name ours;
    fputs("\nWhere your server asks DNS, these records lead to it:\n\n", page->out);
    for (size_t i = 0; domain_at(page->conf, &i, &ours);)
        fprintf(page->out, "    %s.%s. IN SRV 0 0 %u %s.\n", service_of(page), ours.ascii,
                our_port(page), host);
}

/* ---- what applies to the partner */

static void put_any_of(const struct xf_texts *names, FILE *out)
{
    for (size_t i = 0; i < names->count; i++)
        fprintf(out, "%s%s", i ? " or " : "", names->item[i]);
}

static void put_names(const struct xf_partner_page *page)
{
    const struct xf_peer_settings *settings = &page->settings;
    bool is_list = settings->sip_name_check == XF_SIP_NAMES_LIST;
    if (settings->sip_name_check == XF_SIP_NAMES_DOMAIN)
        fprintf(page->out, "%s (RFC 5922)", page->partner);
    else if (!is_list && settings->route.count == 0)
        fputs("the host that the SRV record leads to", page->out);
    else if (!is_list) {
        fputs("the host that we connect to (", page->out);
        put_any_of(&settings->route, page->out);
        fputs(")", page->out);
    }
    if (settings->sip_names.count && !is_list)
        fputs(", or ", page->out);
    put_any_of(&settings->sip_names, page->out);
}

static void put_identity(const struct xf_partner_page *page)
{
    const struct xf_peer_settings *settings = &page->settings;
    if (is_clear(page)) {
        fputs("- TCP in clear; you connect from ", page->out);
        put_any_of(&settings->sip_from, page->out);
        fputs(", and nowhere else\n", page->out);
        return;
    }
    fprintf(page->out,
            "- TLS: version 1.%u or later, and each side shows a certificate, whoever connects\n",
            settings->tls_min - 10);
    if (settings->pin_count + settings->pins.count > 0) {
        fputs("- Your certificate must have the key that you told us\n", page->out);
        return;
    }
    fputs("- Your certificate must be issued by an authority that we trust, and name ", page->out);
    put_names(page);
    fputs("; wildcards match nothing\n", page->out);
    if (settings->client_eku)
        fputs("- It must be good for clients too (usage clientAuth)\n", page->out);
}

static void put_demands(const struct xf_partner_page *page)
{
    const struct xf_peer_settings *settings = &page->settings;
    fputs("\n## What applies between us\n", page->out);
    put_identity(page);
    fprintf(page->out,
            "- Messages: MESSAGE with text/plain (RFC 3428) of up to %zu KiB; yours with text/html "
            "and multipart too, of up to %zu KiB with their headers\n"
            "- Presence: SUBSCRIBE and NOTIFY with PIDF (RFC 3856, RFC 3863)\n"
            "- No sessions (INVITE)\n",
            settings->sip_body_bytes >> 10, page->conf->ua.message_bytes >> 10);
    if (settings->sip_rate)
        fprintf(page->out, "- We send up to %u requests a second\n", settings->sip_rate);
    fprintf(page->out, "- Users of %s", page->partner);
    for (size_t i = 0; i < settings->sip_domains.count; i++)
        fprintf(page->out, ", %s", settings->sip_domains.item[i]);
    fputs(": your server speaks for nobody else\n", page->out);
    if (settings->mail)
        fputs("- You see our users by their e-mail addresses\n", page->out);
}

static void put_needs(const struct xf_partner_page *page, const char *host)
{
    char partner[XF_DOMAIN_ASCII_MAX + 1];
    const struct xf_peer_settings *settings = &page->settings;
    fprintf(page->out,
            "\n## What we need of you\n"
            "- your server allows the domains above, with a route to %s:%u where it does not ask "
            "DNS, and your firewall lets both of us connect\n",
            host, our_port(page));
    if (settings->route.count) {
        fputs("- we connect to ", page->out);
        put_any_of(&settings->route, page->out);
        fputs(", and do not ask DNS: tell us when that changes\n", page->out);
    } else
        fprintf(page->out, "- a record `%s.%s. IN SRV 0 0 5061 HOST.` that leads to your server\n",
                service_of(page), xf_ascii_of(page->partner, partner));
    fputs("- the addresses of your servers, for our firewall\n", page->out);
    if (!is_clear(page))
        fputs("- your authority, if it is not a public one\n"
              "- which name of our certificate your server compares: the host, or our domains (RFC "
              "5922); and whether it asks for the usage clientAuth\n",
              page->out);
    fputs("- an address of yours for a test\n", page->out);
}

static void put_test(const struct xf_partner_page *page, const char *host)
{
    struct xf_our_name ours;
    size_t i = 0;
    if (!domain_at(page->conf, &i, &ours))
        return;
    fputs("\n## To test it\n", page->out);
    if (!is_clear(page))
        fprintf(page->out,
                "    dig +short SRV %s.%s\n"
                "    openssl s_client -connect %s:%u -cert YOURS.pem -key YOURS.key -brief\n\n",
                service_of(page), ours.ascii, host, our_port(page));
    fprintf(page->out,
            "Send OPTIONS to `sip:%s` from your server: 200 means that all of this fits.\n",
            ours.name);
    xf_partner_put_contacts(page);
}

/* ---- for an xfedd over there */

static void put_quoted(const struct xf_texts *list, FILE *out)
{
    for (size_t i = 0; i < list->count; i++)
        fprintf(out, "%s\"%s\"", i ? ", " : "", list->item[i]);
}

/* Our addresses are all that says who we are. */
static void put_clear_section(const struct xf_partner_page *page, const char *host)
{
    struct xf_texts addresses = our_addresses(page);
    bool is_known = addresses.count > 0;
    const char *way = is_known ? addresses.item[0] : host;
    bool is_v6 = xf_address_is_v6(way);
    fputs("  sip-transport = tcp  sip-from = {", page->out);
    if (page->settings.source.count || is_known)
        put_quoted(page->settings.source.count ? &page->settings.source : &addresses, page->out);
    else
        fputs("\"OUR_ADDRESS\"", page->out);
    fprintf(page->out, "}  route = {\"%s%s%s:%u\"}", is_v6 ? "[" : "", way, is_v6 ? "]" : "",
            our_port(page));
    xf_texts_release(&addresses);
}

static void put_tls_section(const struct xf_partner_page *page, const char *host)
{
    if (page->cert_count == 0) {
        fprintf(page->out, "  sip-names = {\"%s\"}", host);
        return;
    }
    fputs("  pins = {", page->out);
    for (size_t i = 0; i < page->cert_count; i++) {
        fputs(i ? ", \"sha256:" : "\"sha256:", page->out);
        xf_partner_put_hex(page->certs[i].spki_sha256, page->out);
        fputs("\"", page->out);
    }
    fputs("}", page->out);
}

static void put_sections(const struct xf_partner_page *page, const char *host)
{
    struct xf_our_name ours;
    fputs("\n## For an xfedd at your side\n", page->out);
    for (size_t i = 0; domain_at(page->conf, &i, &ours);) {
        fprintf(page->out, "    peer \"%s\" { protocol = sip", ours.name);
        if (is_clear(page))
            put_clear_section(page, host);
        else
            put_tls_section(page, host);
        fputs(" }\n", page->out);
    }
}

void xf_partner_put_sip(const struct xf_partner_page *page)
{
    char host[XF_DOMAIN_ASCII_MAX + 1];
    struct xf_our_name ours;
    size_t i = 0;
    (void)xf_ascii_of(page->conf->ua.host, host);
    if (domain_at(page->conf, &i, &ours))
        fprintf(page->out, "# SIP federation between %s and %s\n", ours.name, page->partner);
    xf_partner_put_domains(page);
    put_server(page, host);
    if (!is_clear(page)) {
        put_records(page, host);
        fputs("\n## Our certificate\n", page->out);
        xf_partner_put_keys(page, "host");
        fprintf(page->out, "\nThe name in it: %s.\n", host);
    }
    put_demands(page);
    put_needs(page, host);
    put_test(page, host);
    put_sections(page, host);
}
