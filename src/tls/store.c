/* SPDX-License-Identifier: MIT */
/*
 * store.c — the trust anchors: a PEM file, read once and shared.
 *
 * Loading a system's bundle takes some 30 ms and 800 KB, so all sets of identities and both roles
 * share one store. It does not change once loaded, and OpenSSL locks it internally, so
 * verifications on the pool may share it. Every certificate in the file is an anchor, even an
 * intermediate or a peer's own certificate (PARTIAL_CHAIN).
 */
#include "tls_priv.h"

#include <errno.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include <xfed/base/alloc.h>

const char *xf_tls_reason(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_error());

    ERR_clear_error();
    return reason ? reason : "unknown error";
}

/* What an alert of the other side says about our certificate (RFC 8446 §6.2); NULL: nothing. */
static const char *complaint(unsigned long error)
{
    int alert = ERR_GET_REASON(error) - SSL_AD_REASON_OFFSET;

    if (ERR_GET_LIB(error) != ERR_LIB_SSL)
        return NULL;
    if (alert == SSL_AD_CERTIFICATE_REQUIRED)
        return "the other side requires a certificate and got none of ours";
    bool is_refusal = alert == SSL_AD_BAD_CERTIFICATE || alert == SSL_AD_UNSUPPORTED_CERTIFICATE ||
                      alert == SSL_AD_CERTIFICATE_REVOKED || alert == SSL_AD_CERTIFICATE_EXPIRED ||
                      alert == SSL_AD_CERTIFICATE_UNKNOWN || alert == SSL_AD_UNKNOWN_CA;
    return is_refusal ? "the other side does not accept our certificate" : NULL;
}

/* An alert of the other side, or what we found in its hello. */
static bool is_about_version(unsigned long error)
{
    int reason = ERR_GET_REASON(error);

    return ERR_GET_LIB(error) == ERR_LIB_SSL &&
           (reason == SSL_AD_REASON_OFFSET + SSL_AD_PROTOCOL_VERSION ||
            reason == SSL_R_UNSUPPORTED_PROTOCOL || reason == SSL_R_VERSION_TOO_LOW ||
            reason == SSL_R_WRONG_SSL_VERSION);
}

enum xf_conn_end xf_tls_failure(const char *doing, char *out, size_t size)
{
    unsigned long error = ERR_peek_error();
    const char *words = complaint(error);
    enum xf_conn_end end = words ? XF_CONN_END_TLS_REFUSED : XF_CONN_END_TLS;

    if (is_about_version(error)) {
        words = "no version of TLS that both sides accept";
        end = XF_CONN_END_TLS_VERSION;
    }
    if (words)
        snprintf(out, size, "%s: %s (%s)", doing, words, xf_tls_reason());
    else
        snprintf(out, size, "%s: %s", doing, xf_tls_reason());
    return end;
}

enum xf_err xf_tls_open(const char *path, FILE **out_file, struct xf_error *err)
{
    FILE *file = fopen(path, "re");

    if (!file) {
        const char *why = strerrordesc_np(errno);
        return xf_fail(err, XF_ERR_CERTIFICATE, "%s: %s", path, why ? why : "cannot be opened");
    }
    *out_file = file;
    return XF_ERR_OK;
}

/* Load the file's certificates into the store. */
static enum xf_err load_file(X509_STORE *anchors, const char *path, struct xf_error *err)
{
    FILE *file = NULL;
    size_t count = 0;
    X509 *cert;
    enum xf_err opened = xf_tls_open(path, &file, err);

    if (opened != XF_ERR_OK)
        return opened;
    ERR_clear_error();
    while ((cert = PEM_read_X509_AUX(file, NULL, NULL, NULL)) != NULL) {
        int added = X509_STORE_add_cert(anchors, cert);
        X509_free(cert);
        if (added != 1)
            break;
        count++;
    }
    (void)fclose(file); /* it was only read */
    unsigned long last = ERR_peek_last_error();
    if (ERR_GET_LIB(last) != ERR_LIB_PEM || ERR_GET_REASON(last) != PEM_R_NO_START_LINE)
        return xf_fail(err, XF_ERR_CERTIFICATE, "%s: certificate %zu cannot be read: %s", path,
                       count + 1, xf_tls_reason());
    ERR_clear_error();
    if (count == 0)
        return xf_fail(err, XF_ERR_CERTIFICATE, "%s: holds no certificate in PEM form", path);
    return XF_ERR_OK;
}

struct xf_tls_store *xf_tls_store_new(void)
{
    struct xf_tls_store *store = xf_new(struct xf_tls_store);

    atomic_init(&store->refs, 1);
    store->anchors = X509_STORE_new();
    xf_require(store->anchors != NULL);
    X509_STORE_set_flags(store->anchors, X509_V_FLAG_PARTIAL_CHAIN);
    return store;
}

struct xf_tls_store *xf_tls_store_ref(struct xf_tls_store *store)
{
    atomic_fetch_add(&store->refs, 1);
    return store;
}

enum xf_err xf_tls_store_load(const char *ca_file, struct xf_tls_store **out_store,
                              struct xf_error *err)
{
    struct xf_tls_store *store = xf_tls_store_new();

    enum xf_err result = *ca_file ? load_file(store->anchors, ca_file, err) : XF_ERR_OK;
    if (result != XF_ERR_OK) {
        xf_tls_store_unref(&store);
        return result;
    }
    *out_store = store;
    return XF_ERR_OK;
}

void xf_tls_store_unref(struct xf_tls_store **store)
{
    struct xf_tls_store *s = *store;

    *store = NULL;
    if (!s || atomic_fetch_sub(&s->refs, 1) > 1)
        return;
    X509_STORE_free(s->anchors);
    xf_free(s);
}
