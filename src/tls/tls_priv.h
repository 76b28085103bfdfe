/* SPDX-License-Identifier: MIT */
/* tls_priv.h — the immutable things of the tls layer: anchors, identities and the set with its
 * contexts. */
#pragma once

#include <stdatomic.h>
#include <stdio.h>

#include <openssl/ssl.h>

#include <xfed/base/map.h>
#include <xfed/tls/tls.h>

struct xf_tls_store {
    atomic_uint refs;
    X509_STORE *anchors;
};

struct xf_tls_identity {
    atomic_uint refs;
    X509 *leaf;
    STACK_OF(X509) * chain; /* without the leaf, may be empty */
    EVP_PKEY *key;
    struct xf_tls_facts *facts; /* of the leaf; only its names are of use */
};

struct xf_tls_identities {
    atomic_uint refs;
    struct xf_tls_store *store;
    struct xf_map *by_domain;      /* -> struct xf_tls_identity, counted */
    struct xf_tls_identity *first; /* borrowed from by_domain; NULL when it is empty */
    SSL_CTX *client, *server;
};

/* NULL when the set has none for `domain` (or `domain` is absent). Any thread. */
const struct xf_tls_identity *xf_tls_identities_find(const struct xf_tls_identities *set,
                                                     struct xf_span domain);

/* The certificate to show on `ssl`, in place of any before. Any thread. */
XF_MUST_USE bool xf_tls_identity_use(const struct xf_tls_identity *identity, SSL *ssl);

/* context.c: both contexts of a set, without certificates. Aborts when OpenSSL cannot make one. */
SSL_CTX *xf_tls_context_new(bool is_server, struct xf_tls_store *store);

/* For reading; the error names the file. store.c */
XF_MUST_USE enum xf_err xf_tls_open(const char *path, FILE **out_file, struct xf_error *err);

/* Words for the oldest error in this thread's queue, which is emptied; never NULL. */
const char *xf_tls_reason(void);

/* Facts of a certificate: kind TRUSTED or BAD is for the caller to set. facts.c */
struct xf_tls_facts *xf_tls_facts_new(void);
void xf_tls_facts_of_cert(struct xf_tls_facts *facts, X509 *leaf);

/*
 * Judge the peer's chain against the anchors, with today's date: facts->chain and chain_text.
 * verify.c. `untrusted` are the certificates that the peer sent, the leaf among them or not.
 */
void xf_tls_verify(struct xf_tls_facts *facts, const struct xf_tls_store *store, X509 *leaf,
                   STACK_OF(X509) * untrusted);
