/* SPDX-License-Identifier: MIT */
/*
 * fuzz_ocsp.c — a stapled OCSP response about a certificate.
 *
 * The first byte of the input says what the rest is: 'R' a response as it is; 'S' one that the
 * authority (chain.h) signs first, so that what is in it is looked at. What must hold: "good" or
 * "revoked" is said only when OpenSSL's own search finds that of this certificate in it, in date,
 * and signed by the issuer or by whom it delegated; a response that is no answer leaves what was
 * known; without an issuer in the chain it says nothing.
 */
#include "fuzz.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/ocsp.h>

#include "chain.h"
#include "judge_priv.h"

#define SKEW_S    300
#define AGE_MAX_S (10L * 86400)

/* In DER form, to be freed by OPENSSL_free; NULL: it is none. */
static unsigned char *sign_response(const uint8_t *bytes, size_t len, int *out_len)
{
    const struct chain *chain = chain_get();
    unsigned char *der = NULL;
    OCSP_RESPONSE *read = d2i_OCSP_RESPONSE(NULL, &bytes, (long)len), *made = NULL;
    OCSP_BASICRESP *basic = read ? OCSP_response_get1_basic(read) : NULL;
    if (basic && OCSP_basic_sign(basic, chain->root, chain->root_key, NULL, NULL,
                                 OCSP_NOTIME | OCSP_NOCERTS) == 1)
        made = OCSP_response_create(OCSP_response_status(read), basic);
    *out_len = made ? i2d_OCSP_RESPONSE(made, &der) : 0;
    OCSP_RESPONSE_free(made);
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(read);
    return *out_len > 0 ? der : NULL;
}

/* ------------------------------------------------------------------ the second opinion */

static bool has_status(OCSP_BASICRESP *basic, const EVP_MD *digest, int wanted)
{
    const struct chain *chain = chain_get();
    OCSP_CERTID *id = OCSP_cert_to_id(digest, chain->leaf, chain->root);
    bool has = false;
    for (int at = OCSP_resp_find(basic, id, -1); at >= 0 && !has;
         at = OCSP_resp_find(basic, id, at)) {
        ASN1_GENERALIZEDTIME *from = NULL, *until = NULL;
        int status = OCSP_single_get0_status(OCSP_resp_get0(basic, at), NULL, NULL, &from, &until);
        has = status == wanted &&
              OCSP_check_validity(from, until, SKEW_S, until ? -1 : AGE_MAX_S) == 1;
    }
    OCSP_CERTID_free(id);
    return has;
}

static bool is_said(const struct xf_tls_evidence *evidence, int wanted)
{
    static const char *const digests[] = {"SHA1", "SHA224",     "SHA256",     "SHA384",  "SHA512",
                                          "MD5",  "SHA512-224", "SHA512-256", "SHA3-256"};
    const unsigned char *der = evidence->staple;
    OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &der, (long)evidence->staple_bytes);
    OCSP_BASICRESP *basic = response ? OCSP_response_get1_basic(response) : NULL;
    STACK_OF(X509) *issuers = sk_X509_new_null();
    X509_STORE *store = X509_STORE_new();
    bool is_said = false;
    xf_require(sk_X509_push(issuers, chain_get()->root) > 0 &&
               X509_STORE_add_cert(store, chain_get()->root) == 1);
    if (basic && OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL &&
        OCSP_basic_verify(basic, issuers, store, OCSP_NOEXPLICIT) == 1)
        for (size_t i = 0; i < XF_ARRAY_LEN(digests) && !is_said; i++)
            is_said = has_status(basic, EVP_get_digestbyname(digests[i]), wanted);
    sk_X509_free(issuers);
    X509_STORE_free(store);
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(response);
    return is_said;
}

static void check_finding(const struct xf_tls_finding *finding,
                          const struct xf_tls_evidence *evidence)
{
    bool is_revoked = finding->revocation == XF_CERT_REVOKED;
    xf_require(memchr(finding->revocation_text, '\0', sizeof(finding->revocation_text)));
    xf_require((strncmp(finding->revocation_text, "revoked", 7) == 0) == is_revoked);
    if (is_revoked || finding->revocation == XF_CERT_NOT_REVOKED)
        xf_require(
            is_said(evidence, is_revoked ? V_OCSP_CERTSTATUS_REVOKED : V_OCSP_CERTSTATUS_GOOD));
    else
        xf_require(finding->revocation == XF_CERT_UNKNOWN);
}

static void check_joined(const struct xf_tls_finding *alone, const struct xf_tls_evidence *evidence,
                         STACK_OF(X509) * chain)
{
    struct xf_tls_finding known = {.revocation = XF_CERT_REVOKED, .revocation_text = "revoked"},
                          none = {.revocation = XF_CERT_NOT_CHECKED};
    xf_tls_check_staple(&known, evidence, chain);
    xf_require(known.revocation == XF_CERT_REVOKED);
    xf_require(alone->revocation == XF_CERT_REVOKED ||
               strcmp(known.revocation_text, "revoked") == 0);
    xf_tls_check_staple(&none, evidence, NULL);
    xf_require(none.revocation == XF_CERT_UNKNOWN && !*none.revocation_text);
}

static void check_staple(unsigned char *der, size_t len)
{
    struct xf_tls_evidence evidence = {
        .leaf = chain_get()->leaf, .staple = der, .staple_bytes = len};
    struct xf_tls_finding finding = {.revocation = XF_CERT_NOT_CHECKED};
    STACK_OF(X509) *chain = sk_X509_new_null();
    xf_require(sk_X509_push(chain, chain_get()->leaf) > 0 &&
               sk_X509_push(chain, chain_get()->root) > 0);
    xf_tls_check_staple(&finding, &evidence, chain);
    check_finding(&finding, &evidence);
    check_joined(&finding, &evidence, chain);
    sk_X509_free(chain);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    unsigned char *der = NULL;
    int der_len = 0;
    if (len > 1 && len < 65536 && bytes[0] == 'S')
        der = sign_response(bytes + 1, len - 1, &der_len);
    if (der)
        check_staple(der, (size_t)der_len);
    else if (len > 1 && bytes[0] == 'R')
        check_staple((unsigned char *)(uintptr_t)bytes + 1, len - 1);
    OPENSSL_free(der);
    ERR_clear_error();
    return 0;
}
