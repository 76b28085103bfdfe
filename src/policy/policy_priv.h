/* SPDX-License-Identifier: MIT */
/*
 * policy_priv.h — what the files of policy share.
 *
 *   policy.c     sections, served domains, the verdict of a pair
 *   rules.c      a section's rules for single stanzas, compiled
 *   judge.c      the verdict of a stanza, and where the rule behind it is written
 *   blocklist.c  the domains to refuse, from files
 *   explain.c    explains verdicts and settings to people
 */
#pragma once

#include <xfed/base/forms.h>
#include <xfed/base/map.h>
#include <xfed/conf/conf.h>
#include <xfed/policy/policy.h>
#include <xfed/xmpp/jid.h>

/* ---- rules.c: the lists of a section, in the form for lookups */
struct xf_patterns {
    struct xf_map *exact; /* text -> itself; NULL: none */
    struct xf_span *wild; /* with * in them */
    size_t wild_count;
};

struct xf_policy_rules {
    struct xf_hours *hours; /* count 0: always */
    size_t hour_count;
    struct xf_patterns users;
    struct xf_patterns ns_in, ns_out; /* escaped, as namespaces of children are (stanza.h) */
};

/* NULL: the settings have no such lists. */
struct xf_policy_rules *xf_policy_rules_new(const struct xf_peer_settings *settings);
void xf_policy_rules_free(struct xf_policy_rules **rules);
/* Do both have the lists of the same section? */
bool xf_policy_rules_are_same(const struct xf_peer_settings *a, const struct xf_peer_settings *b);
bool xf_patterns_match(const struct xf_patterns *patterns, struct xf_span text);

/* ---- policy.c */
struct xf_policy_section { /* what applies to all names of a section, or to all without one */
    struct xf_peer_settings settings;
    const struct xf_policy_rules *rules; /* NULL: none; its own or that of the defaults */
    bool is_of_one_owner;                /* else a pattern such as "*.org" */
};

/* Everything that is known about a pair before looking at stanzas. */
struct xf_pair_facts {
    const struct xf_peer_settings *settings;
    const struct xf_policy_rules *rules;
    enum xf_rule rule;         /* the first rule that refuses the pair */
    bool is_enforced;          /* else it is a dry run */
    struct xf_blocked blocked; /* of rule BLOCKLIST */
};
/* The pair that was judged last; stanzas come in runs. */
struct xf_last_pair {
    char served[XF_DOMAIN_MAX + 1], peer[XF_DOMAIN_MAX + 1];
    size_t served_len, peer_len;
    enum xf_protocol protocol; /* by which the stanzas pass */
    bool is_known;
    struct xf_pair_facts facts;
};

struct xf_policy {
    const struct xf_conf *conf;
    const struct xf_blocklist *blocklist;
    const struct xf_policy_switches *switches; /* NULL: none */
    xf_policy_member_fn is_member;
    xf_policy_learned_fn learned;
    void *owner;
    int64_t unix_s;
    struct xf_map *served;              /* domain or alias -> const struct xf_served_settings */
    struct xf_policy_section *sections; /* one for each of conf->peers */
    struct xf_map *sip_carriers;        /* a further domain -> const struct xf_policy_section */
    struct xf_policy_rules *default_rules;
    struct xf_last_pair last_in, last_out;
};

void xf_policy_pair_by(const struct xf_policy *policy, enum xf_protocol protocol,
                       struct xf_span served, struct xf_span peer, enum xf_direction direction,
                       struct xf_pair_facts *out);
/* By XMPP. */
void xf_policy_pair(const struct xf_policy *policy, struct xf_span served, struct xf_span peer,
                    enum xf_direction direction, struct xf_pair_facts *out);
