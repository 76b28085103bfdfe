/* SPDX-License-Identifier: MIT */
/*
 * sheets.c — prints the sheets, and reads what they need from files: the keys of our certificates.
 *
 * They can also be printed before there are certificates (--csr-names helps to get them), so a
 * certificate that cannot be read is reported on standard error and omitted.
 */
#include "daemon_priv.h"

#include <string.h>
#include <xfed/base/alloc.h>
#include <xfed/sheets/sheets.h>
#include <xfed/tls/tls.h>
#include <xfed/xmpp/jid.h>

static size_t read_keys(const struct xf_cert *certs, size_t cert_count, struct xf_sheet_cert *out)
{
    size_t count = 0;
    for (size_t i = 0; i < cert_count; i++) {
        struct xf_sheet_cert *cert = &out[count];
        *cert = (struct xf_sheet_cert){.served = certs[i].served, .name = certs[i].name};
        if (xf_tls_pin_load(certs[i].file, cert->spki_sha256, NULL) == XF_ERR_OK)
            count++;
    }
    return count;
}

static bool is_sip(const struct xf_conf *conf, const char *peer)
{
    struct xf_peer_settings settings;
    xf_conf_peer_settings(conf, xf_span_of(peer), &settings);
    return settings.protocol == XF_PROTOCOL_SIP;
}

/* Of a sheet that shows our keys: `subject` is a zone or a peer. */
static enum xf_err print_with_keys(enum xf_mode mode, struct xf_conf *conf, const char *subject,
                                   struct xf_error *err)
{
    struct xf_certs certs;
    struct xf_report report;
    xf_report_init(&report);
    xf_certs_load(conf, false, &certs, &report);
    struct xf_sheet_cert *keys = xf_alloc((certs.own_count + certs.sip_count + 1) * sizeof(*keys));
    size_t count = mode == XF_MODE_PARTNER && is_sip(conf, subject)
                       ? read_keys(certs.sip, certs.sip_count, keys)
                       : read_keys(certs.own, certs.own_count, keys);
    enum xf_err result = mode == XF_MODE_DNS
                             ? xf_sheet_dns(conf, keys, count, subject, stdout, err)
                             : xf_sheet_partner(conf, keys, count, subject, stdout, err);
    if (report.text.len > 0)
        fprintf(stderr, "%.*s\n", XF_SPAN_ARGS(xf_buf_span(&report.text)));
    xf_free(keys);
    xf_certs_release(&certs);
    xf_report_release(&report);
    return result;
}

/* Prepare a domain as a person wrote it; false: it is not a domain. */
static bool prepare(const char *subject, char prepared[XF_DOMAIN_MAX + 1])
{
    return xf_domain_prepare(xf_span_of(subject), prepared) == XF_ERR_OK;
}

static enum xf_err print(const struct xf_options *options, struct xf_conf *conf,
                         struct xf_error *err)
{
    char prepared[XF_DOMAIN_MAX + 1];
    const char *subject = options->subject;
    if (options->mode == XF_MODE_FIREWALL)
        return xf_sheet_firewall(conf, subject, stdout, err);
    if (subject && !prepare(subject, prepared))
        return xf_fail(err, XF_ERR_NOT_FOUND, "%.80s: expected a domain name", subject);
    subject = subject ? prepared : NULL;
    return options->mode == XF_MODE_CSR ? xf_sheet_csr(conf, subject, stdout, err)
                                        : print_with_keys(options->mode, conf, subject, err);
}

enum xf_exit xf_daemon_print_sheet(const struct xf_options *options, struct xf_conf *conf)
{
    struct xf_error err = {0};
    enum xf_err result = print(options, conf, &err);
    if (result != XF_ERR_OK) {
        fprintf(stderr, "xfedd: %s\n", err.detail);
        return result == XF_ERR_NOT_FOUND ? XF_EXIT_USAGE : XF_EXIT_CONFIG;
    }
    return fflush(stdout) == 0 ? XF_EXIT_OK : XF_EXIT_RUNTIME;
}
