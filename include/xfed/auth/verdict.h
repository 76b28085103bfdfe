/* SPDX-License-Identifier: MIT */
/*
 * verdict.h — what is known of a peer's identity on a stream, and the one place where it is
 * decided whether that is enough to become authenticated. Chain, name, pin, TLSA records,
 * revocation and key usage are judged apart, for one domain and by its settings; the decision is
 * made with all of them.
 */
#pragma once

#include <xfed/policy/settings.h>
#include <xfed/tls/facts.h>

/* DIALBACK_CERT: dialback that the certificate answered (XEP-0344 section 2.4). */
enum xf_auth_method { XF_AUTH_NONE, XF_AUTH_EXTERNAL, XF_AUTH_DIALBACK, XF_AUTH_DIALBACK_CERT };

enum xf_pin_match { XF_PIN_NONE, XF_PIN_MATCH, XF_PIN_MISMATCH };

struct xf_verdict {
    bool is_secure;           /* TLS */
    bool is_old;              /* below the peer's tls-min */
    enum xf_cert_chain chain; /* NONE also without TLS */
    bool name_matches;
    enum xf_pin_match pin;  /* NONE: the peer has none, or shows no certificate */
    enum xf_cert_dane dane; /* for this very domain */
    /* DNS could not say whether there are TLSA records for the domain, or was not asked */
    bool dane_is_open;
    /* the peer publishes usable TLSA records: it has TLS, whatever a stream in clear says */
    bool tlsa_exists;
    /*
     * pins or such records say which key the domain has, and this stream showed none, or none was
     * held against them
     */
    bool lacks_proof;
    bool is_revoked;
    bool revocation_is_open; /* revocation = hard, and nobody says that it is not revoked */
    bool lacks_client_eku;   /* client-eku = yes, and the certificate is for servers only */
};

/* `facts` NULL: in clear. `domain` is whom the peer claims to be, `settings` are that domain's. */
struct xf_verdict xf_verdict_of(const struct xf_tls_facts *facts,
                                const struct xf_peer_settings *settings, struct xf_span domain);

/*
 * The certificate authenticates the domain: by a pin, by TLSA records, or by chain and name; and
 * nothing speaks against it.
 */
bool xf_verdict_is_good(const struct xf_verdict *verdict);

/*
 * Somebody who may speak for the domain says that this is not its certificate: not even dialback
 * makes up for it.
 */
bool xf_verdict_is_contradicted(const struct xf_verdict *verdict);

/*
 * May the pair become authenticated by `method`? Every transition to authenticated passes here, for
 * both directions and verify streams (method NONE: only what TLS and certificate settings ask).
 * NULL: yes; else words for peer and log.
 */
const char *xf_auth_refusal(const struct xf_peer_settings *settings,
                            const struct xf_verdict *verdict, enum xf_auth_method method,
                            bool outbound);

/*
 * "the certificate has expired"; "... does not name b.example (it names x.example)"; for the peer's
 * operator.
 */
void xf_verdict_text(const struct xf_verdict *verdict, const struct xf_tls_facts *facts,
                     struct xf_span domain, char *out, size_t out_bytes);

/*
 * For a log line: "good", "pinned", "dane", "none", "untrusted", "wrong-name", "wrong-pin",
 * "wrong-dane", "revoked", "not-for-clients", "unsure" (revocation or TLSA records are not known).
 */
const char *xf_verdict_word(const struct xf_verdict *verdict);

/* "external", "dialback", "dialback-certificate", "none" */
const char *xf_auth_method_word(enum xf_auth_method method);
