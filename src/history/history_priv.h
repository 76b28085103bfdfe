/* SPDX-License-Identifier: MIT */
/*
 * history_priv.h — what the files of history share.
 *
 *   compare.c    is what is seen weaker than what is known?
 *   merge.c      what two nodes know of a peer becomes one entry
 *   table.c      the peers, in the order in which they were last seen; who is forgotten when there
 *                are too many
 *   history.c    table and store together: read at the start, written in the background
 *   owned.c      the peers of which is known what they belong to, by the owners of their domains
 *   registry.c   the nodes that share a store: which are there, and do they agree?
 *   sqlite.c     the store of a single process, over file.c, the SQLite file
 *   postgres.c   the store that nodes share, over postgres_conn.c, one connection by libpq
 *   words.c      words and hex for values
 */
#pragma once

#include <xfed/base/list.h>
#include <xfed/base/map.h>
#include <xfed/history/history.h>

#include "store_priv.h"

/* ---- table.c */
struct xf_history_record { /* of one direction */
    struct xf_history_entry entry;
    uint64_t alarmed_ms[XF_HISTORY_CHANGE_COUNT]; /* on any node; 0: never */
    uint64_t raised_ms[XF_HISTORY_CHANGE_COUNT];  /* here, and not written yet; 0: none */
    /* Known only from what we saw while the shared store could not be read. */
    bool is_unchecked;
};

struct xf_history_peer {
    struct xf_node node;  /* in table->young or table->old, longest silent first */
    struct xf_node dirty; /* in table->dirty: differs from the store */
    struct xf_node owned; /* in the list of its owner, while it has an entry AUTO (owned.c) */
    char *name;
    struct xf_history_record *way[XF_HISTORY_WAY_COUNT]; /* NULL: not seen */
    int64_t first_s, last_s;
    int64_t stored_s; /* last_s in the store, or in the batch that is being written */
    bool is_old, is_stored;
};

struct xf_history_table {
    size_t max_peers, young_count;
    size_t max_auto_per_owner;
    struct xf_map *auto_owners; /* owner of domains -> struct xf_history_owned */
    struct xf_map *peers;       /* name -> struct xf_history_peer */
    struct xf_node young, old;
    struct xf_node dirty;
    struct xf_map *gone; /* forgotten peers that are still in the store; the values mean nothing */
    bool has_store;      /* false: nobody uses dirty and gone */
    bool has_own_store;  /* false: nobody uses gone, since others may still need what is in it */
};

void xf_history_table_init(struct xf_history_table *table, size_t max_peers,
                           size_t max_auto_per_owner);
void xf_history_table_fini(struct xf_history_table *table);
struct xf_history_peer *xf_history_table_find(const struct xf_history_table *table,
                                              struct xf_span name);
/*
 * Find or create the peer of that name; another one may be forgotten for it. It is known since
 * `first_s` at the latest, and becomes the last one seen, at `last_s`.
 */
struct xf_history_peer *xf_history_table_see(struct xf_history_table *table, struct xf_span name,
                                             int64_t first_s, int64_t last_s);
struct xf_history_record *xf_history_peer_record(struct xf_history_peer *peer,
                                                 enum xf_history_way way, int64_t now_s);
/* Mark the peer as different from the store. */
void xf_history_table_soil(struct xf_history_table *table, struct xf_history_peer *peer);
void xf_history_table_remove(struct xf_history_table *table, struct xf_history_peer *peer);
bool xf_history_table_is_clean(const struct xf_history_table *table);

/* ---- owned.c */
void xf_history_owned_init(struct xf_history_table *table);
void xf_history_owned_fini(struct xf_history_table *table);
/*
 * The peer, which has an entry AUTO, becomes the last one seen of its owner. Of too many, the first
 * one loses that entry, and is forgotten if it has no other.
 */
void xf_history_owned_see(struct xf_history_table *table, struct xf_history_peer *peer);
void xf_history_owned_leave(struct xf_history_table *table, struct xf_history_peer *peer);

/* ---- compare.c */
/* Take `now` into the entry. True: more than times changed. */
bool xf_history_entry_take(struct xf_history_entry *entry, const struct xf_history_sight *now,
                           bool accepts, int64_t now_s);
const struct xf_history_key *xf_history_entry_key(const struct xf_history_entry *entry,
                                                  const uint8_t spki_sha256[XF_HISTORY_SPKI_BYTES]);

/* ---- merge.c */
void xf_history_entry_merge(struct xf_history_entry *into, const struct xf_history_entry *other);
/* The same, but for when peer and keys were last seen? */
bool xf_history_entry_eq(const struct xf_history_entry *entry,
                         const struct xf_history_entry *other);

/* ---- words.c; false: there is no such word, or it is no hex of a key */
#define XF_HISTORY_SPKI_HEX_CHARS (2 * XF_HISTORY_SPKI_BYTES)
const char *xf_history_way_word(enum xf_history_way way); /* "out", "in", "auto" */
XF_MUST_USE bool xf_history_way_parse(const char *text, enum xf_history_way *out);
XF_MUST_USE bool xf_history_auth_parse(const char *text, enum xf_history_auth *out);
XF_MUST_USE bool xf_history_ground_parse(const char *text, enum xf_history_ground *out);
XF_MUST_USE bool xf_history_change_parse(const char *text, enum xf_history_change *out);
void xf_history_spki_hex(const uint8_t spki_sha256[XF_HISTORY_SPKI_BYTES],
                         char out[XF_HISTORY_SPKI_HEX_CHARS + 1]);
XF_MUST_USE bool xf_history_spki_parse(const char *hex, uint8_t out[XF_HISTORY_SPKI_BYTES]);

/* ---- registry.c */
struct xf_registry;

/* `store` is borrowed; it must have ops->beat. */
struct xf_registry *xf_registry_new(const struct xf_history_node *node, struct xf_timers *timers,
                                    struct xf_store *store);
void xf_registry_free(struct xf_registry **registry);
void xf_registry_set_digest(struct xf_registry *registry, const char *digest);
void xf_registry_leave(struct xf_registry *registry); /* say so to the others */
/* What the store says: of a node, that it can be reached, that it cannot. */
void xf_registry_see(struct xf_registry *registry, const struct xf_store_node *node);
void xf_registry_told(struct xf_registry *registry);         /* of all that have a row */
size_t xf_registry_lost(const struct xf_registry *registry); /* nodes that are silent */
void xf_registry_show(const struct xf_registry *registry, xf_history_node_fn show, void *owner);
void xf_registry_begin(struct xf_registry *registry);
void xf_registry_pause(struct xf_registry *registry);

/* ---- file.c */
struct xf_database;

XF_MUST_USE enum xf_err xf_history_file_open(const char *path, struct xf_database **out_file,
                                             struct xf_error *err);

/* Called for each entry of the file, longest silent first. Invalid rows are skipped. */
typedef void (*xf_history_read_fn)(void *owner, struct xf_span name, enum xf_history_way way,
                                   const struct xf_history_entry *entry);
XF_MUST_USE enum xf_err xf_history_file_read(struct xf_database *file, xf_history_read_fn read,
                                             void *owner, struct xf_error *err);

/* All rows or none. From any thread, one at a time. */
XF_MUST_USE enum xf_err xf_history_file_write(struct xf_database *file,
                                              const struct xf_history_row *rows, size_t count,
                                              struct xf_error *err);
