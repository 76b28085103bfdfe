/* SPDX-License-Identifier: MIT */
/*
 * policy.c — which domains we serve, which settings apply to a peer, and whether stanzas of a pair
 * may pass.
 *
 * The settings are resolved once for each section of the configuration, when the policy is created:
 * the most specific section for a name (its own, else the longest pattern) has already been merged
 * with the shorter patterns and the defaults. So all names of a section share one struct, and so do
 * all names without a section; memory does not grow with names that strangers make up, and a lookup
 * costs one hash for each label of the name.
 */
#include "policy_priv.h"

#include <xfed/base/alloc.h>
#include <xfed/xmpp/owner.h>

static void add_served(struct xf_policy *policy, struct xf_served_settings *served)
{
    xf_map_set(policy->served, xf_span_of(served->domain), served);
    for (size_t i = 0; i < served->aliases.count; i++)
        xf_map_set(policy->served, xf_span_of(served->aliases.item[i]), served);
}

/* Most sections inherit the lists of the defaults, which are compiled once. */
static void add_section(struct xf_policy *policy, size_t i)
{
    const struct xf_conf *conf = policy->conf;
    struct xf_policy_section *section = &policy->sections[i];
    xf_conf_section_settings(conf, &conf->peers[i], &section->settings);
    if (xf_policy_rules_are_same(&section->settings, &conf->defaults))
        section->rules = policy->default_rules;
    else
        section->rules = xf_policy_rules_new(&section->settings);
    struct xf_span name = xf_span_of(conf->peers[i].pattern);
    bool is_pattern = name.len > 2 && memcmp(name.ptr, "*.", 2) == 0;
    section->is_of_one_owner =
        !is_pattern || !xf_domain_is_public_suffix((struct xf_span){name.ptr + 2, name.len - 2});
}

struct xf_policy *xf_policy_new(const struct xf_policy_opts *opts)
{
    const struct xf_conf *conf = opts->conf;
    struct xf_policy *policy = xf_new(struct xf_policy);
    policy->conf = conf;
    policy->blocklist = opts->blocklist;
    policy->switches = opts->switches;
    policy->is_member = opts->is_member;
    policy->owner = opts->owner;
    policy->unix_s = opts->unix_s;
    policy->served = xf_map_new();
    policy->sections = xf_alloc((conf->peer_count + 1) * sizeof(*policy->sections));
    policy->default_rules = xf_policy_rules_new(&conf->defaults);
    for (size_t i = 0; i < conf->served_count; i++)
        add_served(policy, &conf->served[i].settings);
    for (size_t i = 0; i < conf->peer_count; i++)
        add_section(policy, i);
    return policy;
}

void xf_policy_free(struct xf_policy **policy)
{
    struct xf_policy *old = *policy;
    if (!old)
        return;
    for (size_t i = 0; i < old->conf->peer_count; i++) {
        /* It is const for its readers, but was created here. */
        struct xf_policy_rules *rules = (struct xf_policy_rules *)old->sections[i].rules;
        if (rules != old->default_rules)
            xf_policy_rules_free(&rules);
    }
    xf_policy_rules_free(&old->default_rules);
    xf_map_free(&old->served);
    xf_free(old->sections);
    xf_free(old);
    *policy = NULL;
}

static void forget_last(struct xf_policy *policy)
{
    policy->last_in.is_known = policy->last_out.is_known = false;
}

void xf_policy_set_time(struct xf_policy *policy, int64_t unix_s)
{
    policy->unix_s = unix_s;
    forget_last(policy); /* an entry of a blocklist may have expired */
}

void xf_policy_switched(struct xf_policy *policy)
{
    forget_last(policy);
}

const struct xf_served_settings *xf_policy_served(const struct xf_policy *policy,
                                                  struct xf_span domain)
{
    return xf_map_find(policy->served, domain);
}

const struct xf_served_settings *xf_policy_first_served(const struct xf_policy *policy)
{
    return policy->conf->served_count ? &policy->conf->served[0].settings : NULL;
}

/* NULL: only the defaults apply. */
static const struct xf_policy_section *find_section(const struct xf_policy *policy,
                                                    struct xf_span peer)
{
    const struct xf_conf_peer *section = xf_conf_peer_find(policy->conf, peer);
    return section ? &policy->sections[section - policy->conf->peers] : NULL;
}

const struct xf_peer_settings *xf_policy_peer(struct xf_policy *policy, struct xf_span peer)
{
    const struct xf_policy_section *section = find_section(policy, peer);
    return section ? &section->settings : &policy->conf->defaults;
}

const struct xf_peer_settings *xf_policy_defaults(const struct xf_policy *policy)
{
    return &policy->conf->defaults;
}

static bool has_rate(const struct xf_peer_settings *settings)
{
    return settings->stanza_rate || settings->byte_rate;
}

bool xf_policy_has_rates(const struct xf_policy *policy)
{
    bool any = has_rate(&policy->conf->defaults);
    for (size_t i = 0; i < policy->conf->peer_count && !any; i++)
        any = has_rate(&policy->sections[i].settings);
    return any;
}

bool xf_policy_names(const struct xf_policy *policy, struct xf_span peer)
{
    const struct xf_policy_section *section = find_section(policy, peer);
    return section && section->is_of_one_owner;
}

/* ------------------------------------------------------------------ pairs */

static bool is_switched_off(const struct xf_policy *policy, struct xf_span peer)
{
    const struct xf_policy_switches *switches = policy->switches;
    for (size_t i = 0; switches && i < switches->peers.count; i++)
        if (xf_span_is(peer, switches->peers.item[i]))
            return true;
    return switches && switches->is_off;
}

/* The rules that apply in a dry run too. */
static enum xf_rule foundation(const struct xf_policy *policy, struct xf_span served,
                               struct xf_span peer)
{
    if (!policy->conf->policy.federation)
        return XF_RULE_FEDERATION;
    if (!xf_policy_served(policy, served))
        return XF_RULE_NOT_SERVED;
    if (is_switched_off(policy, peer))
        return XF_RULE_SWITCHED;
    return peer.len == 0 || xf_policy_served(policy, peer) ? XF_RULE_OURS : XF_RULE_NONE;
}

void xf_policy_pair(const struct xf_policy *policy, struct xf_span served, struct xf_span peer,
                    enum xf_direction direction, struct xf_pair_facts *out)
{
    const struct xf_policy_section *section = find_section(policy, peer);
    *out = (struct xf_pair_facts){
        .settings = section ? &section->settings : &policy->conf->defaults,
        .rules = section ? section->rules : policy->default_rules,
        .rule = foundation(policy, served, peer),
    };
    out->is_enforced =
        out->rule != XF_RULE_NONE || (out->settings->enforce && policy->conf->policy.enforce);
    if (out->rule != XF_RULE_NONE)
        return;
    if (policy->blocklist &&
        xf_blocklist_find(policy->blocklist, peer, policy->unix_s, &out->blocked))
        out->rule = XF_RULE_BLOCKLIST;
    else if (!section && !policy->conf->policy.default_allow)
        out->rule = XF_RULE_DEFAULT;
    else if (direction == XF_DIRECTION_NONE || (out->settings->direction & direction) != direction)
        out->rule = XF_RULE_DIRECTION;
}

bool xf_policy_may(struct xf_policy *policy, struct xf_span served, struct xf_span peer,
                   enum xf_direction direction)
{
    struct xf_pair_facts facts;
    xf_policy_pair(policy, served, peer, direction, &facts);
    return facts.rule == XF_RULE_NONE || !facts.is_enforced;
}
