/* SPDX-License-Identifier: MIT */
/* verdict.c — facts of TLS and settings of the peer to a decision. Pure. */
#include "verdict_priv.h"

#include <stdio.h>

struct xf_verdict xf_verdict_of(const struct xf_tls_facts *facts, struct xf_span domain)
{
    struct xf_verdict verdict = {0};
    if (!facts)
        return verdict;
    verdict.is_secure = true;
    verdict.chain = facts->chain;
    verdict.name_matches = facts->chain != XF_CERT_NONE && domain.len && xf_tls_facts_name(facts, domain);
    return verdict;
}

bool xf_verdict_is_good(const struct xf_verdict *verdict)
{
    return verdict->is_secure && verdict->chain == XF_CERT_TRUSTED && verdict->name_matches;
}

static const char *external_refusal(const struct xf_peer_settings *settings, const struct xf_verdict *verdict, bool outbound)
{
    if (!(outbound ? settings->sasl_out : settings->sasl_in))
        return "SASL EXTERNAL is switched off for this peer";
    if (!verdict->is_secure)
        return "SASL EXTERNAL needs TLS";
    if (outbound && settings->certificate == XF_CERT_IGNORE)
        return NULL;
    return xf_verdict_is_good(verdict) ? NULL : "the certificate does not authenticate the domain";
}

const char *xf_auth_refusal(const struct xf_peer_settings *settings, const struct xf_verdict *verdict,
                            enum xf_auth_method method, bool outbound)
{
    if (settings->tls == XF_TLS_REQUIRED && !verdict->is_secure)
        return "TLS is required";
    if (settings->certificate == XF_CERT_REQUIRED && !xf_verdict_is_good(verdict))
        return "a valid certificate is required";
    if (method == XF_AUTH_EXTERNAL)
        return external_refusal(settings, verdict, outbound);
    if (method == XF_AUTH_DIALBACK && !settings->dialback)
        return "dialback is switched off for this peer";
    return NULL;
}

void xf_verdict_text(const struct xf_verdict *verdict, const struct xf_tls_facts *facts, struct xf_span domain, char *out,
                     size_t out_bytes)
{
    char names[160];
    if (!verdict->is_secure) {
        snprintf(out, out_bytes, "the stream is not encrypted");
    } else if (verdict->chain == XF_CERT_NONE) {
        snprintf(out, out_bytes, "no certificate was presented");
    } else if (verdict->chain == XF_CERT_BAD) {
        snprintf(out, out_bytes, "the certificate is not trusted: %s", facts->chain_text);
    } else if (!verdict->name_matches) {
        xf_tls_facts_names_text(facts, names, sizeof(names));
        snprintf(out, out_bytes, "the certificate does not name %.*s (it names: %s)", XF_SPAN_ARGS(domain),
                 names[0] ? names : "nothing");
    } else {
        snprintf(out, out_bytes, "the certificate is good");
    }
}

const char *xf_auth_method_word(enum xf_auth_method method)
{
    static const char *const words[] = {"none", "external", "dialback"};
    return words[method];
}
