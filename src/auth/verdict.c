/* SPDX-License-Identifier: MIT */
/*
 * verdict.c — from the facts of TLS and the settings of the peer to a decision. Pure.
 *
 * What vouches for a certificate, strongest first: a pin that the operator configured; TLSA records
 * of the domain in secure DNS (RFC 7673); a chain to a trust anchor of this peer together with the
 * name. A pin or TLSA record that does not match contradicts the certificate, however good its
 * chain is: it may be one that an attacker obtained from a CA (jabber.ru, 2023).
 */
#include <xfed/auth/verdict.h>

#include <stdio.h>
#include <string.h>

static enum xf_pin_match pin_of(const struct xf_tls_facts *facts,
                                const struct xf_peer_settings *settings)
{
    if (settings->pin_count == 0)
        return XF_PIN_NONE;
    for (size_t i = 0; i < settings->pin_count; i++)
        if (memcmp(settings->pin_sha256[i], facts->spki_sha256, sizeof(facts->spki_sha256)) == 0)
            return XF_PIN_MATCH;
    return XF_PIN_MISMATCH;
}

static bool names_target(const struct xf_tls_facts *facts)
{
    for (size_t i = 0; i < facts->target_count; i++)
        if (xf_tls_facts_name(facts, xf_span_of(facts->targets[i])))
            return true;
    return false;
}

struct xf_verdict xf_verdict_of(const struct xf_tls_facts *facts,
                                const struct xf_peer_settings *settings, struct xf_span domain)
{
    struct xf_verdict verdict = {.lacks_proof = settings->pin_count > 0};
    if (!facts)
        return verdict;
    verdict.is_secure = true;
    verdict.is_old = settings->tls_min == 13 && strcmp(facts->version, "TLSv1.3") != 0;
    verdict.chain = facts->chain;
    if (facts->chain == XF_CERT_NONE || domain.len == 0)
        return verdict;
    verdict.lacks_proof = false;
    bool is_dane_domain = facts->dane_domain && xf_span_is(domain, facts->dane_domain);
    /* Judged with the anchors of another peer: that says nothing about this one. */
    if (!facts->is_judged || !xf_tls_facts_are_by(facts, settings->ca_file))
        verdict.chain = XF_CERT_BAD;
    verdict.chain_help = facts->chain_help;
    verdict.name_matches =
        xf_tls_facts_name(facts, domain) || (is_dane_domain && names_target(facts));
    verdict.pin = pin_of(facts, settings);
    verdict.dane = settings->dane && is_dane_domain ? facts->dane : XF_DANE_NONE;
    verdict.tlsa_exists = verdict.dane != XF_DANE_NONE;
    verdict.is_revoked =
        settings->revocation != XF_REVOCATION_OFF && facts->revocation == XF_CERT_REVOKED;
    verdict.revocation_is_open =
        settings->revocation == XF_REVOCATION_HARD && facts->revocation != XF_CERT_NOT_REVOKED;
    verdict.lacks_client_eku = settings->client_eku && facts->is_server && !facts->for_client;
    return verdict;
}

static bool shows_host(const struct xf_tls_facts *facts, const char *host)
{
    return xf_tls_facts_sip(facts, XF_CERT_SIP_HOST, &host, 1);
}

/* Of "host:port", "host" and "[v6]:port"; an address is in no certificate as a host. */
static bool shows_route(const struct xf_tls_facts *facts, const char *route)
{
    char host[256];
    size_t len = strcspn(route, ":");

    if (route[0] == '[' || len == 0 || len >= sizeof(host))
        return false;
    memcpy(host, route, len);
    host[len] = '\0';
    return shows_host(facts, host);
}

static bool is_in(const char *host, const char *domain)
{
    size_t host_len = strlen(host), len = strlen(domain);

    if (len == 0 || host_len < len || strcmp(host + host_len - len, domain) != 0)
        return false;
    return host_len == len || host[host_len - len - 1] == '.';
}

static bool shows_target(const struct xf_tls_facts *facts, const struct xf_peer_settings *settings,
                         const char *domain, const char *target)
{
    for (size_t i = 0; i < settings->route.count; i++)
        if (shows_route(facts, settings->route.item[i]))
            return true;
    return settings->route.count == 0 && target && is_in(target, domain) &&
           shows_host(facts, target);
}

static bool shows_sip_name(const struct xf_tls_facts *facts,
                           const struct xf_peer_settings *settings, const char *domain,
                           const char *target)
{
    const struct xf_texts *names = &settings->sip_names;

    if (xf_tls_facts_sip(facts, XF_CERT_SIP_HOST, (const char *const *)names->item, names->count))
        return true;
    switch (settings->sip_name_check) {
    case XF_SIP_NAMES_DOMAIN:
        return xf_tls_facts_sip(facts, XF_CERT_SIP_DOMAIN, &domain, 1);
    case XF_SIP_NAMES_TARGET:
        return shows_target(facts, settings, domain, target);
    case XF_SIP_NAMES_LIST:
        break;
    }
    return false;
}

struct xf_verdict xf_verdict_of_sip(const struct xf_tls_facts *facts,
                                    const struct xf_peer_settings *settings, const char *domain,
                                    const char *target)
{
    struct xf_verdict verdict = xf_verdict_of(facts, settings, xf_span_of(domain));

    if (facts && facts->chain != XF_CERT_NONE)
        verdict.name_matches = shows_sip_name(facts, settings, domain, target);
    return verdict;
}

bool xf_verdict_is_contradicted(const struct xf_verdict *verdict)
{
    return verdict->is_revoked || verdict->pin == XF_PIN_MISMATCH ||
           (verdict->dane == XF_DANE_MISMATCH && verdict->pin != XF_PIN_MATCH);
}

bool xf_verdict_is_good(const struct xf_verdict *verdict)
{
    if (!verdict->is_secure || verdict->chain == XF_CERT_NONE || verdict->lacks_client_eku ||
        xf_verdict_is_contradicted(verdict))
        return false;
    if (verdict->pin == XF_PIN_MATCH || verdict->dane == XF_DANE_MATCH)
        return true;
    return verdict->chain == XF_CERT_TRUSTED && verdict->name_matches && !verdict->lacks_proof &&
           !verdict->dane_is_open && !verdict->revocation_is_open;
}

/*
 * A domain with pins or TLSA records is known by its key, and a peer must not get around them by
 * showing no certificate. As long as DNS has not answered, there may be TLSA records. A question
 * that the peer asks us (method NONE, inbound) needs no proof: it authenticates nobody.
 */
static bool is_unproved(const struct xf_verdict *verdict)
{
    bool is_known_by_key = verdict->pin == XF_PIN_MATCH || verdict->dane == XF_DANE_MATCH;
    return !is_known_by_key && (verdict->lacks_proof || verdict->dane_is_open);
}

static struct xf_refusal unproved(const struct xf_verdict *verdict)
{
    if (!verdict->lacks_proof)
        return (struct xf_refusal){"DNS does not say whether the domain publishes TLSA records",
                                   XF_HELP_CERT_TLSA_OPEN};
    if (verdict->chain == XF_CERT_NONE)
        return (struct xf_refusal){
            "the domain is known by its key (pins or TLSA records), and this stream shows no "
            "certificate",
            XF_HELP_CERT_UNPROVED};
    return (struct xf_refusal){
        "the domain publishes TLSA records: it must prove itself on a stream of its own",
        XF_HELP_CERT_UNPROVED};
}

static const struct xf_refusal none;

static struct xf_refusal not_good(const struct xf_verdict *verdict)
{
    return (struct xf_refusal){"the certificate does not authenticate the domain",
                               xf_verdict_help(verdict)};
}

static struct xf_refusal not_allowed(const char *text)
{
    return (struct xf_refusal){text, XF_HELP_AUTH_NOT_ALLOWED};
}

static struct xf_refusal external_refusal(const struct xf_peer_settings *settings,
                                          const struct xf_verdict *verdict, bool outbound)
{
    if (!(outbound ? settings->sasl_out : settings->sasl_in))
        return not_allowed("SASL EXTERNAL is switched off for this peer");
    if (!verdict->is_secure)
        return (struct xf_refusal){"SASL EXTERNAL needs TLS", XF_HELP_TLS_NOT_OFFERED};
    if (outbound && settings->certificate == XF_CERT_IGNORE)
        return none;
    return xf_verdict_is_good(verdict) ? none : not_good(verdict);
}

/* What the settings demand of TLS and the certificate, however the pair authenticates. */
static struct xf_refusal demand(const struct xf_peer_settings *settings,
                                const struct xf_verdict *verdict, enum xf_auth_method method,
                                bool outbound)
{
    if (settings->tls == XF_TLS_REQUIRED && !verdict->is_secure)
        return (struct xf_refusal){"TLS is required", XF_HELP_TLS_NOT_OFFERED};
    if (verdict->is_old)
        return (struct xf_refusal){"a newer version of TLS is required", XF_HELP_TLS_TOO_OLD};
    if (settings->certificate != XF_CERT_IGNORE) {
        if (xf_verdict_is_contradicted(verdict))
            return (struct xf_refusal){"the certificate is not the one that the domain should have",
                                       xf_verdict_help(verdict)};
        if (verdict->tlsa_exists && !verdict->is_secure) /* RFC 7673 section 3.2 */
            return (struct xf_refusal){"TLS is required, since the domain publishes TLSA records",
                                       XF_HELP_TLS_NOT_OFFERED};
        if (is_unproved(verdict) && (outbound || method != XF_AUTH_NONE))
            return unproved(verdict);
    }
    if (settings->certificate == XF_CERT_REQUIRED && !xf_verdict_is_good(verdict))
        return (struct xf_refusal){"a valid certificate is required", xf_verdict_help(verdict)};
    return none;
}

struct xf_refusal xf_auth_refusal(const struct xf_peer_settings *settings,
                                  const struct xf_verdict *verdict, enum xf_auth_method method,
                                  bool outbound)
{
    struct xf_refusal refusal = demand(settings, verdict, method, outbound);
    if (refusal.text)
        return refusal;
    if (method == XF_AUTH_EXTERNAL)
        return external_refusal(settings, verdict, outbound);
    if (method == XF_AUTH_DIALBACK_CERT) {
        if (!settings->dialback_by_certificate)
            return not_allowed("dialback by certificate is switched off for this peer");
        if (!xf_verdict_is_good(verdict)) /* CVE-2021-32919 */
            return not_good(verdict);
    }
    if (method != XF_AUTH_NONE && !settings->dialback)
        return not_allowed("dialback is switched off for this peer");
    return none;
}

enum xf_help xf_verdict_help(const struct xf_verdict *verdict)
{
    if (!verdict->is_secure)
        return XF_HELP_TLS_NOT_OFFERED;
    if (verdict->chain == XF_CERT_NONE)
        return XF_HELP_CERT_NONE;
    if (verdict->is_old)
        return XF_HELP_TLS_TOO_OLD;
    if (verdict->is_revoked)
        return XF_HELP_CERT_REVOKED;
    if (xf_verdict_is_contradicted(verdict))
        return verdict->pin == XF_PIN_MISMATCH ? XF_HELP_CERT_PIN : XF_HELP_CERT_DANE;
    if (verdict->lacks_client_eku)
        return XF_HELP_CERT_NOT_FOR_CLIENTS;
    if (xf_verdict_is_good(verdict))
        return XF_HELP_NONE;
    if (verdict->chain == XF_CERT_BAD)
        return verdict->chain_help ? verdict->chain_help : XF_HELP_CERT_UNTRUSTED;
    if (!verdict->name_matches)
        return XF_HELP_CERT_WRONG_NAME;
    if (verdict->lacks_proof)
        return XF_HELP_CERT_UNPROVED;
    return verdict->revocation_is_open ? XF_HELP_CERT_REVOCATION_OPEN : XF_HELP_CERT_TLSA_OPEN;
}

static void untrusted_text(const struct xf_verdict *verdict, const struct xf_tls_facts *facts,
                           char *out, size_t out_bytes)
{
    if (!facts->is_judged || facts->chain == XF_CERT_TRUSTED)
        snprintf(out, out_bytes,
                 "the certificate was not judged by the authorities of this domain");
    else
        snprintf(out, out_bytes, "the certificate is not trusted: %s%s%s%s", facts->chain_text,
                 verdict->name_matches ? "" : ", and it does not name the domain",
                 facts->origin[0] ? "; it is " : "", facts->origin);
}

static void wrong_pin_text(const struct xf_tls_facts *facts, struct xf_span domain, char *out,
                           size_t out_bytes)
{
    char key[2 * sizeof(facts->spki_sha256) + 1];
    for (size_t i = 0; i < sizeof(facts->spki_sha256); i++)
        snprintf(key + 2 * i, 3, "%02x", facts->spki_sha256[i]);
    snprintf(out, out_bytes, "the certificate's key is not pinned for %.*s: it is sha256:%s",
             XF_SPAN_ARGS(domain), key);
}

void xf_verdict_text(const struct xf_verdict *verdict, const struct xf_tls_facts *facts,
                     struct xf_span domain, char *out, size_t out_bytes)
{
    char names[160];
    switch (xf_verdict_help(verdict)) {
    case XF_HELP_NONE:
        snprintf(out, out_bytes, "the certificate is good");
        return;
    case XF_HELP_TLS_NOT_OFFERED:
        snprintf(out, out_bytes, "the stream is not encrypted");
        return;
    case XF_HELP_CERT_NONE:
        snprintf(out, out_bytes, "no certificate was presented");
        return;
    case XF_HELP_TLS_TOO_OLD:
        snprintf(out, out_bytes, "TLS 1.3 is required, and this is %s", facts->version);
        return;
    case XF_HELP_CERT_REVOKED:
        snprintf(out, out_bytes, "the certificate is %s",
                 facts->revocation_text[0] ? facts->revocation_text : "revoked");
        return;
    case XF_HELP_CERT_PIN:
        wrong_pin_text(facts, domain, out, out_bytes);
        return;
    case XF_HELP_CERT_DANE:
        snprintf(out, out_bytes, "the certificate does not match the TLSA records of %.*s",
                 XF_SPAN_ARGS(domain));
        return;
    case XF_HELP_CERT_NOT_FOR_CLIENTS:
        snprintf(out, out_bytes,
                 "the certificate is not for TLS clients (extended key usage clientAuth)");
        return;
    case XF_HELP_CERT_WRONG_NAME:
        xf_tls_facts_names_text(facts, names, sizeof(names));
        snprintf(out, out_bytes, "the certificate does not name %.*s (it names: %s)",
                 XF_SPAN_ARGS(domain), names[0] ? names : "nothing");
        return;
    case XF_HELP_CERT_UNPROVED:
        snprintf(out, out_bytes, "%s", unproved(verdict).text);
        return;
    case XF_HELP_CERT_REVOCATION_OPEN:
        snprintf(out, out_bytes, "it is not known whether the certificate is revoked");
        return;
    case XF_HELP_CERT_TLSA_OPEN:
        snprintf(out, out_bytes, "DNS does not say whether %.*s publishes TLSA records",
                 XF_SPAN_ARGS(domain));
        return;
    default: /* what is wrong with the chain */
        untrusted_text(verdict, facts, out, out_bytes);
        return;
    }
}

const char *xf_verdict_word(const struct xf_verdict *verdict)
{
    if (verdict->chain == XF_CERT_NONE)
        return "none";
    if (verdict->is_revoked)
        return "revoked";
    if (verdict->pin != XF_PIN_NONE)
        return verdict->pin == XF_PIN_MATCH ? "pinned" : "wrong-pin";
    if (verdict->dane != XF_DANE_NONE)
        return verdict->dane == XF_DANE_MATCH ? "dane" : "wrong-dane";
    if (verdict->lacks_client_eku)
        return "not-for-clients";
    if (verdict->chain == XF_CERT_BAD)
        return "untrusted";
    return !verdict->name_matches ? "wrong-name" : xf_verdict_is_good(verdict) ? "good" : "unsure";
}

const char *xf_auth_method_word(enum xf_auth_method method)
{
    static const char *const words[] = {"none", "external", "dialback", "dialback-certificate"};
    return words[method];
}
