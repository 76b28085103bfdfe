/* SPDX-License-Identifier: MIT */
/*
 * dane.c — a certificate against TLSA records (RFC 6698, RFC 7671, RFC 7673) by OpenSSL's DANE,
 * after the handshake, on the chain that the peer sent.
 *
 *   usage 3     the leaf's key or certificate: neither name nor dates nor chain count (RFC 7671
 *               section 5.1)
 *   usage 2     an anchor of the domain's own: chain, dates and name
 *   usage 0, 1  a CA or leaf within a chain that is good anyway: chain, dates and name
 *
 * - names.c compares the names (SRVName, xmppAddr, wildcards), not OpenSSL: the domain,
 *   or one of its servers where SRV was secure (RFC 7673 section 4).
 * - Unusable records (unknown usage, selector or digest, a digest of the wrong length) count as
 *   absent (RFC 7671 section 4.1); of several digests of one thing OpenSSL takes the strongest.
 * - A key below security level 2 (RSA 1024) is refused for usage 3 as well, although its owner
 *   published it: whoever breaks it could impersonate the peer, and no other method accepts such a
 *   key.
 * - Revocation lists are not consulted for usage 3: to revoke, the owner removes the record (RFC
 *   7671 section 5.1).
 */
#include "judge_priv.h"

#include <stdio.h>

#include <openssl/err.h>

#define USAGE_DANE_EE 3
#define KEY_BITS_MIN  112 /* of security: RSA 2048, P-224 */

/*
 * OpenSSL stores TLSA records in an SSL; this one is never used for a conn. NULL: no record is
 * usable.
 */
static SSL *hold_records(const struct xf_tls_evidence *evidence, const struct xf_tlsa_set *set)
{
    SSL *holder = SSL_new(evidence->identities->client);
    size_t usable = 0;

    if (holder && SSL_dane_enable(holder, NULL) > 0) {
        SSL_dane_set_flags(holder, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
        for (size_t i = 0; i < xf_tlsa_set_count(set); i++) {
            const struct xf_tlsa *record = xf_tlsa_set_at(set, i);
            usable += SSL_dane_tlsa_add(holder, record->usage, record->selector, record->matching,
                                        record->data, record->data_bytes) > 0;
        }
    }
    if (usable > 0)
        return holder;
    SSL_free(holder);
    return NULL;
}

static bool is_strong(X509 *leaf)
{
    EVP_PKEY *key = X509_get0_pubkey(leaf);

    return key && EVP_PKEY_get_security_bits(key) >= KEY_BITS_MIN;
}

/* The usage that matches, -1 for none. */
static int matching_usage(struct xf_tls_finding *lists, const struct xf_tls_store *store,
                          const struct xf_tls_evidence *evidence, SSL *holder, bool is_named,
                          STACK_OF(X509) * *out_chain)
{
    uint8_t usage;

    if (xf_tls_verify(lists, store, evidence, SSL_get0_dane(holder), out_chain) != X509_V_OK ||
        SSL_get0_dane_tlsa(holder, &usage, NULL, NULL, NULL, NULL) < 0)
        return -1;
    if (usage == USAGE_DANE_EE)
        return is_strong(evidence->leaf) ? usage : -1;
    return is_named && xf_tls_is_for_tls(evidence->leaf) ? usage : -1;
}

void xf_tls_check_dane(struct xf_tls_finding *finding, const struct xf_tls_store *store,
                       const struct xf_tls_evidence *evidence, const struct xf_tls_grounds *grounds,
                       bool is_named, STACK_OF(X509) * *out_chain)
{
    struct xf_tls_finding lists = {.revocation = XF_CERT_NOT_CHECKED};
    STACK_OF(X509) *chain = NULL;
    SSL *holder = NULL;

    if (xf_tlsa_set_count(grounds->tlsa) > 0)
        holder = hold_records(evidence, grounds->tlsa);
    if (!holder)
        return;
    int usage = matching_usage(&lists, store, evidence, holder, is_named, &chain);
    finding->dane = usage >= 0 ? XF_DANE_MATCH : XF_DANE_MISMATCH;
    if (usage >= 0)
        finding->dane_usage = (unsigned)usage;
    if (usage >= 0 && usage != USAGE_DANE_EE) {
        *out_chain = chain;
        chain = NULL;
        finding->above_is_listed = lists.above_is_listed;
        finding->revocation = xf_tls_revocation_join(finding->revocation, lists.revocation);
        if (lists.revocation == XF_CERT_REVOKED)
            snprintf(finding->revocation_text, sizeof(finding->revocation_text), "%s",
                     lists.revocation_text);
    }
    sk_X509_pop_free(chain, X509_free);
    SSL_free(holder);
    ERR_clear_error();
}
