/* SPDX-License-Identifier: MIT */
/*
 * verdict.h — what is known about a peer's identity on a stream, and the one place that decides
 * whether it is enough to authenticate the peer. Chain, name, pin, TLSA records, revocation and key
 * usage are each judged for one domain, by that domain's settings; xf_auth_refusal decides with all
 * of them. Values in, values out; nothing here fails. Test: tests/unit/auth/test_verdict.c.
 */
#pragma once

#include <xfed/base/help.h>
#include <xfed/policy/settings.h>
#include <xfed/tls/facts.h>

/*
 * DIALBACK_CERT: the peer asked for dialback, and its certificate proved it without a question to
 * the authoritative server (XEP-0344 section 2.4).
 */
enum xf_auth_method { XF_AUTH_NONE, XF_AUTH_EXTERNAL, XF_AUTH_DIALBACK, XF_AUTH_DIALBACK_CERT };

enum xf_pin_match { XF_PIN_NONE, XF_PIN_MATCH, XF_PIN_MISMATCH };

struct xf_verdict {
    bool is_secure;           /* the stream is inside TLS */
    bool is_old;              /* its version of TLS is below the peer's tls-min */
    enum xf_cert_chain chain; /* also NONE without TLS */
    enum xf_help chain_help;  /* of a BAD chain: what is wrong with it; NONE: not judged */
    bool name_matches;
    enum xf_pin_match pin;  /* NONE: the settings have no pins, or no certificate was shown */
    enum xf_cert_dane dane; /* NONE also when the records were another domain's */
    /* Whether the domain publishes TLSA records is not known: DNS failed, or was not asked. */
    bool dane_is_open;
    /*
     * The domain publishes usable TLSA records. So its servers have TLS, even if a stream in clear
     * offers none.
     */
    bool tlsa_exists;
    /*
     * Pins or TLSA records say which key the domain has, but this stream showed no certificate, or
     * its certificate was not compared with them.
     */
    bool lacks_proof;
    bool is_revoked;
    bool revocation_is_open; /* revocation = hard, and neither CRL nor OCSP clears it */
    bool lacks_client_eku;   /* client-eku = yes, and the certificate is for servers only */
};

/*
 * What `facts` say about `domain`, which the peer claims to be, by that domain's settings. `facts`
 * NULL: the stream is in clear. dane_is_open is left false, and tlsa_exists says only whether
 * records were compared: a caller who asked DNS sets both.
 */
struct xf_verdict xf_verdict_of(const struct xf_tls_facts *facts,
                                const struct xf_peer_settings *settings, struct xf_span domain);

/*
 * The same of a SIP peer, whose certificate shows other names: its own (RFC 5922), those of hosts
 * that speak for it (sip-names), or of the host that it is reached at, as its sip-name-check says.
 * `domain` prepared; `target`: the host that we connected to, NULL on a conn that we accepted. A
 * target that DNS named, and not a route, counts only in the domain itself or below it, as for
 * Microsoft's servers: else whoever forges DNS could choose it. Judge by xf_verdict_is_good.
 */
struct xf_verdict xf_verdict_of_sip(const struct xf_tls_facts *facts,
                                    const struct xf_peer_settings *settings, const char *domain,
                                    const char *target);

/*
 * Does the certificate authenticate the domain, by a pin, by TLSA records, or by chain and name?
 * False when anything contradicts it.
 */
bool xf_verdict_is_good(const struct xf_verdict *verdict);

/*
 * Does a pin, a TLSA record or a revocation say that this is not the domain's certificate? Then not
 * even dialback authenticates the peer, unless its settings ignore certificates.
 */
bool xf_verdict_is_contradicted(const struct xf_verdict *verdict);

/*
 * Why the pair must not become authenticated by `method`; text NULL: it may. Every transition to
 * authenticated asks here, in both directions. Verify streams, and questions that we answer, ask
 * with method NONE, which leaves only the demands of the TLS and certificate settings. The text is
 * for the peer and the log. `outbound`: we opened the stream.
 */
struct xf_refusal xf_auth_refusal(const struct xf_peer_settings *settings,
                                  const struct xf_verdict *verdict, enum xf_auth_method method,
                                  bool outbound);

static inline bool xf_auth_may(const struct xf_peer_settings *settings,
                               const struct xf_verdict *verdict, enum xf_auth_method method,
                               bool outbound)
{
    return !xf_auth_refusal(settings, verdict, method, outbound).text;
}

/* What is wrong with the certificate; NONE: it is good. */
enum xf_help xf_verdict_help(const struct xf_verdict *verdict);

/*
 * The same in words for the peer's operator, cut to out_bytes: "the certificate does not name
 * b.example (it names: x.example)". `facts` may be NULL when the stream is in clear.
 */
void xf_verdict_text(const struct xf_verdict *verdict, const struct xf_tls_facts *facts,
                     struct xf_span domain, char *out, size_t out_bytes);

/*
 * For log lines: "good", "pinned", "dane", "none", "untrusted", "wrong-name", "wrong-pin",
 * "wrong-dane", "revoked", "not-for-clients", "unsure" (whether it is revoked, or which TLSA
 * records exist, is not known).
 */
const char *xf_verdict_word(const struct xf_verdict *verdict);

/* For log lines: "external", "dialback", "dialback-certificate", "none". */
const char *xf_auth_method_word(enum xf_auth_method method);
