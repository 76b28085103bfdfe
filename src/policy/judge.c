/* SPDX-License-Identifier: MIT */
/*
 * judge.c — may this stanza pass? If not: by which rule, what to answer, and where the rule is
 * written.
 *
 * Rules are evaluated in the order of XF_RULE_MAP, and the first that refuses is reported: first
 * the rules for the pair (policy.c), then hour, user, kind, payload. Where a rule is written is
 * looked up only if it refused.
 */
#include "policy_priv.h"

#include <xfed/xmpp/ns.h>

const char *xf_rule_word(enum xf_rule rule)
{
    static const char *const words[] = {
#define X(name, word, text) [XF_RULE_##name] = word,
        XF_RULE_MAP(X)
#undef X
    };
    return words[rule];
}

static const char *rule_text(enum xf_rule rule)
{
    static const char *const texts[] = {
#define X(name, word, text) [XF_RULE_##name] = text,
        XF_RULE_MAP(X)
#undef X
    };
    return texts[rule];
}

/* ------------------------------------------------------------------ stanzas */

/*
 * Does any child satisfy the test? The names of the first few are known; a walk finds the others.
 */
static bool has_child(const struct xf_stanza *stanza,
                      bool (*is)(const void *wanted, struct xf_span ns), const void *wanted)
{
    if (stanza->child_count <= XF_STANZA_CHILDREN) {
        for (unsigned i = 0; i < stanza->child_count; i++)
            if (is(wanted, stanza->children[i].ns))
                return true;
        return false;
    }
    struct xf_span rest = stanza->payload;
    struct xf_stanza_child child;
    while (xf_stanza_next_child(&rest, &child))
        if (is(wanted, child.ns))
            return true;
    return false;
}

static bool is_of_a_room(const void *unused, struct xf_span ns)
{
    (void)unused;
    return xf_span_is(ns, XF_NS_MUC) || xf_span_is(ns, XF_NS_MUC_USER);
}

static bool is_blocked(const void *patterns, struct xf_span ns)
{
    return ns.len > 0 && xf_patterns_match(patterns, ns);
}

static unsigned presence_kind(const struct xf_stanza *stanza)
{
    static const char *const words[] = {"subscribe", "subscribed", "unsubscribe", "unsubscribed",
                                        "probe"};
    for (size_t i = 0; stanza->type.ptr && i < XF_ARRAY_LEN(words); i++)
        if (xf_span_is(stanza->type, words[i]))
            return XF_KINDS_SUBSCRIPTION;
    return has_child(stanza, is_of_a_room, NULL) ? XF_KINDS_GROUPCHAT : XF_KINDS_PRESENCE;
}

unsigned xf_policy_kind(const struct xf_stanza *stanza)
{
    switch (stanza->kind) {
    case XF_STANZA_MESSAGE:
        return xf_span_is(stanza->type, "groupchat") ? XF_KINDS_GROUPCHAT : XF_KINDS_MESSAGE;
    case XF_STANZA_PRESENCE:
        return presence_kind(stanza);
    case XF_STANZA_IQ:
        break;
    }
    return XF_KINDS_IQ;
}

/* ------------------------------------------------------------------ rules of a stanza */

static bool is_in_hours(const struct xf_policy_rules *rules, unsigned minute_of_week)
{
    for (size_t i = 0; i < rules->hour_count; i++)
        if (xf_hours_hold(&rules->hours[i], minute_of_week))
            return true;
    return rules->hour_count == 0;
}

static bool may_user(const struct xf_policy *policy, const struct xf_pair_facts *facts,
                     struct xf_span user)
{
    const struct xf_texts *groups = &facts->settings->groups;
    if (facts->settings->users.count == 0 && groups->count == 0)
        return true;
    if (facts->rules && xf_patterns_match(&facts->rules->users, user))
        return true;
    for (size_t i = 0; i < groups->count && policy->is_member; i++)
        if (policy->is_member(policy->owner, groups->item[i], user))
            return true;
    return false;
}

static enum xf_rule stanza_rule(const struct xf_policy *policy, const struct xf_pair_facts *facts,
                                const struct xf_policy_ask *ask)
{
    const struct xf_policy_rules *rules = facts->rules;
    bool is_in = ask->direction == XF_DIRECTION_IN;
    if (rules && !is_in_hours(rules, ask->minute_of_week))
        return XF_RULE_HOURS;
    if (ask->user.ptr && !may_user(policy, facts, ask->user))
        return XF_RULE_USER;
    if (ask->kind & (is_in ? facts->settings->block_kinds_in : facts->settings->block_kinds_out))
        return XF_RULE_KIND;
    if (rules && ask->stanza &&
        has_child(ask->stanza, is_blocked, is_in ? &rules->ns_in : &rules->ns_out))
        return XF_RULE_NAMESPACE;
    return XF_RULE_NONE;
}

bool xf_policy_is_plain(struct xf_policy *policy, struct xf_span peer, enum xf_direction direction)
{
    const struct xf_peer_settings *settings = xf_policy_peer(policy, peer);
    bool is_in = direction == XF_DIRECTION_IN;
    return settings->hours.count == 0 && settings->users.count == 0 &&
           settings->groups.count == 0 &&
           (is_in ? settings->block_kinds_in : settings->block_kinds_out) == 0 &&
           (is_in ? settings->block_namespaces_in.count : settings->block_namespaces_out.count) ==
               0;
}

/* ------------------------------------------------------------------ where it is written */

static const char *key_of(enum xf_rule rule, const struct xf_peer_settings *settings, bool is_in)
{
    switch (rule) {
    case XF_RULE_FEDERATION:
        return "federation";
    case XF_RULE_SIP:
        return "protocol";
    case XF_RULE_BLOCKLIST:
        return "blocklists";
    case XF_RULE_DEFAULT:
        return "default";
    case XF_RULE_DIRECTION:
        return "direction";
    case XF_RULE_HOURS:
        return "hours";
    case XF_RULE_USER:
        return settings->users.count ? "users" : "groups";
    case XF_RULE_KIND:
        return is_in ? "block-kinds-in" : "block-kinds-out";
    case XF_RULE_NAMESPACE:
        return is_in ? "block-namespaces-in" : "block-namespaces-out";
    default:
        return NULL;
    }
}

static void name_place(struct xf_ruling *out, const struct xf_conf_place *place, int line)
{
    out->file = line > 0 ? place->file : NULL;
    out->line = line;
}

static void find_place(const struct xf_policy *policy, struct xf_span peer,
                       const struct xf_pair_facts *facts, struct xf_ruling *out)
{
    const struct xf_conf *conf = policy->conf;
    if (!out->key)
        return;
    if (out->rule == XF_RULE_BLOCKLIST) {
        out->file = facts->blocked.file;
        out->line = facts->blocked.line;
        out->note = facts->blocked.reason;
    } else if (out->rule == XF_RULE_FEDERATION) {
        name_place(out, &conf->top_at, xf_conf_line(&conf->top_at, out->key));
    } else if (out->rule == XF_RULE_DEFAULT) {
        name_place(out, &conf->policy_at, xf_conf_line(&conf->policy_at, out->key));
    } else {
        struct xf_conf_origin origin = xf_conf_setting_origin(conf, peer, out->key);
        if (origin.place)
            name_place(out, origin.place, origin.line);
    }
}

/* ------------------------------------------------------------------ the ruling */

/* That a domain belongs to another protocol is told in any case: whoever asks is misled. */
static enum xf_denial answer_of(enum xf_rule rule, const struct xf_peer_settings *settings,
                                bool is_in)
{
    if (rule == XF_RULE_SIP)
        return is_in ? XF_DENIAL_VIOLATION : XF_DENIAL_ERROR;
    return is_in ? settings->denied_peer : settings->denied_user;
}

static void rule(const struct xf_policy *policy, const struct xf_pair_facts *facts,
                 struct xf_span peer, bool is_in, struct xf_ruling *out)
{
    const struct xf_peer_settings *settings = facts->settings;
    *out = (struct xf_ruling){
        .rule = facts->rule,
        .passes = facts->rule == XF_RULE_NONE || !facts->is_enforced,
        .answer = answer_of(facts->rule, settings, is_in),
        .text = "",
        .note = "",
        .help = facts->rule == XF_RULE_SIP ? XF_HELP_SIP_DOMAIN : XF_HELP_POLICY_DENIED,
    };
    if (facts->rule == XF_RULE_NONE)
        return;
    bool has_words = settings->reason && *settings->reason && facts->rule > XF_RULE_SIP;
    out->text = has_words ? settings->reason : rule_text(facts->rule);
    out->key = key_of(facts->rule, settings, is_in);
    find_place(policy, peer, facts, out);
}

void xf_policy_judge_pair_by(struct xf_policy *policy, enum xf_protocol protocol,
                             struct xf_span served, struct xf_span peer,
                             enum xf_direction direction, struct xf_ruling *out)
{
    struct xf_pair_facts facts;
    xf_policy_pair_by(policy, protocol, served, peer, direction, &facts);
    rule(policy, &facts, peer, direction == XF_DIRECTION_IN, out);
}

void xf_policy_judge_pair(struct xf_policy *policy, struct xf_span served, struct xf_span peer,
                          enum xf_direction direction, struct xf_ruling *out)
{
    xf_policy_judge_pair_by(policy, XF_PROTOCOL_XMPP, served, peer, direction, out);
}

static bool is_name(struct xf_span name, const char *other, size_t other_len)
{
    return name.len == other_len && memcmp(name.ptr, other, other_len) == 0;
}

/* Like xf_policy_pair, but computed once for a run of stanzas of the same pair. */
static void last_pair(struct xf_policy *policy, const struct xf_policy_ask *ask,
                      struct xf_pair_facts *out)
{
    struct xf_last_pair *last =
        ask->direction == XF_DIRECTION_IN ? &policy->last_in : &policy->last_out;
    if (!last->is_known || last->protocol != ask->protocol ||
        !is_name(ask->peer, last->peer, last->peer_len) ||
        !is_name(ask->served, last->served, last->served_len)) {
        xf_policy_pair_by(policy, ask->protocol, ask->served, ask->peer, ask->direction,
                          &last->facts);
        last->protocol = ask->protocol;
        last->served_len = ask->served.len;
        last->peer_len = ask->peer.len;
        last->is_known = ask->served.len <= XF_DOMAIN_MAX && ask->peer.len <= XF_DOMAIN_MAX &&
                         last->facts.settings->protocol != XF_PROTOCOL_AUTO; /* may be learned */
        if (last->is_known) {
            memcpy(last->served, ask->served.ptr, ask->served.len);
            memcpy(last->peer, ask->peer.ptr, ask->peer.len);
        }
    }
    *out = last->facts;
}

void xf_policy_judge(struct xf_policy *policy, const struct xf_policy_ask *ask,
                     struct xf_ruling *out)
{
    struct xf_pair_facts facts;
    last_pair(policy, ask, &facts);
    if (facts.rule == XF_RULE_NONE) {
        facts.rule = stanza_rule(policy, &facts, ask);
        facts.is_enforced = facts.settings->enforce && policy->conf->policy.enforce;
    }
    rule(policy, &facts, ask->peer, ask->direction == XF_DIRECTION_IN, out);
}
