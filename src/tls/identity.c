/* SPDX-License-Identifier: MIT */
/*
 * identity.c — one of our certificate chains with its key.
 *
 * Everything is checked when it is loaded, with errors that name the file, so that no handshake
 * fails later because of a configuration error: PEM form, no passphrase, the key belongs to the
 * first certificate, and OpenSSL would use it at our security level. An expired certificate is not
 * an error here: it may be renewed soon. Reference counts are atomic, since certificates are also
 * loaded on the pool. Test: tests/unit/tls/test_identity.c.
 */
#include "tls_priv.h"

#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include <xfed/base/alloc.h>
#include <xfed/base/crypto.h>

#define CHAIN_MAX 16

/* A key behind a passphrase fails to load instead of asking the terminal. */
static int no_passphrase(char *buf, int size, int writing, void *unused)
{
    (void)buf;
    (void)size;
    (void)writing;
    (void)unused;
    return -1;
}

static bool is_end_of_pem(void)
{
    unsigned long last = ERR_peek_last_error();

    return ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
}

static enum xf_err read_certs(struct xf_tls_identity *s, FILE *file, const char *path,
                              struct xf_error *err)
{
    X509 *cert;

    s->leaf = PEM_read_X509(file, NULL, no_passphrase, NULL);
    if (!s->leaf && is_end_of_pem())
        return xf_fail(err, XF_ERR_CERTIFICATE, "%s: holds no certificate in PEM form", path);
    if (!s->leaf)
        return xf_fail(err, XF_ERR_CERTIFICATE, "%s: the certificate cannot be read: %s", path,
                       xf_tls_reason());
    while ((cert = PEM_read_X509(file, NULL, no_passphrase, NULL)) != NULL) {
        if (sk_X509_push(s->chain, cert) > CHAIN_MAX)
            return xf_fail(err, XF_ERR_CERTIFICATE,
                           "%s: more than %d certificates; it is to hold one chain, our own first",
                           path, CHAIN_MAX);
    }
    if (!is_end_of_pem())
        return xf_fail(err, XF_ERR_CERTIFICATE,
                       "%s: certificate %d of the chain cannot be read: %s", path,
                       sk_X509_num(s->chain) + 2, xf_tls_reason());
    return XF_ERR_OK;
}

/* If there is none, OpenSSL's decoders only report "unsupported". */
static bool has_key(FILE *file)
{
    char line[128];
    bool found = false;

    while (!found && fgets(line, sizeof(line), file))
        found = strncmp(line, "-----BEGIN ", 11) == 0 && strstr(line, "PRIVATE KEY-----");
    rewind(file);
    return found;
}

static enum xf_err read_key(struct xf_tls_identity *s, FILE *file, const char *path,
                            struct xf_error *err)
{
    if (!has_key(file))
        return xf_fail(err, XF_ERR_CERTIFICATE, "%s: holds no private key in PEM form", path);
    s->key = PEM_read_PrivateKey(file, NULL, no_passphrase, NULL);
    if (s->key)
        return XF_ERR_OK;
    if (ERR_GET_REASON(ERR_peek_error()) == PEM_R_BAD_PASSWORD_READ ||
        ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_BAD_PASSWORD_READ)
        return xf_fail(err, XF_ERR_CERTIFICATE,
                       "%s: the private key has a passphrase; store it without one", path);
    return xf_fail(err, XF_ERR_CERTIFICATE, "%s: the private key cannot be read: %s", path,
                   xf_tls_reason());
}

/*
 * Run `read` on a file, with an empty error queue before and after. We supply the file's buffer, so
 * that we can wipe it: it may hold a key.
 */
static enum xf_err with_file(struct xf_tls_identity *s, const char *path,
                             enum xf_err (*read)(struct xf_tls_identity *, FILE *, const char *,
                                                 struct xf_error *),
                             struct xf_error *err)
{
    FILE *file = NULL;
    enum xf_err result = xf_tls_open(path, &file, err);

    if (result != XF_ERR_OK)
        return result;
    char *buffer = xf_alloc(BUFSIZ);
    (void)setvbuf(file, buffer, _IOFBF, BUFSIZ);
    ERR_clear_error();
    result = read(s, file, path, err);
    ERR_clear_error();
    (void)fclose(file); /* it was only read */
    xf_wipe(buffer, BUFSIZ);
    xf_free(buffer);
    return result;
}

/* Would a handshake accept this? */
static enum xf_err try_out(struct xf_tls_identity *s, const char *cert_file, struct xf_error *err)
{
    const struct xf_tls_shown alone = {1, {s}};
    struct xf_tls_store *nobody = NULL;
    enum xf_err result = xf_tls_store_load("", &nobody, err);

    if (result != XF_ERR_OK)
        return result;
    SSL_CTX *context = xf_tls_context_new(true, nobody);
    SSL *ssl = SSL_new(context);
    xf_require(ssl != NULL);
    ERR_clear_error();
    if (!xf_tls_shown_use(&alone, ssl))
        result = xf_fail(err, XF_ERR_CERTIFICATE, "%s: OpenSSL does not accept it: %s", cert_file,
                         xf_tls_reason());
    SSL_free(ssl);
    SSL_CTX_free(context);
    xf_tls_store_unref(&nobody);
    return result;
}

static enum xf_err load(struct xf_tls_identity *s, const char *cert_file, const char *key_file,
                        struct xf_error *err)
{
    enum xf_err result = with_file(s, cert_file, read_certs, err);

    if (result == XF_ERR_OK)
        result = with_file(s, key_file, read_key, err);
    if (result != XF_ERR_OK)
        return result;
    if (X509_check_private_key(s->leaf, s->key) != 1) {
        ERR_clear_error();
        return xf_fail(err, XF_ERR_CERTIFICATE,
                       "%s: the key does not belong to the first certificate in %s", key_file,
                       cert_file);
    }
    xf_tls_facts_of_cert(s->facts, s->leaf);
    return try_out(s, cert_file, err);
}

enum xf_err xf_tls_identity_load(const char *cert_file, const char *key_file,
                                 struct xf_tls_identity **out_identity, struct xf_error *err)
{
    struct xf_tls_identity *s = xf_new(struct xf_tls_identity);

    atomic_init(&s->refs, 1);
    s->chain = sk_X509_new_null();
    xf_require(s->chain != NULL);
    s->facts = xf_tls_facts_new();
    enum xf_err result = load(s, cert_file, key_file, err);
    if (result != XF_ERR_OK) {
        xf_tls_identity_unref(&s);
        return result;
    }
    *out_identity = s;
    return XF_ERR_OK;
}

void xf_tls_identity_unref(struct xf_tls_identity **identity)
{
    struct xf_tls_identity *s = *identity;

    *identity = NULL;
    if (!s || atomic_fetch_sub(&s->refs, 1) > 1)
        return;
    X509_free(s->leaf);
    sk_X509_pop_free(s->chain, X509_free);
    EVP_PKEY_free(s->key);
    xf_tls_facts_free(&s->facts);
    xf_free(s);
}

bool xf_tls_identity_names(const struct xf_tls_identity *identity, struct xf_span domain)
{
    return xf_tls_facts_name(identity->facts, domain);
}

bool xf_tls_identity_shows(const struct xf_tls_identity *identity, const char *host)
{
    return xf_tls_facts_sip(identity->facts, XF_CERT_SIP_HOST, &host, 1);
}
