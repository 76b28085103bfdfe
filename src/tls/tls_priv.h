/* SPDX-License-Identifier: MIT */
/* tls_priv.h — the immutable things of the tls layer: anchors, identities and the set with its
 * contexts. */
#pragma once

#include <stdatomic.h>
#include <stdio.h>

#include <openssl/ssl.h>

#include <xfed/base/map.h>
#include <xfed/tls/tls.h>

#define XF_TLS_SECURITY_LEVEL 2 /* OpenSSL's level of 112 bits: at least RSA 2048, no SHA-1 */

struct xf_tls_store {
    atomic_uint refs;
    X509_STORE *anchors;
    bool has_lists; /* revocation lists are configured, though perhaps none is current */
};

struct xf_tls_identity {
    atomic_uint refs;
    X509 *leaf;
    STACK_OF(X509) * chain; /* without the leaf, may be empty */
    EVP_PKEY *key;
    struct xf_tls_facts *facts; /* of the leaf; only the names are used */
};

#define XF_TLS_KEY_TYPES 5 /* types that OpenSSL has slots for: RSA, RSA-PSS, EC, Ed25519, Ed448 */

/*
 * The identities of one domain, one for each type of key; OpenSSL sends the one that the other side
 * can verify.
 */
struct xf_tls_shown {
    size_t count;
    struct xf_tls_identity *identity[XF_TLS_KEY_TYPES]; /* counted */
};

struct xf_tls_identities {
    atomic_uint refs;
    struct xf_tls_store *store;
    struct xf_tls_store *nobody; /* trusts nobody; used for an unknown ca-file */
    struct xf_map *by_ca_file;   /* -> struct xf_tls_store, counted */
    struct xf_map *by_domain;    /* -> struct xf_tls_shown, owned */
    struct xf_tls_shown *first;  /* borrowed from by_domain; NULL when it is empty */
    SSL_CTX *client, *server;
};

/* own.c: Unix seconds; 0: it is no time. */
int64_t xf_tls_seconds_of(const ASN1_TIME *time);

/* NULL when the set has none for `domain` (or `domain` is absent). Any thread. */
static inline const struct xf_tls_shown *xf_tls_identities_find(const struct xf_tls_identities *set,
                                                                struct xf_span domain)
{
    return domain.ptr ? xf_map_find(set->by_domain, domain) : NULL;
}

/*
 * The anchors that `ca_file` selects (NULL: the default ones). For an unknown file, a store that
 * trusts nobody.
 */
const struct xf_tls_store *xf_tls_identities_store(const struct xf_tls_identities *set,
                                                   const char *ca_file, bool *out_is_known);

/* shown.c: the certificates to show on `ssl`, in place of any before. Any thread. */
XF_MUST_USE bool xf_tls_shown_use(const struct xf_tls_shown *shown, SSL *ssl);

/* context.c: both contexts of a set, without certificates. Aborts when OpenSSL cannot make one. */
SSL_CTX *xf_tls_context_new(bool is_server, struct xf_tls_store *store);

struct xf_tls_store *xf_tls_store_new(void); /* that trusts nobody yet */
struct xf_tls_store *xf_tls_store_ref(struct xf_tls_store *store);

/* Open a file for reading; the error names the file. store.c */
XF_MUST_USE enum xf_err xf_tls_open(const char *path, FILE **out_file, struct xf_error *err);

/* Text of the oldest error in this thread's queue, never NULL. Empties the queue. */
const char *xf_tls_reason(void);
/* The same for a conn that failed while `doing`, and how it ended. */
enum xf_conn_end xf_tls_failure(const char *doing, char *out, size_t size);

/* Facts of a certificate: names, key, usages; BAD until it is judged (judge_priv.h). facts.c */
struct xf_tls_facts *xf_tls_facts_new(void);
void xf_tls_facts_of_cert(struct xf_tls_facts *facts, X509 *leaf);
