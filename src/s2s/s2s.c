/* SPDX-License-Identifier: MIT */
/* s2s.c — all streams together: make, accept, reload, drain. */
#include <xfed/base/alloc.h>
#include <xfed/xmpp/owner.h>

#include "in_priv.h"
#include "out_priv.h"

#define PROBED_MS      1000   /* how long an address that refused a probe is skipped */
#define AVOIDED_MIN_MS 300000 /* how long an address is tried last */
#define AVOIDED_MAX_MS 1800000

/* ------------------------------------------------------------------ rates of peers */

static struct xf_rate_limits rate_limits(void *owner, struct xf_span peer)
{
    const struct xf_s2s *s2s = owner;
    const struct xf_peer_settings *settings = xf_policy_peer(s2s->policy, peer);
    return (struct xf_rate_limits){.stanzas = settings->stanza_rate, .bytes = settings->byte_rate};
}

static void on_slowed(void *owner, struct xf_span peer, const struct xf_rate_limits *limits)
{
    const struct xf_s2s *s2s = owner;
    xf_log(xf_lines_level(s2s->env, XF_LINES_PEERS, xf_domain_owner(peer), XF_LOG_INFO,
                          "s2s.peer.slowed"),
           "s2s.peer.slowed", XF_SPN("peer", peer), XF_INT("stanza_rate", limits->stanzas),
           XF_INT("byte_rate", limits->bytes));
}

static const struct xf_rate_events rate_events = {.limits = rate_limits, .slowed = on_slowed};

/* ------------------------------------------------------------------ made and freed */

struct xf_s2s *xf_s2s_new(const struct xf_s2s_opts *opts)
{
    struct xf_s2s *s2s = xf_new(struct xf_s2s);
    s2s->env = opts->env;
    s2s->policy = opts->policy;
    s2s->settings = *opts->settings;
    s2s->identities = xf_tls_identities_ref(opts->identities);
    s2s->history = opts->history;
    xf_dialback_secret_prepare(opts->dialback_secret, &s2s->dialback_secret);
    s2s->events = opts->events;
    s2s->owner = opts->owner;
    s2s->waiting = opts->waiting;
    xf_proving_init(&s2s->proving);
    xf_resuming_init(&s2s->resuming);
    xf_rechecking_init(s2s);
    xf_list_init(&s2s->ins);
    xf_list_init(&s2s->outs);
    xf_list_init(&s2s->paused);
    xf_list_init(&s2s->held);
    xf_verifying_init(&s2s->verifying, s2s->env->clock);
    xf_quota_init(&s2s->looks, NULL);
    xf_backoff_init(&s2s->probe_backoff, s2s->env->clock, PROBED_MS, PROBED_MS);
    xf_backoff_init(&s2s->avoided, s2s->env->clock, AVOIDED_MIN_MS, AVOIDED_MAX_MS);
    s2s->bidi_pairs = xf_map_new();
    s2s->shared = xf_map_new();
    s2s->inbound_by_peer = xf_map_new();
    xf_rates_init(&s2s->rates, s2s->env->clock, s2s->env->timers, &rate_events, s2s);
    s2s->rates.is_on = xf_policy_has_rates(s2s->policy);
    xf_quota_init(&s2s->half_open, NULL);
    xf_strangers_init(s2s);
    xf_refusals_init(&s2s->refusals, s2s->env->timers);
    xf_counting_init(&s2s->counting);
    xf_s2s_hand_over_init(s2s);
    return s2s;
}

void xf_s2s_free(struct xf_s2s **s2s)
{
    struct xf_s2s *s = *s2s;
    if (!s)
        return;
    xf_require(s->stream_count == 0);
    *s2s = NULL;
    xf_tls_identities_unref(&s->identities);
    xf_wipe(&s->dialback_secret, sizeof(s->dialback_secret));
    xf_verifying_fini(&s->verifying);
    xf_proving_fini(&s->proving);
    xf_resuming_fini(&s->resuming);
    xf_rechecking_fini(&s->rechecking);
    xf_quota_fini(&s->looks);
    xf_backoff_fini(&s->probe_backoff);
    xf_backoff_fini(&s->avoided);
    xf_map_free(&s->bidi_pairs);
    xf_map_free(&s->shared);
    xf_map_free(&s->inbound_by_peer);
    xf_rates_fini(&s->rates);
    xf_quota_fini(&s->half_open);
    xf_strangers_fini(s);
    xf_refusals_fini(&s->refusals);
    xf_counting_fini(&s->counting);
    xf_timer_stop(&s->asked);
    xf_free(s);
}

void xf_s2s_accept(struct xf_s2s *s2s, struct xf_conn *conn, bool is_direct)
{
    xf_in_accept(s2s, conn, is_direct);
}

void xf_s2s_resume_inbound(struct xf_s2s *s2s)
{
    xf_gate_resume_all(s2s);
}

/* ------------------------------------------------------------------ reload */

void xf_s2s_reload(struct xf_s2s *s2s, struct xf_policy *policy,
                   const struct xf_s2s_settings *settings, struct xf_tls_identities *identities)
{
    struct xf_tls_identities *old = s2s->identities;
    bool was_read = policy != s2s->policy || identities != old; /* else a peer was blocked */
    s2s->identities = xf_tls_identities_ref(identities);
    xf_tls_identities_unref(&old);
    s2s->policy = policy;
    s2s->settings = *settings;
    s2s->rates.is_on = xf_policy_has_rates(s2s->policy);
    xf_rates_changed(&s2s->rates);
    XF_LIST_EACH_SAFE (node, &s2s->ins)
        xf_in_reload(XF_CONTAINER(node, struct xf_in, node));
    XF_LIST_EACH_SAFE (node, &s2s->outs)
        xf_out_reload(XF_CONTAINER(node, struct xf_out, node));
    if (was_read)
        xf_recheck_all(s2s);
}

/* ------------------------------------------------------------------ away */

void xf_s2s_turn_away(struct xf_s2s *s2s)
{
    XF_LIST_EACH_SAFE (node, &s2s->ins)
        xf_in_look_away(XF_CONTAINER(node, struct xf_in, node));
    XF_LIST_EACH_SAFE (node, &s2s->outs) {
        struct xf_out *out = XF_CONTAINER(node, struct xf_out, node);
        if (xf_out_hears_for_away(out))
            xf_out_renew(out, "the cluster cannot be reached now");
    }
}

/* ------------------------------------------------------------------ drain */

void xf_s2s_drain_inbound(struct xf_s2s *s2s)
{
    XF_LIST_EACH_SAFE (node, &s2s->ins) {
        struct xf_in *in = XF_CONTAINER(node, struct xf_in, node);
        if (!in->is_bidi && !xf_in_suspend(in))
            xf_in_close(in);
    }
}

bool xf_s2s_inbound_is_over(const struct xf_s2s *s2s)
{
    XF_LIST_EACH (node, &s2s->ins) {
        if (!XF_CONTAINER(node, struct xf_in, node)->is_bidi)
            return false;
    }
    return true;
}

void xf_s2s_drain(struct xf_s2s *s2s)
{
    s2s->is_draining = true;
    XF_LIST_EACH_SAFE (node, &s2s->ins) {
        struct xf_in *in = XF_CONTAINER(node, struct xf_in, node);
        if (!xf_in_may_suspend(in))
            xf_in_close(in);
    }
    XF_LIST_EACH_SAFE (node, &s2s->outs) {
        struct xf_out *out = XF_CONTAINER(node, struct xf_out, node);
        if (!xf_out_may_suspend(out))
            xf_out_close(out);
    }
    xf_s2s_suspend_all(s2s);
}

void xf_s2s_cut(struct xf_s2s *s2s)
{
    XF_LIST_EACH_SAFE (node, &s2s->ins)
        xf_stream_abort(&XF_CONTAINER(node, struct xf_in, node)->stream);
    XF_LIST_EACH_SAFE (node, &s2s->outs) {
        struct xf_out *out = XF_CONTAINER(node, struct xf_out, node);
        if (out->has_stream)
            xf_stream_abort(&out->stream);
    }
}

bool xf_s2s_hears(const struct xf_s2s *s2s, struct xf_span peer)
{
    return xf_map_find(s2s->inbound_by_peer, peer) != NULL;
}

size_t xf_s2s_stream_count(const struct xf_s2s *s2s)
{
    return s2s->stream_count;
}
