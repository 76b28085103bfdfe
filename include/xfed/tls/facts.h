/* SPDX-License-Identifier: MIT */
/*
 * facts.h — what TLS told about a conn: protocol, cipher, and the peer's certificate as plain
 * values. Facts, not a decision: s2s and policy judge chain and name apart.
 * No OpenSSL type appears here.
 */
#pragma once

#include <stdint.h>
#include <xfed/base/span.h>

enum xf_cert_chain {
    XF_CERT_NONE,    /* the peer sent no certificate */
    XF_CERT_TRUSTED, /* valid chain to a trust anchor, in date, keys strong enough */
    XF_CERT_BAD,     /* anything else: chain_text says what */
};

/*
 * Revocation of the peer's certificate, told apart from its chain: how hard to take UNKNOWN is the
 * peer's setting.
 */
enum xf_cert_revocation {
    XF_CERT_NOT_CHECKED, /* no CRL is configured and no OCSP response was stapled */
    XF_CERT_NOT_REVOKED,
    XF_CERT_REVOKED, /* by a CRL or a stapled response, the leaf or an intermediate */
    /*
     * CRLs are configured, but none (in date) covers the certificate; or a stapled response is not
     * usable
     */
    XF_CERT_UNKNOWN,
};

/* What TLSA records of the peer's servers say of the certificate (RFC 6698, RFC 7673). */
enum xf_cert_dane {
    XF_DANE_NONE, /* there are none from secure answers, or none that is usable */
    /* by dane_usage; for usages 0 to 2 the chain and the name were found good on that ground too */
    XF_DANE_MATCH,
    XF_DANE_MISMATCH, /* usable records exist and none matches */
};

enum xf_cert_name_kind { XF_CERT_DNS, XF_CERT_SRV, XF_CERT_XMPP };

struct xf_cert_name {
    enum xf_cert_name_kind kind;
    char *text; /* lower case; SRV: with its "_xmpp-server." prefix */
};

struct xf_tls_facts {
    char version[12]; /* "TLSv1.3" */
    char cipher[48];  /* IANA name, "TLS_AES_128_GCM_SHA256" */
    bool is_server;   /* our role */
    bool alpn_xmpp;   /* ALPN xmpp-server was agreed */
    enum xf_cert_chain chain;
    char chain_text[128];    /* "certificate has expired"; "" when TRUSTED or NONE */
    uint8_t spki_sha256[32]; /* of the leaf's key; zero when NONE */
    /* the leaf's extended key usage allows it; true without the extension */
    bool for_server, for_client;
    /* chain, revocation and dane say what `ca_file` and `dane_domain` led to; else chain is BAD */
    bool is_judged;
    char *ca_file; /* the anchors of the judgement; NULL: the default ones. Owned */
    enum xf_cert_revocation revocation;
    char revocation_text[96]; /* "revoked on 2026-11-01 (key compromise)"; "" otherwise */
    enum xf_cert_dane dane;
    unsigned dane_usage; /* MATCH: 0 to 3 */
    /*
     * the domain whose TLSA records and targets were given to the judgement; NULL: neither was.
     * Owned
     */
    char *dane_domain;
    /*
     * names of that domain's servers from secure SRV: they name it too (RFC 7673 section 4). Owned
     */
    char **targets;
    size_t target_count;
    struct xf_cert_name *names;
    size_t name_count;
};

void xf_tls_facts_free(struct xf_tls_facts **facts);

/*
 * Does the certificate name this prepared domain (RFC 6125 / RFC 9525, XEP-0178 §2; never the CN)?
 * dNSName, exact or one whole left-most label "*"; SRVName _xmpp-server.<domain>; id-on-xmppAddr.
 * Says nothing of the chain.
 */
bool xf_tls_facts_name(const struct xf_tls_facts *facts, struct xf_span domain);

/* The names as one line for a log ("a.example, *.b.example"), cut to fit. */
void xf_tls_facts_names_text(const struct xf_tls_facts *facts, char *out, size_t out_bytes);
