/* SPDX-License-Identifier: MIT */
/*
 * verdict.h — what is known of a peer's identity on a stream, and the one place where it is decided whether that is enough
 * to become authenticated (design.md 5). Chain and name are judged apart; the decision is made with the settings of the peer.
 */
#pragma once

#include <xfed/conf/conf.h>
#include <xfed/tls/facts.h>

enum xf_auth_method { XF_AUTH_NONE, XF_AUTH_EXTERNAL, XF_AUTH_DIALBACK };

struct xf_verdict {
    bool is_secure;           /* TLS */
    enum xf_cert_chain chain; /* NONE also without TLS */
    bool name_matches;
};

/* `facts` NULL: in clear. */
struct xf_verdict xf_verdict_of(const struct xf_tls_facts *facts, struct xf_span domain);

/* Chain and name are good. */
bool xf_verdict_is_good(const struct xf_verdict *verdict);

/*
 * May the pair become authenticated by `method`? Every transition to authenticated passes here, for both directions and verify
 * streams (method NONE: only what TLS and certificate settings ask). NULL: yes; else words for peer and log.
 */
const char *xf_auth_refusal(const struct xf_peer_settings *settings, const struct xf_verdict *verdict,
                            enum xf_auth_method method, bool outbound);

/* "the certificate has expired"; "... does not name b.example (it names x.example)"; for the peer's operator. */
void xf_verdict_text(const struct xf_verdict *verdict, const struct xf_tls_facts *facts, struct xf_span domain, char *out,
                     size_t out_bytes);

const char *xf_auth_method_word(enum xf_auth_method method); /* "external", "dialback", "none" */
