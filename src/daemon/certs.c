/* SPDX-License-Identifier: MIT */
/*
 * certs.c — the certificates of our domains and the anchors for those of peers, as a configuration names them.
 *
 * Loading touches files only and runs on the thread pool in a reload. What cannot be read is reported; at the start that
 * is the end, in a reload the certificate in force stays (after root was given up, keys may be out of reach).
 */
#include "daemon_priv.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <xfed/base/alloc.h>

#define REPORT_MAX_BYTES (64u << 10)

void xf_report_init(struct xf_report *report)
{
    *report = (struct xf_report){0};
    xf_buf_init(&report->text, REPORT_MAX_BYTES);
}

void xf_report_release(struct xf_report *report)
{
    xf_buf_release(&report->text);
}

static void XF_PRINTF(5, 6) report(struct xf_report *to, bool is_error, const char *file, int line, const char *fmt, ...)
{
    char words[1024], message[1600], number[16] = "";
    va_list args;
    va_start(args, fmt);
    vsnprintf(words, sizeof(words), fmt, args);
    va_end(args);
    if (line > 0)
        snprintf(number, sizeof(number), ":%d", line);
    int len = snprintf(message, sizeof(message), "%s%.400s%s: %s%s", to->text.len ? "\n" : "", file, number,
                       is_error ? "" : "warning: ", words);
    (void)!xf_buf_try_append(&to->text, message, (size_t)len); /* the first hundreds are help enough */
    to->errors += is_error;
}

static void check_name(const struct xf_conf_served *served, const struct xf_tls_identity *identity, const char *domain,
                       struct xf_report *out)
{
    if (!xf_tls_identity_names(identity, xf_span_of(domain)))
        report(out, false, served->at.file, served->at.line, "certificate = \"%s\": does not name %s: peers will refuse it for this domain",
               served->certificate.item[0], domain);
}

static struct xf_tls_identity *load_identity(const struct xf_conf_served *served, struct xf_report *out)
{
    struct xf_tls_identity *identity = NULL;
    struct xf_error err = {0};
    if (served->certificate.count == 0)
        return NULL;
    if (xf_tls_identity_load(served->certificate.item[0], served->key.item[0], &identity, &err) != XF_ERR_OK) {
        report(out, true, served->at.file, served->at.line, "served \"%s\": %s: expected certificate and key in PEM form", served->domain,
               err.detail);
        return NULL;
    }
    check_name(served, identity, served->domain, out);
    for (size_t i = 0; i < served->aliases.count; i++)
        check_name(served, identity, served->aliases.item[i], out);
    return identity;
}

void xf_certs_load(const struct xf_conf *conf, struct xf_certs *out_certs, struct xf_report *out)
{
    struct xf_error err = {0};
    *out_certs = (struct xf_certs){.count = conf->served_count};
    out_certs->identities = xf_alloc((conf->served_count + 1) * sizeof(*out_certs->identities));
    if (xf_tls_store_load(conf->trust_ca_file, &out_certs->store, &err) != XF_ERR_OK)
        report(out, true, conf->file, 0, "ca-file = \"%s\": %s: expected certificates in PEM form", conf->trust_ca_file, err.detail);
    for (size_t i = 0; i < conf->served_count; i++)
        out_certs->identities[i] = load_identity(&conf->served[i], out);
}

static struct xf_tls_identity *take_identity(const char *domain, const struct xf_conf *conf, struct xf_certs *certs)
{
    for (size_t i = 0; i < conf->served_count; i++) {
        if (strcmp(conf->served[i].domain, domain) != 0)
            continue;
        struct xf_tls_identity *identity = certs->identities[i];
        certs->identities[i] = NULL;
        return identity;
    }
    return NULL;
}

static bool can_take(const char *domain, const struct xf_conf *conf, const struct xf_certs *certs)
{
    for (size_t i = 0; i < conf->served_count; i++)
        if (strcmp(conf->served[i].domain, domain) == 0)
            return certs->identities[i] != NULL;
    return false;
}

bool xf_certs_inherit(const struct xf_conf *conf, struct xf_certs *next, const struct xf_conf *running_conf,
                      struct xf_certs *running)
{
    for (size_t i = 0; i < conf->served_count; i++)
        if (conf->served[i].certificate.count > 0 && !next->identities[i] && !can_take(conf->served[i].domain, running_conf, running))
            return false;
    if (!next->store) {
        next->store = running->store;
        running->store = NULL;
    }
    for (size_t i = 0; i < conf->served_count; i++)
        if (conf->served[i].certificate.count > 0 && !next->identities[i])
            next->identities[i] = take_identity(conf->served[i].domain, running_conf, running);
    return true;
}

void xf_certs_seal(const struct xf_conf *conf, struct xf_certs *certs)
{
    certs->set = xf_tls_identities_new(certs->store);
    for (size_t i = 0; i < conf->served_count; i++) {
        const struct xf_conf_served *served = &conf->served[i];
        if (!certs->identities[i])
            continue;
        xf_tls_identities_set(certs->set, xf_span_of(served->domain), certs->identities[i]);
        for (size_t k = 0; k < served->aliases.count; k++)
            xf_tls_identities_set(certs->set, xf_span_of(served->aliases.item[k]), certs->identities[i]);
    }
}

void xf_certs_release(struct xf_certs *certs)
{
    for (size_t i = 0; i < certs->count; i++)
        xf_tls_identity_unref(&certs->identities[i]);
    xf_free(certs->identities);
    xf_tls_identities_unref(&certs->set);
    xf_tls_store_unref(&certs->store);
    *certs = (struct xf_certs){0};
}
