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

static bool sip_is_on(const struct xf_policy *policy)
{
    return xf_conf_sip_is_on(policy->conf);
}

/* The one place that decides; its callers have the settings already. */
static enum xf_protocol protocol_of(const struct xf_policy *policy,
                                    const struct xf_peer_settings *settings, struct xf_span peer,
                                    int64_t *out_last_s)
{
    if (__builtin_expect(settings->protocol != XF_PROTOCOL_AUTO, 1))
        return settings->protocol;
    if (!sip_is_on(policy))
        return XF_PROTOCOL_XMPP;
    return policy->learned ? policy->learned(policy->owner, peer, out_last_s) : XF_PROTOCOL_AUTO;
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
    const struct xf_texts *further = &conf->peers[i].settings.sip_domains;
    for (size_t k = 0; k < further->count && section->settings.protocol == XF_PROTOCOL_SIP; k++)
        xf_map_set(policy->sip_carriers, xf_span_of(further->item[k]), section);
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
    policy->learned = opts->learned;
    policy->owner = opts->owner;
    policy->unix_s = opts->unix_s;
    policy->served = xf_map_new();
    policy->sip_carriers = xf_map_new();
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
    xf_map_free(&old->sip_carriers);
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

enum xf_protocol xf_policy_protocol(struct xf_policy *policy, struct xf_span peer)
{
    int64_t last_s;
    return protocol_of(policy, xf_policy_peer(policy, peer), peer, &last_s);
}

void xf_policy_protocol_facts(struct xf_policy *policy, struct xf_span peer,
                              struct xf_protocol_facts *out)
{
    const struct xf_peer_settings *settings = xf_policy_peer(policy, peer);
    *out = (struct xf_protocol_facts){.why = "its setting"};
    out->protocol = protocol_of(policy, settings, peer, &out->last_s);
    if (settings->protocol != XF_PROTOCOL_AUTO)
        return;
    out->is_learned = sip_is_on(policy) && out->protocol != XF_PROTOCOL_AUTO;
    if (out->is_learned)
        out->why = "learned: it authenticated by it last";
    else if (!policy->learned)
        out->why = "auto: the running xfedd knows what it has learned (xfedctl peer)";
    else
        out->why = out->protocol == XF_PROTOCOL_AUTO
                       ? "auto, and nothing is known yet: XMPP is tried first"
                       : "auto, and SIP is off";
}

bool xf_policy_goes_by_sip(struct xf_policy *policy, struct xf_span peer)
{
    return sip_is_on(policy) && xf_policy_protocol(policy, peer) == XF_PROTOCOL_SIP;
}

bool xf_policy_learns(struct xf_policy *policy, struct xf_span peer)
{
    return xf_policy_peer(policy, peer)->protocol == XF_PROTOCOL_AUTO;
}

const struct xf_texts *xf_policy_open_route(const struct xf_policy *policy)
{
    return &policy->conf->simple.open_route;
}

const char *xf_protocol_word(enum xf_protocol protocol)
{
    static const char *const words[] = {
        [XF_PROTOCOL_XMPP] = "xmpp", [XF_PROTOCOL_SIP] = "sip", [XF_PROTOCOL_AUTO] = "auto"};
    return words[protocol];
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
static enum xf_rule foundation(const struct xf_policy *policy, enum xf_protocol protocol,
                               struct xf_span served, struct xf_span peer,
                               const struct xf_peer_settings *settings)
{
    if (!policy->conf->policy.federation)
        return XF_RULE_FEDERATION;
    if (!xf_policy_served(policy, served))
        return XF_RULE_NOT_SERVED;
    if (is_switched_off(policy, peer))
        return XF_RULE_SWITCHED;
    if (peer.len == 0 || xf_policy_served(policy, peer))
        return XF_RULE_OURS;
    int64_t last_s;
    enum xf_protocol owner = protocol_of(policy, settings, peer, &last_s);
    return owner == protocol || owner == XF_PROTOCOL_AUTO ? XF_RULE_NONE : XF_RULE_SIP;
}

void xf_policy_pair_by(const struct xf_policy *policy, enum xf_protocol protocol,
                       struct xf_span served, struct xf_span peer, enum xf_direction direction,
                       struct xf_pair_facts *out)
{
    const struct xf_policy_section *section = find_section(policy, peer);
    *out = (struct xf_pair_facts){
        .settings = section ? &section->settings : &policy->conf->defaults,
        .rules = section ? section->rules : policy->default_rules,
    };
    out->rule = foundation(policy, protocol, served, peer, out->settings);
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

void xf_policy_pair(const struct xf_policy *policy, struct xf_span served, struct xf_span peer,
                    enum xf_direction direction, struct xf_pair_facts *out)
{
    xf_policy_pair_by(policy, XF_PROTOCOL_XMPP, served, peer, direction, out);
}

bool xf_policy_may_by_sip(struct xf_policy *policy, struct xf_span served, struct xf_span peer,
                          enum xf_direction direction)
{
    struct xf_pair_facts facts;
    xf_policy_pair_by(policy, XF_PROTOCOL_SIP, served, peer, direction, &facts);
    return facts.rule == XF_RULE_NONE || !facts.is_enforced;
}

const struct xf_peer_settings *xf_policy_sip_carrier(const struct xf_policy *policy,
                                                     struct xf_span domain,
                                                     struct xf_span *out_peer)
{
    const struct xf_policy_section *section = xf_map_find(policy->sip_carriers, domain);
    if (!section)
        return NULL;
    *out_peer = xf_span_of(policy->conf->peers[section - policy->sections].pattern);
    return &section->settings;
}

bool xf_policy_any_sip(const struct xf_policy *policy, xf_policy_sip_fn each, void *owner)
{
    const struct xf_conf *conf = policy->conf;
    for (size_t i = 0; i < conf->peer_count; i++)
        if (policy->sections[i].settings.protocol != XF_PROTOCOL_XMPP &&
            each(owner, conf->peers[i].pattern, &policy->sections[i].settings))
            return true;
    return conf->defaults.protocol != XF_PROTOCOL_XMPP && each(owner, NULL, &conf->defaults);
}

bool xf_policy_may(struct xf_policy *policy, struct xf_span served, struct xf_span peer,
                   enum xf_direction direction)
{
    struct xf_pair_facts facts;
    xf_policy_pair(policy, served, peer, direction, &facts);
    return facts.rule == XF_RULE_NONE || !facts.is_enforced;
}
