/* SPDX-License-Identifier: MIT */
/* certs.c — certificates, revocation lists and OCSP responses made on the spot. */
#include "certs.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/ocsp.h>
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

X509_CRL *crl_make(const struct crl_spec *spec)
{
    X509_CRL *list = X509_CRL_new();
    ASN1_TIME *from =
        X509_gmtime_adj(NULL, spec->days_from * 86400L - (spec->days_to == 0 ? 60 : 0));
    ASN1_TIME *to = X509_gmtime_adj(NULL, (spec->days_to == 0 ? 30 : spec->days_to) * 86400L);

    X509_CRL_set_version(list, X509_CRL_VERSION_2);
    X509_CRL_set_issuer_name(list, X509_get_subject_name(spec->issuer->x509));
    X509_CRL_set1_lastUpdate(list, from);
    X509_CRL_set1_nextUpdate(list, to);
    if (spec->revoked) {
        X509_REVOKED *entry = X509_REVOKED_new();
        ASN1_TIME *when = ASN1_TIME_new();
        ASN1_ENUMERATED *reason = ASN1_ENUMERATED_new();
        ASN1_TIME_set_string(when, "20260203040506Z");
        X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(spec->revoked->x509));
        X509_REVOKED_set_revocationDate(entry, when);
        ASN1_ENUMERATED_set(reason, spec->reason);
        if (spec->reason)
            xf_require(X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, reason, 0, 0) == 1);
        X509_CRL_add0_revoked(list, entry);
        ASN1_ENUMERATED_free(reason);
        ASN1_TIME_free(when);
    }
    X509_CRL_sort(list);
    const struct cert *signer = spec->signer ? spec->signer : spec->issuer;
    xf_require(X509_CRL_sign(list, signer->key, EVP_sha256()) > 0);
    ASN1_TIME_free(from);
    ASN1_TIME_free(to);
    return list;
}

unsigned char *ocsp_make(const struct ocsp_spec *spec, int *out_len)
{
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    const struct cert *signer = spec->signer ? spec->signer : spec->issuer;
    const EVP_MD *digest = EVP_get_digestbyname(spec->digest ? spec->digest : "SHA1");
    OCSP_CERTID *id = OCSP_cert_to_id(digest, spec->leaf->x509, spec->issuer->x509);
    bool is_fresh = spec->days_from == 0 && spec->days_to == 0;
    ASN1_TIME *from = X509_gmtime_adj(NULL, is_fresh ? -3600 : spec->days_from * 86400L);
    ASN1_TIME *to = X509_gmtime_adj(NULL, is_fresh ? 86400 : spec->days_to * 86400L);
    ASN1_TIME *when = ASN1_TIME_new();
    unsigned char *der = NULL;

    ASN1_TIME_set_string(when, "20260203040506Z");
    xf_require(OCSP_basic_add1_status(basic, id, spec->status, spec->reason, when, from,
                                      !is_fresh && spec->days_to == 0 ? NULL : to) != NULL);
    xf_require(OCSP_basic_sign(basic, signer->x509, signer->key, EVP_sha256(), NULL, 0) == 1);
    OCSP_RESPONSE *response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    *out_len = i2d_OCSP_RESPONSE(response, &der);
    xf_require(*out_len > 0);
    OCSP_RESPONSE_free(response);
    OCSP_BASICRESP_free(basic);
    OCSP_CERTID_free(id);
    ASN1_TIME_free(from);
    ASN1_TIME_free(to);
    ASN1_TIME_free(when);
    return der;
}

/* The caller closes the file and frees the path. */
static FILE *new_file(const char *name, char **out_path)
{
    char *path = NULL;

    if (file_count == 0)
        xf_require(mkdtemp(dir) != NULL);
    xf_require(file_count < FILES_MAX);
    xf_require(asprintf(&path, "%s/%d-%s", dir, file_count, name) > 0);
    FILE *file = fopen(path, "w");
    xf_require(file != NULL);
    files[file_count++] = strdup(path);
    *out_path = path;
    return file;
}

char *crl_file(const char *name, X509_CRL *const *lists, int is_der)
{
    char *path;
    FILE *file = new_file(name, &path);

    for (; *lists; lists++)
        xf_require((is_der ? i2d_X509_CRL_fp(file, *lists) : PEM_write_X509_CRL(file, *lists)) ==
                   1);
    fclose(file);
    return path;
}

char *pem_file(const char *name, const struct cert *const *certs, const struct cert *key)
{
    char *path;
    FILE *file = new_file(name, &path);

    for (; certs && *certs; certs++)
        xf_require(PEM_write_X509(file, (*certs)->x509) == 1);
    if (key)
        xf_require(PEM_write_PrivateKey(file, key->key, NULL, NULL, 0, NULL, NULL) == 1);
    fclose(file);
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
