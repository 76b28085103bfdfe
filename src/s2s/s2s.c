/* SPDX-License-Identifier: MIT */
/* s2s.c — the engine: what streams share, reload, drain. */
#include "s2s_priv.h"

#include <xfed/base/alloc.h>
#include <xfed/xmpp/owner.h>

#define BACKOFF_MIN_MS 5000 /* hosts that strangers make us connect to, after a failure */
#define BACKOFF_MAX_MS 60000
#define PROBED_MS      1000   /* addresses that refused a probe */
#define AVOIDED_MIN_MS 300000 /* addresses that are tried last */
#define AVOIDED_MAX_MS 1800000

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

static bool any_has_rate(const struct xf_conf *conf)
{
    bool any = conf->defaults.stanza_rate || conf->defaults.byte_rate;
    for (size_t i = 0; i < conf->peer_count && !any; i++)
        any = conf->peers[i].settings.stanza_rate || conf->peers[i].settings.byte_rate;
    return any;
}

struct xf_s2s *xf_s2s_new(const struct xf_s2s_opts *opts)
{
    struct xf_s2s *s2s = xf_new(struct xf_s2s);
    s2s->env = opts->env;
    s2s->policy = opts->policy;
    s2s->identities = xf_tls_identities_ref(opts->identities);
    s2s->history = opts->history;
    xf_dialback_secret_prepare(opts->dialback_secret, &s2s->dialback_secret);
    s2s->events = opts->events;
    s2s->owner = opts->owner;
    xf_list_init(&s2s->ins);
    xf_list_init(&s2s->outs);
    xf_list_init(&s2s->paused);
    s2s->verify_streams = xf_map_new();
    xf_list_init(&s2s->idle_verify_streams);
    xf_quota_init(&s2s->verify_quota, NULL);
    xf_quota_init(&s2s->looks, NULL);
    s2s->verified = xf_map_new();
    xf_backoff_init(&s2s->verify_peer_backoff, s2s->env->clock, BACKOFF_MIN_MS, BACKOFF_MAX_MS);
    xf_backoff_init(&s2s->verify_addr_backoff, s2s->env->clock, BACKOFF_MIN_MS, BACKOFF_MAX_MS);
    xf_backoff_init(&s2s->probe_backoff, s2s->env->clock, PROBED_MS, PROBED_MS);
    xf_backoff_init(&s2s->avoided, s2s->env->clock, AVOIDED_MIN_MS, AVOIDED_MAX_MS);
    s2s->bidi_pairs = xf_map_new();
    s2s->shared = xf_map_new();
    s2s->inbound_by_peer = xf_map_new();
    xf_rates_init(&s2s->rates, s2s->env->clock, s2s->env->timers, &rate_events, s2s);
    s2s->rates.is_on = any_has_rate(xf_s2s_conf(s2s));
    xf_quota_init(&s2s->half_open, NULL);
    xf_strangers_init(s2s);
    xf_refusals_init(&s2s->refusals, s2s->env->timers);
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
    xf_map_free(&s->verify_streams);
    xf_quota_fini(&s->verify_quota);
    xf_quota_fini(&s->looks);
    xf_map_free(&s->verified);
    xf_backoff_fini(&s->verify_peer_backoff);
    xf_backoff_fini(&s->verify_addr_backoff);
    xf_backoff_fini(&s->probe_backoff);
    xf_backoff_fini(&s->avoided);
    xf_map_free(&s->bidi_pairs);
    xf_map_free(&s->shared);
    xf_map_free(&s->inbound_by_peer);
    xf_rates_fini(&s->rates);
    xf_quota_fini(&s->half_open);
    xf_strangers_fini(s);
    xf_refusals_fini(&s->refusals);
    xf_free(s);
}

struct xf_dns *xf_s2s_dns(const struct xf_s2s *s2s, const struct xf_peer_settings *settings)
{
    const struct xf_texts *servers = &settings->dns_servers;
    return servers->count == 0
               ? s2s->env->dns
               : s2s->env->resolver(s2s->env, (const char *const *)servers->item, servers->count);
}

struct xf_reader_limits xf_s2s_limits_before(const struct xf_s2s *s2s)
{
    const struct xf_conf *conf = xf_s2s_conf(s2s);
    size_t bytes = conf->unauthenticated.element_bytes;
    return (struct xf_reader_limits){
        .stanza_bytes = bytes,
        .control_bytes = bytes,
        .start_tag_bytes = bytes < conf->xml.start_tag_bytes ? bytes : conf->xml.start_tag_bytes,
        .attributes = conf->xml.attributes,
        .depth = conf->xml.depth,
    };
}

/*
 * A stanza must fit the link that it goes to; served domains may have several, so the smallest
 * counts.
 */
static size_t smallest_link(const struct xf_conf *conf)
{
    size_t bytes = SIZE_MAX;
    for (size_t i = 0; i < conf->link_count; i++)
        if (conf->links[i].settings.max_stanza_bytes < bytes)
            bytes = conf->links[i].settings.max_stanza_bytes;
    return bytes;
}

struct xf_reader_limits xf_s2s_limits_after(const struct xf_s2s *s2s,
                                            const struct xf_peer_settings *settings)
{
    struct xf_reader_limits limits = xf_s2s_limits_before(s2s);
    size_t link = smallest_link(xf_s2s_conf(s2s));
    limits.stanza_bytes = settings->max_stanza_bytes < link ? settings->max_stanza_bytes : link;
    limits.start_tag_bytes = xf_s2s_conf(s2s)->xml.start_tag_bytes;
    return limits;
}

struct xf_said_limits xf_s2s_said_limits(const struct xf_s2s *s2s,
                                         const struct xf_peer_settings *settings)
{
    return (struct xf_said_limits){.max_bytes = xf_s2s_limits_after(s2s, settings).stanza_bytes,
                                   .idle_ms = settings->idle_ms};
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

/* Does the new policy forbid a pair of the stream? Then its end is under way. */
static bool is_denied(struct xf_in *in)
{
    XF_LIST_EACH (node, &in->pairs) {
        const struct xf_pair *pair = XF_CONTAINER(node, struct xf_pair, node);
        struct xf_span local = xf_span_of(pair->local), peer = xf_span_of(pair->peer);
        struct xf_ruling ruling;
        if (!xf_in_is_denied(in, local, peer, &ruling))
            continue;
        xf_in_log_denied(in, local, peer, &ruling);
        xf_in_deny(in, &ruling);
        return true;
    }
    return false;
}

/* What the new settings make of the authentication of its pairs; NULL: it may stay. */
static const char *in_refusal(const struct xf_in *in)
{
    XF_LIST_EACH (node, &in->pairs) {
        const struct xf_pair *pair = XF_CONTAINER(node, struct xf_pair, node);
        struct xf_span peer = xf_span_of(pair->peer);
        struct xf_verdict verdict = xf_in_verdict(in, peer);
        if (pair->method == XF_AUTH_NONE)
            continue;
        const char *refusal =
            xf_auth_refusal(xf_policy_peer(in->s2s->policy, peer), &verdict, pair->method, false);
        if (refusal)
            return refusal;
    }
    return NULL;
}

/* A verify stream is none of stanzas. */
static bool is_denied_out(struct xf_out *out)
{
    struct xf_ruling ruling;
    xf_policy_judge_pair(out->s2s->policy, xf_span_of(out->local), xf_span_of(out->peer),
                         XF_DIRECTION_OUT, &ruling);
    if (out->verify || ruling.passes)
        return false;
    bool is_silent = out->settings->denied_peer == XF_DENIAL_SILENT;
    xf_out_give_up(out, XF_CAUSE_POLICY,
                   is_silent ? XF_STREAM_ERROR_NONE : XF_STREAM_ERROR_POLICY_VIOLATION,
                   ruling.text);
    return true;
}

static const char *out_refusal(struct xf_out *out)
{
    struct xf_span peer = xf_span_of(out->peer);
    if (out->state != XF_OUT_READY || !out->on->stream->conn)
        return NULL;
    struct xf_verdict verdict = xf_carrier_verdict(out->on, peer);
    return xf_auth_refusal(out->settings, &verdict, out->method, true);
}

void xf_s2s_reload(struct xf_s2s *s2s, struct xf_policy *policy,
                   struct xf_tls_identities *identities)
{
    struct xf_tls_identities *old = s2s->identities;
    s2s->identities = xf_tls_identities_ref(identities);
    xf_tls_identities_unref(&old);
    s2s->policy = policy;
    s2s->rates.is_on = any_has_rate(xf_s2s_conf(s2s));
    xf_rates_changed(&s2s->rates);
    XF_LIST_EACH_SAFE (node, &s2s->ins) {
        struct xf_in *in = XF_CONTAINER(node, struct xf_in, node);
        in->settings = xf_policy_peer(policy, xf_span_of(in->peer));
        xf_stranger_judge(in);
        const char *refusal = is_denied(in) ? NULL : in_refusal(in);
        xf_in_keep_to_pairs(in);
        if (refusal)
            xf_in_fail(in, XF_STREAM_ERROR_POLICY_VIOLATION, refusal);
    }
    XF_LIST_EACH_SAFE (node, &s2s->outs) {
        struct xf_out *out = XF_CONTAINER(node, struct xf_out, node);
        out->settings = xf_policy_peer(policy, xf_span_of(out->peer));
        if (is_denied_out(out))
            continue;
        const char *refusal = out_refusal(out);
        if (refusal)
            xf_out_give_up(out, XF_CAUSE_POLICY, XF_STREAM_ERROR_POLICY_VIOLATION, refusal);
        else if (out->state == XF_OUT_READY && out->is_bidi && (refusal = xf_out_bidi_refusal(out)))
            /* the next one goes one way */
            xf_out_give_up(out, XF_CAUSE_STREAM, XF_STREAM_ERROR_POLICY_VIOLATION, refusal);
        /* the other role: only the peer sends on its stream from now on */
        else if (out->state == XF_OUT_READY && out->on->in && !out->settings->bidi)
            xf_out_give_up(out, XF_CAUSE_STREAM, XF_STREAM_ERROR_NONE,
                           "bidi is switched off for this peer");
    }
}

/* ------------------------------------------------------------------ drain */

void xf_s2s_drain_inbound(struct xf_s2s *s2s)
{
    XF_LIST_EACH_SAFE (node, &s2s->ins) {
        struct xf_in *in = XF_CONTAINER(node, struct xf_in, node);
        if (!in->is_bidi)
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
    XF_LIST_EACH_SAFE (node, &s2s->ins)
        xf_in_close(XF_CONTAINER(node, struct xf_in, node));
    XF_LIST_EACH_SAFE (node, &s2s->outs)
        xf_out_close(XF_CONTAINER(node, struct xf_out, node));
}

bool xf_s2s_hears(const struct xf_s2s *s2s, struct xf_span peer)
{
    return xf_map_find(s2s->inbound_by_peer, peer) != NULL;
}

size_t xf_s2s_stream_count(const struct xf_s2s *s2s)
{
    return s2s->stream_count;
}
