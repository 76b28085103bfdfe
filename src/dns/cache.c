/* SPDX-License-Identifier: MIT */
/*
 * cache.c — answers for as long as their TTL says, in bounded memory.
 *
 * An entry is dead at the very millisecond in which its TTL ends: a peer that moves must not be
 * sought at the old place for longer than its zone allows. Negative answers live by the SOA
 * (codec.c works out the TTL), failures are not kept at all. When there is no room, the entry that
 * was not used for the longest time goes, so that a flood of once-seen names costs the names in use
 * nothing. There is a ceiling for entries and one for records, since a stranger chooses how many
 * records his names have.
 */
#include "cache_priv.h"

#include <xfed/base/alloc.h>
#include <xfed/base/list.h>
#include <xfed/base/map.h>

#include "key_priv.h"

#define RECORDS_PER_ENTRY 4 /* on average, of a full cache */

struct entry {
    struct xf_node node; /* in by_use, the longest unused first */
    uint64_t dies_at_ms;
    struct xf_dns_answer *answer;
    size_t key_len;
    char key[];
};

struct xf_dns_cache {
    const struct xf_clock *clock;
    size_t entries_max, record_count;
    struct xf_map *map;
    struct xf_node by_use;
};

struct xf_dns_answer *xf_dns_answer_dup(const struct xf_dns_answer *answer)
{
    size_t records_bytes = answer->count * sizeof(*answer->records),
           words_bytes = strlen(answer->detail) + 1;
    struct xf_dns_answer *copy = xf_alloc(sizeof(*copy) + records_bytes + words_bytes);
    struct xf_dns_record *records = (struct xf_dns_record *)(void *)(copy + 1);
    char *words = (char *)records + records_bytes;

    *copy = *answer;
    if (records_bytes > 0)
        memcpy(records, answer->records, records_bytes);
    memcpy(words, answer->detail, words_bytes);
    copy->records = records;
    copy->detail = words;
    return copy;
}

struct xf_dns_cache *xf_dns_cache_new(const struct xf_clock *clock, size_t entries_max)
{
    struct xf_dns_cache *cache = xf_new(struct xf_dns_cache);

    *cache = (struct xf_dns_cache){.clock = clock, .entries_max = entries_max, .map = xf_map_new()};
    xf_list_init(&cache->by_use);
    return cache;
}

static void drop(struct xf_dns_cache *cache, struct entry *entry)
{
    cache->record_count -= entry->answer->count;
    xf_list_remove(&entry->node);
    xf_map_remove(cache->map, (struct xf_span){entry->key, entry->key_len});
    xf_free(entry->answer);
    xf_free(entry);
}

void xf_dns_cache_free(struct xf_dns_cache **cache)
{
    if (!*cache)
        return;
    XF_LIST_EACH_SAFE(node, &(*cache)->by_use)
    {
        drop(*cache, XF_CONTAINER(node, struct entry, node));
    }
    xf_map_free(&(*cache)->map);
    xf_free(*cache);
    *cache = NULL;
}

const struct xf_dns_answer *xf_dns_cache_find(struct xf_dns_cache *cache, const char *name,
                                              enum xf_dns_type type)
{
    char key[XF_DNS_KEY_BYTES];
    struct entry *entry = xf_map_find(cache->map, xf_dns_key(name, type, key));

    if (!entry)
        return NULL;
    if (cache->clock->now_ms >= entry->dies_at_ms) {
        drop(cache, entry);
        return NULL;
    }
    xf_list_remove(&entry->node);
    xf_list_push(&cache->by_use, &entry->node);
    return entry->answer;
}

static bool is_full(const struct xf_dns_cache *cache)
{
    return xf_map_count(cache->map) > cache->entries_max ||
           cache->record_count > cache->entries_max * RECORDS_PER_ENTRY + XF_DNS_RECORDS_MAX;
}

void xf_dns_cache_put(struct xf_dns_cache *cache, const char *name, enum xf_dns_type type,
                      const struct xf_dns_answer *answer, uint32_t ttl_s)
{
    char text[XF_DNS_KEY_BYTES];
    struct xf_span key = xf_dns_key(name, type, text);
    struct entry *old = xf_map_find(cache->map, key);

    if (old)
        drop(cache, old);
    if (ttl_s == 0 || answer->status == XF_DNS_FAILED || cache->entries_max == 0)
        return;

    struct entry *entry = xf_alloc(sizeof(*entry) + key.len);
    entry->dies_at_ms = cache->clock->now_ms + (uint64_t)ttl_s * 1000;
    entry->answer = xf_dns_answer_dup(answer);
    entry->key_len = key.len;
    memcpy(entry->key, key.ptr, key.len);
    cache->record_count += answer->count;
    xf_list_push(&cache->by_use, &entry->node);
    xf_map_set(cache->map, key, entry);
    while (is_full(cache)) /* the newest stands last and alone would fit */
        drop(cache, XF_CONTAINER(cache->by_use.next, struct entry, node));
}

size_t xf_dns_cache_count(const struct xf_dns_cache *cache)
{
    return xf_map_count(cache->map);
}
