/* SPDX-License-Identifier: MIT */
/* ua.c — the layer as a whole: made, reloaded, drained. */
#include <xfed/base/alloc.h>

#include "client_priv.h"
#include "flow_priv.h"
#include "hop_priv.h"
#include "server_priv.h"

/* After a failure a next hop is left alone for this long, doubling with each failure in a row. */
#define BACKOFF_MIN_MS 1000
#define BACKOFF_MAX_MS 30000

static void on_flow_ended(struct xf_flow *flow)
{
    xf_ua_client_flow_ended(flow);
    xf_ua_server_flow_ended(flow);
}

static const struct xf_flow_events flow_events = {
    .request = xf_core_request,
    .answer = xf_ua_client_answer,
    .malformed = xf_core_refuse_malformed,
    .secures = xf_hop_secures,
    .up = xf_hop_up,
    .failed = xf_hop_failed,
    .left = xf_hop_left,
    .ended = on_flow_ended,
    .room = xf_hop_room,
};

static uint64_t used_ms(const struct xf_place *place)
{
    return XF_CONTAINER(place, struct xf_flow, place)->used_ms;
}

static uint64_t own_used_ms(const struct xf_place *place)
{
    const struct xf_flow *flow = XF_CONTAINER(place, struct xf_flow, place);
    return xf_flow_is_unused(flow) ? flow->used_ms : flow->ua->env->clock->now_ms;
}

static struct xf_rate_limits rate_limits(void *owner, struct xf_span peer)
{
    const struct xf_ua *ua = owner;
    const struct xf_peer_settings *settings = xf_policy_peer(ua->policy, peer);
    return (struct xf_rate_limits){.stanzas = settings->stanza_rate, .bytes = settings->byte_rate};
}

static void on_slowed(void *owner, struct xf_span peer, const struct xf_rate_limits *limits)
{
    xf_ua_log_slowed(owner, peer, limits);
}

static struct xf_rate_limits nameless_limits(void *owner, struct xf_span network)
{
    const struct xf_ua *ua = owner;
    (void)network;
    return (struct xf_rate_limits){.stanzas = ua->settings.refused_per_network};
}

static void on_nameless_slowed(void *owner, struct xf_span network,
                               const struct xf_rate_limits *limits)
{
    xf_ua_log_nameless(owner, network, limits);
}

static const struct xf_rate_events nameless_events = {.limits = nameless_limits,
                                                      .slowed = on_nameless_slowed};
static const struct xf_rate_events rate_events = {.limits = rate_limits, .slowed = on_slowed};

static void on_resume(void *owner)
{
    struct xf_ua *ua = owner;
    XF_LIST_EACH_SAFE (node, &ua->flows) {
        struct xf_flow *flow = XF_CONTAINER(node, struct xf_flow, node);
        if (flow->is_full)
            xf_flow_resume(flow);
    }
}

static void on_recheck(void *owner)
{
    struct xf_ua *ua = owner;
    ua->generation++;
    XF_LIST_EACH (node, &ua->flows)
        xf_flow_judge_again(XF_CONTAINER(node, struct xf_flow, node));
    xf_timer_start(ua->env->timers, &ua->recheck, XF_RECHECK_MS);
}

static void set_settings(struct xf_ua *ua, const struct xf_ua_settings *settings)
{
    char *before = ua->settings.host;

    ua->settings = *settings;
    ua->settings.host = xf_strdup(settings->host);
    if (before && *before && strcmp(before, settings->host) != 0) {
        xf_free(ua->former_host);
        ua->former_host = before;
    } else {
        xf_free(before);
    }
    ua->limits = (struct xf_sip_limits)XF_SIP_LIMITS_DEFAULT;
    ua->limits.message_bytes = settings->message_bytes;
    ua->limits.body_bytes = settings->message_bytes;
    ua->limits.headers =
        settings->headers < XF_SIP_HEADERS_MAX ? settings->headers : XF_SIP_HEADERS_MAX;
}

struct xf_ua *xf_ua_new(const struct xf_ua_opts *opts)
{
    struct xf_ua *ua = xf_new(struct xf_ua);
    ua->env = opts->env;
    ua->policy = opts->policy;
    ua->identities = xf_tls_identities_ref(opts->identities);
    ua->methods = opts->methods | 1u << XF_SIP_OPTIONS | 1u << XF_SIP_CANCEL;
    if (opts->methods & 1u << XF_SIP_INVITE)
        ua->methods |= 1u << XF_SIP_ACK;
    ua->accept = opts->accept;
    ua->packages = opts->packages;
    ua->extensions = opts->extensions;
    ua->events = opts->events;
    ua->owner = opts->owner;
    ua->flow_events = &flow_events;
    set_settings(ua, opts->settings);
    xf_list_init(&ua->flows);
    ua->hops = xf_map_new();
    ua->clients = xf_map_new();
    ua->calls = xf_map_new();
    ua->servers = xf_map_new();
    ua->merges = xf_map_new();
    ua->dialogs = xf_map_new();
    xf_quota_init(&ua->half_open, NULL);
    xf_quota_init(&ua->conns, used_ms);
    xf_quota_init(&ua->own_conns, own_used_ms);
    xf_quota_init(&ua->requests, NULL);
    xf_quota_init(&ua->sent, NULL);
    xf_rates_init(&ua->rates, ua->env->clock, ua->env->timers, &rate_events, ua);
    ua->rates.is_on = xf_policy_has_rates(ua->policy);
    xf_rates_init(&ua->nameless, ua->env->clock, ua->env->timers, &nameless_events, ua);
    xf_backoff_init(&ua->backoff, ua->env->clock, BACKOFF_MIN_MS, BACKOFF_MAX_MS);
    xf_timer_init(&ua->resume, on_resume, ua);
    xf_ua_rechecks_init(ua);
    xf_timer_init(&ua->recheck, on_recheck, ua);
    xf_timer_start(ua->env->timers, &ua->recheck, XF_RECHECK_MS);
    xf_ua_crush_init(ua);
    return ua;
}

void xf_ua_free(struct xf_ua **ua_at)
{
    struct xf_ua *ua = *ua_at;
    if (!ua)
        return;
    *ua_at = NULL;
    xf_require(xf_ua_is_over(ua));
    xf_timer_stop(&ua->resume);
    xf_timer_stop(&ua->recheck);
    xf_ua_crush_fini(ua);
    xf_rates_fini(&ua->rates);
    xf_rates_fini(&ua->nameless);
    xf_backoff_fini(&ua->backoff);
    xf_quota_fini(&ua->half_open);
    xf_quota_fini(&ua->conns);
    xf_quota_fini(&ua->own_conns);
    xf_quota_fini(&ua->requests);
    xf_quota_fini(&ua->sent);
    xf_map_free(&ua->hops);
    xf_map_free(&ua->clients);
    xf_map_free(&ua->calls);
    xf_map_free(&ua->servers);
    xf_map_free(&ua->merges);
    xf_map_free(&ua->dialogs);
    xf_tls_identities_unref(&ua->identities);
    xf_free(ua->settings.host);
    xf_free(ua->former_host);
    xf_free(ua);
}

void xf_ua_reload(struct xf_ua *ua, struct xf_policy *policy, const struct xf_ua_settings *settings,
                  struct xf_tls_identities *identities)
{
    struct xf_tls_identities *before = ua->identities;
    bool was_read = policy != ua->policy || identities != before; /* else a peer was blocked */
    ua->identities = xf_tls_identities_ref(identities);
    xf_tls_identities_unref(&before);
    ua->generation += was_read;
    ua->policy = policy;
    set_settings(ua, settings);
    ua->rates.is_on = xf_policy_has_rates(policy);
    xf_rates_changed(&ua->rates);
    xf_rates_changed(&ua->nameless);
    xf_hop_reload_all(ua);
    XF_LIST_EACH_SAFE (node, &ua->flows)
        xf_flow_readmit(XF_CONTAINER(node, struct xf_flow, node));
}

void xf_ua_accept(struct xf_ua *ua, struct xf_conn *conn, bool is_clear)
{
    xf_flow_accept(ua, conn, is_clear);
}

void xf_ua_resume(struct xf_ua *ua)
{
    xf_timer_start(ua->env->timers, &ua->resume, 0);
}

void xf_ua_drain(struct xf_ua *ua)
{
    ua->is_draining = true;
    xf_hop_drain_all(ua);
    XF_LIST_EACH_SAFE (node, &ua->flows)
        xf_flow_check_idle(XF_CONTAINER(node, struct xf_flow, node));
}

void xf_ua_cut(struct xf_ua *ua)
{
    xf_ua_drain(ua);
    xf_ua_client_cut_all(ua);
    xf_ua_server_cut_all(ua);
    /* Without transactions all conns are about to end: now at once. */
    XF_LIST_EACH (node, &ua->flows)
        xf_conn_close(XF_CONTAINER(node, struct xf_flow, node)->conn, 0);
}

bool xf_ua_is_over(const struct xf_ua *ua)
{
    return xf_list_is_empty(&ua->flows) && xf_map_count(ua->hops) == 0 &&
           xf_map_count(ua->clients) == 0 && xf_map_count(ua->servers) == 0;
}

void xf_ua_make_id(struct xf_ua *ua, char out[XF_ID_CHARS + 1])
{
    xf_ua_id(ua, out);
}

void xf_ua_retry(struct xf_ua *ua, const char *name)
{
    xf_backoff_clear(&ua->backoff, name);
}
