/* SPDX-License-Identifier: MIT */
/*
 * tls.h — TLS 1.2+ on a conn of net: our certificates, the trust anchors, and the handshake.
 *
 * Handshake steps and the verification of the peer's chain run on the thread pool (one job for a
 * conn at a time); the loop handles records of an established conn. Transport is a custom BIO over
 * a borrowed input slice and the conn's wire buffer. No tickets, no resumption, no renegotiation,
 * no compression.
 */
#pragma once

#include <xfed/net/loop.h>
#include <xfed/tls/facts.h>
#include <xfed/tls/tlsa.h>

struct xf_tls_store;    /* trust anchors, immutable, counted */
struct xf_tls_identity; /* one certificate chain and key, immutable, counted */
/* Maps names to identities; reference-counted; immutable once a handshake uses it. */
struct xf_tls_identities;

enum xf_tls_version { XF_TLS_1_2, XF_TLS_1_3 };

/* PEM file of CA certificates; "" gives a store that trusts nobody. */
XF_MUST_USE enum xf_err xf_tls_store_load(const char *ca_file, struct xf_tls_store **out_store,
                                          struct xf_error *err);
void xf_tls_store_unref(struct xf_tls_store **store);

/*
 * Add revocation lists to a `store` that is not in use yet: files with PEM lists or one DER list,
 * and every *.pem and *.crl of `dir` (NULL or "": none). From then on, a certificate that no
 * current list covers is UNKNOWN. On failure the error names the file, and the store may hold some
 * of the lists.
 */
XF_MUST_USE enum xf_err xf_tls_store_add_crls(struct xf_tls_store *store, const char *const *files,
                                              size_t count, const char *dir, struct xf_error *err);

/* PEM chain (leaf first) and key; key may be in the same file. Checks that they belong together. */
XF_MUST_USE enum xf_err xf_tls_identity_load(const char *cert_file, const char *key_file,
                                             struct xf_tls_identity **out_identity,
                                             struct xf_error *err);
void xf_tls_identity_unref(struct xf_tls_identity **identity);

/* Does our certificate name this domain? For checking a configuration. */
bool xf_tls_identity_names(const struct xf_tls_identity *identity, struct xf_span domain);
/* The same for SIP (XF_CERT_SIP_HOST). */
bool xf_tls_identity_shows(const struct xf_tls_identity *identity, const char *host);

/* Facts about one of our certificates. Times are Unix seconds. */
struct xf_tls_about {
    int64_t not_before_s, not_after_s;
    bool for_server, for_client; /* its extended key usage allows this */
    char key_type[16];           /* "RSA", "EC", ... */
    unsigned key_bits;
};

void xf_tls_identity_about(const struct xf_tls_identity *identity, struct xf_tls_about *out_about);

/*
 * Will peers accept it at `now_s`? False: out_words says what is wrong ("expired on 2026-11-01",
 * "expires in 12 days, on ...", an intermediate missing from the file). That is only a warning: the
 * certificate is loaded and used all the same. `warn_s`: how long before its end to start warning;
 * below 0, dates are not checked. `store`: the anchors that peers are assumed to have.
 */
bool xf_tls_identity_check(const struct xf_tls_identity *identity, const struct xf_tls_store *store,
                           int64_t now_s, int64_t warn_s, char *out_words, size_t size);

/*
 * The digest of the key (SPKI) of the first certificate in a PEM file, to be compared with
 * spki_sha256 of the facts.
 */
XF_MUST_USE enum xf_err xf_tls_pin_load(const char *cert_file, uint8_t out_spki_sha256[32],
                                        struct xf_error *err);

/*
 * Create a set with the default anchors. It is filled on the loop and then only read. It counts its
 * own references to what it holds.
 */
struct xf_tls_identities *xf_tls_identities_new(struct xf_tls_store *store);
/*
 * Set the anchors that xf_tls_basis.ca_file selects by this text. An unknown ca_file trusts nobody.
 */
void xf_tls_identities_add_store(struct xf_tls_identities *set, const char *ca_file,
                                 struct xf_tls_store *store);
/*
 * A domain may have one identity for each type of key (RSA, EC, ...); TLS negotiates which one the
 * other side gets. Replaces an identity with the same type of key.
 */
void xf_tls_identities_set(struct xf_tls_identities *set, struct xf_span domain,
                           struct xf_tls_identity *identity);
struct xf_tls_identities *xf_tls_identities_ref(struct xf_tls_identities *set);
void xf_tls_identities_unref(struct xf_tls_identities **set);
bool xf_tls_identities_has(const struct xf_tls_identities *set, struct xf_span domain);

/* What a peer's certificate is judged by. */
struct xf_tls_basis {
    /* Whose anchors and revocation lists count; NULL: those that the handshake had. */
    struct xf_tls_identities *identities;
    /* Selects the anchors (xf_tls_identities_add_store); NULL or "": the default ones. */
    const char *ca_file;
    struct xf_span domain;    /* the XMPP domain that it must name, for DANE usages 0 to 2 */
    struct xf_tlsa_set *tlsa; /* secure TLSA records of domain's servers; NULL: none */
    /*
     * Names of the domain's servers from secure SRV, accepted besides domain (RFC 7673 section 4).
     */
    const char *const *targets;
    size_t target_count;
};

/*
 * Is this a usable list of TLS 1.2 ciphers, without unknown items, with at least one at our
 * security level?
 */
bool xf_tls_ciphers_valid(const char *list);

struct xf_tls_request {
    /* The conn holds a reference until the handshake ends. */
    struct xf_tls_identities *identities;
    /*
     * The served domain whose certificate we show. In a server, the client's SNI overrides it if
     * that domain is served. Empty in a client: we show none.
     */
    struct xf_span local;
    struct xf_span peer; /* client: for SNI (left out for an IP literal); server: unused */
    bool is_server;
    /*
     * XEP-0368: client offers ALPN xmpp-server; server selects it, and refuses others. Without it
     * no ALPN is offered, and what a client offers means nothing (STARTTLS, SIP).
     */
    bool is_direct;
    bool demands_certificate; /* server: the handshake fails when the client shows none */
    enum xf_tls_version min_version;
    const char *ciphers; /* OpenSSL cipher list for TLS 1.2; NULL: the default list */
    /* The handshake only gathers facts: is_judged is false until xf_tls_judge. For a server. */
    bool judge_later;
    /* What the handshake judges the certificate by, unless judge_later; copied. */
    struct xf_tls_basis basis;
};

/*
 * Start the handshake. It ends in events->secured with conn->tls set, or in events->closed with
 * XF_CONN_END_TLS. The caller limits its time.
 */
void xf_tls_start(struct xf_conn *conn, const struct xf_tls_request *request);

/*
 * Judge the certificate of an established conn (conn->tls) by `basis`, whose texts are copied and
 * whose identities are referred to: fills chain, revocation, dane and their texts in the facts, on
 * the thread pool. A server calls it once the peer has said who it is; both may judge again by
 * another basis, as after a reload. `done` is called once on the loop, after this function has
 * returned, and not at all if the conn closes before. A conn has one judgement at a time. Without a
 * certificate the facts do not change. The conn keeps reading meanwhile unless the caller holds it.
 */
typedef void (*xf_tls_judged_fn)(void *owner);
void xf_tls_judge(struct xf_conn *conn, const struct xf_tls_basis *basis, xf_tls_judged_fn done,
                  void *owner);
