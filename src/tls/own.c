/* SPDX-License-Identifier: MIT */
/*
 * own.c — examines one of our certificates: its dates and key, and reasons for which peers may
 * refuse it. The caller supplies the time.
 *
 * "Complete" means that a peer that knows only roots can build the chain from what we send: it ends
 * in a self-signed certificate or in one that an anchor issued. A chain to a private root is
 * complete too; whether peers trust that root, we cannot know. Keys that are too weak were refused
 * when loading (identity.c). Test: tests/unit/tls/test_own.c.
 */
#include "tls_priv.h"

#include <stdio.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <xfed/base/clock.h>
#include <xfed/base/readable.h>

#define NAME_BYTES 120

int64_t xf_tls_seconds_of(const ASN1_TIME *time)
{
    struct tm tm;

    return ASN1_TIME_to_tm(time, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

void xf_tls_identity_about(const struct xf_tls_identity *s, struct xf_tls_about *out)
{
    const char *type = EVP_PKEY_get0_type_name(s->key);

    *out = (struct xf_tls_about){
        .not_before_s = xf_tls_seconds_of(X509_get0_notBefore(s->leaf)),
        .not_after_s = xf_tls_seconds_of(X509_get0_notAfter(s->leaf)),
        .for_server = s->facts->for_server,
        .for_client = s->facts->for_client,
        .key_bits = (unsigned)EVP_PKEY_get_bits(s->key),
    };
    snprintf(out->key_type, sizeof(out->key_type), "%s", type ? type : "unknown");
}

static bool check_dates(const struct xf_tls_identity *s, int64_t now_s, int64_t warn_s, char *out,
                        size_t size)
{
    struct xf_tls_about about;
    char date[XF_READABLE_BYTES];

    xf_tls_identity_about(s, &about);
    bool is_early = now_s < about.not_before_s;
    xf_readable_utc_date(is_early ? about.not_before_s : about.not_after_s, date);
    int64_t left_s = about.not_after_s - now_s;
    if (is_early)
        snprintf(out, size, "not valid before %s", date);
    else if (left_s < 0)
        snprintf(out, size, "expired on %s", date);
    else if (left_s < warn_s)
        snprintf(out, size, "expires in %lld days, on %s", (long long)(left_s / XF_DAY_S), date);
    else
        return true;
    return false;
}

/* The leaf's dates are reported separately, and a private root is not an error. */
static int on_step(int is_good, X509_STORE_CTX *task)
{
    int error = X509_STORE_CTX_get_error(task);
    bool is_leaf = X509_STORE_CTX_get_error_depth(task) == 0;
    bool is_fine = is_good || error == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN ||
                   error == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT ||
                   (is_leaf && (error == X509_V_ERR_CERT_HAS_EXPIRED ||
                                error == X509_V_ERR_CERT_NOT_YET_VALID));

    if (is_fine)
        X509_STORE_CTX_set_error(task, X509_V_OK);
    return is_fine;
}

static void name_words(const X509_NAME *name, char *out, size_t size)
{
    if (X509_NAME_get_text_by_NID(name, NID_commonName, out, (int)size) <= 0)
        snprintf(out, size, "%s", "its issuer");
    for (char *c = out; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?';
}

static void say_chain(X509_STORE_CTX *task, int error, char *out, size_t size)
{
    X509 *cert = X509_STORE_CTX_get_current_cert(task);
    char name[NAME_BYTES] = "its issuer";

    switch (error) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        if (cert)
            name_words(X509_get_issuer_name(cert), name, sizeof(name));
        snprintf(out, size,
                 "the chain is not complete: the certificate of \"%s\" is missing behind it in the "
                 "file",
                 name);
        return;
    default:
        if (cert)
            name_words(X509_get_subject_name(cert), name, sizeof(name));
        snprintf(out, size, "in its chain \"%s\": %s", name, X509_verify_cert_error_string(error));
    }
}

static bool check_chain(const struct xf_tls_identity *s, const struct xf_tls_store *store,
                        int64_t now_s, char *out, size_t size)
{
    X509_STORE_CTX *task = X509_STORE_CTX_new();

    xf_require(task && X509_STORE_CTX_init(task, store->anchors, s->leaf, s->chain) == 1);
    X509_VERIFY_PARAM *rules = X509_STORE_CTX_get0_param(task);
    X509_VERIFY_PARAM_set_time(rules, (time_t)now_s);
    X509_VERIFY_PARAM_set_auth_level(rules, XF_TLS_SECURITY_LEVEL);
    X509_STORE_CTX_set_verify_cb(task, on_step);
    bool is_good = X509_verify_cert(task) == 1;
    if (!is_good)
        say_chain(task, X509_STORE_CTX_get_error(task), out, size);
    X509_STORE_CTX_free(task);
    ERR_clear_error();
    return is_good;
}

bool xf_tls_identity_check(const struct xf_tls_identity *identity, const struct xf_tls_store *store,
                           int64_t now_s, int64_t warn_s, char *out_words, size_t size)
{
    char dates[96] = "", chain[256] = "";
    bool are_dates_good = warn_s < 0 || check_dates(identity, now_s, warn_s, dates, sizeof(dates));
    bool is_chain_good = check_chain(identity, store, now_s, chain, sizeof(chain));

    snprintf(out_words, size, "%s%s%s", dates, *dates && *chain ? "; " : "", chain);
    return are_dates_good && is_chain_good;
}
