/* SPDX-License-Identifier: MIT */
/*
 * facts.h — what TLS told about a conn: protocol, cipher, and the peer's certificate as plain values. Facts, not a
 * decision: s2s and policy judge chain and name apart (design.md 5, verdict). No OpenSSL type appears here.
 */
#pragma once

#include <stdint.h>
#include <xfed/base/span.h>

enum xf_cert_chain {
    XF_CERT_NONE,    /* the peer sent no certificate */
    XF_CERT_TRUSTED, /* valid chain to a trust anchor, in date, keys strong enough */
    XF_CERT_BAD,     /* anything else: chain_text says what */
};

enum xf_cert_name_kind { XF_CERT_DNS, XF_CERT_SRV, XF_CERT_XMPP };

struct xf_cert_name {
    enum xf_cert_name_kind kind;
    char *text; /* lower case; SRV: with its "_xmpp-server." prefix */
};

struct xf_tls_facts {
    char version[12];         /* "TLSv1.3" */
    char cipher[48];          /* IANA name, "TLS_AES_128_GCM_SHA256" */
    bool is_server;           /* our role */
    bool alpn_xmpp;           /* ALPN xmpp-server was agreed */
    enum xf_cert_chain chain;
    char chain_text[128];     /* "certificate has expired"; "" when TRUSTED or NONE */
    uint8_t spki_sha256[32];  /* of the leaf's key; zero when NONE */
    struct xf_cert_name *names;
    size_t name_count;
};

void xf_tls_facts_free(struct xf_tls_facts **facts);

/*
 * Does the certificate name this prepared domain (RFC 6125 / RFC 9525, XEP-0178 §2; never the CN)? dNSName, exact or
 * one whole left-most label "*"; SRVName _xmpp-server.<domain>; id-on-xmppAddr. Says nothing of the chain.
 */
bool xf_tls_facts_name(const struct xf_tls_facts *facts, struct xf_span domain);

/* The names as one line for a log ("a.example, *.b.example"), cut to fit. */
void xf_tls_facts_names_text(const struct xf_tls_facts *facts, char *out, size_t out_bytes);
