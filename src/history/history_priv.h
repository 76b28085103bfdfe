/* SPDX-License-Identifier: MIT */
/*
 * history_priv.h — what the files of history share.
 *
 *   compare.c   is what is seen weaker than what is known?
 *   table.c     the peers, in the order in which they were last seen; who is forgotten when there
 *               are too many
 *   file.c      the SQLite file
 *   history.c   table and file together: read at the start, written in the background
 */
#pragma once

#include <xfed/base/list.h>
#include <xfed/base/map.h>
#include <xfed/history/history.h>

enum xf_history_way { XF_HISTORY_OUT, XF_HISTORY_IN, XF_HISTORY_WAY_COUNT };

/* ---- table.c */
struct xf_history_record { /* of one direction */
    struct xf_history_entry entry;
    uint64_t alarmed_ms[XF_HISTORY_CHANGE_COUNT]; /* 0: never */
};

struct xf_history_peer {
    struct xf_node node;  /* in table->young or table->old, longest silent first */
    struct xf_node dirty; /* in table->dirty: differs from the file */
    char *name;
    struct xf_history_record *way[XF_HISTORY_WAY_COUNT]; /* NULL: not seen */
    int64_t first_s, last_s;
    int64_t stored_s; /* last_s in the file, or in the batch that is being written */
    bool is_old, is_stored;
};

struct xf_history_table {
    size_t max_peers, young_count;
    struct xf_map *peers; /* name -> struct xf_history_peer */
    struct xf_node young, old;
    struct xf_node dirty;
    struct xf_map *gone; /* forgotten peers that are still in the file; the values mean nothing */
    bool has_file;       /* false: nobody uses dirty and gone */
};

void xf_history_table_init(struct xf_history_table *table, size_t max_peers, bool has_file);
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
/* Mark the peer as different from the file. */
void xf_history_table_soil(struct xf_history_table *table, struct xf_history_peer *peer);
void xf_history_table_remove(struct xf_history_table *table, struct xf_history_peer *peer);
bool xf_history_table_is_clean(const struct xf_history_table *table);

/* ---- compare.c */
/* Take `now` into the entry. True: more than times changed. */
bool xf_history_entry_take(struct xf_history_entry *entry, const struct xf_history_sight *now,
                           bool accepts, int64_t now_s);
const struct xf_history_key *xf_history_entry_key(const struct xf_history_entry *entry,
                                                  const uint8_t spki_sha256[XF_HISTORY_SPKI_BYTES]);

/* ---- file.c */
struct xf_history_file;

struct xf_history_row { /* the rows of one peer; without a direction, delete them */
    char *name;
    bool has_way[XF_HISTORY_WAY_COUNT];
    struct xf_history_entry way[XF_HISTORY_WAY_COUNT];
};

XF_MUST_USE enum xf_err xf_history_file_open(const char *path, struct xf_history_file **out_file,
                                             struct xf_error *err);
void xf_history_file_close(struct xf_history_file **file);

/* Called for each entry of the file, longest silent first. Invalid rows are skipped. */
typedef void (*xf_history_read_fn)(void *owner, struct xf_span name, enum xf_history_way way,
                                   const struct xf_history_entry *entry);
XF_MUST_USE enum xf_err xf_history_file_read(struct xf_history_file *file, xf_history_read_fn read,
                                             void *owner, struct xf_error *err);

/* All rows or none. From any thread, one at a time. */
XF_MUST_USE enum xf_err xf_history_file_write(struct xf_history_file *file,
                                              const struct xf_history_row *rows, size_t count,
                                              struct xf_error *err);
