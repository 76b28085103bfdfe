/* SPDX-License-Identifier: MIT */
/*
 * verify.c — verifies a peer's chain: it leads to a trust anchor, is valid now, strong enough, and
 * meant for TLS.
 *
 * Security level 2 applies to keys and signatures of the chain. We do not require the key usage of
 * the role: public CAs stopped issuing certificates for TLS clients in 2026, and the certificate of
 * a server is the same in both directions (RFC 6120 §13.7.1); the facts report the usage
 * separately. A leaf that is restricted to something other than TLS (mail, code) is bad
 * nevertheless.
 */
#include "judge_priv.h"

#include <stdio.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#define CHAIN_DEPTH_MAX 10

bool xf_tls_is_for_tls(X509 *leaf)
{
    /* UINT32_MAX without the extension, which means any purpose. */
    return X509_get_extended_key_usage(leaf) & (XKU_SSL_SERVER | XKU_SSL_CLIENT | XKU_ANYEKU);
}

/* X509_V_OK, or why not. */
static int run(X509_STORE_CTX *task, SSL_DANE *dane, struct xf_tls_finding *lists)
{
    X509_VERIFY_PARAM *rules = X509_STORE_CTX_get0_param(task);

    X509_VERIFY_PARAM_set_auth_level(rules, XF_TLS_SECURITY_LEVEL);
    X509_VERIFY_PARAM_set_depth(rules, CHAIN_DEPTH_MAX);
    if (lists)
        xf_tls_revocation_watch(task, lists);
    if (dane)
        X509_STORE_CTX_set0_dane(task, dane);
    int verified = X509_verify_cert(task);
    int result = X509_STORE_CTX_get_error(task);
    return verified <= 0 && result == X509_V_OK ? X509_V_ERR_UNSPECIFIED : result;
}

static void join_lists(struct xf_tls_finding *finding, const struct xf_tls_finding *lists,
                       bool is_good)
{
    enum xf_cert_revocation said = lists->revocation;

    /*
     * No certificate or list was reported as bad; but lists are only checked once there is a valid
     * chain.
     */
    if (said == XF_CERT_NOT_CHECKED)
        said = is_good ? XF_CERT_NOT_REVOKED : XF_CERT_UNKNOWN;
    finding->above_is_listed = is_good && lists->above_is_listed;
    finding->revocation = xf_tls_revocation_join(finding->revocation, said);
    if (said == XF_CERT_REVOKED)
        snprintf(finding->revocation_text, sizeof(finding->revocation_text), "%s",
                 lists->revocation_text);
}

int xf_tls_verify(struct xf_tls_finding *finding, const struct xf_tls_store *store,
                  const struct xf_tls_evidence *evidence, SSL_DANE *dane,
                  STACK_OF(X509) * *out_chain)
{
    struct xf_tls_finding lists = {.revocation = XF_CERT_NOT_CHECKED, .above_is_listed = true};
    X509_STORE_CTX *task = X509_STORE_CTX_new();
    int result = X509_V_ERR_UNSPECIFIED;

    if (task && X509_STORE_CTX_init(task, store->anchors, evidence->leaf, evidence->sent) == 1)
        result = run(task, dane, store->has_lists ? &lists : NULL);
    if (result == X509_V_OK)
        result = xf_tls_check_constraints(X509_STORE_CTX_get0_chain(task));
    if (store->has_lists)
        join_lists(finding, &lists, result == X509_V_OK);
    if (result == X509_V_OK && !dane && !xf_tls_is_for_tls(evidence->leaf))
        result = X509_V_ERR_INVALID_PURPOSE;
    if (result == X509_V_OK)
        *out_chain = X509_STORE_CTX_get1_chain(task);
    X509_STORE_CTX_free(task);
    ERR_clear_error();
    return result;
}
