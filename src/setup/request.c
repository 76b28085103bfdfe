/* SPDX-License-Identifier: MIT */
/*
 * request.c — a new key, the request that an authority signs, and a certificate signed by the key
 * itself, with which xfedd can start before the authority has answered.
 *
 * The names come from `xfedd --csr-names`, as a configuration of `openssl req`, and are read by the
 * same code of OpenSSL; so all three have what that command line would make.
 */
#include "setup_priv.h"

#include <openssl/conf.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <xfed/base/crypto.h>

#define CURVE         "P-256"
#define EXTENSIONS    "names" /* a section there */
#define VALID_DAYS    90
#define PEM_MAX_BYTES (64u << 10)
#define BACKDATE_S    3600 /* for peers whose clock is slow */
#define SERIAL_BYTES  16

static enum xf_err failed(struct xf_error *err, const char *what)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return xf_fail(err, XF_ERR_CRYPTO, "%s: %s", what, reason ? reason : "OpenSSL failed");
}

static bool set_subject(X509_NAME *subject, const CONF *names)
{
    const char *name = NCONF_get_string(names, "subject", "CN");
    return name && X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                              (const unsigned char *)name, -1, -1, 0) == 1;
}

static X509_REQ *make_csr(EVP_PKEY *key, CONF *names)
{
    X509_REQ *csr = X509_REQ_new();
    X509V3_CTX context;
    X509V3_set_ctx(&context, NULL, NULL, csr, NULL, 0);
    X509V3_set_nconf(&context, names);
    if (csr && X509_REQ_set_version(csr, X509_REQ_VERSION_1) == 1 &&
        set_subject(X509_REQ_get_subject_name(csr), names) && X509_REQ_set_pubkey(csr, key) == 1 &&
        X509V3_EXT_REQ_add_nconf(names, &context, EXTENSIONS, csr) == 1 &&
        X509_REQ_sign(csr, key, EVP_sha256()) > 0)
        return csr;
    X509_REQ_free(csr);
    return NULL;
}

static bool set_serial(X509 *certificate)
{
    unsigned char bytes[SERIAL_BYTES];
    xf_rand_bytes(bytes, sizeof(bytes));
    bytes[0] &= 0x7f; /* a positive number */
    BIGNUM *number = BN_bin2bn(bytes, sizeof(bytes), NULL);
    bool is_set = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
    BN_free(number);
    return is_set;
}

static bool set_dates(X509 *certificate)
{
    return X509_gmtime_adj(X509_getm_notBefore(certificate), -BACKDATE_S) &&
           X509_time_adj_ex(X509_getm_notAfter(certificate), VALID_DAYS, 0, NULL);
}

static X509 *make_certificate(EVP_PKEY *key, CONF *names)
{
    X509 *certificate = X509_new();
    X509V3_CTX context;
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509V3_set_nconf(&context, names);
    if (certificate && X509_set_version(certificate, X509_VERSION_3) == 1 &&
        set_serial(certificate) && set_dates(certificate) &&
        set_subject(X509_get_subject_name(certificate), names) &&
        X509_set_issuer_name(certificate, X509_get_subject_name(certificate)) == 1 &&
        X509_set_pubkey(certificate, key) == 1 &&
        X509V3_EXT_add_nconf(names, &context, EXTENSIONS, certificate) == 1 &&
        X509_sign(certificate, key, EVP_sha256()) > 0)
        return certificate;
    X509_free(certificate);
    return NULL;
}

/* What was written into memory; the BIO forgets it. */
static bool take_text(BIO *bio, struct xf_buf *out)
{
    char *text;
    long len = BIO_get_mem_data(bio, &text);
    bool is_taken = len > 0 && xf_buf_try_append(out, text, (size_t)len) == XF_ERR_OK;
    xf_wipe(text, len > 0 ? (size_t)len : 0);
    return is_taken && BIO_reset(bio) == 1;
}

static bool write_all(EVP_PKEY *key, X509_REQ *csr, X509 *certificate, struct xf_setup_request *out)
{
    BIO *bio = BIO_new(BIO_s_mem());
    bool is_written = bio && PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1 &&
                      take_text(bio, &out->key) && PEM_write_bio_X509_REQ(bio, csr) == 1 &&
                      take_text(bio, &out->csr) && PEM_write_bio_X509(bio, certificate) == 1 &&
                      take_text(bio, &out->certificate);
    BIO_free(bio);
    return is_written;
}

static CONF *read_names(struct xf_span text)
{
    BIO *bio = BIO_new_mem_buf(text.ptr, (int)text.len);
    CONF *names = NCONF_new(NULL);
    long line;
    bool is_read = bio && names && NCONF_load_bio(names, bio, &line) == 1;
    BIO_free(bio);
    if (is_read)
        return names;
    NCONF_free(names);
    return NULL;
}

void xf_setup_request_release(struct xf_setup_request *request)
{
    if (request->key.data)
        xf_wipe(request->key.data, request->key.cap);
    xf_buf_release(&request->key);
    xf_buf_release(&request->csr);
    xf_buf_release(&request->certificate);
}

enum xf_err xf_setup_request_make(struct xf_span text, struct xf_setup_request *out,
                                  struct xf_error *err)
{
    struct xf_setup_request made = {0};
    xf_buf_init(&made.key, PEM_MAX_BYTES);
    xf_buf_init(&made.csr, PEM_MAX_BYTES);
    xf_buf_init(&made.certificate, PEM_MAX_BYTES);
    CONF *names = read_names(text);
    EVP_PKEY *key = names ? EVP_EC_gen(CURVE) : NULL;
    X509_REQ *csr = key ? make_csr(key, names) : NULL;
    X509 *certificate = csr ? make_certificate(key, names) : NULL;
    bool is_made = certificate && write_all(key, csr, certificate, &made);
    X509_free(certificate);
    X509_REQ_free(csr);
    EVP_PKEY_free(key);
    NCONF_free(names);
    if (is_made)
        *out = made;
    else
        xf_setup_request_release(&made);
    return is_made ? XF_ERR_OK : failed(err, "a key and a request for a certificate");
}
