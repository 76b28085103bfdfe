/* SPDX-License-Identifier: MIT */
/*
 * check_peer.c — refuses settings with which a peer can never authenticate, or which promise
 * protection that they do not give. Otherwise it can take days to find out that a combination of
 * settings keeps a partner out.
 *
 * What each way of authenticating needs (src/auth/verdict.c decides by the same rules):
 *
 * - EXTERNAL needs TLS, and a certificate of the peer that something can vouch for: pins, DANE, or
 *   an authority. Outbound streams need no such certificate with certificate = ignore.
 * - Dialback needs neither. But certificate = required makes TLS and such a certificate necessary
 *   for dialback, as for everything else.
 *
 * Limits that no traffic can keep are refused too.
 *
 * Each peer is judged by its effective settings. Messages give the line of the key if its section
 * has it, else the line of the section. Test: tests/unit/conf/test_check_peer.c, and against the
 * decisions themselves tests/unit/auth/test_never.c.
 */
#include "conf_priv.h"

#include <string.h>
#include <xfed/base/alloc.h>

struct subject { /* whose settings are judged */
    const struct xf_check *check;
    const struct xf_raw_section *raw; /* NULL: defaults that are not written */
    const char *name;                 /* "peer \"x\"" or "defaults" */
    const struct xf_peer_settings *settings;
};

static void refuse(const struct subject *subject, const char *const *keys, const char *what,
                   const char *accepted)
{
    xf_problem(
        subject->check->problems, subject->raw ? subject->raw->file : subject->check->conf->file,
        xf_raw_line(subject->raw, keys), "%s: %s: expected %s", subject->name, what, accepted);
}

/* Can anything vouch for a certificate of the peer? */
static bool can_be_vouched_for(const struct subject *subject)
{
    const struct xf_peer_settings *s = subject->settings;
    return s->pins.count > 0 || s->dane || *s->ca_file || *subject->check->conf->trust.ca_file;
}

static bool has_external(const struct subject *subject, bool outbound)
{
    const struct xf_peer_settings *s = subject->settings;
    return (outbound ? s->sasl_out : s->sasl_in) && s->tls != XF_TLS_NONE;
}

/* Is a method switched on in each direction? The functions below judge what the methods need. */
static void judge_methods(const struct subject *subject)
{
    static const char *const out_keys[] = {"dialback", "sasl-out", "tls", "direction", NULL};
    static const char *const in_keys[] = {"dialback", "sasl-in", "tls", "direction", NULL};
    static const char *const shown_keys[] = {"dialback", "show-certificate", "direction", NULL};
    const struct xf_peer_settings *s = subject->settings;
    bool no_tls = s->tls == XF_TLS_NONE;
    if ((s->direction & XF_DIRECTION_OUT) && !s->dialback && !has_external(subject, true))
        refuse(subject, out_keys,
               no_tls ? "nothing can authenticate us with dialback = no and tls = none"
                      : "nothing can authenticate us with dialback = no and sasl-out = no",
               "dialback = yes, or sasl-out = yes with tls = optional or required");
    else if ((s->direction & XF_DIRECTION_OUT) && !s->dialback && !s->show_certificate)
        refuse(subject, shown_keys,
               "nothing can authenticate us with dialback = no and show-certificate = no",
               "dialback = yes, or show-certificate = yes");
    if ((s->direction & XF_DIRECTION_IN) && !s->dialback && !has_external(subject, false))
        refuse(subject, in_keys,
               no_tls ? "nothing can authenticate the peer with dialback = no and tls = none"
                      : "nothing can authenticate the peer with dialback = no and sasl-in = no",
               "dialback = yes, or sasl-in = yes with tls = optional or required");
}

/* Refuse settings that need a valid certificate when nothing can vouch for one. */
static void judge_trust(const struct subject *subject)
{
    static const char *const cert_keys[] = {"certificate", "ca-file", "dane", "pins", NULL};
    static const char *const in_keys[] = {"dialback", "ca-file", "dane", "pins", NULL};
    static const char *const accepted = "ca-file, pins or dane = yes, or trust { ca-file = ... }";
    const struct xf_peer_settings *s = subject->settings;
    if (s->tls == XF_TLS_NONE || can_be_vouched_for(subject))
        return;
    bool needs_external =
        !s->dialback &&
        (((s->direction & XF_DIRECTION_IN) && s->sasl_in) ||
         ((s->direction & XF_DIRECTION_OUT) && s->sasl_out && s->certificate != XF_CERT_IGNORE));
    if (s->certificate == XF_CERT_REQUIRED)
        refuse(subject, cert_keys,
               "certificate = required cannot be met: without dane, pins and a ca-file, no "
               "certificate is valid",
               accepted);
    else if (needs_external)
        refuse(subject, in_keys,
               "SASL alone (dialback = no) cannot authenticate: without dane, pins and a ca-file, "
               "no certificate is valid",
               accepted);
}

static void judge_certificate(const struct subject *subject)
{
    static const char *const cert_keys[] = {"certificate", "tls", NULL};
    static const char *const pin_keys[] = {"pins", "certificate", "tls", NULL};
    const struct xf_peer_settings *s = subject->settings;
    bool no_tls = s->tls == XF_TLS_NONE;
    if (s->certificate == XF_CERT_REQUIRED && no_tls)
        refuse(subject, cert_keys, "certificate = required cannot be met with tls = none",
               "certificate = ignore or preferred, or tls = optional or required");
    if (s->pins.count > 0 && no_tls)
        refuse(subject, pin_keys, "pins are not checked with tls = none",
               "tls = optional or required, or pins = {}");
    else if (s->pins.count > 0 && s->certificate == XF_CERT_IGNORE)
        refuse(subject, pin_keys, "pins keep nobody out with certificate = ignore",
               "certificate = preferred or required, or pins = {}");
}

/*
 * revocation = hard treats a certificate of unknown status as revoked. A connecting peer staples no
 * OCSP response (RFC 8446 allows it, but OpenSSL's client does not do it), so only revocation lists
 * can tell that its certificate is good.
 */
static void judge_revocation(const struct subject *subject)
{
    static const char *const keys[] = {"revocation", "certificate", "direction", NULL};
    const struct xf_peer_settings *s = subject->settings;
    const struct xf_conf *conf = subject->check->conf;
    bool has_lists = conf->trust.crl_files.count > 0 || *conf->trust.crl_dir;
    if (s->revocation == XF_REVOCATION_HARD && !has_lists && s->tls != XF_TLS_NONE &&
        s->certificate != XF_CERT_IGNORE && (s->direction & XF_DIRECTION_IN))
        refuse(subject, keys,
               "revocation = hard refuses every peer that connects to us with a certificate, since "
               "there are no revocation lists",
               "trust { crl-files = ... } or { crl-dir = ... }, revocation = soft, or direction = "
               "out");
}

static void judge_downgrade(const struct subject *subject)
{
    static const char *const keys[] = {"downgrade", NULL};
    if (subject->settings->downgrade == XF_DOWNGRADE_REFUSE &&
        subject->check->conf->history.peers == 0)
        refuse(
            subject, keys,
            "downgrade = refuse has nothing to compare with: memory { peers = 0 } keeps no history",
            "downgrade = allow or alarm, or a higher number of peers");
}

/*
 * A stanza larger than what is left of the rate's budget passes, and the next one waits until the
 * budget has recovered. At such a low rate that would take hours.
 */
static void judge_rates(const struct subject *subject)
{
    static const char *const keys[] = {"byte-rate", NULL};
    size_t byte_rate = subject->settings->byte_rate;
    if (byte_rate > 0 && byte_rate < 1024)
        refuse(subject, keys, "byte-rate is too low for any stanza",
               "at least 1k, or 0 for any number");
}

/* The address of the target's family is used, so there must be at most one for each family. */
static void judge_source(const struct subject *subject)
{
    static const char *const keys[] = {"source", NULL};
    size_t v4 = 0, v6 = 0;
    for (size_t i = 0; i < subject->settings->source.count; i++) {
        bool is_v6 = strchr(subject->settings->source.item[i], ':') != NULL;
        v4 += !is_v6;
        v6 += is_v6;
    }
    if (v4 > 1 || v6 > 1)
        refuse(subject, keys, "source names two addresses of one family",
               "one IPv4 and one IPv6 address at most");
}

static void judge(const struct subject *subject)
{
    judge_source(subject);
    judge_rates(subject);
    if (subject->settings->direction == XF_DIRECTION_NONE ||
        subject->settings->protocol == XF_PROTOCOL_SIP)
        return;
    judge_methods(subject);
    judge_certificate(subject);
    judge_trust(subject);
    judge_revocation(subject);
    judge_downgrade(subject);
}

void xf_check_peers(const struct xf_check *check)
{
    judge(&(struct subject){check, check->defaults, "defaults", &check->conf->defaults});
    for (size_t i = 0; i < check->conf->peer_count; i++) {
        const struct xf_conf_peer *peer = &check->conf->peers[i];
        struct xf_peer_settings effective;
        xf_conf_section_settings(check->conf, peer, &effective);
        char *name = xf_asprintf("peer \"%s\"", peer->pattern);
        judge(&(struct subject){check, check->peers[i], name, &effective});
        xf_check_sip_peer(check, peer, &effective);
        xf_free(name);
    }
}
