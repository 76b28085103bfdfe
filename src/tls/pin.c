/* SPDX-License-Identifier: MIT */
/*
 * pin.c — computes a pin from a certificate in a file: the same digest of the key as in a peer's
 * facts, so that an operator can pin a certificate that a partner sent, without knowing about SPKI.
 * Test: tests/unit/tls/test_own.c.
 */
#include "tls_priv.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

static X509 *read_first(const char *path, struct xf_error *err)
{
    FILE *file = NULL;

    if (xf_tls_open(path, &file, err) != XF_ERR_OK)
        return NULL;
    ERR_clear_error();
    X509 *cert = PEM_read_X509(file, NULL, NULL, NULL);
    (void)fclose(file); /* it was only read */
    if (!cert)
        (void)xf_fail(err, XF_ERR_CERTIFICATE,
                      "%s: holds no certificate in PEM form that can be read: %s", path,
                      xf_tls_reason());
    ERR_clear_error();
    return cert;
}

enum xf_err xf_tls_pin_load(const char *cert_file, uint8_t out_spki_sha256[32],
                            struct xf_error *err)
{
    X509 *cert = read_first(cert_file, err);

    if (!cert)
        return XF_ERR_CERTIFICATE;
    struct xf_tls_facts *facts = xf_tls_facts_new();
    xf_tls_facts_of_cert(facts, cert);
    memcpy(out_spki_sha256, facts->spki_sha256, sizeof(facts->spki_sha256));
    xf_tls_facts_free(&facts);
    X509_free(cert);
    return XF_ERR_OK;
}
