/* SPDX-License-Identifier: MIT */
/*
 * certificates.c — is there a certificate of ours for every name that we serve, and will peers take
 * it? Chains are judged by the anchors of trust { ca-file }, dates by our clock. A key is opened by
 * name only, since a reload has to do so with the rights that we have now.
 */
#include "selfcheck_priv.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include <xfed/base/clock.h>
#include <xfed/base/readable.h>
#include <xfed/sheets/sheets.h>

#define PART "certificate"

/* Of this name itself, or of its domain where an alias has none. */
static bool is_for(const struct xf_selfcheck_certificate *cert, const struct xf_our_name *ours,
                   bool has_own)
{
    if (cert->is_of_sip || cert->served != ours->served)
        return false;
    return has_own ? cert->is_alias && strcmp(cert->name, ours->name) == 0 : !cert->is_alias;
}

static bool has_own(const struct xf_selfcheck *check, const struct xf_our_name *ours)
{
    for (size_t i = 0; ours->is_alias && i < check->parts.certificate_count; i++)
        if (is_for(&check->certificates[i], ours, true))
            return true;
    return false;
}

static const char *days_left(const struct xf_selfcheck_certificate *cert,
                             char out[XF_READABLE_BYTES])
{
    struct xf_tls_about about;
    xf_tls_identity_about(cert->identity, &about);
    return xf_readable_left(about.not_after_s, xf_unix_s(), out);
}

static void look_at_dates(struct xf_selfcheck *check, const struct xf_selfcheck_certificate *cert)
{
    struct xf_tls_about about;
    char left[XF_READABLE_BYTES];
    struct xf_spot spot = {PART, cert->file};
    int64_t now_s = xf_unix_s(), warn_s = (int64_t)(check->parts.conf->trust.warn_ms / 1000);
    xf_tls_identity_about(cert->identity, &about);
    if (now_s < about.not_before_s)
        xf_selfcheck_wrong(check, spot, XF_HELP_OUR_CERT_DATES,
                           "is not valid yet: it begins in %" PRId64 " h by the clock of this host",
                           (about.not_before_s - now_s) / 3600 + 1);
    else if (now_s > about.not_after_s)
        xf_selfcheck_wrong(check, spot, XF_HELP_OUR_CERT_DATES,
                           "has expired %" PRId64 " h ago by the clock of this host",
                           (now_s - about.not_after_s) / 3600);
    else if (about.not_after_s - now_s < warn_s)
        xf_selfcheck_warn(check, spot, XF_HELP_OUR_CERT_DATES, "%s: it must be renewed",
                          days_left(cert, left));
}

/* Things of the file, once for each. */
static void look_at_file(struct xf_selfcheck *check, const struct xf_selfcheck_certificate *cert)
{
    char words[512];
    struct xf_spot spot = {PART, cert->file};
    if (!cert->identity) {
        xf_selfcheck_wrong(check, spot, XF_HELP_OUR_CERT_FILE,
                           "could not be loaded for %s: the log says why", cert->name);
        return;
    }
    look_at_dates(check, cert);
    if (check->parts.anchors && !xf_tls_identity_check(cert->identity, check->parts.anchors,
                                                       xf_unix_s(), -1, words, sizeof(words)))
        xf_selfcheck_wrong(check, spot, XF_HELP_OUR_CERT_CHAIN, "%s", words);
    if (access(cert->file, R_OK) != 0 || access(cert->key_file, R_OK) != 0)
        xf_selfcheck_warn(check, spot, XF_HELP_OUR_CERT_FILE,
                          "%s cannot be read any more (what was loaded stays in use)",
                          access(cert->file, R_OK) != 0 ? "it" : cert->key_file);
}

static bool is_first_of_file(const struct xf_selfcheck *check, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (strcmp(check->certificates[k].file, check->certificates[i].file) == 0)
            return false;
    return true;
}

static void look_at_name(struct xf_selfcheck *check, const struct xf_our_name *ours)
{
    char left[XF_READABLE_BYTES];
    struct xf_spot spot = {PART, ours->name};
    bool own = has_own(check, ours);
    size_t count = 0;
    for (size_t i = 0; i < check->parts.certificate_count; i++) {
        const struct xf_selfcheck_certificate *cert = &check->certificates[i];
        if (!cert->identity || !is_for(cert, ours, own))
            continue;
        count++;
        if (xf_tls_identity_names(cert->identity, xf_span_of(ours->name)))
            xf_selfcheck_ok(check, spot, "%s names it: %s", cert->file, days_left(cert, left));
        else
            xf_selfcheck_wrong(check, spot, XF_HELP_OUR_CERT_NAME,
                               "%s does not name it: peers that ask for a certificate refuse "
                               "this domain",
                               cert->file);
    }
    if (count == 0 && check->parts.conf->defaults.tls == XF_TLS_NONE)
        xf_selfcheck_ok(check, spot, "it has none, and TLS is switched off");
    else if (count == 0)
        xf_selfcheck_wrong(check, spot, XF_HELP_OUR_CERT_MISSING,
                           "there is no certificate for it: peers that ask for one refuse this "
                           "domain");
}

/* To verify a chain takes a moment, and there may be a thousand: one file in each turn. */
static void on_turn(void *owner)
{
    struct xf_selfcheck *check = owner;
    while (check->next_certificate < check->parts.certificate_count) {
        size_t i = check->next_certificate++;
        if (!is_first_of_file(check, i))
            continue;
        look_at_file(check, &check->certificates[i]);
        xf_timer_start(check->parts.timers, &check->certificate_timer, 0);
        return;
    }
    xf_selfcheck_release(check);
}

void xf_selfcheck_certificates(struct xf_selfcheck *check)
{
    struct xf_our_name ours;
    for (size_t i = 0; xf_our_name_at(check->parts.conf, i, &ours); i++)
        look_at_name(check, &ours);
    xf_selfcheck_hold(check);
    xf_timer_init(&check->certificate_timer, on_turn, check);
    xf_timer_start(check->parts.timers, &check->certificate_timer, 0);
}

void xf_selfcheck_certificates_end(struct xf_selfcheck *check)
{
    xf_timer_stop(&check->certificate_timer);
}
