/* SPDX-License-Identifier: MIT */
/*
 * csr.c — prints the names that a certificate must have, as a configuration of `openssl req`.
 *
 * Peers look for the domain of the JIDs, never for the host that SRV names (RFC 6120 section
 * 13.7.2.1): so there is a DNS name for each, which every authority signs, and an id-on-dnsSRV (RFC
 * 4985), which is limited to this service. `-reqexts dns` is for authorities that accept DNS names
 * only; `-reqexts names_xmpp` adds id-on-xmppAddr (RFC 6120 section 13.7.1.4) for old servers that
 * look for nothing else.
 *
 * The host for SIP has a certificate of its own in sip { }: SIP peers compare the host, or the
 * domain of our users (RFC 5922), and no wildcards. It is among all names, as one certificate may
 * serve both protocols.
 */
#include "sheets_priv.h"

#include <string.h>

#define COMMON_NAME_MAX 64 /* RFC 5280 A.1, ub-common-name */
#define ID_ON_DNS_SRV   "1.3.6.1.5.5.7.8.7"
#define ID_ON_XMPP_ADDR "1.3.6.1.5.5.7.8.5"

struct names {
    const struct xf_conf *conf;
    const char *only; /* NULL: all */
    const char *host; /* for SIP, in DNS names; NULL: none */
};

static bool is_wanted(const struct names *names, const struct xf_our_name *ours)
{
    const char *domain = names->conf->served[ours->served].settings.domain;
    return !names->only || strcmp(names->only, ours->name) == 0 || strcmp(names->only, domain) == 0;
}

/* The next name, starting at *i; false: there are no more. */
static bool next_name(const struct names *names, size_t *i, struct xf_our_name *out)
{
    while (xf_our_name_at(names->conf, (*i)++, out))
        if (is_wanted(names, out))
            return true;
    return false;
}

/* The common name, in `ours` or a fixed text, since it must not be empty. */
static const char *common_name(const struct names *names, struct xf_our_name *ours)
{
    for (size_t i = 0; next_name(names, &i, ours);)
        if (strlen(ours->ascii) <= COMMON_NAME_MAX)
            return ours->ascii;
    return "xfedd";
}

static void put_dns_names(const struct names *names, FILE *out)
{
    char host[XF_DOMAIN_ASCII_MAX + 1];
    struct xf_our_name ours;
    unsigned number = 0;
    for (size_t i = 0; next_name(names, &i, &ours);)
        fprintf(out, "DNS.%u = %s\n", ++number, ours.ascii);
    if (names->host)
        fprintf(out, "DNS.%u = %s\n", ++number, xf_ascii_of(names->host, host));
}

static void put_srv_names(const struct names *names, unsigned *number, FILE *out)
{
    struct xf_our_name ours;
    for (size_t i = 0; next_name(names, &i, &ours);)
        fprintf(out, "otherName.%u = " ID_ON_DNS_SRV ";IA5STRING:_xmpp-server.%s\n", ++*number,
                ours.ascii);
}

/* In U-labels: they are JIDs. */
static void put_xmpp_addresses(const struct names *names, unsigned *number, FILE *out)
{
    struct xf_our_name ours;
    for (size_t i = 0; next_name(names, &i, &ours);)
        fprintf(out, "otherName.%u = " ID_ON_XMPP_ADDR ";UTF8:%s\n", ++*number, ours.name);
}

static void put_extensions(const struct xf_conf *conf, const char *section, const char *names,
                           const char *what, FILE *out)
{
    fprintf(out,
            "\n# %s\n[ %s ]\nbasicConstraints = critical, CA:FALSE\nkeyUsage = critical, "
            "digitalSignature, keyEncipherment\n"
            "extendedKeyUsage = serverAuth%s\nsubjectAltName = @%s\n",
            what, section, conf->publish.private_ca ? ", clientAuth" : "", names);
}

static void put_names(const struct names *names, FILE *out)
{
    unsigned number = 0;
    fputs("\n[ dns_names ]\n", out);
    put_dns_names(names, out);
    fputs("\n[ srv_names ]\n", out);
    put_dns_names(names, out);
    put_srv_names(names, &number, out);
    number = 0;
    fputs("\n[ xmpp_names ]\n", out);
    put_dns_names(names, out);
    put_srv_names(names, &number, out);
    put_xmpp_addresses(names, &number, out);
}

/*
 * Since 2026 Chrome's root programme, and therefore the public authorities, do not allow clientAuth
 * beside serverAuth; ACME answers badCSR.
 */
static const char for_servers[] =
    "# The usage is that of a server: public authorities refuse a request for clientAuth (badCSR). "
    "Few peers insist on it when we connect;\n"
    "# with those we authenticate by dialback. An authority of your own can sign both: publish { "
    "private-ca = yes }.\n";
static const char for_both[] = "# The usages are those of a server and a client (publish { "
                               "private-ca = yes }): public authorities refuse this with badCSR.\n";

static void put_command(const char *name, FILE *out)
{
    fprintf(out,
            "#   openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -config "
            "THIS_FILE -keyout %s.key -out %s.csr\n",
            name, name);
}

static void put_request(const char *name, FILE *out)
{
    fprintf(out,
            "\n[ req ]\nprompt = no\nutf8 = yes\ndefault_md = sha256\ndistinguished_name = "
            "subject\nreq_extensions = names\n"
            "\n[ subject ]\nCN = %s\n",
            name);
}

static void put_head(const struct names *names, FILE *out)
{
    struct xf_our_name ours;
    const char *name = common_name(names, &ours), *host = names->conf->ua.host;
    fputs("# Names of a certificate, made by xfedd --csr-names. A key and a request for it:\n",
          out);
    put_command(name, out);
    fprintf(out,
            "# For an authority that takes DNS names alone add -reqexts dns; for one that signs "
            "XMPP addresses too, -reqexts names_xmpp.\n"
            "%s",
            names->conf->publish.private_ca ? for_both : for_servers);
    if (names->host)
        fprintf(out,
                "# It has the host for SIP too, so that sip { certificate } may be the same file; "
                "one for SIP alone: xfedd --csr-names %s.\n",
                host);
    else if (*host && !xf_name_is_ours(names->conf, host))
        fprintf(out, "# For sip { certificate }: xfedd --csr-names %s.\n", host);
    put_request(name, out);
}

/* ---- for SIP alone */

/* Who connects is a client of TLS, and with SIP either side does; nothing stands in for it. */
static const char sip_for_servers[] =
    "# The usage is that of a server: public authorities refuse a request for clientAuth (badCSR). "
    "Many SIP peers insist on it when we connect:\n"
    "# ask the partner; an authority of your own can sign both: publish { private-ca = yes }.\n";

static void put_sip_names(const struct xf_conf *conf, const char *host, FILE *out)
{
    struct xf_our_name ours;
    unsigned number = 0;
    fprintf(out, "\n[ dns_names ]\nDNS.%u = %s\n", ++number, host);
    for (size_t i = 0; xf_our_name_at(conf, i, &ours); i++)
        if (!ours.is_alias)
            fprintf(out, "DNS.%u = %s\n", ++number, ours.ascii);
}

static void put_sip_request(const struct xf_conf *conf, FILE *out)
{
    char ascii[XF_DOMAIN_ASCII_MAX + 1];
    const char *host = xf_ascii_of(conf->ua.host, ascii);
    const char *name = strlen(host) <= COMMON_NAME_MAX ? host : "xfedd";
    fputs("# Names of the certificate in sip { }, made by xfedd --csr-names. A key and a request "
          "for it:\n",
          out);
    put_command(name, out);
    fputs("# SIP peers compare the host, or the domain of our users (RFC 5922); wildcards match "
          "nothing.\n",
          out);
    fputs(conf->publish.private_ca ? for_both : sip_for_servers, out);
    put_request(name, out);
    put_extensions(conf, "names", "dns_names", "The host, and each domain of users.", out);
    put_sip_names(conf, host, out);
}

enum xf_err xf_sheet_csr(const struct xf_conf *conf, const char *name, FILE *out,
                         struct xf_error *err)
{
    const char *host =
        *conf->ua.host && !xf_name_is_ours(conf, conf->ua.host) ? conf->ua.host : NULL;
    const struct names names = {conf, name, name ? NULL : host};
    struct xf_our_name ours;
    size_t i = 0;
    if (name && host && strcmp(name, host) == 0) {
        put_sip_request(conf, out);
        return XF_ERR_OK;
    }
    if (!next_name(&names, &i, &ours))
        return xf_fail(err, XF_ERR_NOT_FOUND,
                       "--csr-names %s: is not a domain or alias of a served section, nor sip { "
                       "host }: expected one, or none for all",
                       name ? name : "");
    put_head(&names, out);
    put_extensions(conf, "names", "srv_names", "DNS and SRV names (RFC 6120 section 13.7.1.2).",
                   out);
    put_extensions(conf, "dns", "dns_names", "DNS names alone.", out);
    put_extensions(conf, "names_xmpp", "xmpp_names", "XMPP addresses as well.", out);
    put_names(&names, out);
    return XF_ERR_OK;
}
