/* SPDX-License-Identifier: MIT */
/*
 * policy.h — pure decisions over a configuration: whom we serve, what holds for a peer, may a
 * stanza pass. Nothing in it changes after xf_policy_new but the time; a reload makes a new one. Of
 * one thread: it remembers the pair that was judged last.
 *
 * Two questions, asked at different times. xf_policy_may is about a pair and holds until the next
 * reload: a stream asks it before DNS and TLS, a route keeps the answer. xf_policy_judge is about
 * one stanza (user, kind, payload, hour); most peers have no such rules, which xf_policy_is_plain
 * says beforehand, so that a stanza of theirs costs nothing.
 */
#pragma once

#include <stdio.h>
#include <xfed/base/err.h>
#include <xfed/base/span.h>
#include <xfed/policy/settings.h>
#include <xfed/xmpp/stanza.h>

struct xf_conf;
struct xf_policy;
struct xf_blocklist;

/*
 * Is `jid` (bare) in that group of directory { groups }? Answers at once, from what was read last;
 * false when nothing was.
 */
typedef bool (*xf_policy_member_fn)(void *owner, const char *group, struct xf_span jid);

struct xf_policy_opts {
    const struct xf_conf *conf;           /* borrowed for the policy's life */
    const struct xf_blocklist *blocklist; /* borrowed too; NULL for none */
    xf_policy_member_fn is_member;        /* NULL: nobody is in a group */
    void *owner;
    /* now; entries of the blocklist that expired before do not hold */
    int64_t unix_s;
};
struct xf_policy *xf_policy_new(const struct xf_policy_opts *opts);
void xf_policy_free(struct xf_policy **policy);

/*
 * Time goes on: entries of the blocklist end (never begin) to hold. What was kept of verdicts is to
 * be asked anew.
 */
void xf_policy_set_time(struct xf_policy *policy, int64_t unix_s);

/* The served domain (or alias) of that prepared name, or NULL. Lookups are one hash. */
const struct xf_served_settings *xf_policy_served(const struct xf_policy *policy,
                                                  struct xf_span domain);

/* The one that the configuration names first; NULL: none. */
const struct xf_served_settings *xf_policy_first_served(const struct xf_policy *policy);

/* Effective settings of a peer, resolved beforehand; they live as long as the policy. */
const struct xf_peer_settings *xf_policy_peer(struct xf_policy *policy, struct xf_span peer);

/* What holds for a peer that has not said who it is. */
const struct xf_peer_settings *xf_policy_defaults(const struct xf_policy *policy);

/* Has any peer a stanza-rate or byte-rate? */
bool xf_policy_has_rates(const struct xf_policy *policy);

/*
 * Does the configuration name the peer: has it a section of its own, or of a pattern below one
 * owner's domain ("*.partner.example", not "*.org")? Others are strangers: what they hold is
 * bounded together (strangers in s2s/settings.h and routing/settings.h).
 */
bool xf_policy_names(const struct xf_policy *policy, struct xf_span peer);

/*
 * May stanzas flow between the domains in that direction (both: in each)? False for a `served` that
 * is not ours, a `peer` that is, when federation is off; and, unless it is a dry run, for a peer on
 * a blocklist, one without a section where policy { default = deny }, and by its direction.
 */
bool xf_policy_may(struct xf_policy *policy, struct xf_span served, struct xf_span peer,
                   enum xf_direction direction);

/* ------------------------------------------------------------------ one stanza */

/* clang-format off */
#define XF_RULE_MAP(X) /* name, word of logs, text for whom it refuses */                           \
    X(NONE,       "none",       "")                                                                 \
    X(FEDERATION, "federation", "communication with other domains is switched off")                 \
    X(NOT_SERVED, "not-served", "the domain is not served here")                                    \
    X(OURS,       "ours",       "the domain is served here, and not reached")                       \
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
};
const char *xf_rule_word(enum xf_rule rule);

struct xf_policy_ask {
    enum xf_direction direction; /* XF_DIRECTION_IN: from the peer, or _OUT */
    struct xf_span served, peer; /* domains, prepared */
    /*
     * bare JID of ours, never its e-mail address; absent: only what does not depend on it is asked
     */
    struct xf_span user;
    unsigned kind;                  /* one or several of XF_KINDS_*; 0: not asked */
    const struct xf_stanza *stanza; /* for payload namespaces; NULL: not asked */
    unsigned minute_of_week;        /* local time; 0 is Monday 00:00 */
};

struct xf_ruling {
    enum xf_rule rule;     /* the first that refuses, XF_RULE_NONE: none does */
    bool passes;           /* also true for a refusal of a dry run */
    enum xf_denial answer; /* for its sender */
    const char *text;      /* reason for people, never NULL; borrowed from the policy */
    const char *key;       /* of the setting; NULL for none */
    const char *file;      /* where it is written; NULL: nowhere, a built-in default */
    int line;
    const char *note; /* of the blocklist's line, for operators; "" for none */
};

/* XF_KINDS_* of a stanza. */
unsigned xf_policy_kind(const struct xf_stanza *stanza);

/* Pair and stanza. Cost: a few hashes for the pair, then by the number of the peer's own rules. */
void xf_policy_judge(struct xf_policy *policy, const struct xf_policy_ask *ask,
                     struct xf_ruling *out);

/* Only the pair: what xf_policy_may goes by, for who answers and logs. */
void xf_policy_judge_pair(struct xf_policy *policy, struct xf_span served, struct xf_span peer,
                          enum xf_direction direction, struct xf_ruling *out);

/* No rule of the peer looks at single stanzas in that direction: xf_policy_may is all. */
bool xf_policy_is_plain(struct xf_policy *policy, struct xf_span peer, enum xf_direction direction);

/*
 * Verdicts for each kind of stanza from one JID to another (one of them of ours), the rules behind
 * them with file and line, and each effective setting with where it came from; for people.
 * XF_ERR_BAD_JID; XF_ERR_BAD_VALUE: neither or both are of ours.
 */
XF_MUST_USE enum xf_err xf_policy_explain(struct xf_policy *policy, struct xf_span from,
                                          struct xf_span to, unsigned minute_of_week, FILE *out);

/* ------------------------------------------------------------------ blocklists */

/*
 * Domains that are refused whatever sections say. One a line: `spam.example` or `*.spam.example`
 * (the suffix itself too), then words: until=YYYY-MM-DD (UTC, the day is the first on which it
 * holds no more), the rest is source or reason. # begins a comment. A lookup is one hash for each
 * label of the name.
 */
struct xf_blocklist *xf_blocklist_new(void);
void xf_blocklist_free(struct xf_blocklist **list);

/*
 * Add the lines of a file's text. XF_ERR_BAD_VALUE with FILE:LINE: words for the first that is no
 * entry; those before it are in. Of two entries for one name the one that holds longer stays.
 * `file` is copied.
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
