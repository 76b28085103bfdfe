/* SPDX-License-Identifier: MIT */
/*
 * evidence.c — what a handshake leaves for a judgement, and the grounds of a judgement, both in a
 * form that the thread pool may read while the conn continues or closes.
 *
 * Sizes: the chain is bounded by the handshake (MAX_CERT_LIST_BYTES in context.c), a staple by one
 * handshake message within it; targets and records by those who made the basis (dns).
 */
#include "judge_priv.h"

#include <xfed/base/alloc.h>

static void keep_staple(struct xf_tls_evidence *s, SSL *ssl)
{
    const unsigned char *der = NULL;
    long len = SSL_is_server(ssl) ? 0 : SSL_get_tlsext_status_ocsp_resp(ssl, &der);

    if (len <= 0 || !der)
        return;
    s->staple = xf_alloc((size_t)len);
    memcpy(s->staple, der, (size_t)len);
    s->staple_bytes = (size_t)len;
}

struct xf_tls_evidence *xf_tls_evidence_new(SSL *ssl, struct xf_tls_identities *identities)
{
    X509 *leaf = SSL_get1_peer_certificate(ssl);
    STACK_OF(X509) *sent = SSL_get_peer_cert_chain(ssl);

    if (!leaf)
        return NULL;
    struct xf_tls_evidence *s = xf_new(struct xf_tls_evidence);
    atomic_init(&s->refs, 1);
    s->leaf = leaf;
    s->sent = sent ? X509_chain_up_ref(sent) : NULL;
    s->identities = xf_tls_identities_ref(identities);
    keep_staple(s, ssl);
    return s;
}

struct xf_tls_evidence *xf_tls_evidence_ref(struct xf_tls_evidence *evidence)
{
    if (evidence)
        atomic_fetch_add(&evidence->refs, 1);
    return evidence;
}

void xf_tls_evidence_renew(struct xf_tls_evidence *evidence, struct xf_tls_identities *identities)
{
    if (!identities)
        return;
    (void)xf_tls_identities_ref(identities);
    xf_tls_identities_unref(&evidence->identities);
    evidence->identities = identities;
}

void xf_tls_evidence_unref(struct xf_tls_evidence **evidence)
{
    struct xf_tls_evidence *s = *evidence;

    *evidence = NULL;
    if (!s || atomic_fetch_sub(&s->refs, 1) > 1)
        return;
    X509_free(s->leaf);
    sk_X509_pop_free(s->sent, X509_free);
    xf_free(s->staple);
    xf_tls_identities_unref(&s->identities);
    xf_free(s);
}

void xf_tls_grounds_init(struct xf_tls_grounds *s, const struct xf_tls_basis *basis)
{
    *s = (struct xf_tls_grounds){
        .identities = basis->identities ? xf_tls_identities_ref(basis->identities) : NULL,
        .ca_file = basis->ca_file && *basis->ca_file ? xf_strdup(basis->ca_file) : NULL,
        .domain = xf_span_dup(basis->domain),
        .tlsa = xf_tlsa_set_ref(basis->tlsa),
    };
    if (basis->target_count == 0)
        return;
    s->targets = xf_alloc(basis->target_count * sizeof(*s->targets));
    for (size_t i = 0; i < basis->target_count; i++)
        s->targets[s->target_count++] = xf_strdup(basis->targets[i]);
}

void xf_tls_grounds_release(struct xf_tls_grounds *s)
{
    for (size_t i = 0; i < s->target_count; i++)
        xf_free(s->targets[i]);
    xf_free(s->targets);
    xf_free(s->ca_file);
    xf_free(s->domain);
    xf_tlsa_set_unref(&s->tlsa);
    xf_tls_identities_unref(&s->identities);
    *s = (struct xf_tls_grounds){0};
}

bool xf_tls_grounds_named(const struct xf_tls_grounds *s, const struct xf_tls_facts *facts)
{
    bool is_named = xf_tls_facts_name(facts, xf_span_of(s->domain));

    for (size_t i = 0; i < s->target_count && !is_named; i++)
        is_named = xf_tls_facts_name(facts, xf_span_of(s->targets[i]));
    return is_named;
}
