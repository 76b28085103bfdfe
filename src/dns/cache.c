/* SPDX-License-Identifier: MIT */
/*
 * cache.c — keeps answers for as long as their TTL allows, in bounded memory.
 *
 * An entry expires in the very millisecond in which its TTL ends: when a peer moves, we must not
 * look for it at the old place longer than its zone allows. The SOA decides how long negative
 * answers live (codec.c computes the TTL); failures are not cached. When there is no room, the
 * entry that was unused for the longest time is dropped, so a flood of names that are used once
 * does not push out the names in use. Both entries and bytes are limited, since strangers choose
 * how many records their names have and how long the data of a TLSA record is.
 */
#include "cache_priv.h"

#include <xfed/base/alloc.h>
#include <xfed/base/lru.h>

#include "key_priv.h"

struct entry {
    struct xf_lru_entry lru;
    uint64_t dies_at_ms;
    struct xf_dns_answer *answer;
    size_t bytes;
};

struct xf_dns_cache {
    const struct xf_clock *clock;
    size_t entries_max, bytes;
    struct xf_lru entries;
};

static size_t answer_bytes(const struct xf_dns_answer *answer)
{
    size_t bytes = sizeof(*answer) + answer->count * sizeof(*answer->records);

    for (size_t i = 0; i < answer->count; i++)
        bytes += answer->records[i].tlsa.data_bytes;
    return bytes + strlen(answer->detail) + 1;
}

/* In memory, the answer is followed by its records, the data of each, and the text. */
struct xf_dns_answer *xf_dns_answer_dup(const struct xf_dns_answer *answer)
{
    struct xf_dns_answer *copy = xf_alloc(answer_bytes(answer));
    struct xf_dns_record *records = (struct xf_dns_record *)(void *)(copy + 1);
    uint8_t *at = (uint8_t *)(records + answer->count);

    *copy = *answer;
    copy->records = records;
    for (size_t i = 0; i < answer->count; i++) {
        records[i] = answer->records[i];
        if (records[i].tlsa.data_bytes == 0)
            continue;
        memcpy(at, records[i].tlsa.data, records[i].tlsa.data_bytes);
        records[i].tlsa.data = at;
        at += records[i].tlsa.data_bytes;
    }
    memcpy(at, answer->detail, strlen(answer->detail) + 1);
    copy->detail = (const char *)at;
    return copy;
}

struct xf_dns_cache *xf_dns_cache_new(const struct xf_clock *clock, size_t entries_max)
{
    struct xf_dns_cache *cache = xf_new(struct xf_dns_cache);

    *cache = (struct xf_dns_cache){.clock = clock, .entries_max = entries_max};
    xf_lru_init(&cache->entries);
    return cache;
}

static struct entry *entry_of(struct xf_lru_entry *lru)
{
    return lru ? XF_CONTAINER(lru, struct entry, lru) : NULL;
}

static void drop(struct xf_dns_cache *cache, struct entry *entry)
{
    cache->bytes -= entry->bytes;
    xf_lru_remove(&cache->entries, &entry->lru);
    xf_free(entry->answer);
    xf_free(entry);
}

void xf_dns_cache_free(struct xf_dns_cache **cache)
{
    if (!*cache)
        return;
    struct xf_lru_entry *oldest;
    while ((oldest = xf_lru_oldest(&(*cache)->entries)))
        drop(*cache, entry_of(oldest));
    xf_lru_fini(&(*cache)->entries);
    xf_free(*cache);
    *cache = NULL;
}

const struct xf_dns_answer *xf_dns_cache_find(struct xf_dns_cache *cache, const char *name,
                                              enum xf_dns_type type)
{
    char key[XF_DNS_KEY_BYTES];
    struct entry *entry = entry_of(xf_lru_find(&cache->entries, xf_dns_key(name, type, key)));

    if (!entry)
        return NULL;
    if (cache->clock->now_ms >= entry->dies_at_ms) {
        drop(cache, entry);
        return NULL;
    }
    xf_lru_rest(&cache->entries, &entry->lru);
    return entry->answer;
}

static bool is_full(const struct xf_dns_cache *cache)
{
    return xf_lru_count(&cache->entries) > cache->entries_max ||
           cache->bytes > xf_dns_cache_bytes_max(cache->entries_max);
}

void xf_dns_cache_put(struct xf_dns_cache *cache, const char *name, enum xf_dns_type type,
                      const struct xf_dns_answer *answer, uint32_t ttl_s)
{
    char text[XF_DNS_KEY_BYTES];
    struct xf_span key = xf_dns_key(name, type, text);
    struct entry *old = entry_of(xf_lru_find(&cache->entries, key));

    if (old)
        drop(cache, old);
    if (ttl_s == 0 || answer->status == XF_DNS_FAILED || cache->entries_max == 0)
        return;

    struct entry *entry = xf_new(struct entry);
    entry->dies_at_ms = cache->clock->now_ms + (uint64_t)ttl_s * 1000;
    entry->answer = xf_dns_answer_dup(answer);
    entry->bytes = sizeof(*entry) + key.len + answer_bytes(answer);
    cache->bytes += entry->bytes;
    xf_lru_add(&cache->entries, key, &entry->lru);
    xf_lru_rest(&cache->entries, &entry->lru);
    while (is_full(cache)) /* the newest goes last and alone would fit */
        drop(cache, entry_of(xf_lru_oldest(&cache->entries)));
}

size_t xf_dns_cache_count(const struct xf_dns_cache *cache)
{
    return xf_lru_count(&cache->entries);
}

size_t xf_dns_cache_bytes(const struct xf_dns_cache *cache)
{
    return cache->bytes;
}
