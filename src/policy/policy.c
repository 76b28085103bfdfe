/* SPDX-License-Identifier: MIT */
/*
 * policy.c — whom we serve, what holds for a peer, and whether a stanza may pass. Pure.
 *
 * The settings in force are resolved once for each section of the configuration, when the policy is made: whatever a name
 * is, the section that says the last word about it (its own, else the longest pattern) has already been merged with the
 * shorter patterns and the defaults. So every stranger shares one struct with all other names of its section or of none,
 * nothing grows with the names that strangers make up, and a lookup costs one hash for each label of the name.
 */
#include <xfed/policy/policy.h>

#include <xfed/base/alloc.h>
#include <xfed/base/map.h>

struct xf_policy {
    const struct xf_conf *conf;
    struct xf_map *served;              /* domain or alias -> const struct xf_conf_served */
    struct xf_peer_settings *in_force;  /* one beside each of conf->peers */
};

static void add_served(struct xf_policy *policy, struct xf_conf_served *served)
{
    xf_map_set(policy->served, xf_span_of(served->domain), served);
    for (size_t i = 0; i < served->aliases.count; i++)
        xf_map_set(policy->served, xf_span_of(served->aliases.item[i]), served);
}

struct xf_policy *xf_policy_new(const struct xf_policy_opts *opts)
{
    const struct xf_conf *conf = opts->conf;
    struct xf_policy *policy = xf_new(struct xf_policy);
    policy->conf = conf;
    policy->served = xf_map_new();
    policy->in_force = xf_alloc((conf->peer_count + 1) * sizeof(*policy->in_force));
    for (size_t i = 0; i < conf->served_count; i++)
        add_served(policy, &conf->served[i]);
    for (size_t i = 0; i < conf->peer_count; i++)
        xf_conf_section_settings(conf, &conf->peers[i], &policy->in_force[i]);
    return policy;
}

void xf_policy_free(struct xf_policy **policy)
{
    if (!*policy)
        return;
    xf_map_free(&(*policy)->served);
    xf_free((*policy)->in_force);
    xf_free(*policy);
    *policy = NULL;
}

const struct xf_conf *xf_policy_conf(const struct xf_policy *policy)
{
    return policy->conf;
}

const struct xf_conf_served *xf_policy_served(const struct xf_policy *policy, struct xf_span domain)
{
    return xf_map_find(policy->served, domain);
}

const struct xf_peer_settings *xf_policy_peer(struct xf_policy *policy, struct xf_span peer)
{
    const struct xf_conf_peer *section = xf_conf_peer_find(policy->conf, peer);
    return section ? &policy->in_force[section - policy->conf->peers] : &policy->conf->defaults;
}

bool xf_policy_may(struct xf_policy *policy, struct xf_span served, struct xf_span peer, enum xf_direction direction)
{
    if (!policy->conf->federation || peer.len == 0)
        return false;
    if (!xf_policy_served(policy, served) || xf_policy_served(policy, peer))
        return false;
    const struct xf_conf_peer *section = xf_conf_peer_find(policy->conf, peer);
    if (!section && !policy->conf->default_allow)
        return false;
    const struct xf_peer_settings *settings =
        section ? &policy->in_force[section - policy->conf->peers] : &policy->conf->defaults;
    return (settings->direction & direction) == direction && direction != XF_DIRECTION_NONE;
}
