/* SPDX-License-Identifier: MIT */
/*
 * store_priv.h — where the history is kept beside the table in memory. One contract, two stores:
 *
 *   sqlite.c     a file of this process alone: read while it is opened, written on the thread pool
 *   postgres.c   a database that several nodes share: read and written on the loop by libpq's
 *                non-blocking calls, and read again whenever another node has written
 *
 * The history has one batch of rows at a store at a time, and hands over the next one only while
 * the store is ready. Rows replace what the store has of a peer where there is one process, and are
 * merged with it (merge.c) where there are several. Either way: what was written and then read is
 * what was known, and a batch is written as a whole or not at all.
 *
 * Test: tests/unit/history/test_store.c, the same tests over both.
 */
#pragma once

#include <xfed/history/history.h>

/*
 * Directions of XMPP; and AUTO: which protocol a peer with protocol = auto belongs to. That entry
 * has no keys, and auth stands for the protocol by which it authenticated last, at last_s: EXTERNAL
 * for SIP, DIALBACK_TLS for XMPP, and DIALBACK_CLEAR for one of which that was forgotten. So both
 * stores and merge.c treat it as any other.
 */
enum xf_history_way { XF_HISTORY_OUT, XF_HISTORY_IN, XF_HISTORY_AUTO, XF_HISTORY_WAY_COUNT };

struct xf_history_row { /* the rows of one peer; without a direction, delete them */
    char *name;
    bool has_way[XF_HISTORY_WAY_COUNT];
    struct xf_history_entry way[XF_HISTORY_WAY_COUNT];
    /* Alarms raised here since the last write, and when; 0: none. For other nodes. */
    uint64_t raised_ms[XF_HISTORY_WAY_COUNT][XF_HISTORY_CHANGE_COUNT];
};

struct xf_store_alarm { /* raised by another node */
    struct xf_span peer;
    enum xf_history_way way;
    enum xf_history_change change;
    uint64_t at_ms; /* the clock of our loop; at least 1 */
    const char *node;
};

struct xf_store_node { /* of the registry */
    const char *name, *version, *digest, *links;
    const char *secret;   /* digest of the dialback secret; NULL or "": not known */
    const char *instance; /* random, drawn at the start of the process */
    bool is_leaving;
    unsigned heartbeat_ms;
    uint64_t silent_ms; /* since its last heartbeat, by the clock of the database */
};

/* To the history. None comes before the call that leads to it has returned, but `entry` may. */
struct xf_store_events {
    /* What the store has of a peer: when it is opened, and when another node has written. */
    void (*entry)(void *owner, struct xf_span name, enum xf_history_way way,
                  const struct xf_history_entry *entry);
    void (*alarm)(void *owner, const struct xf_store_alarm *alarm);
    /* A row of the registry, our own included. */
    void (*node)(void *owner, const struct xf_store_node *node);
    /* All its rows have been told: a node that was not among them is none any more. */
    void (*nodes_told)(void *owner);
    /* All that the store had has been read, and it can be written. */
    void (*ready)(void *owner);
    /* It is not ready any more, or could not be reached yet. It tries again by itself. */
    void (*away)(void *owner, const char *why);
    /* The batch is written, or (result) the store has none of it. */
    void (*written)(void *owner, enum xf_err result, const struct xf_error *err);
};

struct xf_store;

struct xf_store_ops {
    bool is_shared;    /* with other nodes */
    size_t batch_rows; /* at most for one write */
    bool (*is_ready)(const struct xf_store *store);
    /* Rows are borrowed until `written`. */
    void (*write)(struct xf_store *store, const struct xf_history_row *rows, size_t count);
    /* The same on this thread, for the end of the process; NULL: not possible without waiting. */
    enum xf_err (*write_here)(struct xf_store *store, const struct xf_history_row *rows,
                              size_t count, struct xf_error *err);
    /* Put our row into the registry and read all of them; NULL: there is no registry. */
    void (*beat)(struct xf_store *store, const struct xf_store_node *self);
    void (*close)(struct xf_store *store); /* no event comes after it */
};

struct xf_store {
    const struct xf_store_ops *ops;
    const struct xf_store_events *events;
    void *owner;
    char *place; /* for people: the file, or address and name of the database */
};

/* ---- sqlite.c */
XF_MUST_USE enum xf_err xf_store_open_file(const char *path, struct xf_pool *pool,
                                           const struct xf_store_events *events, void *owner,
                                           struct xf_store **out_store, struct xf_error *err);

/* ---- postgres.c */
struct xf_store *xf_store_open_shared(const struct xf_history_node *node, size_t max_peers,
                                      const struct xf_store_events *events, void *owner);
