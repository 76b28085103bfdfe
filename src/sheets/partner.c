/* SPDX-License-Identifier: MIT */
/*
 * partner.c — prints the page for a partner's operator: our names, servers, keys and demands, and
 * what we need of the partner. It is Markdown; at its end is a section for an xfedd over there. The
 * page for a SIP peer has the same parts: partner_sip.c.
 */
#include "sheets_priv.h"

#include <inttypes.h>

/* ---- our side */

void xf_partner_put_domains(const struct xf_partner_page *page)
{
    struct xf_our_name ours;
    fputs("\n## Our domains\n| domain | for |\n| --- | --- |\n", page->out);
    for (size_t i = 0; xf_our_name_at(page->conf, i, &ours); i++) {
        if (ours.is_alias && page->settings.protocol == XF_PROTOCOL_SIP)
            continue; /* SIP carries nothing to rooms */
        bool mail_only = page->conf->served[ours.served].settings.mail_only;
        fprintf(page->out, "| %s | %s |\n", ours.name,
                ours.is_alias ? "chat rooms, or another service"
                : mail_only   ? "e-mail addresses of users"
                              : "users");
    }
}

void xf_partner_put_list(const struct xf_texts *list, FILE *out)
{
    for (size_t i = 0; i < list->count; i++)
        fprintf(out, "%s%s", i ? ", " : "", list->item[i]);
}

static void put_servers(const struct xf_partner_page *page)
{
    bool has_direct = page->conf->listen.s2s_direct.count > 0;
    fputs("\n## Our servers\n", page->out);
    if (page->conf->node_count == 0) {
        fputs("DNS names them: SRV records `_xmpp-server._tcp` of each domain above.\n", page->out);
        return;
    }
    fputs("| host | addresses | port for STARTTLS | port for TLS at once |\n"
          "| --- | --- | --- | --- |\n",
          page->out);
    for (size_t i = 0; i < page->conf->node_count; i++) {
        const struct xf_node_settings *node = &page->conf->nodes[i].settings;
        fprintf(page->out, "| %s | ", node->host);
        xf_partner_put_list(&node->addresses, page->out);
        fprintf(page->out, " | %u | ", node->port);
        if (has_direct)
            fprintf(page->out, "%u |\n", node->direct_port);
        else
            fputs("- |\n", page->out);
    }
    fprintf(page->out,
            "\nDNS says the same: SRV records `_xmpp-server._tcp`%s of each domain above. Let your "
            "firewall pass connections to these ports, and from %s.\n",
            has_direct ? " and `_xmpps-server._tcp`" : "",
            page->settings.source.count ? "the addresses below" : "these addresses");
    if (page->settings.source.count == 0)
        return;
    fputs("\nWe connect from ", page->out);
    xf_partner_put_list(&page->settings.source, page->out);
    fputs(".\n", page->out);
}

void xf_partner_put_hex(const uint8_t bytes[32], FILE *out)
{
    for (size_t i = 0; i < 32; i++)
        fprintf(out, "%02x", bytes[i]);
}

void xf_partner_put_keys(const struct xf_partner_page *page, const char *column)
{
    if (page->cert_count == 0) {
        fputs("None yet.\n", page->out);
        return;
    }
    fprintf(page->out,
            "SHA-256 of the public key (SubjectPublicKeyInfo), which stays when a certificate is "
            "renewed with the same key:\n\n| %s | key |\n| --- | --- |\n",
            column);
    for (size_t i = 0; i < page->cert_count; i++) {
        fprintf(page->out, "| %s | `", page->certs[i].name);
        xf_partner_put_hex(page->certs[i].spki_sha256, page->out);
        fputs("` |\n", page->out);
    }
}

/* ---- what applies to the partner */

static const char *tls_words(const struct xf_peer_settings *settings)
{
    static const char *const words[] = {
        [XF_TLS_NONE] = "not used",
        [XF_TLS_OPTIONAL] = "used where you offer it",
        [XF_TLS_REQUIRED] = "required",
    };
    return words[settings->tls];
}

static const char *certificate_words(const struct xf_peer_settings *settings)
{
    if (settings->pin_count + settings->pins.count > 0)
        return "must have the key that you told us";
    switch (settings->certificate) {
    case XF_CERT_IGNORE:
        return "is not looked at";
    case XF_CERT_PREFERRED:
        return "should be issued by an authority that we trust, and name your domain; without that "
               "we authenticate you by dialback";
    case XF_CERT_REQUIRED:
        break;
    }
    return "must be issued by an authority that we trust, and name your domain";
}

static void put_demands(const struct xf_partner_page *page)
{
    const struct xf_peer_settings *settings = &page->settings;
    fprintf(page->out, "\n## What applies between us\n- TLS: %s, version 1.%u or later\n",
            tls_words(settings), settings->tls_min - 10);
    fprintf(page->out, "- Your certificate %s\n", certificate_words(settings));
    fprintf(page->out, "- SASL EXTERNAL: %s, %s\n",
            settings->sasl_in ? "we accept it from you" : "we do not accept it from you",
            settings->sasl_out && settings->show_certificate ? "and use it where you offer it"
                                                             : "and do not use it");
    fprintf(page->out, "- Server dialback (XEP-0220): %s\n",
            settings->dialback ? "spoken both ways" : "not accepted");
    fprintf(page->out, "- Stanzas of up to %zu KiB\n", settings->max_stanza_bytes >> 10);
    if (settings->stanza_rate)
        fprintf(page->out, "- Up to %" PRIu64 " stanzas a second\n",
                (uint64_t)settings->stanza_rate);
    if (settings->mail)
        fputs("- You see our users by their e-mail addresses\n", page->out);
    if (settings->protocol == XF_PROTOCOL_AUTO && xf_conf_sip_is_on(page->conf))
        fprintf(page->out,
                "- Where you have no XMPP server we reach you by SIP, and you reach us at %s:%u "
                "over TLS\n",
                page->conf->ua.host, page->conf->ua.port);
}

static void put_needs(const struct xf_partner_page *page)
{
    fprintf(page->out,
            "\n## What we need of you\n"
            "- SRV records `_xmpp-server._tcp.%s` that lead to your servers, and of each of your "
            "chat domains\n"
            "- the names, addresses and ports of your servers, for our firewall\n"
            "- your authority, if it is not a public one, or the SHA-256 of your server's public "
            "key\n- an address of yours for a test\n",
            page->partner);
}

void xf_partner_put_contacts(const struct xf_partner_page *page)
{
    if (page->conf->publish.test_jids.count == 0)
        return;
    fputs("\nWrite to ", page->out);
    xf_partner_put_list(&page->conf->publish.test_jids, page->out);
    fputs(".\n", page->out);
}

static void put_test(const struct xf_partner_page *page)
{
    struct xf_our_name ours;
    if (!xf_our_name_at(page->conf, 0, &ours))
        return;
    fprintf(page->out, "\n## To test it\n    dig +short SRV _xmpp-server._tcp.%s\n", ours.ascii);
    if (page->conf->node_count > 0)
        fprintf(page->out,
                "    openssl s_client -connect %s:%u -starttls xmpp-server -xmpphost %s -brief\n",
                page->conf->nodes[0].settings.host, page->conf->nodes[0].settings.port, ours.ascii);
    xf_partner_put_contacts(page);
}

/* A peer section each, for our domains that have a certificate. */
static void put_sections(const struct xf_partner_page *page)
{
    fputs("\n## For an xfedd at your side\n", page->out);
    for (size_t i = 0; i < page->cert_count; i++) {
        fprintf(page->out,
                "    peer \"%s\" { tls = required  certificate = required  pins = {\"sha256:",
                page->certs[i].name);
        xf_partner_put_hex(page->certs[i].spki_sha256, page->out);
        fputs("\"} }\n", page->out);
    }
    if (page->cert_count == 0)
        fputs("Its defaults fit.\n", page->out);
}

enum xf_err xf_sheet_partner(const struct xf_conf *conf, const struct xf_sheet_cert *certs,
                             size_t count, const char *partner, FILE *out, struct xf_error *err)
{
    struct xf_partner_page page = {
        .conf = conf, .certs = certs, .cert_count = count, .partner = partner, .out = out};
    const struct xf_conf_peer *section = xf_conf_peer_find(conf, xf_span_of(partner));
    struct xf_our_name ours;
    if (!xf_our_name_at(conf, 0, &ours))
        return xf_fail(err, XF_ERR_BAD_VALUE, "the configuration serves no domain");
    if (xf_name_is_ours(conf, partner))
        return xf_fail(err, XF_ERR_NOT_FOUND,
                       "--partner %.253s: is a domain of ours: expected a remote one", partner);
    page.settings = conf->defaults;
    if (section)
        xf_conf_section_settings(conf, section, &page.settings);
    if (page.settings.protocol == XF_PROTOCOL_SIP) {
        if (!xf_conf_sip_is_on(conf))
            return xf_fail(err, XF_ERR_BAD_VALUE,
                           "--partner %.253s: this peer has protocol = sip, and SIP is off: "
                           "expected listen { sip } and sip { host }",
                           partner);
        xf_partner_put_sip(&page);
        return XF_ERR_OK;
    }
    fprintf(out, "# XMPP federation between %s and %s\n", ours.name, partner);
    xf_partner_put_domains(&page);
    put_servers(&page);
    fputs("\n## Our certificates\n", out);
    xf_partner_put_keys(&page, "domain");
    put_demands(&page);
    put_needs(&page);
    put_test(&page);
    put_sections(&page);
    return XF_ERR_OK;
}
