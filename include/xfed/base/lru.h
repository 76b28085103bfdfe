/* SPDX-License-Identifier: MIT */
/*
 * lru.h — values by name, and which of them was used least recently: for tables whose size
 * outsiders choose.
 *
 * A value rests or is held, and only one that rests may go to make room. The bound is up to the
 * owner, who removes the oldest when there are too many. The entry is embedded in the owner's
 * struct, and its memory is the owner's.
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

/* NULL: there is none of that name. It is not used by this: see xf_lru_rest. */
struct xf_lru_entry *xf_lru_find(const struct xf_lru *lru, struct xf_span key);

/* Put in a new one, held at first. The key is copied; no other entry has it. */
void xf_lru_add(struct xf_lru *lru, struct xf_span key, struct xf_lru_entry *entry);

/* It was used just now, and may go from now on. */
void xf_lru_rest(struct xf_lru *lru, struct xf_lru_entry *entry);

/* It may not go until it rests again. */
void xf_lru_hold(struct xf_lru *lru, struct xf_lru_entry *entry);

/* Used least recently; NULL: none rests. */
struct xf_lru_entry *xf_lru_oldest(const struct xf_lru *lru);

/* Take it out, held or resting. Its key is gone. */
void xf_lru_remove(struct xf_lru *lru, struct xf_lru_entry *entry);

/* Held ones too. */
static inline size_t xf_lru_count(const struct xf_lru *lru)
{
    return xf_map_count(lru->by_key);
}

/* All of them, as xf_map_next; the entry just returned may be removed. */
bool xf_lru_next(const struct xf_lru *lru, size_t *cursor, struct xf_lru_entry **out_entry);
