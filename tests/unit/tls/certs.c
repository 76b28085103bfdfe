/* SPDX-License-Identifier: MIT */
/* certs.c — certificates made on the spot. */
#include "certs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <xfed/base/err.h>

#define FILES_MAX 64

static char dir[] = "/tmp/xfed-certs-XXXXXX";
static char *files[FILES_MAX];
static int file_count;

static void add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;

    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    xf_require(ext != NULL);
    xf_require(X509_add_ext(cert, ext, -1) == 1);
    X509_EXTENSION_free(ext);
}

static EVP_PKEY *make_key(enum cert_key kind)
{
    switch (kind) {
    case CERT_RSA1024:
        return EVP_RSA_gen(1024U);
    case CERT_RSA2048:
        return EVP_RSA_gen(2048U);
    case CERT_P256:
        break;
    }
    return EVP_EC_gen("P-256");
}

static void add_extensions(X509 *cert, X509 *issuer, const struct cert_spec *spec)
{
    add_extension(cert, issuer, NID_basic_constraints,
                  spec->is_ca ? "critical,CA:TRUE" : "CA:FALSE");
    if (spec->is_ca)
        add_extension(cert, issuer, NID_key_usage, "critical,keyCertSign,cRLSign");
    if (spec->san)
        add_extension(cert, issuer, NID_subject_alt_name, spec->san);
    if (spec->eku)
        add_extension(cert, issuer, NID_ext_key_usage, spec->eku);
    if (spec->constraints)
        add_extension(cert, issuer, NID_name_constraints, spec->constraints);
}

struct cert cert_make(const struct cert_spec *spec)
{
    static long serial = 1;
    struct cert made = {X509_new(), make_key(spec->key)};
    const struct cert *issuer = spec->issuer ? spec->issuer : &made;
    X509_NAME *name = X509_get_subject_name(made.x509);
    int from = spec->days_from, to = spec->days_to;

    xf_require(made.key != NULL);
    X509_set_version(made.x509, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made.x509), serial++);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)spec->cn, -1, -1,
                               0);
    X509_set_issuer_name(made.x509, X509_get_subject_name(issuer->x509));
    if (from == 0 && to == 0) {
        from = -1;
        to = 30;
    }
    X509_gmtime_adj(X509_getm_notBefore(made.x509), from * 86400L);
    X509_gmtime_adj(X509_getm_notAfter(made.x509), to * 86400L);
    X509_set_pubkey(made.x509, made.key);
    add_extensions(made.x509, issuer->x509, spec);
    xf_require(X509_sign(made.x509, issuer->key,
                         EVP_get_digestbyname(spec->digest ? spec->digest : "SHA256")) > 0);
    return made;
}

void cert_free(struct cert *cert)
{
    X509_free(cert->x509);
    EVP_PKEY_free(cert->key);
    *cert = (struct cert){NULL, NULL};
}

char *pem_file(const char *name, const struct cert *const *certs, const struct cert *key)
{
    char *path = NULL;

    if (file_count == 0)
        xf_require(mkdtemp(dir) != NULL);
    xf_require(file_count < FILES_MAX);
    xf_require(asprintf(&path, "%s/%d-%s", dir, file_count, name) > 0);
    FILE *file = fopen(path, "w");
    xf_require(file != NULL);
    for (; certs && *certs; certs++)
        xf_require(PEM_write_X509(file, (*certs)->x509) == 1);
    if (key)
        xf_require(PEM_write_PrivateKey(file, key->key, NULL, NULL, 0, NULL, NULL) == 1);
    fclose(file);
    files[file_count++] = strdup(path);
    return path;
}

void pem_remove_all(void)
{
    for (int i = 0; i < file_count; i++) {
        unlink(files[i]);
        free(files[i]);
    }
    if (file_count > 0)
        rmdir(dir);
    file_count = 0;
    memcpy(dir + strlen(dir) - 6, "XXXXXX", 6);
}
