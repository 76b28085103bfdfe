/* SPDX-License-Identifier: MIT */
/*
 * admit.c — which accepted conns become streams: those that find a place among the unauthenticated ones (quota.c).
 *
 * A conn that finds none is closed without a word, before TLS or a parser cost anything; one that gives its place to another is told so
 * by a stream error. A flood must not fill the log either: the first line at once, then at most one a minute with what came meanwhile.
 */
#include "s2s_priv.h"

#define SUMMARY_MS 60000
#define EVICTED_LINGER_MS 250 /* for the stream error to leave */

static void log_refused(struct xf_refusals *refusals)
{
    xf_log(XF_LOG_WARN, "s2s.conn.refused", XF_STR("addr", refusals->addr), XF_WORD("reason", refusals->reason),
           XF_INT("suppressed", refusals->refused), XF_INT("evicted", refusals->evicted));
    refusals->refused = refusals->evicted = 0;
}

static void on_summary(void *owner)
{
    struct xf_refusals *refusals = owner;
    if (!refusals->refused && !refusals->evicted)
        return;
    log_refused(refusals);
    xf_timer_start(refusals->timers, &refusals->timer, SUMMARY_MS);
}

void xf_refusals_init(struct xf_refusals *refusals, struct xf_timers *timers)
{
    *refusals = (struct xf_refusals){.timers = timers};
    xf_timer_init(&refusals->timer, on_summary, refusals);
}

void xf_refusals_fini(struct xf_refusals *refusals)
{
    xf_timer_stop(&refusals->timer);
}

static void note(struct xf_refusals *refusals, const struct xf_addr *addr, const char *reason, bool is_evicted)
{
    xf_addr_host_text(addr, refusals->addr);
    refusals->reason = reason;
    if (xf_timer_is_running(&refusals->timer)) {
        refusals->refused += !is_evicted;
        refusals->evicted += is_evicted;
        return;
    }
    refusals->evicted = is_evicted;
    log_refused(refusals);
    xf_timer_start(refusals->timers, &refusals->timer, SUMMARY_MS);
}

static void evict(struct xf_in *in)
{
    struct xf_conn *conn = in->stream.conn;
    note(&in->s2s->refusals, &conn->addr, "evicted", true);
    xf_in_fail(in, XF_STREAM_ERROR_RESOURCE_CONSTRAINT, "too many connections here are not authenticated: another one takes this place");
    xf_conn_close(conn, EVICTED_LINGER_MS);
}

bool xf_in_admit(struct xf_s2s *s2s, struct xf_place *place, const struct xf_addr *addr)
{
    const struct xf_conf *conf = xf_s2s_conf(s2s);
    const struct xf_quota_limits limits = {
        .per_address = conf->unauthenticated.half_open_per_address,
        .per_network = conf->unauthenticated.half_open_per_network,
        .total = conf->unauthenticated.half_open,
    };
    struct xf_place *evicted = NULL;
    if (s2s->is_draining)
        return false;
    const char *full = xf_quota_take(&s2s->quota, place, addr, &limits, s2s->env->clock->now_ms, &evicted);
    if (evicted)
        evict(XF_CONTAINER(evicted, struct xf_in, place));
    if (full)
        note(&s2s->refusals, addr, full, false);
    return !full;
}
