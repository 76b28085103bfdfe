/* SPDX-License-Identifier: MIT */
/*
 * policy.h — pure decisions over a configuration: whom we serve, what holds for a peer, may a stanza pass.
 * Immutable after xf_policy_new; a reload makes a new one.
 */
#pragma once

#include <xfed/conf/conf.h>

struct xf_policy;

/* `conf` is borrowed for the policy's life. */
struct xf_policy *xf_policy_new(const struct xf_conf *conf);
void xf_policy_free(struct xf_policy **policy);

const struct xf_conf *xf_policy_conf(const struct xf_policy *policy);

/* The served domain (or alias) of that prepared name, or NULL. Lookups are one hash. */
const struct xf_conf_served *xf_policy_served(const struct xf_policy *policy, struct xf_span domain);

/* Effective settings of a peer, resolved beforehand; they live as long as the policy. */
const struct xf_peer_settings *xf_policy_peer(struct xf_policy *policy, struct xf_span peer);

/*
 * May stanzas flow between the domains in that direction (both: in each)? False for a `served` that is not ours, a `peer`
 * that is, for a peer without a section where policy { default = deny }, and when federation is off.
 */
bool xf_policy_may(struct xf_policy *policy, struct xf_span served, struct xf_span peer, enum xf_direction direction);
