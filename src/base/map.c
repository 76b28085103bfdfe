/* SPDX-License-Identifier: MIT */
/*
 * map.c — a hash table in two arrays.
 *
 * `entries` holds the pairs densely; `slots` is the open-addressing table (linear probing, at most
 * half full) and holds positions in `entries` plus one, 0 for free.
 *
 * Removal leaves no tombstones: slots behind the hole move up if that brings them closer to their
 * home slot (Knuth 6.4, algorithm R), and the last entry takes the place of the removed one. So a
 * map whose names come and go for months costs the same as a new one. A walk goes from the last
 * entry to the first, so a removal only moves entries that the walk has already seen.
 */
#include <xfed/base/map.h>

#include <stdint.h>

#include <xfed/base/alloc.h>
#include <xfed/base/crypto.h>
#include <xfed/base/err.h>

#include <xfed/base/siphash.h>

#define FEWEST_SLOTS 16

struct entry {
    uint64_t hash;
    char *key;
    size_t key_len;
    void *value;
};

struct xf_map {
    struct xf_siphash_key hash_key;
    struct entry *entries;
    uint32_t *slots;
    size_t count, slot_count; /* slot_count is a power of 2; entries has room for half of it */
};

static void place(struct xf_map *map, size_t index)
{
    size_t mask = map->slot_count - 1;
    size_t slot = map->entries[index].hash & mask;

    while (map->slots[slot])
        slot = (slot + 1) & mask;
    map->slots[slot] = (uint32_t)index + 1;
}

static void resize(struct xf_map *map, size_t slot_count)
{
    xf_require(slot_count / 2 < UINT32_MAX);
    map->slot_count = slot_count;
    map->entries = xf_realloc(map->entries, slot_count / 2 * sizeof(*map->entries));
    xf_free(map->slots);
    map->slots = xf_alloc(slot_count * sizeof(*map->slots));
    for (size_t i = 0; i < map->count; i++)
        place(map, i);
}

struct xf_map *xf_map_new(void)
{
    struct xf_map *map = xf_new(struct xf_map);

    xf_rand_bytes(&map->hash_key, sizeof(map->hash_key));
    resize(map, FEWEST_SLOTS);
    return map;
}

void xf_map_free(struct xf_map **map)
{
    struct xf_map *old = *map;

    if (!old)
        return;
    for (size_t i = 0; i < old->count; i++)
        xf_free(old->entries[i].key);
    xf_free(old->entries);
    xf_free(old->slots);
    xf_free(old);
    *map = NULL;
}

static bool entry_is(const struct entry *entry, uint64_t hash, struct xf_span key)
{
    return entry->hash == hash && xf_span_eq((struct xf_span){entry->key, entry->key_len}, key);
}

/* The slot that holds the key, or the free slot where the search for it ends. */
static size_t slot_of(const struct xf_map *map, uint64_t hash, struct xf_span key)
{
    size_t mask = map->slot_count - 1;
    size_t slot = hash & mask;

    while (map->slots[slot] && !entry_is(&map->entries[map->slots[slot] - 1], hash, key))
        slot = (slot + 1) & mask;
    return slot;
}

/* The slot that holds the entry at this place. */
static size_t slot_of_index(const struct xf_map *map, size_t index)
{
    size_t mask = map->slot_count - 1;
    size_t slot = map->entries[index].hash & mask;

    while (map->slots[slot] != index + 1)
        slot = (slot + 1) & mask;
    return slot;
}

static const struct entry *find(const struct xf_map *map, struct xf_span key)
{
    uint32_t at = map->slots[slot_of(map, xf_siphash13(&map->hash_key, key), key)];

    return at ? &map->entries[at - 1] : NULL;
}

void *xf_map_find(const struct xf_map *map, struct xf_span key)
{
    const struct entry *entry = find(map, key);

    return entry ? entry->value : NULL;
}

struct xf_span xf_map_key(const struct xf_map *map, struct xf_span key)
{
    const struct entry *entry = find(map, key);

    xf_require(entry);
    return (struct xf_span){entry->key, entry->key_len};
}

void *xf_map_set(struct xf_map *map, struct xf_span key, void *value)
{
    uint64_t hash = xf_siphash13(&map->hash_key, key);
    uint32_t at = map->slots[slot_of(map, hash, key)];

    xf_require(value);
    if (at) {
        void *old = map->entries[at - 1].value;

        map->entries[at - 1].value = value;
        return old;
    }
    if (map->count == map->slot_count / 2)
        resize(map, map->slot_count * 2);
    map->entries[map->count] = (struct entry){hash, xf_strndup(key.ptr, key.len), key.len, value};
    place(map, map->count++);
    return NULL;
}

/* Close the hole: an entry may move up unless its home lies behind the hole. */
static void free_slot(struct xf_map *map, size_t hole)
{
    size_t mask = map->slot_count - 1;

    for (size_t next = (hole + 1) & mask; map->slots[next]; next = (next + 1) & mask) {
        size_t home = map->entries[map->slots[next] - 1].hash & mask;

        if (((next - home) & mask) >= ((next - hole) & mask)) {
            map->slots[hole] = map->slots[next];
            hole = next;
        }
    }
    map->slots[hole] = 0;
}

void *xf_map_remove(struct xf_map *map, struct xf_span key)
{
    size_t slot = slot_of(map, xf_siphash13(&map->hash_key, key), key);

    if (!map->slots[slot])
        return NULL;

    size_t index = map->slots[slot] - 1;
    struct entry removed = map->entries[index];

    free_slot(map, slot);
    map->count--;
    if (index != map->count) {
        map->slots[slot_of_index(map, map->count)] = (uint32_t)index + 1;
        map->entries[index] = map->entries[map->count];
    }
    xf_free(removed.key);
    /* Shrink, but leave enough room that the next few names do not make the map grow again. */
    if (map->slot_count > FEWEST_SLOTS && map->count < map->slot_count / 16)
        resize(map, map->slot_count / 4 > FEWEST_SLOTS ? map->slot_count / 4 : FEWEST_SLOTS);
    return removed.value;
}

size_t xf_map_count(const struct xf_map *map)
{
    return map->count;
}

/* *cursor is 0 before the walk, then the place of the entry last returned, from 1; 1 is the end. */
bool xf_map_next(const struct xf_map *map, size_t *cursor, struct xf_span *key, void **value)
{
    if (*cursor == 0 || *cursor > map->count + 1)
        *cursor = map->count + 1;
    if (*cursor == 1)
        return false;

    const struct entry *entry = &map->entries[--*cursor - 1];
    if (key)
        *key = (struct xf_span){entry->key, entry->key_len};
    if (value)
        *value = entry->value;
    return true;
}
