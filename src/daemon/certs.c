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
static bool is_guarded(const struct xf_cert *cert, const struct xf_served_settings *served,
                       const struct xf_at *at, struct xf_report *report)
{
    char words[XF_SECRECY_WORDS_BYTES];
    enum xf_secrecy secrecy = xf_secrecy_of(cert->key_file, words);
    if (secrecy == XF_SECRECY_WRITABLE)
        xf_report_error(report, at, "key",
                        "served \"%s\": key \"%s\": %s: expected a file that nobody else can write",
                        served->domain, cert->key_file, words);
    if (secrecy == XF_SECRECY_READABLE)
        xf_report_warning(report, at, "key", "served \"%s\": key \"%s\": %s", served->domain,
                          cert->key_file, words);
    report->exposed += secrecy == XF_SECRECY_READABLE;
    return secrecy != XF_SECRECY_WRITABLE;
}

static void load_one(const struct xf_certs *certs, struct xf_cert *cert, const struct xf_conf *conf,
                     int64_t warn_s, struct xf_report *report)
{
    const struct xf_served_settings *served = &conf->served[cert->served].settings;
    const struct xf_at at = {conf, &conf->served[cert->served].at};
    const struct xf_tls_store *store = certs->trust.anchors[0].store;
    struct xf_error err = {0};
    char words[512];
    if (!is_guarded(cert, served, &at, report))
        return;
    if (xf_tls_identity_load(cert->file, cert->key_file, &cert->identity, &err) != XF_ERR_OK) {
        xf_report_error(report, &at, "certificate",
                        "served \"%s\": %s: expected certificate and key in PEM form",
                        served->domain, err.detail);
        return;
    }
    check_names(certs, cert, served, &at, report);
    if (store &&
        !xf_tls_identity_check(cert->identity, store, xf_unix_s(), warn_s, words, sizeof(words)))
        xf_report_warning(report, &at, "certificate", "certificate = \"%s\": %s", cert->file,
                          words);
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
}

/* ---- from one configuration to the next */

/* The certificate in use from this file, else any for the name. */
static struct xf_cert *find_running(const struct xf_certs *running, const struct xf_cert *cert)
{
    struct xf_cert *found = NULL;
    for (size_t i = 0; i < running->own_count; i++) {
        struct xf_cert *before = &running->own[i];
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
        if (!next->own[i].identity && !find_running(running, &next->own[i]))
            return "a new certificate cannot be read";
    return next->refusal ? next->refusal : xf_trust_refusal(&next->trust, &running->trust);
}

void xf_certs_inherit(struct xf_certs *next, struct xf_certs *running)
{
    xf_trust_inherit(&next->trust, &running->trust);
    for (size_t i = 0; i < next->own_count; i++) {
        struct xf_cert *before =
            next->own[i].identity ? NULL : find_running(running, &next->own[i]);
        if (!before)
            continue;
        next->own[i].identity = before->identity;
        before->identity = NULL;
    }
}

void xf_certs_seal(const struct xf_conf *conf, struct xf_certs *certs)
{
    certs->set = xf_trust_seal(&certs->trust);
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

void xf_certs_release(struct xf_certs *certs)
{
    for (size_t i = 0; i < certs->own_count; i++) {
        xf_tls_identity_unref(&certs->own[i].identity);
        xf_free(certs->own[i].name);
        xf_free(certs->own[i].file);
        xf_free(certs->own[i].key_file);
    }
    xf_free(certs->own);
    xf_tls_identities_unref(&certs->set);
    xf_trust_release(&certs->trust);
    *certs = (struct xf_certs){0};
}
