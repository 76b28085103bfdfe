/* SPDX-License-Identifier: MIT */
/*
 * lru.h — a map that knows which value was used least recently: for tables whose size outsiders
 * influence.
 *
 * A value is either held or resting; only a resting one may be removed to make room. The owner
 * decides how many there may be, and removes the oldest when there are too many. The entry is
 * embedded in the owner's struct, and the owner frees its memory.
 */
#pragma once

#include <xfed/base/list.h>
#include <xfed/base/map.h>

struct xf_lru_entry {
    struct xf_node node; /* linked while it rests */
    struct xf_span key;  /* of the table, until the entry is removed */
};

struct xf_lru {
    struct xf_map *by_key;  /* -> struct xf_lru_entry */
    struct xf_node resting; /* used least recently first */
    size_t resting_count;
};

void xf_lru_init(struct xf_lru *lru);
void xf_lru_fini(struct xf_lru *lru); /* of an empty one */

/* NULL: no entry has that name. Finding an entry does not count as using it: see xf_lru_rest. */
struct xf_lru_entry *xf_lru_find(const struct xf_lru *lru, struct xf_span key);

/* Add a new entry, which is held at first. The key is copied, and must not be in use. */
void xf_lru_add(struct xf_lru *lru, struct xf_span key, struct xf_lru_entry *entry);

/* The entry was just used, and may be removed from now on. */
void xf_lru_rest(struct xf_lru *lru, struct xf_lru_entry *entry);

/* Keep the entry until it rests again. */
void xf_lru_hold(struct xf_lru *lru, struct xf_lru_entry *entry);

/* The resting entry that was used least recently; NULL: none rests. */
struct xf_lru_entry *xf_lru_oldest(const struct xf_lru *lru);

/* Remove the entry, held or resting, and free its key. */
void xf_lru_remove(struct xf_lru *lru, struct xf_lru_entry *entry);

/* Counts held entries too. */
static inline size_t xf_lru_count(const struct xf_lru *lru)
{
    return xf_map_count(lru->by_key);
}

/* Walk over all entries, as xf_map_next does; the entry just returned may be removed. */
bool xf_lru_next(const struct xf_lru *lru, size_t *cursor, struct xf_lru_entry **out_entry);
