/* SPDX-License-Identifier: MIT */
/*
 * policy.h — decisions made from a configuration: which domains we serve, which settings apply to a
 * peer, whether a stanza may pass. After xf_policy_new only its time changes; a reload creates a
 * new policy. It caches the pair that was judged last, so only one thread may use it.
 *
 * Two questions, asked at different times. xf_policy_may is about a pair, and its answer holds
 * until the next reload: a stream asks before DNS and TLS, and a route keeps the answer.
 * xf_policy_judge is about one stanza (user, kind, payload, hour). Most peers have no such rules;
 * xf_policy_is_plain tells this in advance, so that their stanzas need no judgement.
 */
#pragma once

#include <stdio.h>
#include <xfed/base/err.h>
#include <xfed/base/help.h>
#include <xfed/base/span.h>
#include <xfed/policy/settings.h>
#include <xfed/xmpp/stanza.h>

struct xf_conf;
struct xf_policy;
struct xf_blocklist;

/*
 * Is `jid` (bare) in that group of directory { groups }? Answers at once, from what was last read;
 * false before anything was read.
 */
typedef bool (*xf_policy_member_fn)(void *owner, const char *group, struct xf_span jid);

/*
 * What is known of a domain with protocol = auto: which protocol it belongs to, and *out_last_s
 * since when it is silent by that one (Unix time). XF_PROTOCOL_AUTO: nothing.
 */
typedef enum xf_protocol (*xf_policy_learned_fn)(void *owner, struct xf_span peer,
                                                 int64_t *out_last_s);

/*
 * What an operator has switched off while xfedd runs, in addition to what the configuration
 * refuses. Whoever changes it calls xf_policy_switched, and asks again about verdicts that it
 * keeps.
 */
struct xf_policy_switches {
    bool is_off;           /* no domain may communicate */
    struct xf_texts peers; /* prepared domains that may not; zeroed: none */
};

struct xf_policy_opts {
    const struct xf_conf *conf; /* borrowed for the policy's life */
    /* borrowed too; NULL: nothing can be switched off */
    const struct xf_policy_switches *switches;
    const struct xf_blocklist *blocklist; /* borrowed too; NULL for none */
    xf_policy_member_fn is_member;        /* NULL: nobody is in a group */
    xf_policy_learned_fn learned;         /* NULL: nothing is known */
    void *owner;
    /* The current time; blocklist entries that expired before it do not count. */
    int64_t unix_s;
};
struct xf_policy *xf_policy_new(const struct xf_policy_opts *opts);
void xf_policy_free(struct xf_policy **policy);

/*
 * Set the current time, at which further entries of the blocklist may expire. Callers must ask
 * again about verdicts that they keep.
 */
void xf_policy_set_time(struct xf_policy *policy, int64_t unix_s);

void xf_policy_switched(struct xf_policy *policy);

/* The served domain with that prepared name or alias, or NULL. Costs one hash lookup. */
const struct xf_served_settings *xf_policy_served(const struct xf_policy *policy,
                                                  struct xf_span domain);

/* The one that the configuration names first; NULL: none. */
const struct xf_served_settings *xf_policy_first_served(const struct xf_policy *policy);

/* The settings that apply to a peer, resolved in advance; they live as long as the policy. */
const struct xf_peer_settings *xf_policy_peer(struct xf_policy *policy, struct xf_span peer);

/* What holds for a peer that has not said who it is. */
const struct xf_peer_settings *xf_policy_defaults(const struct xf_policy *policy);

/*
 * The protocol that the peer's domain belongs to: by its settings, or with protocol = auto by what
 * is known of it; AUTO: nothing is known yet. xf_policy_may and the rulings refuse a peer of the
 * other protocol by the same decision (XF_RULE_SIP), in both directions, and in a dry run too.
 */
enum xf_protocol xf_policy_protocol(struct xf_policy *policy, struct xf_span peer);
const char *xf_protocol_word(enum xf_protocol protocol);

struct xf_protocol_facts {
    enum xf_protocol protocol; /* as of xf_policy_protocol */
    bool is_learned; /* the peer has protocol = auto, and authenticated by that protocol */
    int64_t last_s;  /* is_learned: when it did so last (Unix time) */
    const char *why; /* for people; a literal */
};
void xf_policy_protocol_facts(struct xf_policy *policy, struct xf_span peer,
                              struct xf_protocol_facts *out);

/*
 * Do stanzas to and from the peer pass by SIP? Its domain belongs to SIP, and SIP is on: there are
 * a listener for it and sip { host }.
 */
bool xf_policy_goes_by_sip(struct xf_policy *policy, struct xf_span peer);

/*
 * Has the peer protocol = auto, so that the answers above change without a new policy? XMPP is
 * tried first then, and SIP where XMPP finds nobody (routing).
 */
bool xf_policy_learns(struct xf_policy *policy, struct xf_span peer);

/* Next hops for peers with protocol = auto of which DNS names no SIP server: "host:port". */
const struct xf_texts *xf_policy_open_route(const struct xf_policy *policy);

/* Has any peer a stanza-rate or byte-rate? */
bool xf_policy_has_rates(const struct xf_policy *policy);

/*
 * Does the configuration name the peer: has it a section of its own, or of a pattern below one
 * owner's domain ("*.partner.example", not "*.org")? Others are strangers: what they hold is
 * bounded together (strangers in s2s/settings.h and routing/settings.h).
 */
bool xf_policy_names(const struct xf_policy *policy, struct xf_span peer);

/*
 * May stanzas pass by XMPP between the domains in that direction (BOTH: in both)? False if `served`
 * is not ours, if `peer` is ours or belongs to SIP, or if federation is off. Unless in a dry run,
 * also false for a peer on a blocklist, for one without a section under policy { default = deny },
 * and for a direction that the peer's settings exclude.
 */
bool xf_policy_may(struct xf_policy *policy, struct xf_span served, struct xf_span peer,
                   enum xf_direction direction);

/* The same by SIP: the peer must belong to SIP, else nothing passes. */
bool xf_policy_may_by_sip(struct xf_policy *policy, struct xf_span served, struct xf_span peer,
                          enum xf_direction direction);

/*
 * Which peer's servers speak for this domain besides its own, since the peer's sip-domains name it;
 * *out_peer is the name of its section. NULL: none.
 */
const struct xf_peer_settings *xf_policy_sip_carrier(const struct xf_policy *policy,
                                                     struct xf_span domain,
                                                     struct xf_span *out_peer);

/*
 * Call `each` for the sections of peers that belong to SIP, or may (auto), and last for the
 * defaults if they do, with pattern NULL, until it returns true; returns whether one did.
 */
typedef bool (*xf_policy_sip_fn)(void *owner, const char *pattern,
                                 const struct xf_peer_settings *settings);
bool xf_policy_any_sip(const struct xf_policy *policy, xf_policy_sip_fn each, void *owner);

/* ------------------------------------------------------------------ one stanza */

/* clang-format off */
#define XF_RULE_MAP(X) /* name, word of logs, text for whom it refuses */                           \
    X(NONE,       "none",       "")                                                                 \
    X(FEDERATION, "federation", "communication with other domains is switched off")                 \
    X(SWITCHED,   "switched-off", "communication with this domain is switched off")                 \
    X(NOT_SERVED, "not-served", "the domain is not served here")                                    \
    X(OURS,       "ours",       "the domain is hosted here but cannot be reached")                       \
    X(SIP,        "sip",        "reached by SIP, which is off")                                     \
    X(BLOCKLIST,  "blocklist",  "communication with this domain is not allowed")                    \
    X(DEFAULT,    "default",    "communication with this domain is not allowed")                    \
    X(DIRECTION,  "direction",  "communication with this domain is not allowed in this direction")  \
    X(HOURS,      "hours",      "communication with this domain is not allowed at this time")       \
    X(USER,       "users",      "this user may not communicate with this domain")                   \
    X(KIND,       "kind",       "stanzas of this kind may not be exchanged with this domain")       \
    X(NAMESPACE,  "namespace",  "this payload may not be exchanged with this domain")
/* clang-format on */

enum xf_rule {
#define X(name, word, text) XF_RULE_##name,
    XF_RULE_MAP(X)
#undef X
        XF_RULES /* how many there are */
};
const char *xf_rule_word(enum xf_rule rule);

struct xf_policy_ask {
    enum xf_protocol protocol;   /* by which the stanza passes; zeroed: XMPP */
    enum xf_direction direction; /* XF_DIRECTION_IN: from the peer, or _OUT */
    struct xf_span served, peer; /* domains, prepared */
    /* Bare JID of our user, never an e-mail address; absent: rules about users are skipped. */
    struct xf_span user;
    /* One or several of XF_KINDS_*; 0: rules about kinds are skipped. */
    unsigned kind;
    /* The stanza whose namespaces are checked; NULL: rules about namespaces are skipped. */
    const struct xf_stanza *stanza;
    unsigned minute_of_week; /* local time; 0 is Monday 00:00 */
};

struct xf_ruling {
    enum xf_rule rule;     /* the first rule that refuses; XF_RULE_NONE: none does */
    bool passes;           /* also true when only a dry run refuses */
    enum xf_denial answer; /* what the sender gets */
    const char *text;      /* reason for people, never NULL; borrowed from the policy */
    const char *key;       /* the setting's key; NULL for none */
    const char *file;      /* where the setting is written; NULL for a built-in default */
    int line;
    const char *note;  /* source or reason in the blocklist, for operators; "" for none */
    enum xf_help help; /* what an operator can do about the rule */
};

/* XF_KINDS_* of a stanza. */
unsigned xf_policy_kind(const struct xf_stanza *stanza);

/*
 * Judge pair and stanza. Costs a few hash lookups for the pair, then grows with the number of the
 * peer's own rules.
 */
void xf_policy_judge(struct xf_policy *policy, const struct xf_policy_ask *ask,
                     struct xf_ruling *out);

/* Judge only the pair, as xf_policy_may does, with the details needed to answer and log. */
void xf_policy_judge_pair(struct xf_policy *policy, struct xf_span served, struct xf_span peer,
                          enum xf_direction direction, struct xf_ruling *out);

/* The same by the protocol by which the stanzas pass, as xf_policy_may_by_sip. */
void xf_policy_judge_pair_by(struct xf_policy *policy, enum xf_protocol protocol,
                             struct xf_span served, struct xf_span peer,
                             enum xf_direction direction, struct xf_ruling *out);

/*
 * True if no rule of the peer looks at single stanzas in that direction: xf_policy_may decides
 * alone.
 */
bool xf_policy_is_plain(struct xf_policy *policy, struct xf_span peer, enum xf_direction direction);

/*
 * Text for people: the verdict on each kind of stanza from one JID to another (one of them ours),
 * the rules behind it with file and line, and each effective setting with its origin.
 * XF_ERR_BAD_JID; XF_ERR_BAD_VALUE: neither JID is ours, or both are.
 */
XF_MUST_USE enum xf_err xf_policy_explain(struct xf_policy *policy, struct xf_span from,
                                          struct xf_span to, unsigned minute_of_week, FILE *out);

/* ------------------------------------------------------------------ blocklists */

/*
 * Domains to refuse, whatever the sections say. One on each line: `spam.example` or
 * `*.spam.example` (which includes the suffix itself), then optional words: until=YYYY-MM-DD (UTC,
 * the first day on which the entry no longer counts); all others are source or reason. # begins a
 * comment. A lookup costs one hash for each label of the name.
 */
struct xf_blocklist *xf_blocklist_new(void);
void xf_blocklist_free(struct xf_blocklist **list);

/*
 * Add the lines of a file's text. XF_ERR_BAD_VALUE with "FILE:LINE: ..." for the first line that is
 * not an entry; the lines before it have been added. Of two entries for one name, the one that
 * lasts longer stays. `file` is copied.
 */
XF_MUST_USE enum xf_err xf_blocklist_add(struct xf_blocklist *list, const char *file,
                                         struct xf_span text, struct xf_error *err);
size_t xf_blocklist_count(const struct xf_blocklist *list);

struct xf_blocked {
    const char *file, *reason; /* borrowed; reason may be "" */
    int line;
    int64_t until_s; /* 0: for ever */
};
bool xf_blocklist_find(const struct xf_blocklist *list, struct xf_span domain, int64_t unix_s,
                       struct xf_blocked *out);
