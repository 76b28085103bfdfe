/* SPDX-License-Identifier: MIT */
/*
 * hop.c — conns to the next hop of a peer (RFC 3263), shared by all requests to it.
 *
 * A request goes over the open conn with the fewest open requests. Without one it waits, while the
 * hop is looked up (routes of the peer's section, or DNS, or the open route) and its candidates are
 * tried one after the other: a candidate that does not accept, fails in TLS or is not the peer
 * gives way to the next. When all conns are busy a further one is made, up to hop-conns. When no
 * candidate is left, or no place for one more conn, all that waits fails, and the hop is left alone
 * for a while (limits/backoff.h).
 *
 *   - A conn that the peer made is used only if the peer said alias in a Via on it, over TLS, and
 *     its certificate is good for the peer (RFC 5923).
 *   - What was sent is never sent again: SIP over TCP has no way to find repetitions.
 *   - What waits is told of a failure by a timer, never inside a call.
 */
#include <stdio.h>

#include <xfed/base/alloc.h>

#include "client_priv.h"
#include "flow_priv.h"
#include "hop_priv.h"

#define BUSY_REQUESTS 32 /* open ones on each conn: make another one */

/* ------------------------------------------------------------------ made and freed */

static bool is_unused(const struct xf_hop *hop)
{
    return xf_list_is_empty(&hop->flows) && hop->client_count == 0 && !hop->discovery;
}

static void free_hop(struct xf_hop *hop)
{
    struct xf_ua_key key;
    xf_ua_key_of_hop(&key, xf_span_of(hop->name), xf_span_of(hop->identity));
    (void)xf_map_remove(hop->ua->hops, xf_ua_key_span(&key));
    xf_timer_stop(&hop->pace);
    xf_timer_stop(&hop->later);
    xf_free(hop->candidates);
    xf_free(hop->name);
    xf_free(hop->identity);
    xf_free(hop->local);
    xf_free(hop->peer);
    xf_free(hop);
}

/* Look again in the next turn: the caller may still use the hop. */
static void settle(struct xf_hop *hop)
{
    xf_timer_start(hop->ua->env->timers, &hop->later, 0);
}

/* Nothing is saved up: servers that count requests count those of each second. */
static struct xf_rate_limits limits_of(unsigned rate)
{
    return (struct xf_rate_limits){.stanzas = rate, .saved_ms = rate ? (999 + rate) / rate : 0};
}

/* Free it, but not before a new one could send no more than this one. */
static void free_unused(struct xf_hop *hop)
{
    struct xf_rate_limits rate = limits_of(hop->how.rate);
    xf_bucket_fill(&hop->bucket, &rate, hop->ua->env->clock->now_ms);
    uint64_t full_ms = xf_bucket_full_ms(&hop->bucket, &rate);
    if (full_ms && !hop->ua->is_draining)
        xf_timer_start(hop->ua->env->timers, &hop->later, full_ms);
    else
        free_hop(hop);
}

static void forget_candidates(struct xf_hop *hop)
{
    xf_free(hop->candidates);
    hop->candidates = NULL;
    hop->candidate_count = hop->next = 0;
}

/* Those who are told may send again, and wait in the same hop. */
static void fail_waiting(struct xf_hop *hop)
{
    struct xf_node failed;
    enum xf_ua_cause cause = hop->cause;
    enum xf_help help = hop->help;
    char text[sizeof(hop->text)];
    memcpy(text, hop->text, sizeof(text));
    hop->cause = XF_UA_CAUSE_NONE;
    xf_list_take_all(&failed, &hop->waiting);
    while (!xf_list_is_empty(&failed))
        xf_ua_client_fail(XF_CONTAINER(failed.next, struct xf_ua_client, node), cause, help, text);
}

static void on_later(void *owner)
{
    struct xf_hop *hop = owner;
    if (hop->cause != XF_UA_CAUSE_NONE)
        fail_waiting(hop);
    if (is_unused(hop))
        free_unused(hop);
}

static void on_pace(void *owner)
{
    xf_hop_pump(owner);
}

static struct xf_hop *new_hop(struct xf_ua *ua, const struct xf_ua_hop *how)
{
    struct xf_hop *hop = xf_new(struct xf_hop);
    struct xf_rate_limits rate = limits_of(how->rate);
    hop->ua = ua;
    hop->name = xf_span_dup(how->name);
    hop->identity = xf_span_dup(how->identity);
    xf_list_init(&hop->flows);
    xf_list_init(&hop->waiting);
    xf_timer_init(&hop->pace, on_pace, hop);
    xf_timer_init(&hop->later, on_later, hop);
    xf_bucket_begin(&hop->bucket, &rate, ua->env->clock->now_ms);
    return hop;
}

/* Its name and identity are as ours, which stay. */
static void keep_how(struct xf_hop *hop, const struct xf_ua_hop *how)
{
    hop->how = *how;
    hop->how.name = xf_span_of(hop->name);
    hop->how.identity = xf_span_of(hop->identity);
}

static void set_how(struct xf_hop *hop, const struct xf_ua_hop *how, struct xf_span local,
                    struct xf_span peer)
{
    keep_how(hop, how);
    if (hop->local && xf_span_is(local, hop->local) && xf_span_is(peer, hop->peer))
        return;
    xf_free(hop->local);
    xf_free(hop->peer);
    hop->local = xf_span_dup(local);
    hop->peer = xf_span_dup(peer);
}

struct xf_hop *xf_hop_for(struct xf_ua *ua, struct xf_span local, struct xf_span peer)
{
    struct xf_ua_hop how = {0};
    struct xf_ua_key key;
    if (!ua->events->hop(ua->owner, local, peer, &how))
        return NULL;
    xf_ua_key_of_hop(&key, how.name, how.identity);
    struct xf_hop *hop = xf_map_find(ua->hops, xf_ua_key_span(&key));
    if (!hop) {
        hop = new_hop(ua, &how);
        (void)xf_map_set(ua->hops, xf_ua_key_span(&key), hop);
        settle(hop);
    }
    set_how(hop, &how, local, peer);
    return hop;
}

/* ------------------------------------------------------------------ connecting */

static void try_next(struct xf_hop *hop);

static void fail(struct xf_hop *hop, enum xf_ua_cause cause, enum xf_help help, const char *text)
{
    forget_candidates(hop);
    if (cause != XF_UA_CAUSE_NONE) {
        hop->cause = cause;
        hop->help = help;
        snprintf(hop->text, sizeof(hop->text), "%s", text);
    }
    xf_backoff_failed(&hop->ua->backoff, hop->name, (int)hop->cause, hop->text);
    if (!xf_list_is_empty(&hop->flows)) { /* what waits goes over the others */
        hop->cause = XF_UA_CAUSE_NONE;
        return;
    }
    xf_hop_log_failed(hop);
    settle(hop);
}

static void on_discovered(void *owner, const struct xf_discovery_result *result);

static struct xf_dns *resolver_of(const struct xf_hop *hop)
{
    struct xf_env *env = hop->ua->env;
    const struct xf_texts *servers = &hop->how.settings->dns_servers;
    if (servers->count == 0)
        return env->dns;
    return env->resolver(env, (const char *const *)servers->item, servers->count);
}

static bool has_open_route(const struct xf_hop *hop)
{
    return hop->how.open_route && hop->how.open_route->count > 0;
}

static void look_up_static(struct xf_hop *hop, struct xf_dns *dns, const struct xf_texts *routes,
                           bool are_equal)
{
    hop->discovery = xf_discover_static(
        dns, hop->how.is_clear ? XF_SERVICE_SIP_TCP : XF_SERVICE_SIPS,
        (const char *const *)routes->item, routes->count, are_equal, on_discovered, hop);
}

/* False: that was the last place to look. */
static bool take_open_route(struct xf_hop *hop)
{
    struct xf_dns *dns = resolver_of(hop);
    if (hop->is_open || !dns || !has_open_route(hop))
        return false;
    hop->is_open = true;
    look_up_static(hop, dns, hop->how.open_route, false);
    return true;
}

static void on_discovered(void *owner, const struct xf_discovery_result *result)
{
    struct xf_hop *hop = owner;
    hop->discovery = NULL;
    switch (result->outcome) {
    case XF_DISCOVERY_FOUND:
        hop->candidates = xf_alloc(result->count * sizeof(*hop->candidates));
        memcpy(hop->candidates, result->candidates, result->count * sizeof(*hop->candidates));
        xf_hop_log_found(hop);
        hop->candidate_count = result->count;
        for (size_t i = 0; i < result->count; i++)
            hop->candidates[i].tlsa = NULL; /* lives as long as the result */
        try_next(hop);
        return;
    case XF_DISCOVERY_NO_SERVICE:
        fail(hop, XF_UA_CAUSE_NO_SERVICE, result->help,
             "the domain says in DNS that it has no SIP server");
        return;
    case XF_DISCOVERY_NOT_FOUND:
        if (take_open_route(hop))
            return;
        fail(hop, XF_UA_CAUSE_NOT_FOUND, result->help, result->detail);
        return;
    case XF_DISCOVERY_FAILED:
        fail(hop, XF_UA_CAUSE_DNS_FAILED, result->help, "DNS did not answer for the domain");
        return;
    }
}

static void look_up(struct xf_hop *hop)
{
    const struct xf_peer_settings *settings = hop->how.settings;
    struct xf_dns *dns = resolver_of(hop);
    hop->cause = XF_UA_CAUSE_NONE;
    hop->is_open = false;
    if (!dns)
        fail(hop, XF_UA_CAUSE_DNS_FAILED, XF_HELP_DNS_BUSY, "too many resolvers are in use");
    else if (settings->route.count)
        look_up_static(hop, dns, &settings->route, settings->route_order == XF_ROUTE_EQUAL);
    else
        hop->discovery = xf_discover(dns, xf_span_of(hop->name),
                                     &(struct xf_discovery_opts){.services = hop->how.services,
                                                                 .srv_only = has_open_route(hop)},
                                     on_discovered, hop);
}

static void try_next(struct xf_hop *hop)
{
    if (hop->next == hop->candidate_count) {
        fail(hop, XF_UA_CAUSE_NONE, XF_HELP_NONE, NULL);
        return;
    }
    hop->own_count++;
    hop->connecting++; /* so that a conn of its own that gives way makes no other one begin */
    if (!xf_flow_has_own_place(hop)) {
        hop->own_count--;
        hop->connecting--;
        fail(hop, XF_UA_CAUSE_BUSY, XF_HELP_NO_PLACE, "too many connections are open");
        return;
    }
    struct xf_flow *flow = xf_flow_connect(hop, &hop->candidates[hop->next++], &hop->how.source,
                                           (unsigned)hop->how.settings->candidate_ms);
    xf_list_push(&hop->flows, &flow->hop_node);
}

/* Make a conn, unless one is being made. */
static void connect_one(struct xf_hop *hop)
{
    int cause;
    const char *text;
    if (hop->connecting || hop->discovery || hop->cause != XF_UA_CAUSE_NONE)
        return;
    if (!xf_backoff_is_waiting(&hop->ua->backoff, hop->name, &cause, &text)) {
        look_up(hop);
    } else if (xf_list_is_empty(&hop->flows)) {
        hop->cause = (enum xf_ua_cause)cause;
        snprintf(hop->text, sizeof(hop->text), "%s", text);
        settle(hop);
    }
}

/* ------------------------------------------------------------------ sending */

/* Answers on a conn that is not read come late. */
static bool is_better(const struct xf_flow *flow, const struct xf_flow *best)
{
    bool is_read = !xf_flow_is_paused(flow), is_best_read = !xf_flow_is_paused(best);
    return is_read == is_best_read ? flow->client_count < best->client_count : is_read;
}

/* The open conn with the fewest open requests, of those that are read; NULL: none. */
static struct xf_flow *pick(const struct xf_hop *hop)
{
    struct xf_flow *best = NULL;
    XF_LIST_EACH (node, &hop->flows) {
        struct xf_flow *flow = XF_CONTAINER(node, struct xf_flow, hop_node);
        if (xf_flow_is_open(flow) && !flow->is_congested && !flow->is_unproved &&
            (!best || is_better(flow, best)))
            best = flow;
    }
    return best;
}

static bool has_open(const struct xf_hop *hop)
{
    XF_LIST_EACH (node, &hop->flows)
        if (xf_flow_is_open(XF_CONTAINER(node, struct xf_flow, hop_node)))
            return true;
    return false;
}

/* False: the rate says not yet. */
static bool is_due(struct xf_hop *hop)
{
    struct xf_rate_limits rate = limits_of(hop->how.rate);
    if (!rate.stanzas)
        return true;
    xf_bucket_fill(&hop->bucket, &rate, hop->ua->env->clock->now_ms);
    uint64_t wait_ms = xf_bucket_wait_ms(&hop->bucket, &rate);
    if (wait_ms) {
        xf_timer_start(hop->ua->env->timers, &hop->pace, wait_ms);
        return false;
    }
    xf_bucket_take(&hop->bucket, &rate, 0);
    return true;
}

void xf_hop_pump(struct xf_hop *hop)
{
    struct xf_flow *flow = NULL;
    while (!xf_list_is_empty(&hop->waiting) && (flow = pick(hop)) && is_due(hop))
        xf_ua_client_send(XF_CONTAINER(hop->waiting.next, struct xf_ua_client, node), flow);
    bool is_short = flow ? flow->client_count >= BUSY_REQUESTS : !xf_list_is_empty(&hop->waiting);
    if (is_short && !hop->ua->is_draining &&
        (hop->own_count < hop->ua->settings.hop_conns || !has_open(hop)))
        connect_one(hop);
}

void xf_hop_enter(struct xf_hop *hop, struct xf_ua_client *client)
{
    hop->client_count++;
    xf_list_push(&hop->waiting, &client->node);
    xf_hop_pump(hop);
}

void xf_hop_leave(struct xf_hop *hop)
{
    hop->client_count--;
    if (is_unused(hop))
        settle(hop);
}

/* ------------------------------------------------------------------ what its conns tell */

void xf_hop_up(struct xf_flow *flow)
{
    struct xf_hop *hop = flow->hop;
    if (!hop)
        return;
    if (hop->connecting) {
        hop->connecting--;
        hop->cause = XF_UA_CAUSE_NONE;
        forget_candidates(hop);
        xf_backoff_clear(&hop->ua->backoff, hop->name);
    }
    xf_hop_pump(hop);
}

void xf_hop_room(struct xf_flow *flow)
{
    if (flow->hop)
        xf_hop_pump(flow->hop);
}

void xf_hop_failed(struct xf_flow *flow, enum xf_ua_cause cause, const char *detail)
{
    static const char *const words[] = {[XF_UA_CAUSE_CONNECT] =
                                            "no server of the domain is reached: ",
                                        [XF_UA_CAUSE_TLS] = "TLS failed: ",
                                        [XF_UA_CAUSE_CERTIFICATE] = ""};
    struct xf_hop *hop = flow->hop;
    if (!hop)
        return;
    hop->cause = cause;
    hop->help = flow->fault.help;
    snprintf(hop->text, sizeof(hop->text), "%s%s", words[cause], detail);
}

void xf_hop_left(struct xf_flow *flow)
{
    struct xf_hop *hop = flow->hop;
    bool was_connecting = flow->is_outgoing && !flow->open_ms;
    if (!hop)
        return;
    xf_list_remove(&flow->hop_node);
    flow->hop = NULL;
    hop->own_count -= flow->is_outgoing;
    hop->connecting -= was_connecting;
    if (was_connecting && !hop->ua->is_draining)
        try_next(hop);
    else if (!xf_list_is_empty(&hop->waiting))
        xf_hop_pump(hop);
    if (is_unused(hop))
        settle(hop);
}

void xf_hop_adopt(struct xf_ua *ua, struct xf_flow *flow, struct xf_span local, struct xf_span peer)
{
    const struct xf_ua_party party = xf_flow_party(flow);
    struct xf_hop *hop = flow->hop ? NULL : xf_hop_for(ua, local, peer);
    struct xf_ua_caller caller;
    /* We showed the certificate of our host, so only for requests with that identity. */
    if (!hop || hop->how.is_clear || !xf_span_is(hop->how.identity, ua->settings.host))
        return;
    /* Others may be reached by the same hop: the conn must be good for that one. */
    if (!ua->events->calls(ua->owner, &party, xf_span_of(hop->name), &caller))
        return;
    flow->hop = hop;
    xf_list_push(&hop->flows, &flow->hop_node);
    xf_hop_pump(hop);
}

struct xf_flow *xf_hop_any_flow(struct xf_ua *ua, struct xf_span local, struct xf_span peer)
{
    struct xf_hop *hop = xf_hop_for(ua, local, peer);
    return hop ? pick(hop) : NULL;
}

/* ------------------------------------------------------------------ settings */

/*
 * For SNI: the domain, whose certificate we want (RFC 5922 section 7.8); but the host, where the
 * settings say that the certificate names a host.
 */
static struct xf_span server_name(const struct xf_hop *hop, const struct xf_flow *flow)
{
    const struct xf_peer_settings *settings = hop->how.settings;
    bool is_domain = settings->sip_name_check == XF_SIP_NAMES_DOMAIN &&
                     settings->sip_names.count == 0 && !hop->is_open;
    return xf_span_of(is_domain ? hop->name : flow->target);
}

void xf_hop_secures(struct xf_flow *flow, struct xf_tls_request *request)
{
    const struct xf_hop *hop = flow->hop;
    const struct xf_peer_settings *settings = hop->how.settings;
    request->local = xf_span_of(hop->identity);
    request->peer = server_name(hop, flow);
    request->min_version = settings->tls_min == 13 ? XF_TLS_1_3 : XF_TLS_1_2;
    request->ciphers = settings->ciphers && *settings->ciphers ? settings->ciphers : NULL;
    request->basis =
        (struct xf_tls_basis){.ca_file = settings->ca_file, .domain = xf_span_of(hop->name)};
}

/*
 * Whether a conn of the peer may still be used backwards, its next request with alias decides. What
 * waits is then connected for by what the hop says, which must be renewed by now.
 */
static void release_adopted(struct xf_hop *hop)
{
    XF_LIST_EACH_SAFE (node, &hop->flows) {
        struct xf_flow *flow = XF_CONTAINER(node, struct xf_flow, hop_node);
        if (!flow->is_outgoing)
            xf_hop_left(flow);
    }
}

void xf_hop_reload_all(struct xf_ua *ua)
{
    size_t cursor = 0;
    void *found;
    while (xf_map_next(ua->hops, &cursor, NULL, &found)) {
        struct xf_hop *hop = found;
        struct xf_ua_hop how = {0};
        if (ua->events->hop(ua->owner, xf_span_of(hop->local), xf_span_of(hop->peer), &how) &&
            xf_span_is(how.name, hop->name) && xf_span_is(how.identity, hop->identity)) {
            keep_how(hop, &how);
            release_adopted(hop);
            continue;
        }
        /* It is no hop of anybody now. What its conns carry goes on; nothing new is sent. */
        hop->how = (struct xf_ua_hop){.settings = xf_policy_defaults(ua->policy)};
        hop->cause = XF_UA_CAUSE_POLICY;
        snprintf(hop->text, sizeof(hop->text), "the domain is not reached by SIP any more");
        release_adopted(hop);
        settle(hop);
    }
}

void xf_hop_drain_all(struct xf_ua *ua)
{
    size_t cursor = 0;
    void *found;
    while (xf_map_next(ua->hops, &cursor, NULL, &found)) {
        struct xf_hop *hop = found;
        xf_discovery_cancel(&hop->discovery);
        forget_candidates(hop);
        hop->cause = XF_UA_CAUSE_SHUTDOWN;
        snprintf(hop->text, sizeof(hop->text), "this server is stopping");
        settle(hop);
    }
}
