/* SPDX-License-Identifier: MIT */
/*
 * revocation.c — checks revocation lists (RFC 5280 section 5) during a verification.
 *
 * OpenSSL wants a list for every certificate of the chain, and fails the verification if there is
 * no current one. We do not count that as a fault of the chain: revocation is a separate fact, and
 * the peer's settings decide what "unknown" leads to. Nor does a revoked certificate make the chain
 * bad.
 *
 * - The anchor at the end of the chain needs no list: it is trusted by configuration.
 * - A list with a bad signature says nothing, not even "revoked". An outdated list still says which
 *   certificates were revoked.
 */
#include "judge_priv.h"

#include <stdio.h>

#include <openssl/x509v3.h>

enum xf_cert_revocation xf_tls_revocation_join(enum xf_cert_revocation a, enum xf_cert_revocation b)
{
    static const int weights[] = {
        [XF_CERT_NOT_CHECKED] = 0,
        [XF_CERT_UNKNOWN] = 1,
        [XF_CERT_NOT_REVOKED] = 2,
        [XF_CERT_REVOKED] = 3,
    };
    return weights[a] >= weights[b] ? a : b;
}

/* RFC 5280 section 5.3.1. */
static const char *reason_words(long reason)
{
    static const char *const words[] = {
        [CRL_REASON_KEY_COMPROMISE] = "key compromise",
        [CRL_REASON_CA_COMPROMISE] = "CA compromise",
        [CRL_REASON_AFFILIATION_CHANGED] = "affiliation changed",
        [CRL_REASON_SUPERSEDED] = "superseded",
        [CRL_REASON_CESSATION_OF_OPERATION] = "cessation of operation",
        [CRL_REASON_CERTIFICATE_HOLD] = "certificate hold",
        [CRL_REASON_PRIVILEGE_WITHDRAWN] = "privilege withdrawn",
        [CRL_REASON_AA_COMPROMISE] = "AA compromise",
    };
    return reason >= 0 && reason < (long)XF_ARRAY_LEN(words) ? words[reason] : NULL;
}

void xf_tls_revocation_note(struct xf_tls_finding *finding, const ASN1_TIME *when, long reason)
{
    const char *words = reason_words(reason);
    char date[32] = "";
    struct tm tm;

    if (when && ASN1_TIME_to_tm(when, &tm) == 1)
        snprintf(date, sizeof(date), " on %04d-%02d-%02d", tm.tm_year + 1900, tm.tm_mon + 1,
                 tm.tm_mday);
    snprintf(finding->revocation_text, sizeof(finding->revocation_text), "revoked%s%s%s%s", date,
             words ? " (" : "", words ? words : "", words ? ")" : "");
    finding->revocation = XF_CERT_REVOKED;
}

static long reason_of(const X509_REVOKED *entry)
{
    ASN1_ENUMERATED *value = X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, NULL, NULL);
    long reason = value ? ASN1_ENUMERATED_get(value) : -1;

    ASN1_ENUMERATED_free(value);
    return reason;
}

/* Only an issuer in the chain may revoke; anybody can put its name on a list. */
static bool is_signed_well(X509_CRL *list, STACK_OF(X509) * chain)
{
    for (int i = 0; i < sk_X509_num(chain); i++) {
        X509 *issuer = sk_X509_value(chain, i);
        if (X509_NAME_cmp(X509_get_subject_name(issuer), X509_CRL_get_issuer(list)) == 0 &&
            X509_CRL_verify(list, X509_get0_pubkey(issuer)) == 1)
            return true;
    }
    return false;
}

/*
 * OpenSSL says that a list has the certificate, but if that list is outdated, not which list it is.
 */
static void on_revoked(X509_STORE_CTX *task, struct xf_tls_finding *finding)
{
    X509 *cert = X509_STORE_CTX_get_current_cert(task);
    STACK_OF(X509_CRL) *lists = X509_STORE_CTX_get1_crls(task, X509_get_issuer_name(cert));
    X509_REVOKED *entry = NULL;

    for (int i = 0; i < sk_X509_CRL_num(lists) && !entry; i++) {
        X509_CRL *list = sk_X509_CRL_value(lists, i);
        if (X509_CRL_get0_by_cert(list, &entry, cert) != 1 ||
            !is_signed_well(list, X509_STORE_CTX_get0_chain(task)))
            entry = NULL;
    }
    if (entry)
        xf_tls_revocation_note(finding, X509_REVOKED_get0_revocationDate(entry), reason_of(entry));
    else
        finding->revocation = xf_tls_revocation_join(finding->revocation, XF_CERT_UNKNOWN);
    sk_X509_CRL_pop_free(lists, X509_CRL_free);
}

static bool is_about_a_list(int error)
{
    switch (error) {
    case X509_V_ERR_UNABLE_TO_GET_CRL:
    case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
    case X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE:
    case X509_V_ERR_CRL_SIGNATURE_FAILURE:
    case X509_V_ERR_CRL_NOT_YET_VALID:
    case X509_V_ERR_CRL_HAS_EXPIRED:
    case X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD:
    case X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD:
    case X509_V_ERR_KEYUSAGE_NO_CRL_SIGN:
    case X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION:
    case X509_V_ERR_DIFFERENT_CRL_SCOPE:
    case X509_V_ERR_CRL_PATH_VALIDATION_ERROR:
        return true;
    default:
        return false;
    }
}

static bool is_at_the_anchor(X509_STORE_CTX *task)
{
    int last = sk_X509_num(X509_STORE_CTX_get0_chain(task)) - 1;

    return last > 0 && X509_STORE_CTX_get_error_depth(task) == last;
}

static int on_step(int is_good, X509_STORE_CTX *task)
{
    struct xf_tls_finding *finding = X509_STORE_CTX_get_app_data(task);
    int error = X509_STORE_CTX_get_error(task);

    if (is_good)
        return 1;
    if (X509_STORE_CTX_get_error_depth(task) > 0 && !is_at_the_anchor(task))
        finding->above_is_listed = false;
    if (error == X509_V_ERR_CERT_REVOKED)
        on_revoked(task, finding);
    else if (!is_about_a_list(error))
        return 0;
    else if (!is_at_the_anchor(task))
        finding->revocation = xf_tls_revocation_join(finding->revocation, XF_CERT_UNKNOWN);
    X509_STORE_CTX_set_error(task, X509_V_OK);
    return 1;
}

void xf_tls_revocation_watch(X509_STORE_CTX *task, struct xf_tls_finding *finding)
{
    X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(task),
                                X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    X509_STORE_CTX_set_app_data(task, finding);
    X509_STORE_CTX_set_verify_cb(task, on_step);
}
