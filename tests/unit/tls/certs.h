/* SPDX-License-Identifier: MIT */
/* certs.h — made on the spot: an authority, leaves with every kind of fault, and what says that
 * they are revoked. */
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

/* A revocation list of `issuer`; `signer` is the issuer when NULL. */
struct crl_spec {
    const struct cert *issuer, *signer;
    const struct cert *revoked; /* NULL: nobody */
    int reason;                 /* CRL_REASON_..., 0: not said */
    int days_from, days_to;     /* from now; both 0: in date */
};

X509_CRL *crl_make(const struct crl_spec *spec);
char *crl_file(const char *name, X509_CRL *const *lists,
               int is_der); /* as pem_file; ends at NULL */

/* An OCSP response of `signer` about `leaf`, in DER form; free with OPENSSL_free. */
struct ocsp_spec {
    const struct cert *leaf, *issuer, *signer; /* signer NULL: the issuer */
    int status, reason;                        /* V_OCSP_CERTSTATUS_... */
    int days_from, days_to;                    /* from now; both 0: fresh; days_to 0: not said */
    const char *digest;                        /* that names the certificate; NULL: SHA1 */
};

unsigned char *ocsp_make(const struct ocsp_spec *spec, int *out_len);

/* A new file below the test's own directory with these in PEM form; free the path with free(). */
char *pem_file(const char *name, const struct cert *const *certs, const struct cert *key);
void pem_remove_all(void);
