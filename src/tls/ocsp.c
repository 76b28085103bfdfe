/* SPDX-License-Identifier: MIT */
/*
 * ocsp.c — checks the OCSP response that a server stapled to its handshake (RFC 6066 section 8, RFC
 * 6960).
 *
 * It counts if it is signed by the leaf's issuer or a responder that the issuer delegated (section
 * 4.2.2.2), is about this certificate, and is fresh; then it says "good" or "revoked". Any other
 * response means UNKNOWN. A response is only as good as the chain to the issuer, so it is unusable
 * without a valid one. It covers only the leaf: if nothing is known about an intermediate, the
 * result stays UNKNOWN. We fetch nothing, and staple nothing as a server.
 */
#include "judge_priv.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>

#define SKEW_S    300
#define AGE_MAX_S (10L * 86400) /* maximum age of a response without nextUpdate */

/* Only the issuer itself may vouch for the responder, not any other anchor. */
static X509_STORE *trust_only(X509 *issuer)
{
    X509_STORE *only = X509_STORE_new();

    if (!only)
        return NULL;
    X509_STORE_set_flags(only, X509_V_FLAG_PARTIAL_CHAIN);
    X509_VERIFY_PARAM_set_auth_level(X509_STORE_get0_param(only), XF_TLS_SECURITY_LEVEL);
    if (X509_STORE_add_cert(only, issuer) == 1)
        return only;
    X509_STORE_free(only);
    return NULL;
}

static bool is_signed_well(OCSP_BASICRESP *basic, X509 *issuer)
{
    X509_STORE *only = trust_only(issuer);
    STACK_OF(X509) *signers = sk_X509_new_null();
    bool is_good = only && signers && sk_X509_push(signers, issuer) > 0 &&
                   OCSP_basic_verify(basic, signers, only, OCSP_NOEXPLICIT) == 1;

    sk_X509_free(signers);
    X509_STORE_free(only);
    return is_good;
}

/* Is this answer about the leaf? Responders choose the digest that names it. */
static bool is_about(const OCSP_SINGLERESP *single, X509 *leaf, X509 *issuer)
{
    /* OCSP_id_get0_info only reads, but its parameter is not const. */
    OCSP_CERTID *theirs = (OCSP_CERTID *)(uintptr_t)OCSP_SINGLERESP_get0_id(single);
    ASN1_OBJECT *algorithm = NULL;

    if (OCSP_id_get0_info(NULL, &algorithm, NULL, NULL, theirs) != 1)
        return false;
    const EVP_MD *digest = EVP_get_digestbyobj(algorithm);
    OCSP_CERTID *ours = digest ? OCSP_cert_to_id(digest, leaf, issuer) : NULL;
    bool is_equal = ours && OCSP_id_cmp(ours, theirs) == 0;
    OCSP_CERTID_free(ours);
    return is_equal;
}

static bool is_fresh(ASN1_GENERALIZEDTIME *from, ASN1_GENERALIZEDTIME *until)
{
    return OCSP_check_validity(from, until, SKEW_S, until ? -1 : AGE_MAX_S) == 1;
}

static enum xf_cert_revocation read_answers(struct xf_tls_finding *finding, OCSP_BASICRESP *basic,
                                            X509 *leaf, X509 *issuer)
{
    for (int i = 0; i < OCSP_resp_count(basic); i++) {
        OCSP_SINGLERESP *single = OCSP_resp_get0(basic, i);
        ASN1_GENERALIZEDTIME *when = NULL, *from = NULL, *until = NULL;
        int reason = -1;
        int status = OCSP_single_get0_status(single, &reason, &when, &from, &until);
        if (!is_about(single, leaf, issuer) || !is_fresh(from, until))
            continue;
        if (status == V_OCSP_CERTSTATUS_GOOD)
            return XF_CERT_NOT_REVOKED;
        if (status == V_OCSP_CERTSTATUS_REVOKED) {
            xf_tls_revocation_note(finding, when, reason);
            return XF_CERT_REVOKED;
        }
    }
    return XF_CERT_UNKNOWN;
}

static enum xf_cert_revocation read_staple(struct xf_tls_finding *finding,
                                           const struct xf_tls_evidence *evidence, X509 *issuer)
{
    const unsigned char *der = evidence->staple;
    OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &der, (long)evidence->staple_bytes);
    OCSP_BASICRESP *basic = NULL;
    enum xf_cert_revocation said = XF_CERT_UNKNOWN;

    if (response && OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL)
        basic = OCSP_response_get1_basic(response);
    if (basic && is_signed_well(basic, issuer))
        said = read_answers(finding, basic, evidence->leaf, issuer);
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(response);
    ERR_clear_error();
    return said;
}

void xf_tls_check_staple(struct xf_tls_finding *finding, const struct xf_tls_evidence *evidence,
                         STACK_OF(X509) * chain)
{
    enum xf_cert_revocation said = XF_CERT_UNKNOWN;

    if (!evidence->staple)
        return;
    if (sk_X509_num(chain) > 1)
        said = read_staple(finding, evidence, sk_X509_value(chain, 1));
    if (said == XF_CERT_NOT_REVOKED && sk_X509_num(chain) > 2 && !finding->above_is_listed)
        said = XF_CERT_UNKNOWN;
    finding->revocation = xf_tls_revocation_join(finding->revocation, said);
}
