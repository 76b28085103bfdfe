/* SPDX-License-Identifier: MIT */
/*
 * judge_priv.h — the parts of a judgement: evidence.c (what a handshake left), verify.c (chain),
 * constraints.c (names), revocation.c (lists), ocsp.c, dane.c, put together by judge.c.
 */
#pragma once

#include "tls_priv.h"

/*
 * What a handshake left to judge. Counted; any thread may read it, since it does not change while a
 * judgement is out (xf_tls_evidence_renew).
 */
struct xf_tls_evidence {
    atomic_uint refs;
    X509 *leaf;
    STACK_OF(X509) * sent; /* sent by the peer, with or without the leaf; may be NULL */
    unsigned char *staple; /* a stapled OCSP response; NULL: none */
    size_t staple_bytes;
    struct xf_tls_identities *identities; /* hold the anchors; counted */
};

/* Call after a handshake; NULL if the peer sent no certificate. */
struct xf_tls_evidence *xf_tls_evidence_new(SSL *ssl, struct xf_tls_identities *identities);
struct xf_tls_evidence *xf_tls_evidence_ref(struct xf_tls_evidence *evidence); /* NULL stays NULL */
void xf_tls_evidence_unref(struct xf_tls_evidence **evidence);
/*
 * Loop, when no judgement is out: from now on hold these, so that a long-lived conn keeps no
 * anchors and lists from before a reload. NULL does nothing.
 */
void xf_tls_evidence_renew(struct xf_tls_evidence *evidence, struct xf_tls_identities *identities);

/* A basis that owns its texts, so that it can go to another thread. */
struct xf_tls_grounds {
    struct xf_tls_identities *identities; /* counted; NULL: those of the evidence */
    char *ca_file, *domain;               /* NULL: none */
    struct xf_tlsa_set *tlsa;
    char **targets;
    size_t target_count;
};

void xf_tls_grounds_init(struct xf_tls_grounds *grounds, const struct xf_tls_basis *basis);
void xf_tls_grounds_release(struct xf_tls_grounds *grounds);

/* Do these facts name the domain of the grounds, or one of its servers? */
bool xf_tls_grounds_named(const struct xf_tls_grounds *grounds, const struct xf_tls_facts *facts);

/* The result of a judgement, with the values that the facts get. */
struct xf_tls_finding {
    enum xf_cert_chain chain;
    char chain_text[sizeof(((struct xf_tls_facts *)NULL)->chain_text)];
    enum xf_help chain_help;
    enum xf_cert_revocation revocation;
    char revocation_text[sizeof(((struct xf_tls_facts *)NULL)->revocation_text)];
    /* Current lists say that no certificate between leaf and anchor is revoked. */
    bool above_is_listed;
    enum xf_cert_dane dane;
    unsigned dane_usage;
};

/* Any thread. `is_named` is xf_tls_grounds_named's answer, so that no facts are needed. */
void xf_tls_find(struct xf_tls_finding *out_finding, const struct xf_tls_evidence *evidence,
                 const struct xf_tls_grounds *grounds, bool is_named);

/*
 * Copy a finding into the facts, and move the texts of the grounds there, which are empty
 * afterwards.
 */
void xf_tls_facts_take(struct xf_tls_facts *facts, const struct xf_tls_finding *finding,
                       struct xf_tls_grounds *grounds);

/* ---- revocation.c */

enum xf_cert_revocation xf_tls_revocation_join(enum xf_cert_revocation a,
                                               enum xf_cert_revocation b);

/* "revoked on 2026-11-01 (key compromise)". `when` may be NULL; `reason` below 0: not said. */
void xf_tls_revocation_note(struct xf_tls_finding *finding, const ASN1_TIME *when, long reason);

/* Make a verification check the store's lists and record the result in `finding`. */
void xf_tls_revocation_watch(X509_STORE_CTX *task, struct xf_tls_finding *finding);

/* ---- verify.c */

/*
 * X509_V_OK, or why not. `dane` may be NULL; with `dane` the caller checks the purpose.
 * finding->revocation and its text combine what the store's lists say with what was there before.
 * On success *out_chain is the chain, leaf first; the caller frees it with its certificates.
 */
int xf_tls_verify(struct xf_tls_finding *finding, const struct xf_tls_store *store,
                  const struct xf_tls_evidence *evidence, SSL_DANE *dane,
                  STACK_OF(X509) * *out_chain);

/*
 * constraints.c: X509_V_OK, or the CA constraint that an xmppAddr or SRVName of the leaf violates.
 */
int xf_tls_check_constraints(STACK_OF(X509) * chain);

bool xf_tls_is_for_tls(X509 *leaf); /* judged by its extended key usage; true without one */

/*
 * ---- ocsp.c: what the staple says about the leaf of a valid chain (NULL: the chain is not valid)
 */
void xf_tls_check_staple(struct xf_tls_finding *finding, const struct xf_tls_evidence *evidence,
                         STACK_OF(X509) * chain);

/* ---- dane.c: dane and dane_usage. *out_chain as above, for a match by usage 0 to 2. */
void xf_tls_check_dane(struct xf_tls_finding *finding, const struct xf_tls_store *store,
                       const struct xf_tls_evidence *evidence, const struct xf_tls_grounds *grounds,
                       bool is_named, STACK_OF(X509) * *out_chain);
