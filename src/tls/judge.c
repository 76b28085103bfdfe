/* SPDX-License-Identifier: MIT */
/*
 * judge.c — from what a handshake left to facts about the peer's certificate: chain and lists, TLSA
 * records, staple.
 *
 * A client knows whom it wants before the handshake and is judged at its end (handshake.c); a
 * server once the peer has said who it is (judge_later.c), since anchors, lists and TLSA records
 * are the ones for that peer. Test: tests/unit/tls/test_variants.c.
 */
#include "judge_priv.h"

#include <stdio.h>

#include <openssl/err.h>

#include <xfed/base/alloc.h>
#include <xfed/base/clock.h>

#define CLOSE_S (48 * 3600) /* as far as a clock is off that nobody set, or in the wrong zone */

static enum xf_help help_for(int result)
{
    switch (result) {
    case X509_V_OK:
        return XF_HELP_NONE;
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return XF_HELP_CERT_EXPIRED;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return XF_HELP_CERT_NOT_YET_VALID;
    default:
        return XF_HELP_CERT_UNTRUSTED;
    }
}

/* How long ago the leaf has expired, or in how long it begins; below 0: its dates are fine. */
static int64_t off_by_s(const X509 *leaf, int64_t now_s)
{
    int64_t late_s = now_s - xf_tls_seconds_of(X509_get0_notAfter(leaf));
    int64_t early_s = xf_tls_seconds_of(X509_get0_notBefore(leaf)) - now_s;
    return late_s > early_s ? late_s : early_s;
}

/* Dates are only as good as our clock: say so where that may well be what is wrong. */
static void say_why(int result, const X509 *leaf, char *out, size_t size)
{
    int64_t off_s = off_by_s(leaf, xf_unix_s());
    bool is_about_dates =
        result == X509_V_ERR_CERT_HAS_EXPIRED || result == X509_V_ERR_CERT_NOT_YET_VALID;
    int len = snprintf(out, size, "%s", X509_verify_cert_error_string(result));
    if (is_about_dates && off_s >= 0 && off_s < CLOSE_S)
        snprintf(out + len, size - (size_t)len, " (by %lld h: is our clock right?)",
                 (long long)(off_s < 3600 ? 1 : (off_s + 1800) / 3600));
    else if (is_about_dates && xf_clock_sync() == XF_CLOCK_UNSYNCED)
        snprintf(out + len, size - (size_t)len, " (by our clock, which nothing keeps right)");
}

void xf_tls_find(struct xf_tls_finding *out, const struct xf_tls_evidence *evidence,
                 const struct xf_tls_grounds *grounds, bool is_named)
{
    bool is_known;
    const struct xf_tls_store *store =
        xf_tls_identities_store(grounds->identities ? grounds->identities : evidence->identities,
                                grounds->ca_file, &is_known);
    STACK_OF(X509) *chain = NULL, *dane_chain = NULL;

    *out = (struct xf_tls_finding){.revocation = XF_CERT_NOT_CHECKED};
    int result = xf_tls_verify(out, store, evidence, NULL, &chain);
    out->chain = result == X509_V_OK ? XF_CERT_TRUSTED : XF_CERT_BAD;
    out->chain_help = help_for(result);
    if (!is_known)
        snprintf(out->chain_text, sizeof(out->chain_text), "the authorities of %s are not loaded",
                 grounds->ca_file);
    else if (result != X509_V_OK)
        say_why(result, evidence->leaf, out->chain_text, sizeof(out->chain_text));
    xf_tls_check_dane(out, store, evidence, grounds, is_named, &dane_chain);
    xf_tls_check_staple(out, evidence, chain ? chain : dane_chain);
    sk_X509_pop_free(chain, X509_free);
    sk_X509_pop_free(dane_chain, X509_free);
    ERR_clear_error();
}

static void forget_basis(struct xf_tls_facts *facts)
{
    for (size_t i = 0; i < facts->target_count; i++)
        xf_free(facts->targets[i]);
    xf_free(facts->targets);
    xf_free(facts->ca_file);
    xf_free(facts->dane_domain);
}

void xf_tls_facts_take(struct xf_tls_facts *facts, const struct xf_tls_finding *finding,
                       struct xf_tls_grounds *grounds)
{
    bool is_of_servers = grounds->tlsa || grounds->target_count > 0;

    forget_basis(facts);
    facts->chain = finding->chain;
    memcpy(facts->chain_text, finding->chain_text, sizeof(facts->chain_text));
    facts->chain_help = finding->chain_help;
    facts->revocation = finding->revocation;
    memcpy(facts->revocation_text, finding->revocation_text, sizeof(facts->revocation_text));
    facts->dane = finding->dane;
    facts->dane_usage = finding->dane_usage;
    facts->is_judged = true;
    facts->ca_file = grounds->ca_file;
    facts->dane_domain = is_of_servers ? grounds->domain : NULL;
    facts->targets = grounds->targets;
    facts->target_count = grounds->target_count;
    if (!is_of_servers)
        xf_free(grounds->domain);
    xf_tlsa_set_unref(&grounds->tlsa);
    xf_tls_identities_unref(&grounds->identities);
    *grounds = (struct xf_tls_grounds){0};
}
