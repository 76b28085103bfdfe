/* SPDX-License-Identifier: MIT */
/*
 * map.h — text keys to pointers, open addressing. The hash is keyed per map (SipHash-1-3 or
 * better), so a peer cannot choose colliding names.
 *
 * The map copies keys and borrows values. While xf_map_next walks a map, the only change allowed is
 * xf_map_remove of the entry just returned. Between two of its calls
 * others may happen: then it may return an entry twice, or leave out a new one, but none that is
 * there from its beginning to its end.
 */
#pragma once

#include <xfed/base/span.h>

struct xf_map;

struct xf_map *xf_map_new(void);

/* Frees the keys but not the values, and sets the pointer to NULL. NULL is allowed. */
void xf_map_free(struct xf_map **map);

/* Value or NULL. */
void *xf_map_find(const struct xf_map *map, struct xf_span key);

/* Insert or replace; returns the value replaced, or NULL. `value` must not be NULL. */
void *xf_map_set(struct xf_map *map, struct xf_span key, void *value);

/* Returns the value removed, or NULL. */
void *xf_map_remove(struct xf_map *map, struct xf_span key);

/* The map's own copy of a key that is in it, until that entry is removed. */
struct xf_span xf_map_key(const struct xf_map *map, struct xf_span key);

size_t xf_map_count(const struct xf_map *map);

/* Walk: start with *cursor = 0; false at the end. `key` and `value` may be NULL. */
bool xf_map_next(const struct xf_map *map, size_t *cursor, struct xf_span *key, void **value);
