/* SPDX-License-Identifier: MIT */
/*
 * facts.h — what TLS found out about a conn: protocol, cipher, and the peer's certificate as plain
 * values. These are facts, not decisions: s2s and policy judge chain and name separately. No
 * OpenSSL type appears here.
 */
#pragma once

#include <stdint.h>
#include <xfed/base/help.h>

enum xf_cert_chain {
    XF_CERT_NONE,    /* the peer sent no certificate */
    XF_CERT_TRUSTED, /* valid chain to a trust anchor, in date, keys strong enough */
    XF_CERT_BAD,     /* anything else; chain_text says what is wrong */
};

/*
 * Revocation of the peer's certificate, separate from its chain. What UNKNOWN leads to depends on
 * the peer's settings.
 */
enum xf_cert_revocation {
    XF_CERT_NOT_CHECKED, /* no CRL is configured and no OCSP response was stapled */
    XF_CERT_NOT_REVOKED,
    XF_CERT_REVOKED, /* the leaf or an intermediate, according to a CRL or a stapled response */
    /*
     * CRLs are configured, but no current one covers the certificate; or a stapled response is
     * unusable
     */
    XF_CERT_UNKNOWN,
};

/* What the TLSA records of the peer's servers say about the certificate (RFC 6698, RFC 7673). */
enum xf_cert_dane {
    XF_DANE_NONE, /* no usable record came in a secure answer */
    /*
     * A record of dane_usage matches; for usages 0 to 2, the chain and the name are valid on that
     * basis too.
     */
    XF_DANE_MATCH,
    XF_DANE_MISMATCH, /* usable records exist and none matches */
};

enum xf_cert_name_kind { XF_CERT_DNS, XF_CERT_SRV, XF_CERT_XMPP, XF_CERT_SIP };

struct xf_cert_name {
    enum xf_cert_name_kind kind;
    char *text; /* lower case; SRV: with its "_xmpp-server." prefix; SIP: "sip:" and a host */
};

struct xf_tls_facts {
    char version[12]; /* "TLSv1.3" */
    char cipher[48];  /* IANA name, "TLS_AES_128_GCM_SHA256" */
    bool is_server;   /* our role */
    bool alpn_xmpp;   /* ALPN xmpp-server was agreed */
    enum xf_cert_chain chain;
    char chain_text[128];    /* "certificate has expired"; "" when TRUSTED or NONE */
    enum xf_help chain_help; /* the same as a code */
    /* Of the leaf: `issued by 'Example CA', valid from 2026-01-01 to 2026-04-01`; "" when NONE. */
    char origin[120];
    int64_t not_after_s;     /* when the leaf ends, Unix seconds; 0 when NONE, or if unknown */
    uint8_t spki_sha256[32]; /* of the leaf's key; zero when NONE */
    /* The leaf's extended key usage allows this; true without the extension. */
    bool for_server, for_client;
    /*
     * `chain`, `revocation` and `dane` hold the judgement by `ca_file` and `dane_domain`; else
     * `chain` is BAD.
     */
    bool is_judged;
    char *ca_file; /* file of the anchors used for the judgement; NULL: the default ones. Owned */
    enum xf_cert_revocation revocation;
    char revocation_text[96]; /* "revoked on 2026-11-01 (key compromise)"; "" otherwise */
    enum xf_cert_dane dane;
    unsigned dane_usage; /* MATCH: 0 to 3 */
    /*
     * The domain whose TLSA records and targets the judgement used; NULL: it used neither. Owned.
     */
    char *dane_domain;
    /*
     * Names of that domain's servers from secure SRV, accepted as names of the domain (RFC 7673
     * section 4). Owned.
     */
    char **targets;
    size_t target_count;
    struct xf_cert_name *names; /* of the subjectAltName extension */
    size_t name_count;
    bool has_alt_names; /* there is such an extension, whatever is in it */
    /* The CN of the subject, lower case; NULL: none, several, or no host name. Owned. */
    char *common_name;
};

void xf_tls_facts_free(struct xf_tls_facts **facts);

/* Were the anchors of the judgement those of this file (xf_tls_basis; NULL or "": the default)? */
bool xf_tls_facts_are_by(const struct xf_tls_facts *facts, const char *ca_file);

/*
 * Does the certificate name this prepared domain (RFC 6125 / RFC 9525, XEP-0178 §2; never the CN)?
 * dNSName, exact or one whole left-most label "*"; SRVName _xmpp-server.<domain>; id-on-xmppAddr.
 * Does not check the chain.
 */
bool xf_tls_facts_name(const struct xf_tls_facts *facts, struct xf_span domain);

/* Whose name a SIP peer's certificate has to show. */
enum xf_cert_sip {
    /*
     * A SIP domain's (RFC 5922 §7): `sip:` URIs without user, port or parameters; a certificate
     * without any is looked at for dNSNames, and one without any subjectAltName for its CN.
     */
    XF_CERT_SIP_DOMAIN,
    /*
     * A host's, as Microsoft's servers and appliances show it: dNSNames, or in a certificate
     * without any its CN. (Beside dNSNames a CN does not count: nobody has compared it with the
     * name constraints of the authorities.)
     */
    XF_CERT_SIP_HOST,
};

/*
 * Does the certificate show one of these names, which may be in U-labels? Exactly: in SIP a
 * wildcard matches nothing (RFC 5922 §7.2). Does not check the chain.
 */
bool xf_tls_facts_sip(const struct xf_tls_facts *facts, enum xf_cert_sip how,
                      const char *const *names, size_t count);

/* The names as one line for a log ("a.example, *.b.example"), cut to fit. */
void xf_tls_facts_names_text(const struct xf_tls_facts *facts, char *out, size_t out_bytes);
