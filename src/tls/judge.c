/* SPDX-License-Identifier: MIT */
/*
 * judge.c — from what a handshake left to facts about the peer's certificate, on the thread pool.
 *
 *   loop                                             pool
 *   copy of the basis, a count of the evidence   ->  chain and lists, TLSA records, staple: a
 *   facts, then done                             <-  finding
 *
 * A client knows whom it wants before the handshake and is judged at its end (handshake.c); a
 * server once the peer has said who it is, since anchors, lists and TLSA records are those of that
 * peer. The job owns all it reads and touches neither SSL nor facts, so that the stream may go on:
 *
 * - a conn that dies meanwhile takes its session's pointer out of the job; nobody hears of the
 * rest;
 * - a conn that closes: the finding is dropped;
 * - xf_tls_forget meanwhile only gives back the session's count of the evidence.
 *
 * Tests: tests/unit/tls/test_variants.c (findings), tests/unit/tls/test_later.c (the job).
 */
#include "session_priv.h"

#include <stdio.h>

#include <openssl/err.h>

#include <xfed/base/alloc.h>

void xf_tls_find(struct xf_tls_finding *out, const struct xf_tls_evidence *evidence,
                 const struct xf_tls_grounds *grounds, bool is_named)
{
    bool is_known;
    const struct xf_tls_store *store =
        xf_tls_identities_store(evidence->identities, grounds->ca_file, &is_known);
    STACK_OF(X509) *chain = NULL, *dane_chain = NULL;

    *out = (struct xf_tls_finding){.revocation = XF_CERT_NOT_CHECKED};
    int result = xf_tls_verify(out, store, evidence, NULL, &chain);
    out->chain = result == X509_V_OK ? XF_CERT_TRUSTED : XF_CERT_BAD;
    if (!is_known)
        snprintf(out->chain_text, sizeof(out->chain_text), "the authorities of %s are not loaded",
                 grounds->ca_file);
    else if (result != X509_V_OK)
        snprintf(out->chain_text, sizeof(out->chain_text), "%s",
                 X509_verify_cert_error_string(result));
    xf_tls_check_dane(out, store, evidence, grounds, is_named, &dane_chain);
    xf_tls_check_staple(out, evidence, chain ? chain : dane_chain);
    sk_X509_pop_free(chain, X509_free);
    sk_X509_pop_free(dane_chain, X509_free);
    ERR_clear_error();
}

static void forget_basis(struct xf_tls_facts *facts)
{
    for (size_t i = 0; i < facts->target_count; i++)
        xf_free(facts->targets[i]);
    xf_free(facts->targets);
    xf_free(facts->ca_file);
    xf_free(facts->dane_domain);
}

void xf_tls_facts_take(struct xf_tls_facts *facts, const struct xf_tls_finding *finding,
                       struct xf_tls_grounds *grounds)
{
    bool is_of_servers = grounds->tlsa || grounds->target_count > 0;

    forget_basis(facts);
    facts->chain = finding->chain;
    memcpy(facts->chain_text, finding->chain_text, sizeof(facts->chain_text));
    facts->revocation = finding->revocation;
    memcpy(facts->revocation_text, finding->revocation_text, sizeof(facts->revocation_text));
    facts->dane = finding->dane;
    facts->dane_usage = finding->dane_usage;
    facts->is_judged = true;
    facts->ca_file = grounds->ca_file;
    facts->dane_domain = is_of_servers ? grounds->domain : NULL;
    facts->targets = grounds->targets;
    facts->target_count = grounds->target_count;
    if (!is_of_servers)
        xf_free(grounds->domain);
    xf_tlsa_set_unref(&grounds->tlsa);
    *grounds = (struct xf_tls_grounds){0};
}

/* ---- for an established conn */

struct xf_tls_judgement {
    struct xf_tls_session *session; /* NULL: its conn is gone. Of the loop */
    xf_tls_judged_fn done;
    void *owner;
    struct xf_tls_evidence *evidence; /* NULL: nothing to judge */
    struct xf_tls_grounds grounds;
    bool is_named;
    struct xf_tls_finding finding;
};

/* Pool. */
static void judge(void *owner)
{
    struct xf_tls_judgement *s = owner;

    if (s->evidence)
        xf_tls_find(&s->finding, s->evidence, &s->grounds, s->is_named);
}

/* Loop. */
static void judged(void *owner)
{
    struct xf_tls_judgement *s = owner;
    struct xf_tls_session *session = s->session;
    xf_tls_judged_fn done = NULL;
    void *done_owner = s->owner;

    if (session)
        session->judgement = NULL;
    if (session && !xf_conn_is_closing(session->conn)) {
        done = s->done;
        if (s->evidence)
            xf_tls_facts_take(session->conn->tls, &s->finding, &s->grounds);
    }
    xf_tls_evidence_unref(&s->evidence);
    xf_tls_grounds_release(&s->grounds);
    xf_free(s);
    if (done)
        done(done_owner);
}

void xf_tls_judgement_abandon(struct xf_tls_judgement *judgement)
{
    judgement->session = NULL;
}

void xf_tls_judge(struct xf_conn *conn, const struct xf_tls_basis *basis, xf_tls_judged_fn done,
                  void *owner)
{
    struct xf_tls_session *session = xf_tls_session_of(conn);

    if (xf_conn_is_closing(conn))
        return;
    xf_require(session && conn->tls && !session->judgement);
    struct xf_tls_judgement *s = xf_new(struct xf_tls_judgement);
    s->session = session;
    s->done = done;
    s->owner = owner;
    s->evidence = xf_tls_evidence_ref(session->evidence);
    xf_tls_grounds_init(&s->grounds, basis);
    s->is_named = xf_tls_grounds_named(&s->grounds, conn->tls);
    session->judgement = s;
    xf_pool_run(xf_conn_pool(conn), judge, judged, s); /* the answer never comes from within */
}

void xf_tls_forget(struct xf_conn *conn)
{
    struct xf_tls_session *session = xf_tls_session_of(conn);

    if (session)
        xf_tls_evidence_unref(&session->evidence);
}
