/* SPDX-License-Identifier: MIT */
/*
 * admission.c — which conns we have: the ones that find a place, and whose party the owner admits.
 *
 * An accepted conn holds a place among the half-open ones until its party is admitted, then one
 * among the conns of peers, both by its address and network (limits/quota.h). A conn that finds no
 * place is closed before it costs TLS. A conn of ours holds a place by its next hop and the owner
 * of that.
 *
 * The certificate of a conn is judged by the authorities and revocation lists of the last reload,
 * and by the date: again when there was a reload since, and from time to time.
 */
#include <xfed/xmpp/owner.h>

#include "flow_priv.h"
#include "hop_priv.h"

#define SLOW_MS          5000  /* most handshakes need a second; a conn this old gives way */
#define UNUSED_MS        60000 /* a peer's conn without messages for so long gives way */
#define DESCRIPTORS_PART 4     /* conns may use a quarter of the descriptors */

static const struct xf_ua_fault evicted_fault = {
    "evicted", "too many connections: another one takes this place", XF_HELP_NO_PLACE};

static const char *const words[] = {[XF_QUOTA_MEMBER_FULL] = "address",
                                    [XF_QUOTA_GROUP_FULL] = "network",
                                    [XF_QUOTA_ALL_FULL] = "total"};

static enum xf_quota_answer take(struct xf_flow *flow, struct xf_quota *quota,
                                 struct xf_place *place, const struct xf_quota_limits *limits,
                                 struct xf_place **out_evicted)
{
    const struct xf_quota_keys keys = {.group = xf_span_of(flow->network),
                                       .member = xf_span_of(flow->host)};
    *out_evicted = NULL;
    enum xf_quota_answer answer =
        xf_quota_take(quota, place, &keys, limits, flow->ua->env->clock->now_ms, out_evicted);
    if (answer != XF_QUOTA_ROOM)
        xf_ua_crush_note(flow->ua, &flow->addr, words[answer]);
    return answer;
}

static void evict(struct xf_flow *flow)
{
    xf_ua_crush_note(flow->ua, &flow->addr, "evicted");
    xf_flow_end(flow, &evicted_fault, XF_UA_CAUSE_LOST, 0);
}

bool xf_flow_take_half_place(struct xf_flow *flow)
{
    const struct xf_ua_settings *settings = &flow->ua->settings;
    const struct xf_quota_limits limits = {
        .per_member = settings->half_open_per_address,
        .per_group = settings->half_open_per_network,
        .total = xf_env_share(flow->ua->env, settings->half_open, DESCRIPTORS_PART),
        .unused_ms = SLOW_MS,
    };
    struct xf_place *evicted;
    enum xf_quota_answer answer =
        take(flow, &flow->ua->half_open, &flow->half_place, &limits, &evicted);
    if (evicted)
        evict(XF_CONTAINER(evicted, struct xf_flow, half_place));
    return answer == XF_QUOTA_ROOM;
}

static bool take_place(struct xf_flow *flow)
{
    const struct xf_ua_settings *settings = &flow->ua->settings;
    const struct xf_quota_limits limits = {
        .per_member = settings->conns_per_address,
        .per_group = settings->conns_per_network,
        .total = xf_env_share(flow->ua->env, settings->conns, DESCRIPTORS_PART),
        .unused_ms = UNUSED_MS,
    };
    struct xf_place *evicted;
    enum xf_quota_answer answer = take(flow, &flow->ua->conns, &flow->place, &limits, &evicted);
    if (evicted)
        evict(XF_CONTAINER(evicted, struct xf_flow, place));
    return answer == XF_QUOTA_ROOM;
}

static struct xf_quota_keys own_keys(struct xf_span peer)
{
    return (struct xf_quota_keys){.group = xf_domain_owner(peer), .member = peer};
}

bool xf_flow_has_own_place(const struct xf_hop *hop)
{
    struct xf_ua *ua = hop->ua;
    unsigned total = xf_env_share(ua->env, ua->settings.own_conns, DESCRIPTORS_PART);
    const struct xf_quota_limits limits = {
        .per_member = total, /* hop.c has the limit of one hop */
        .per_group = ua->settings.own_conns_per_owner,
        .total = total,
        .unused_ms = UNUSED_MS,
    };
    const struct xf_quota_keys keys = own_keys(xf_span_of(hop->name));
    struct xf_place *victim;
    if (xf_quota_look(&ua->own_conns, &keys, &limits, ua->env->clock->now_ms, &victim) !=
        XF_QUOTA_ROOM)
        return false;
    if (!victim)
        return true;
    /* What is under way on a conn is not given up for a new one: it may be delivered already. */
    struct xf_flow *flow = XF_CONTAINER(victim, struct xf_flow, place);
    if (!xf_flow_is_unused(flow))
        return false;
    evict(flow);
    return true;
}

void xf_flow_enter_own_place(struct xf_flow *flow)
{
    const struct xf_quota_keys keys = own_keys(xf_span_of(flow->peer));
    xf_quota_enter(&flow->ua->own_conns, &flow->place, &keys, flow->ua->env->clock->now_ms);
}

static bool is_known(struct xf_flow *flow)
{
    const struct xf_ua_party party = xf_flow_party(flow);
    struct xf_refusal refusal = {0};
    if (flow->ua->events->admits(flow->ua->owner, &party, &refusal))
        return true;
    flow->fault =
        (struct xf_ua_fault){flow->is_clear ? "address" : "certificate",
                             refusal.text ? refusal.text : "it is not a peer", refusal.help};
    return false;
}

static bool is_admitted(struct xf_flow *flow)
{
    if (!is_known(flow))
        return false;
    if (xf_place_is_held(&flow->place)) /* one of ours has its place from the beginning on */
        return true;
    if (!take_place(flow)) {
        flow->fault = (struct xf_ua_fault){"no-place", "too many connections", XF_HELP_NO_PLACE};
        flow->is_told = true;
        return false;
    }
    xf_quota_give(&flow->ua->half_open, &flow->half_place);
    return true;
}

/* ------------------------------------------------------------------ the certificate */

static void on_judged(void *owner);

static struct xf_tls_basis basis_of(const struct xf_flow *flow)
{
    const struct xf_ua *ua = flow->ua;
    const struct xf_ua_party party = xf_flow_party(flow);
    struct xf_tls_basis basis = {0};
    if (ua->events->basis)
        ua->events->basis(ua->owner, &party, &basis);
    basis.identities = ua->identities;
    return basis;
}

static void judge(struct xf_flow *flow)
{
    struct xf_ua *ua = flow->ua;
    const struct xf_tls_basis basis = basis_of(flow);
    flow->judged_by = ua->generation;
    flow->is_judging = true;
    ua->env->judge_tls(ua->env, flow->conn, &basis, on_judged, flow);
}

static void recheck(struct xf_few_entry *entry)
{
    judge(XF_CONTAINER(entry, struct xf_flow, recheck));
}

void xf_ua_rechecks_init(struct xf_ua *ua)
{
    xf_few_init(&ua->rechecks, XF_RECHECKS_MAX, recheck);
}

static bool is_outdated(const struct xf_flow *flow)
{
    return flow->judged_by != flow->ua->generation;
}

void xf_flow_judge_again(struct xf_flow *flow)
{
    if (xf_flow_is_open(flow) && !flow->is_clear && is_outdated(flow) && !flow->is_judging &&
        !xf_few_has(&flow->recheck))
        xf_few_wait(&flow->ua->rechecks, &flow->recheck);
}

void xf_flow_admit(struct xf_flow *flow)
{
    if (is_admitted(flow)) {
        xf_machine_fire(&xf_flow_machine, flow, XF_FLOW_ON_ADMIT);
        return;
    }
    xf_flow_log_refused(flow);
    flow->ua->flow_events->failed(flow, XF_UA_CAUSE_CERTIFICATE, flow->fault.text);
    xf_flow_end(flow, NULL, XF_UA_CAUSE_CERTIFICATE, 0);
}

/* What other authorities said says nothing, for it or against it. */
static bool is_unproved(const struct xf_flow *flow)
{
    return (is_outdated(flow) || flow->is_judging) && flow->conn->tls &&
           !xf_tls_facts_are_by(flow->conn->tls, basis_of(flow).ca_file);
}

/* Is it still good? */
static void check_again(struct xf_flow *flow)
{
    if (!xf_flow_is_open(flow))
        return;
    if (is_unproved(flow)) {
        xf_flow_set_unproved(flow, true);
    } else if (is_admitted(flow)) {
        xf_flow_set_unproved(flow, false);
    } else {
        xf_flow_log_refused(flow);
        xf_flow_end(flow, NULL, XF_UA_CAUSE_CERTIFICATE, XF_FLOW_LINGER_MS);
    }
}

void xf_flow_readmit(struct xf_flow *flow)
{
    size_t max_bytes = flow->ua->limits.message_bytes + XF_FLOW_SPARE_BYTES;
    if (flow->in.max < max_bytes)
        flow->in.max = max_bytes;
    check_again(flow);
    xf_flow_judge_again(flow);
}

static void on_judged(void *owner)
{
    struct xf_flow *flow = owner;
    struct xf_ua *ua = flow->ua;
    flow->is_judging = false;
    (void)xf_few_done(&ua->rechecks, &flow->recheck);
    if (flow->state == XF_FLOW_JUDGING && flow->judged_by != ua->generation) {
        judge(flow);
    } else if (flow->state == XF_FLOW_JUDGING) {
        xf_flow_admit(flow);
    } else {
        check_again(flow);
        xf_flow_judge_again(flow);
    }
    xf_few_go_on(&ua->rechecks);
}

void xf_flow_judge(struct xf_flow *flow)
{
    xf_conn_pause(flow->conn, true);
    judge(flow);
}
