/* SPDX-License-Identifier: MIT */
/*
 * trust.c — loads what certificates are judged by: the anchors for all, for single peers and for
 * links, with their revocation lists, pinned certificates, and cipher lists.
 *
 * Each ca-file is read once, however many peers name it. Files are small, except for a system's
 * bundle, whose store is shared by all peers without a ca-file of their own.
 */
#include "daemon_priv.h"

#include <stdio.h>
#include <string.h>
#include <xfed/base/alloc.h>
#include <xfed/base/map.h>

/*
 * Loads the lists too. NULL, with a report, if either cannot be read: anchors without their lists
 * would accept revoked certificates.
 */
static struct xf_tls_store *load_store(const struct xf_conf *conf, const char *ca_file,
                                       const struct xf_at *at, struct xf_report *report)
{
    struct xf_tls_store *store = NULL;
    struct xf_error err = {0};
    const struct xf_at trust = {conf, &conf->trust_at};
    const char *const *files = (const char *const *)conf->trust.crl_files.item;
    if (xf_tls_store_load(ca_file, &store, &err) != XF_ERR_OK) {
        xf_report_error(report, at, "ca-file",
                        "ca-file = \"%s\": %s: expected certificates in PEM form", ca_file,
                        err.detail);
        return NULL;
    }
    if (xf_tls_store_add_crls(store, files, conf->trust.crl_files.count, NULL, &err) != XF_ERR_OK)
        xf_report_error(report, &trust, "crl-files",
                        "crl-files: %s: expected revocation lists in PEM form", err.detail);
    else if (xf_tls_store_add_crls(store, NULL, 0, conf->trust.crl_dir, &err) != XF_ERR_OK)
        xf_report_error(report, &trust, "crl-dir",
                        "crl-dir = \"%s\": %s: expected a folder of revocation lists in PEM form",
                        conf->trust.crl_dir, err.detail);
    else
        return store;
    xf_tls_store_unref(&store);
    return NULL;
}

static void add_anchors(struct xf_trust *trust, const struct xf_conf *conf, const char *ca_file,
                        const struct xf_at *at, struct xf_report *report)
{
    trust->anchors = xf_realloc(trust->anchors, (trust->count + 1) * sizeof(*trust->anchors));
    trust->anchors[trust->count++] =
        (struct xf_anchors){xf_strdup(ca_file), load_store(conf, ca_file, at, report)};
}

/* Load the default anchors first. */
static void load_anchors(struct xf_trust *trust, const struct xf_conf *conf,
                         struct xf_report *report)
{
    struct xf_map *seen = xf_map_new();
    add_anchors(trust, conf, conf->trust.ca_file, &(struct xf_at){conf, &conf->trust_at}, report);
    (void)xf_map_set(seen, xf_span_of(conf->trust.ca_file), seen);
    const char *sip_file = conf->sip.ca_file;
    if (*sip_file && !xf_map_set(seen, xf_span_of(sip_file), seen))
        add_anchors(trust, conf, sip_file, &(struct xf_at){conf, &conf->sip_at}, report);
    for (size_t i = 0; i < conf->link_count; i++) {
        const char *ca_file = conf->links[i].settings.ca_file;
        const struct xf_at at = {conf, &conf->links[i].at};
        if (*ca_file && !xf_map_set(seen, xf_span_of(ca_file), seen))
            add_anchors(trust, conf, ca_file, &at, report);
    }
    for (size_t i = 0; i <= conf->peer_count; i++) {
        const struct xf_peer_settings *settings =
            i ? &conf->peers[i - 1].settings : &conf->defaults;
        const struct xf_at at = {conf, i ? &conf->peers[i - 1].at : &conf->defaults_at};
        if (settings->ca_file && *settings->ca_file &&
            !xf_map_set(seen, xf_span_of(settings->ca_file), seen))
            add_anchors(trust, conf, settings->ca_file, &at, report);
    }
    xf_map_free(&seen);
}

static bool load_pins(struct xf_peer_settings *settings, const struct xf_at *at,
                      struct xf_report *report)
{
    bool is_good = true;
    for (size_t i = 0; i < settings->pins.count; i++) {
        const char *pin = settings->pins.item[i];
        uint8_t digest[32];
        struct xf_error err = {0};
        if (!xf_conf_pin_is_file(pin))
            continue;
        if (xf_tls_pin_load(pin, digest, &err) == XF_ERR_OK) {
            xf_conf_add_pin(settings, digest);
            continue;
        }
        xf_report_error(
            report, at, "pins",
            "pins = \"%s\": %s: expected a certificate in PEM form, or sha256: and 64 hex digits",
            pin, err.detail);
        is_good = false;
    }
    return is_good;
}

static bool check_ciphers(const struct xf_peer_settings *settings, const struct xf_at *at,
                          struct xf_report *report)
{
    if (!settings->ciphers || !*settings->ciphers || xf_tls_ciphers_valid(settings->ciphers))
        return true;
    xf_report_error(report, at, "ciphers",
                    "ciphers = \"%.255s\": expected an OpenSSL cipher list for TLS 1.2 with known "
                    "names, some of "
                    "them strong enough",
                    settings->ciphers);
    return false;
}

void xf_trust_load(struct xf_conf *conf, struct xf_trust *out_trust, struct xf_report *report)
{
    *out_trust = (struct xf_trust){0};
    load_anchors(out_trust, conf, report);
    for (size_t i = 0; i <= conf->peer_count; i++) {
        struct xf_peer_settings *settings = i ? &conf->peers[i - 1].settings : &conf->defaults;
        const struct xf_at at = {conf, i ? &conf->peers[i - 1].at : &conf->defaults_at};
        if (!load_pins(settings, &at, report))
            out_trust->refusal = "a pin cannot be read";
        if (!check_ciphers(settings, &at, report))
            out_trust->refusal = "a list of ciphers is not usable";
    }
}

static struct xf_anchors *find_anchors(const struct xf_trust *trust, const char *ca_file)
{
    for (size_t i = 0; i < trust->count; i++)
        if (strcmp(trust->anchors[i].ca_file, ca_file) == 0)
            return &trust->anchors[i];
    return NULL;
}

const char *xf_trust_refusal(const struct xf_trust *next, const struct xf_trust *running)
{
    for (size_t i = 0; i < next->count; i++) {
        const struct xf_anchors *before = find_anchors(running, next->anchors[i].ca_file);
        if (!next->anchors[i].store && (!before || !before->store))
            return "a ca-file cannot be read, or its revocation lists";
    }
    return next->refusal;
}

void xf_trust_inherit(struct xf_trust *next, struct xf_trust *running)
{
    for (size_t i = 0; i < next->count; i++) {
        struct xf_anchors *before = find_anchors(running, next->anchors[i].ca_file);
        if (next->anchors[i].store || !before)
            continue;
        next->anchors[i].store = before->store;
        before->store = NULL;
    }
}

void xf_trust_keep(struct xf_trust *next, struct xf_trust *running, const char *ca_file)
{
    struct xf_anchors *before = find_anchors(running, ca_file);
    if (!before || find_anchors(next, ca_file))
        return;
    next->anchors = xf_realloc(next->anchors, (next->count + 1) * sizeof(*next->anchors));
    next->anchors[next->count++] = (struct xf_anchors){xf_strdup(ca_file), before->store};
    before->store = NULL;
}

struct xf_tls_identities *xf_trust_seal(const struct xf_trust *trust, const char *ca_file)
{
    const struct xf_anchors *first = *ca_file ? find_anchors(trust, ca_file) : &trust->anchors[0];
    struct xf_tls_identities *set = xf_tls_identities_new(first->store);
    for (size_t i = 0; i < trust->count; i++)
        if (*trust->anchors[i].ca_file)
            xf_tls_identities_add_store(set, trust->anchors[i].ca_file, trust->anchors[i].store);
    return set;
}

void xf_trust_release(struct xf_trust *trust)
{
    for (size_t i = 0; i < trust->count; i++) {
        xf_tls_store_unref(&trust->anchors[i].store);
        xf_free(trust->anchors[i].ca_file);
    }
    xf_free(trust->anchors);
    *trust = (struct xf_trust){0};
}
