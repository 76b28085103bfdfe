/* SPDX-License-Identifier: MIT */
/*
 * judge_later.c — a judgement that is asked for after the handshake, on the thread pool.
 *
 *   loop                                             pool
 *   copy of the basis, a count of the evidence   ->  judge.c: a finding
 *   facts, then done                             <-
 *
 * The job owns all it reads and touches neither SSL nor facts, so that the stream may go on:
 *
 * - a conn that dies meanwhile takes its session's pointer out of the job; nobody hears of the
 *   rest;
 * - a conn that closes: the finding is dropped.
 *
 * Test: tests/unit/tls/test_later.c.
 */
#include "session_priv.h"

#include <xfed/base/alloc.h>

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
        session->judging = NULL;
    if (session && !xf_conn_is_closing(session->conn)) {
        done = s->done;
        if (s->evidence) {
            xf_tls_evidence_renew(s->evidence, s->grounds.identities);
            xf_tls_facts_take(session->conn->tls, &s->finding, &s->grounds);
        }
    }
    xf_tls_evidence_unref(&s->evidence);
    xf_tls_grounds_release(&s->grounds);
    xf_free(s);
    if (done)
        done(done_owner);
}

void xf_tls_judge(struct xf_conn *conn, const struct xf_tls_basis *basis, xf_tls_judged_fn done,
                  void *owner)
{
    struct xf_tls_session *session = xf_tls_session_of(conn);

    if (xf_conn_is_closing(conn))
        return;
    xf_require(session && conn->tls && !session->judging);
    struct xf_tls_judgement *s = xf_new(struct xf_tls_judgement);
    s->session = session;
    s->done = done;
    s->owner = owner;
    s->evidence = xf_tls_evidence_ref(session->evidence);
    xf_tls_grounds_init(&s->grounds, basis);
    s->is_named = xf_tls_grounds_named(&s->grounds, conn->tls);
    session->judging = &s->session;
    /* `done` is called after this function has returned */
    xf_pool_run(xf_conn_pool(conn), judge, judged, s);
}
