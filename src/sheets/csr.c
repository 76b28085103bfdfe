/* SPDX-License-Identifier: MIT */
/*
 * csr.c — prints the names that a certificate must have, as a configuration of `openssl req`.
 *
 * Peers look for the domain of the JIDs, never for the host that SRV names (RFC 6120 section
 * 13.7.2.1): so there is a DNS name for each, which every authority signs, and an id-on-dnsSRV (RFC
 * 4985), which is limited to this service. `-reqexts dns` is for authorities that accept DNS names
 * only; `-reqexts names_xmpp` adds id-on-xmppAddr (RFC 6120 section 13.7.1.4) for old servers that
 * look for nothing else.
 */
#include "sheets_priv.h"

#include <string.h>

#define COMMON_NAME_MAX 64 /* RFC 5280 A.1, ub-common-name */
#define ID_ON_DNS_SRV   "1.3.6.1.5.5.7.8.7"
#define ID_ON_XMPP_ADDR "1.3.6.1.5.5.7.8.5"

struct names {
    const struct xf_conf *conf;
    const char *only; /* NULL: all */
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
    struct xf_our_name ours;
    unsigned number = 0;
    for (size_t i = 0; next_name(names, &i, &ours);)
        fprintf(out, "DNS.%u = %s\n", ++number, ours.ascii);
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

static void put_head(const struct names *names, FILE *out)
{
    struct xf_our_name ours;
    const char *name = common_name(names, &ours);
    fprintf(out,
            "# Names of a certificate, made by xfedd --csr-names. A key and a request for it:\n"
            "#   openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -config "
            "THIS_FILE -keyout %s.key -out %s.csr\n"
            "# For an authority that takes DNS names alone add -reqexts dns; for one that signs "
            "XMPP addresses too, -reqexts names_xmpp.\n"
            "%s"
            "\n[ req ]\nprompt = no\nutf8 = yes\ndefault_md = sha256\ndistinguished_name = "
            "subject\nreq_extensions = names\n"
            "\n[ subject ]\nCN = %s\n",
            name, name, names->conf->publish.private_ca ? for_both : for_servers, name);
}

enum xf_err xf_sheet_csr(const struct xf_conf *conf, const char *name, FILE *out,
                         struct xf_error *err)
{
    const struct names names = {conf, name};
    struct xf_our_name ours;
    size_t i = 0;
    if (!next_name(&names, &i, &ours))
        return xf_fail(
            err, XF_ERR_NOT_FOUND,
            "--csr-names %s: is not a domain or alias of a served section: expected one, "
            "or none for all",
            name ? name : "");
    put_head(&names, out);
    put_extensions(conf, "names", "srv_names", "DNS and SRV names (RFC 6120 section 13.7.1.2).",
                   out);
    put_extensions(conf, "dns", "dns_names", "DNS names alone.", out);
    put_extensions(conf, "names_xmpp", "xmpp_names", "XMPP addresses as well.", out);
    put_names(&names, out);
    return XF_ERR_OK;
}
