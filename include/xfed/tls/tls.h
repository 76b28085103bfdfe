/* SPDX-License-Identifier: MIT */
/*
 * tls.h — TLS 1.2+ on a conn of net: our certificates, the trust anchors, and the handshake.
 *
 * Handshake steps and the verification of the peer's chain run on the thread pool (one owner at a
 * time); records of an established conn are handled on the loop. Transport is a custom BIO over a
 * borrowed input slice and the conn's wire buffer. No tickets, no resumption, no renegotiation, no
 * compression.
 */
#pragma once

#include <xfed/net/loop.h>
#include <xfed/tls/facts.h>
#include <xfed/tls/tlsa.h>

struct xf_tls_store;    /* trust anchors, immutable, counted */
struct xf_tls_identity; /* one certificate chain and key, immutable, counted */
/* names to identities, counted; immutable once it is in use by a handshake */
struct xf_tls_identities;

enum xf_tls_version { XF_TLS_1_2, XF_TLS_1_3 };

/* PEM file of CA certificates; "" gives a store that trusts nobody. */
XF_MUST_USE enum xf_err xf_tls_store_load(const char *ca_file, struct xf_tls_store **out_store,
                                          struct xf_error *err);
void xf_tls_store_unref(struct xf_tls_store **store);

/*
 * Revocation lists for peers that are judged by `store`, before it is in use: files with lists in
 * PEM form or one in DER form, and every *.pem and *.crl of `dir` (NULL or "": none). From then on
 * a certificate that no list in date covers is UNKNOWN. A failure names the file; the store may
 * have some of the lists then.
 */
XF_MUST_USE enum xf_err xf_tls_store_add_crls(struct xf_tls_store *store, const char *const *files,
                                              size_t count, const char *dir, struct xf_error *err);

/* PEM chain (leaf first) and key; key may be in the same file. Checks that they belong together. */
XF_MUST_USE enum xf_err xf_tls_identity_load(const char *cert_file, const char *key_file,
                                             struct xf_tls_identity **out_identity,
                                             struct xf_error *err);
void xf_tls_identity_unref(struct xf_tls_identity **identity);

/* Does our certificate name this domain? For the check of a configuration. */
bool xf_tls_identity_names(const struct xf_tls_identity *identity, struct xf_span domain);

/* Of a certificate of ours. Times are Unix seconds. */
struct xf_tls_about {
    int64_t not_before_s, not_after_s;
    char key_type[16]; /* "RSA", "EC", ... */
    unsigned key_bits;
};

void xf_tls_identity_about(const struct xf_tls_identity *identity, struct xf_tls_about *out_about);

/*
 * Will peers like it at `now_s`? False: out_words says what is wrong ("expired on 2026-11-01",
 * "expires in 12 days, on ...", an intermediate that is missing in the file): a warning, since it
 * was loaded and is shown all the same. `warn_s`: how long before its end to begin; below 0 the
 * dates are not looked at. `store`: anchors that peers are thought to have.
 */
bool xf_tls_identity_check(const struct xf_tls_identity *identity, const struct xf_tls_store *store,
                           int64_t now_s, int64_t warn_s, char *out_words, size_t size);

/*
 * The digest of the key (SPKI) of the first certificate in a PEM file, as facts have it: what a pin
 * is compared with.
 */
XF_MUST_USE enum xf_err xf_tls_pin_load(const char *cert_file, uint8_t out_spki_sha256[32],
                                        struct xf_error *err);

/*
 * A set: made with the default anchors, filled on the loop, then only read. `set` takes its own
 * counts.
 */
struct xf_tls_identities *xf_tls_identities_new(struct xf_tls_store *store);
/*
 * Anchors for xf_tls_basis.ca_file of this very text, in place of any before. A ca_file that is not
 * known trusts nobody.
 */
void xf_tls_identities_add_store(struct xf_tls_identities *set, const char *ca_file,
                                 struct xf_tls_store *store);
/*
 * A domain may have one for each type of key (RSA, EC, ...): the other side's TLS decides which it
 * sees. Of the same type it replaces.
 */
void xf_tls_identities_set(struct xf_tls_identities *set, struct xf_span domain,
                           struct xf_tls_identity *identity);
struct xf_tls_identities *xf_tls_identities_ref(struct xf_tls_identities *set);
void xf_tls_identities_unref(struct xf_tls_identities **set);
bool xf_tls_identities_has(const struct xf_tls_identities *set, struct xf_span domain);

/* By what a peer's certificate is judged. */
struct xf_tls_basis {
    /* anchors: one that the identities know; NULL or "": the default ones */
    const char *ca_file;
    struct xf_span domain;    /* the XMPP domain that it must name, for DANE usages 0 to 2 */
    struct xf_tlsa_set *tlsa; /* secure TLSA records of domain's servers; NULL: none */
    /* names of its servers that secure SRV gave: accepted besides domain (RFC 7673 section 4) */
    const char *const *targets;
    size_t target_count;
};

/*
 * Is this a list of TLS 1.2 ciphers that can be used: no unknown item, and some left at our
 * security level?
 */
bool xf_tls_ciphers_valid(const char *list);

struct xf_tls_request {
    /* counted by the request's conn until the handshake ends */
    struct xf_tls_identities *identities;
    /* the served domain whose certificate we show; a server's SNI overrides it when served */
    struct xf_span local;
    struct xf_span peer; /* client: for SNI (left out for an IP literal); server: unused */
    bool is_server;
    /* XEP-0368: client offers ALPN xmpp-server; server selects it, and refuses others */
    bool is_direct;
    enum xf_tls_version min_version;
    const char *ciphers; /* OpenSSL cipher list for TLS 1.2; NULL: the default list */
    /* the handshake only gathers facts: is_judged is false until xf_tls_judge. For a server */
    bool judge_later;
    struct xf_tls_basis basis; /* by what it is judged with the handshake, unless later; copied */
};

/*
 * Begin. Ends in events->secured with conn->tls set, or in events->closed with XF_CONN_END_TLS. The
 * caller guards the time.
 */
void xf_tls_start(struct xf_conn *conn, const struct xf_tls_request *request);

/*
 * Judge the certificate of an established conn (conn->tls) by `basis`, whose texts are copied:
 * fills chain, revocation, dane and their texts in the facts, on the thread pool. A server does it
 * once the peer has said who it is, a client again for another basis. `done` comes once on the
 * loop, never from within, and not at all when the conn closes before. One judgement at a time for
 * a conn. Without a certificate, or after xf_tls_forget, the facts stay as they are. The conn goes
 * on meanwhile; hold it where it must not.
 */
typedef void (*xf_tls_judged_fn)(void *owner);
void xf_tls_judge(struct xf_conn *conn, const struct xf_tls_basis *basis, xf_tls_judged_fn done,
                  void *owner);

/*
 * No judgement will be asked for any more (one that is out still ends in done): give the peer's
 * chain back. Twice is fine.
 */
void xf_tls_forget(struct xf_conn *conn);
