/* SPDX-License-Identifier: MIT */
/*
 * certs.c — loads the certificates of our domains, from the files in the configuration or from
 * trust { cert-dir }.
 *
 * A served section with `certificate` uses these files for its domain and aliases, one for each
 * type of key. Without it, we look for DOMAIN/fullchain.pem and privkey.pem in the folder, where
 * certbot and other ACME clients put them (DOMAIN in A-labels, else as written). An alias with a
 * folder uses the certificate in it, other aliases use the domain's.
 *
 * The certificates of sip { } are for its host, and shown to SIP peers alone.
 *
 * Loading only reads files; at a reload it runs on the thread pool. What cannot be read is
 * reported. At the start, that ends the program; at a reload, the certificate in use stays (without
 * root, keys may have become unreadable). Test: tests/unit/daemon/test_certs.c.
 */
#include "daemon_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <xfed/base/alloc.h>
#include <xfed/base/secrecy.h>
#include <xfed/xmpp/jid.h>

/* ---- which ones there are */

static void add_sip(struct xf_certs *certs, const struct xf_conf *conf)
{
    const struct xf_sip_settings *sip = &conf->sip;
    certs->sip = xf_alloc((sip->certificate.count + 1) * sizeof(*certs->sip));
    for (size_t i = 0; i < sip->certificate.count && i < sip->key.count; i++)
        certs->sip[certs->sip_count++] =
            (struct xf_cert){.name = xf_strdup(conf->ua.host),
                             .file = xf_strdup(sip->certificate.item[i]),
                             .key_file = xf_strdup(sip->key.item[i])};
}

static void add(struct xf_certs *certs, const struct xf_cert *cert)
{
    certs->own = xf_realloc(certs->own, (certs->own_count + 1) * sizeof(*certs->own));
    certs->own[certs->own_count++] = *cert;
}

/*
 * A folder that we may not read counts as present: we must not take it for a domain without a
 * certificate.
 */
static bool add_folder(struct xf_certs *certs, const struct xf_conf *conf, size_t served,
                       const char *name, const char *folder, bool is_alias)
{
    char *file = xf_asprintf("%s/%s/fullchain.pem", conf->trust.cert_dir, folder);
    bool is_there = access(file, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR);
    if (is_there)
        add(certs, &(struct xf_cert){
                       .name = xf_strdup(name),
                       .served = served,
                       .is_alias = is_alias,
                       .file = file,
                       .key_file = xf_asprintf("%s/%s/privkey.pem", conf->trust.cert_dir, folder)});
    else
        xf_free(file);
    return is_there;
}

static bool add_from_dir(struct xf_certs *certs, const struct xf_conf *conf, size_t served,
                         const char *name, bool is_alias)
{
    char ascii[XF_DOMAIN_ASCII_MAX + 1];
    xf_require(xf_domain_to_ascii(xf_span_of(name), ascii) == XF_ERR_OK); /* conf prepared it */
    return add_folder(certs, conf, served, name, ascii, is_alias) ||
           (strcmp(ascii, name) != 0 && add_folder(certs, conf, served, name, name, is_alias));
}

static bool find_own(struct xf_certs *certs, const struct xf_conf *conf, size_t i)
{
    const struct xf_served_settings *served = &conf->served[i].settings;
    if (!*served->domain) /* -t goes on without a domain that was refused */
        return true;
    for (size_t k = 0; k < served->certificate.count && k < served->key.count; k++)
        add(certs, &(struct xf_cert){.name = xf_strdup(served->domain),
                                     .served = i,
                                     .file = xf_strdup(served->certificate.item[k]),
                                     .key_file = xf_strdup(served->key.item[k])});
    if (served->certificate.count > 0)
        return true;
    if (!*conf->trust.cert_dir)
        return false;
    bool has_own = add_from_dir(certs, conf, i, served->domain, false);
    for (size_t k = 0; k < served->aliases.count; k++)
        (void)add_from_dir(certs, conf, i, served->aliases.item[k], true);
    return has_own;
}

/* If there is no folder to look in, conf has refused this already. */
static bool may_lack(const struct xf_conf *conf, size_t i, struct xf_report *report)
{
    const struct xf_served_settings *served = &conf->served[i].settings;
    const struct xf_at at = {conf, &conf->served[i].at};
    const char *why = conf->defaults.tls == XF_TLS_REQUIRED ? "tls = required"
                      : !conf->defaults.dialback            ? "dialback = no"
                                                            : NULL;
    if (why)
        xf_report_error(report, &at, "certificate",
                        "served \"%s\" has no certificate, and there is no %s/%s/fullchain.pem, "
                        "but defaults say %s: expected certificate "
                        "and key, or that file and privkey.pem",
                        served->domain, conf->trust.cert_dir, served->domain, why);
    else if (conf->defaults.tls == XF_TLS_OPTIONAL)
        xf_report_warning(report, &at, "certificate",
                          "served \"%s\" has no certificate: its streams are not encrypted",
                          served->domain);
    return !why;
}

/* ---- what they are */

static bool has_own(const struct xf_certs *certs, const char *alias)
{
    for (size_t i = 0; i < certs->own_count; i++)
        if (certs->own[i].is_alias && strcmp(certs->own[i].name, alias) == 0)
            return true;
    return false;
}

static void check_name(const struct xf_cert *cert, const char *name, const struct xf_at *at,
                       struct xf_report *report)
{
    if (!xf_tls_identity_names(cert->identity, xf_span_of(name)))
        xf_report_warning(
            report, at, "certificate",
            "certificate = \"%s\": does not name %s: peers will refuse it for this domain",
            cert->file, name);
}

static void check_names(const struct xf_certs *certs, const struct xf_cert *cert,
                        const struct xf_served_settings *served, const struct xf_at *at,
                        struct xf_report *report)
{
    check_name(cert, cert->name, at, report);
    for (size_t i = 0; !cert->is_alias && i < served->aliases.count; i++)
        if (!has_own(certs, served->aliases.item[i]))
            check_name(cert, served->aliases.item[i], at, report);
}

/*
 * False: others can replace the key. A key that others can only read is accepted with a warning, as
 * in conf/secret.c.
 */
static bool is_guarded(const struct xf_cert *cert, const char *section, const struct xf_at *at,
                       struct xf_report *report)
{
    char words[XF_SECRECY_WORDS_BYTES];
    enum xf_secrecy secrecy = xf_secrecy_of(cert->key_file, words);
    if (secrecy == XF_SECRECY_WRITABLE)
        xf_report_error(report, at, "key",
                        "%s: key \"%s\": %s: expected a file that nobody else can write", section,
                        cert->key_file, words);
    if (secrecy == XF_SECRECY_READABLE)
        xf_report_warning(report, at, "key", "%s: key \"%s\": %s", section, cert->key_file, words);
    report->exposed += secrecy == XF_SECRECY_READABLE;
    return secrecy != XF_SECRECY_WRITABLE;
}

/* False: there is none. */
static bool read_one(struct xf_cert *cert, const char *section, const struct xf_at *at,
                     struct xf_report *report)
{
    struct xf_error err = {0};
    if (!is_guarded(cert, section, at, report))
        return false;
    if (xf_tls_identity_load(cert->file, cert->key_file, &cert->identity, &err) == XF_ERR_OK)
        return true;
    xf_report_error(report, at, "certificate", "%s: %s: expected certificate and key in PEM form",
                    section, err.detail);
    return false;
}

static void check_dates(const struct xf_certs *certs, const struct xf_cert *cert, int64_t warn_s,
                        const struct xf_at *at, struct xf_report *report)
{
    const struct xf_tls_store *store = certs->trust.anchors[0].store;
    char words[512];
    if (store &&
        !xf_tls_identity_check(cert->identity, store, xf_unix_s(), warn_s, words, sizeof(words)))
        xf_report_warning(report, at, "certificate", "certificate = \"%s\": %s", cert->file, words);
}

static void load_one(const struct xf_certs *certs, struct xf_cert *cert, const struct xf_conf *conf,
                     int64_t warn_s, struct xf_report *report)
{
    const struct xf_served_settings *served = &conf->served[cert->served].settings;
    const struct xf_at at = {conf, &conf->served[cert->served].at};
    char *section = xf_asprintf("served \"%s\"", served->domain);
    if (read_one(cert, section, &at, report)) {
        check_names(certs, cert, served, &at, report);
        check_dates(certs, cert, warn_s, &at, report);
    }
    xf_free(section);
}

/* A SIP peer compares our host without wildcards, and both sides are TLS clients now and then. */
static void load_sip(const struct xf_certs *certs, struct xf_cert *cert, const struct xf_conf *conf,
                     int64_t warn_s, struct xf_report *report)
{
    const struct xf_at at = {conf, &conf->sip_at};
    struct xf_tls_about about;
    if (!read_one(cert, "sip", &at, report))
        return;
    xf_tls_identity_about(cert->identity, &about);
    /* -t goes on without a host that was refused. */
    if (*cert->name && !xf_tls_identity_shows(cert->identity, cert->name))
        xf_report_warning(report, &at, "certificate",
                          "certificate = \"%s\": does not name %s, the host of sip { }, without a "
                          "wildcard: SIP peers will refuse it",
                          cert->file, cert->name);
    if (!about.for_server || !about.for_client)
        xf_report_warning(report, &at, "certificate",
                          "certificate = \"%s\": is not for TLS %s (extended key usage %s): many "
                          "SIP peers will refuse it",
                          cert->file, about.for_server ? "clients" : "servers",
                          about.for_server ? "clientAuth" : "serverAuth");
    check_dates(certs, cert, warn_s, &at, report);
}

void xf_certs_load(struct xf_conf *conf, bool with_dates, struct xf_certs *out_certs,
                   struct xf_report *report)
{
    *out_certs = (struct xf_certs){0};
    xf_trust_load(conf, &out_certs->trust, report);
    for (size_t i = 0; i < conf->served_count; i++)
        if (!find_own(out_certs, conf, i) && !may_lack(conf, i, report))
            out_certs->refusal = "a served domain has no certificate";
    int64_t warn_s = with_dates ? (int64_t)(conf->trust.warn_ms / 1000) : -1;
    for (size_t i = 0; i < out_certs->own_count; i++)
        load_one(out_certs, &out_certs->own[i], conf, warn_s, report);
    add_sip(out_certs, conf);
    for (size_t i = 0; i < out_certs->sip_count; i++)
        load_sip(out_certs, &out_certs->sip[i], conf, warn_s, report);
}

/* ---- from one configuration to the next */

/* The certificate in use from this file, else any for the name. */
static struct xf_cert *find_running(struct xf_cert *running, size_t count,
                                    const struct xf_cert *cert)
{
    struct xf_cert *found = NULL;
    for (size_t i = 0; i < count; i++) {
        struct xf_cert *before = &running[i];
        if (!before->identity || strcmp(before->name, cert->name) != 0)
            continue;
        if (strcmp(before->file, cert->file) == 0)
            return before;
        found = before;
    }
    return found;
}

const char *xf_certs_refusal(const struct xf_certs *next, const struct xf_certs *running)
{
    for (size_t i = 0; i < next->own_count; i++)
        if (!next->own[i].identity &&
            !find_running(running->own, running->own_count, &next->own[i]))
            return "a new certificate cannot be read";
    for (size_t i = 0; i < next->sip_count; i++)
        if (!next->sip[i].identity &&
            !find_running(running->sip, running->sip_count, &next->sip[i]))
            return "a new certificate for SIP cannot be read";
    return next->refusal ? next->refusal : xf_trust_refusal(&next->trust, &running->trust);
}

static void inherit(struct xf_cert *next, size_t count, struct xf_cert *running,
                    size_t running_count)
{
    for (size_t i = 0; i < count; i++) {
        struct xf_cert *before =
            next[i].identity ? NULL : find_running(running, running_count, &next[i]);
        if (!before)
            continue;
        next[i].identity = before->identity;
        before->identity = NULL;
    }
}

void xf_certs_inherit(struct xf_certs *next, struct xf_certs *running)
{
    xf_trust_inherit(&next->trust, &running->trust);
    inherit(next->own, next->own_count, running->own, running->own_count);
    inherit(next->sip, next->sip_count, running->sip, running->sip_count);
}

void xf_certs_seal(const struct xf_conf *conf, struct xf_certs *certs)
{
    certs->set = xf_trust_seal(&certs->trust, "");
    certs->sip_set = xf_trust_seal(&certs->trust, conf->sip.ca_file);
    for (size_t i = 0; i < certs->sip_count; i++)
        if (certs->sip[i].identity)
            xf_tls_identities_set(certs->sip_set, xf_span_of(certs->sip[i].name),
                                  certs->sip[i].identity);
    for (size_t i = 0; i < certs->own_count; i++) {
        const struct xf_cert *cert = &certs->own[i];
        const struct xf_texts *aliases = &conf->served[cert->served].settings.aliases;
        if (!cert->identity)
            continue;
        xf_tls_identities_set(certs->set, xf_span_of(cert->name), cert->identity);
        for (size_t k = 0; !cert->is_alias && k < aliases->count; k++)
            if (!has_own(certs, aliases->item[k]))
                xf_tls_identities_set(certs->set, xf_span_of(aliases->item[k]), cert->identity);
    }
}

static void release(struct xf_cert *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        xf_tls_identity_unref(&list[i].identity);
        xf_free(list[i].name);
        xf_free(list[i].file);
        xf_free(list[i].key_file);
    }
    xf_free(list);
}

void xf_certs_release(struct xf_certs *certs)
{
    release(certs->own, certs->own_count);
    release(certs->sip, certs->sip_count);
    xf_tls_identities_unref(&certs->set);
    xf_tls_identities_unref(&certs->sip_set);
    xf_trust_release(&certs->trust);
    *certs = (struct xf_certs){0};
}
