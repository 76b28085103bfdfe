/* SPDX-License-Identifier: MIT */
/*
 * half_open.c — which accepted conns become streams: those that find a place among the
 * unauthenticated ones (limits/quota.h).
 *
 * A conn that finds none is closed without a word, before TLS or a parser cost anything; one that
 * gives its place to another is told so by a stream error. A flood must not fill the log either:
 * the first line at once, then at most one a minute with what came meanwhile.
 */
#include "s2s_priv.h"

#define SUMMARY_MS        60000
#define SLOW_MS           5000 /* a peer needs a second; a conn this old gives way */
#define DESCRIPTORS_PART  4
#define EVICTED_LINGER_MS 250 /* for the stream error to leave */

static void log_refused(struct xf_refusals *refusals)
{
    /* bounded: one a minute */
    xf_log(XF_LOG_WARN, "s2s.conn.refused", XF_STR("addr", refusals->addr),
           XF_WORD("reason", refusals->reason), XF_INT("suppressed", refusals->refused),
           XF_INT("evicted", refusals->evicted));
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

void xf_refusals_note(struct xf_refusals *refusals, const struct xf_addr *addr, const char *reason,
                      bool is_evicted)
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

void xf_in_evict(struct xf_in *in, const char *reason, const char *text)
{
    struct xf_conn *conn = in->stream.conn;
    if (!conn)
        return;
    xf_refusals_note(&in->s2s->refusals, &conn->addr, reason, true);
    xf_in_fail(in, XF_STREAM_ERROR_RESOURCE_CONSTRAINT, text);
    xf_conn_close(conn, EVICTED_LINGER_MS);
}

bool xf_in_admit(struct xf_s2s *s2s, struct xf_place *place, const struct xf_addr *addr)
{
    static const char *const words[] = {[XF_QUOTA_MEMBER_FULL] = "address",
                                        [XF_QUOTA_GROUP_FULL] = "network",
                                        [XF_QUOTA_ALL_FULL] = "total"};
    const struct xf_conf *conf = xf_s2s_conf(s2s);
    const struct xf_quota_limits limits = {
        .per_member = conf->unauthenticated.half_open_per_address,
        .per_group = conf->unauthenticated.half_open_per_network,
        .total = xf_env_share(s2s->env, conf->unauthenticated.half_open, DESCRIPTORS_PART),
        .unused_ms = SLOW_MS,
    };
    struct xf_place *evicted = NULL;
    if (s2s->is_draining)
        return false;
    enum xf_quota_answer answer =
        xf_take_by_addr(s2s, &s2s->half_open, place, addr, &limits, &evicted);
    if (evicted)
        xf_in_evict(
            XF_CONTAINER(evicted, struct xf_in, place), "evicted",
            "too many connections here are not authenticated: another one takes this place");
    if (answer != XF_QUOTA_ROOM)
        xf_refusals_note(&s2s->refusals, addr, words[answer], false);
    return answer == XF_QUOTA_ROOM;
}
