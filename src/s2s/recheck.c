/* SPDX-License-Identifier: MIT */
/*
 * recheck.c — judges certificates again, in turn (recheck_priv.h). What the new facts mean is asked
 * of the carrier and of its passengers.
 */
#include "in_priv.h"
#include "out_priv.h"

static void on_judged(void *owner)
{
    struct xf_carrier *carrier = owner;
    struct xf_rechecking *rechecking = &carrier->s2s->rechecking;
    if (!xf_few_done(&rechecking->turns, &carrier->recheck.turn))
        return; /* its stream has begun to end */
    if (carrier->recheck.generation == rechecking->generation)
        xf_carrier_judged(carrier); /* which may be gone now */
    else
        xf_recheck_authenticated(carrier); /* there was another change meanwhile */
    xf_few_go_on(&rechecking->turns);
}

static void judge(struct xf_few_entry *turn)
{
    struct xf_carrier *carrier = XF_CONTAINER(turn, struct xf_carrier, recheck.turn);
    struct xf_s2s *s2s = carrier->s2s;
    struct xf_tls_basis basis = carrier->ops->basis(carrier);
    basis.identities = s2s->identities;
    carrier->recheck.generation = s2s->rechecking.generation;
    s2s->env->judge_tls(s2s->env, carrier->stream->conn, &basis, on_judged, carrier);
}

void xf_recheck_began(struct xf_carrier *carrier)
{
    carrier->recheck.generation = carrier->s2s->rechecking.generation;
}

/* Without TLS, or a certificate, there is nothing to judge. */
static bool has_certificate(const struct xf_stream *stream)
{
    return stream->conn && !stream->is_ending && stream->conn->tls &&
           stream->conn->tls->chain != XF_CERT_NONE;
}

void xf_recheck_authenticated(struct xf_carrier *carrier)
{
    struct xf_rechecking *rechecking = &carrier->s2s->rechecking;
    struct xf_recheck *recheck = &carrier->recheck;
    bool is_outdated = recheck->generation != rechecking->generation;
    if (is_outdated && !xf_few_has(&recheck->turn) && has_certificate(carrier->stream))
        xf_few_wait(&rechecking->turns, &recheck->turn);
}

bool xf_recheck_is_due(const struct xf_carrier *carrier)
{
    if (!has_certificate(carrier->stream))
        return false;
    const struct xf_tls_facts *facts = carrier->stream->conn->tls;
    struct xf_tls_basis basis = carrier->ops->basis(carrier);
    bool had_records = facts->dane_domain != NULL,
         has_records = basis.tlsa || basis.target_count > 0;
    return !xf_tls_facts_are_by(facts, basis.ca_file) || had_records != has_records;
}

void xf_recheck_left(struct xf_carrier *carrier)
{
    xf_few_leave(&carrier->s2s->rechecking.turns, &carrier->recheck.turn);
}

void xf_recheck_all(struct xf_s2s *s2s)
{
    s2s->rechecking.generation++;
    XF_LIST_EACH (node, &s2s->ins) {
        struct xf_in *in = XF_CONTAINER(node, struct xf_in, node);
        if (in->valid_pairs > 0)
            xf_recheck_authenticated(&in->carrier);
    }
    XF_LIST_EACH (node, &s2s->outs) {
        struct xf_out *out = XF_CONTAINER(node, struct xf_out, node);
        if (out->state == XF_OUT_READY && out->seat.on == &out->carrier)
            xf_recheck_authenticated(&out->carrier);
    }
}

static void on_time(void *owner)
{
    struct xf_s2s *s2s = owner;
    xf_recheck_all(s2s);
    xf_timer_start(s2s->env->timers, &s2s->rechecking.timer, XF_RECHECK_MS);
}

void xf_rechecking_init(struct xf_s2s *s2s)
{
    xf_few_init(&s2s->rechecking.turns, XF_RECHECKS_MAX, judge);
    xf_timer_init(&s2s->rechecking.timer, on_time, s2s);
    xf_timer_start(s2s->env->timers, &s2s->rechecking.timer, XF_RECHECK_MS);
}

void xf_rechecking_fini(struct xf_rechecking *rechecking)
{
    xf_timer_stop(&rechecking->timer);
}
