/* SPDX-License-Identifier: MIT */
/*
 * verify.c — judge a peer's chain: to a trust anchor, in date, strong enough.
 *
 * Runs on the pool, after the handshake. Security level 2 holds for keys and signatures of the
 * chain. The key usage of the role is not asked for: public CAs stopped to issue certificates for
 * TLS clients in 2026, and the certificate of a server is the same in both directions (RFC 6120
 * §13.7.1). A leaf that is restricted to something else than TLS (mail, code) is bad all the same.
 */
#include "tls_priv.h"

#include <stdio.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#define AUTH_LEVEL 2
#define CHAIN_DEPTH_MAX 10

static bool is_for_tls(X509 *leaf)
{
    /* UINT32_MAX without the extension: for everything. */
    return X509_get_extended_key_usage(leaf) & (XKU_SSL_SERVER | XKU_SSL_CLIENT | XKU_ANYEKU);
}

/* X509_V_OK, or why not. */
static int verify(const struct xf_tls_store *store, X509 *leaf, STACK_OF(X509) * untrusted)
{
    X509_STORE_CTX *task = X509_STORE_CTX_new();
    int result = X509_V_ERR_UNSPECIFIED;

    if (task && X509_STORE_CTX_init(task, store->anchors, leaf, untrusted) == 1) {
        X509_VERIFY_PARAM *rules = X509_STORE_CTX_get0_param(task);
        X509_VERIFY_PARAM_set_auth_level(rules, AUTH_LEVEL);
        X509_VERIFY_PARAM_set_depth(rules, CHAIN_DEPTH_MAX);
        int verified = X509_verify_cert(task);
        result = X509_STORE_CTX_get_error(task);
        if (verified <= 0 && result == X509_V_OK)
            result = X509_V_ERR_UNSPECIFIED;
    }
    X509_STORE_CTX_free(task);
    ERR_clear_error();
    return result;
}

void xf_tls_verify(struct xf_tls_facts *facts, const struct xf_tls_store *store, X509 *leaf,
                   STACK_OF(X509) * untrusted)
{
    int result = verify(store, leaf, untrusted);

    if (result == X509_V_OK && !is_for_tls(leaf))
        result = X509_V_ERR_INVALID_PURPOSE;
    facts->chain = result == X509_V_OK ? XF_CERT_TRUSTED : XF_CERT_BAD;
    if (result != X509_V_OK)
        snprintf(facts->chain_text, sizeof(facts->chain_text), "%s",
                 X509_verify_cert_error_string(result));
}
