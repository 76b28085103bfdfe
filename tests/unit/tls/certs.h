/* SPDX-License-Identifier: MIT */
/* certs.h — certificates made on the spot: an authority, and leaves with every kind of fault. */
#pragma once

#include <openssl/x509.h>

struct cert {
    X509 *x509;
    EVP_PKEY *key;
};

enum cert_key { CERT_P256, CERT_RSA1024, CERT_RSA2048 };

struct cert_spec {
    const struct cert *issuer; /* NULL: self-signed */
    const char *cn;
    const char *san;         /* in the syntax of OpenSSL's configuration, NULL for none */
    const char *eku;         /* likewise */
    const char *constraints; /* nameConstraints, likewise */
    enum cert_key key;
    int is_ca;
    int days_from, days_to; /* from now; both 0: valid */
    const char *digest;     /* NULL: SHA256 */
};

struct cert cert_make(const struct cert_spec *spec);
void cert_free(struct cert *cert);

/* A new file below the test's own directory with these in PEM form; free the path with free(). */
char *pem_file(const char *name, const struct cert *const *certs, const struct cert *key);
void pem_remove_all(void);
