/* SPDX-License-Identifier: MIT */
/*
 * history.h — how each peer authenticated before, and its keys. Kept across restarts, so that a
 * weaker authentication or a new key is noticed (the man in the middle of jabber.ru in 2023 had
 * valid certificates, but another key). A table in memory with a bounded number of peers; a store
 * keeps it: an SQLite file of this process, or a PostgreSQL database that several nodes share, so
 * that each knows what the others saw (NODES.md). Losing it loses alarms, not federation: no
 * call here waits for the store.
 *
 * The caller compares what it sees of a peer on a stream (a sight) with what is known of the peer
 * (an entry), and then notes it. This module decides nothing: the peer's settings say what an alarm
 * leads to (xfed/auth/continuity.h).
 */
#pragma once

#include <stdint.h>
#include <xfed/base/err.h>
#include <xfed/base/pool.h>
#include <xfed/base/span.h>
#include <xfed/base/texts.h>
#include <xfed/net/timer.h>

/*
 * Weakest first. EXTERNAL: the certificate authenticated the peer, by SASL or in answer to dialback
 * (XEP-0344).
 */
enum xf_history_auth { XF_HISTORY_DIALBACK_CLEAR, XF_HISTORY_DIALBACK_TLS, XF_HISTORY_EXTERNAL };

/* What vouches for the key, besides being the same as before. */
enum xf_history_ground {
    XF_HISTORY_GROUND_NONE,
    XF_HISTORY_GROUND_CA,
    XF_HISTORY_GROUND_DANE,
    XF_HISTORY_GROUND_PIN
};

/* "dialback-clear", "dialback-tls", "external" */
const char *xf_history_auth_word(enum xf_history_auth auth);
const char *xf_history_ground_word(enum xf_history_ground ground); /* "none", "ca", "dane", "pin" */

#define XF_HISTORY_SPKI_BYTES 32
/* Keys for each peer and direction: a peer may have several servers, each with its own key. */
#define XF_HISTORY_KEYS 4

struct xf_history_sight { /* what is seen of a peer now */
    enum xf_history_auth auth;
    enum xf_history_ground ground;
    bool has_key; /* a certificate was shown */
    uint8_t spki_sha256[XF_HISTORY_SPKI_BYTES];
};

struct xf_history_key {
    uint8_t spki_sha256[XF_HISTORY_SPKI_BYTES];
    enum xf_history_ground ground; /* the last ground that was not NONE */
    int64_t first_s, last_s;       /* Unix time; on disk last_s may be an hour behind */
};

struct xf_history_entry {      /* of a peer and direction */
    enum xf_history_auth auth; /* the strongest seen so far */
    int64_t first_s, last_s;   /* of the peer, as for a key */
    /*
     * When xf_history_accept last replaced a stronger way by a weaker one; 0: never. Decides
     * between nodes; a file of one process does not keep it.
     */
    int64_t lowered_s;
    size_t key_count;
    struct xf_history_key keys[XF_HISTORY_KEYS]; /* the one seen last comes first */
};

/* clang-format off */
#define XF_HISTORY_CHANGE_MAP(X) /* CLEAR, KEY_CHANGED and WEAKER are alarms */       \
    X(NEW,           "new")           /* nothing was known */                        \
    X(SAME,          "same")          /* or stronger than before */                  \
    X(KEY_EXPLAINED, "key-explained") /* another key, for which something vouches */ \
    X(WEAKER,        "weaker")        /* EXTERNAL fell to dialback */                \
    X(KEY_CHANGED,   "key-changed")   /* another key, for which nothing vouches */   \
    X(CLEAR,         "clear")         /* TLS fell to clear */
/* clang-format on */
enum xf_history_change {
#define X(name, word) XF_HISTORY_##name,
    XF_HISTORY_CHANGE_MAP(X)
#undef X
        XF_HISTORY_CHANGE_COUNT
};
const char *xf_history_change_word(enum xf_history_change change);

static inline bool xf_history_is_alarm(enum xf_history_change change)
{
    return change >= XF_HISTORY_WEAKER;
}

struct xf_history;
struct xf_loop;

struct xf_history_opts {
    const char *file; /* ""; nothing is kept over restarts */
    size_t max_peers; /* at least 1 */
    /* Of how many domains of one owner it may be known what they belong to; 0: any number. */
    size_t max_auto_per_owner;
    struct xf_pool *pool;     /* borrowed; NULL: all is written in xf_history_free */
    struct xf_timers *timers; /* borrowed; of the pool's loop */
    /* NULL: this process is the only one. Otherwise `file` and `pool` are not used. */
    const struct xf_history_node *node;
};

/* This process as one of several nodes with a database in common. Texts are copied. */
struct xf_history_node {
    struct xf_loop *loop;  /* borrowed; of the timers */
    const char *uri;       /* accepted by xf_history_uri_check */
    const char *password;  /* NULL: none */
    const char *name;      /* of this node among the others; XF_HISTORY_NODE_CHARS at most */
    const char *version;   /* of the program */
    const char *digest;    /* of the configuration: the same on all nodes where they agree */
    const char *secret;    /* a keyed digest of the dialback secret; NULL: it has none that lasts */
    unsigned heartbeat_ms; /* how often it says that it is alive, and looks at the others */
    /* Write the state of the links for people, such as "presence=up", in at most `room` bytes. */
    void (*links)(void *owner, char *out, size_t room);
    void *owner;
};
#define XF_HISTORY_NODE_CHARS 64

/*
 * Is it a URI of PostgreSQL (postgresql://192.0.2.7/xfedd) that can be used without waiting for
 * DNS, and holds no secret? XF_ERR_CONFIG with words says what is expected.
 */
XF_MUST_USE enum xf_err xf_history_uri_check(const char *uri, struct xf_error *err);
/* Add the files that such a URI names: certificates and keys. */
void xf_history_uri_files(const char *uri, struct xf_texts *out_files);
bool xf_history_uri_is_local(const char *uri); /* does it lead to a Unix socket? */

/*
 * With a file: read it; it is made, for its owner only, when it does not exist. A file that is no
 * database of ours is XF_ERR_IO, a damaged one XF_ERR_DAMAGED, with words; it is never overwritten.
 * Blocks: for the start of a program. With a shared database: never fails and never blocks; what
 * the database has is there once it answers, and is merged with what was seen meanwhile.
 */
XF_MUST_USE enum xf_err xf_history_open(const struct xf_history_opts *opts,
                                        struct xf_history **out_history, struct xf_error *err);

/* After a reload: the digest of the configuration now in force. NULL: there is no history. */
void xf_history_set_digest(struct xf_history *history, const char *digest);

/* How many other nodes of the shared database have no heartbeat. NULL: none. */
size_t xf_history_nodes_lost(const struct xf_history *history);

/* Another node of the shared database, as last read; borrowed for the call. */
struct xf_history_node_view {
    const char *name, *version;
    bool is_here;                                         /* false: it was stopped, or is silent */
    bool config_differs, secret_differs, version_differs; /* from ours */
};
typedef void (*xf_history_node_fn)(void *owner, const struct xf_history_node_view *node);
/* NULL: none. */
void xf_history_nodes(const struct xf_history *history, xf_history_node_fn show, void *owner);

/*
 * The process is about to end. leave: tell other nodes that it does so on purpose. finish: write
 * what is pending to a shared database. NULL: nothing.
 */
void xf_history_leave(struct xf_history *history);
void xf_history_finish(struct xf_history *history);

/*
 * Is the store being written? Do not call xf_history_free while the file is; a shared database is
 * given two seconds after xf_history_finish. NULL: no.
 */
bool xf_history_is_writing(const struct xf_history *history);

/* Writes pending changes to the file, and blocks meanwhile. A shared database is only left. */
void xf_history_free(struct xf_history **history);

/*
 * NULL if nothing is known. Valid until the next call that changes the history. Directions are
 * separate, since a peer may connect from other servers than those that it listens on.
 */
const struct xf_history_entry *xf_history_find(const struct xf_history *history,
                                               struct xf_span peer, bool is_inbound);

/* Compare; `known` may be NULL. If several things changed, returns the worst. */
enum xf_history_change xf_history_compare(const struct xf_history_entry *known,
                                          const struct xf_history_sight *now);

/*
 * Remember `now`. A weaker authentication does not replace a stronger one, except with
 * xf_history_accept. When there are too many peers, forget the one that was silent for the longest
 * time among those known for less than a day; older ones are forgotten only when those newer ones
 * take less than a quarter of the room, so that a flood of new domains cannot empty the history.
 */
void xf_history_note(struct xf_history *history, struct xf_span peer, bool is_inbound,
                     const struct xf_history_sight *now, int64_t now_s);
void xf_history_accept(struct xf_history *history, struct xf_span peer, bool is_inbound,
                       const struct xf_history_sight *now, int64_t now_s);

/*
 * Is this the first alarm of its kind about a known peer within an hour, on any node? If so, the
 * hour starts now, for the other nodes as soon as they read it: an alarm does not wait for the
 * database, so two nodes to which a peer connects in the same second may both raise it. `now_ms` is
 * the clock of the timers.
 */
bool xf_history_alarm_is_due(struct xf_history *history, struct xf_span peer, bool is_inbound,
                             enum xf_history_change alarm, uint64_t now_ms);

void xf_history_forget(struct xf_history *history, struct xf_span peer);
size_t xf_history_count(const struct xf_history *history); /* peers */

/* ------------------------------------------------------------------ protocol = auto */

enum xf_history_owner { XF_HISTORY_OWNER_NONE, XF_HISTORY_OWNER_XMPP, XF_HISTORY_OWNER_SIP };

/*
 * Which protocol a domain belongs to, as said last by xf_history_own, at most max_age_s ago; NONE:
 * that is not known. *out_last_s: when; may be NULL.
 */
enum xf_history_owner xf_history_owner(const struct xf_history *history, struct xf_span peer,
                                       int64_t now_s, int64_t max_age_s, int64_t *out_last_s);

/*
 * The domain itself authenticated by that protocol; or NONE: an operator says that it may have
 * moved. Ways of authentication and keys are another matter, and stay known. Of too many domains of
 * one owner, the one that was silent for the longest time is not known any more. With a shared
 * database the other nodes learn of it; of two that were said at the same time on two nodes, SIP
 * counts.
 */
void xf_history_own(struct xf_history *history, struct xf_span peer, enum xf_history_owner owner,
                    int64_t now_s);
