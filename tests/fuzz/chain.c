/* SPDX-License-Identifier: MIT */
/* chain.c — see chain.h. */
#include "chain.h"

#include <string.h>

#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include <xfed/base/err.h>

#define SEED_BYTES 32

static EVP_PKEY *make_key(unsigned char byte)
{
    unsigned char seed[SEED_BYTES];
    memset(seed, byte, sizeof(seed));
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, sizeof(seed));
    xf_require(key != NULL);
    return key;
}

static void add_extension(X509 *cert, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    xf_require(extension != NULL && X509_add_ext(cert, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

/* NULL as the issuer: itself. */
static X509 *make_cert(long serial, const char *cn, EVP_PKEY *key, X509 *issuer,
                       EVP_PKEY *issuer_key)
{
    X509 *cert = X509_new();
    xf_require(cert != NULL && X509_set_version(cert, X509_VERSION_3) == 1);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), serial);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_UTF8,
                               (const unsigned char *)cn, -1, -1, 0);
    X509_set_issuer_name(cert, X509_get_subject_name(issuer ? issuer : cert));
    ASN1_TIME_set_string(X509_getm_notBefore(cert), "20200101000000Z");
    ASN1_TIME_set_string(X509_getm_notAfter(cert), "20991231235959Z");
    X509_set_pubkey(cert, key);
    add_extension(cert, NID_basic_constraints, issuer ? "CA:FALSE" : "critical,CA:TRUE");
    add_extension(cert, issuer ? NID_subject_alt_name : NID_key_usage,
                  issuer ? "DNS:a.example" : "critical,keyCertSign,cRLSign");
    xf_require(X509_sign(cert, issuer_key, NULL) > 0);
    return cert;
}

const struct chain *chain_get(void)
{
    static struct chain chain;
    if (chain.leaf)
        return &chain;
    EVP_PKEY *leaf_key = make_key(2);
    chain.root_key = make_key(1);
    chain.root = make_cert(1, "Fuzz Root", chain.root_key, NULL, chain.root_key);
    chain.leaf = make_cert(2, "a.example", leaf_key, chain.root, chain.root_key);
    EVP_PKEY_free(leaf_key);
    return &chain;
}
