/* SPDX-License-Identifier: MIT */
/*
 * cache.c — the directory's answers about single users: a user's address, a user without an
 * address, an address that no user has.
 *
 * An expired answer stays until a new one comes, since nothing better is known while the directory
 * cannot be reached. When there are too many, the oldest answer is dropped first.
 */
#include "mailmap_priv.h"

#include <string.h>
#include <xfed/base/alloc.h>

struct entry {
    struct xf_node node; /* oldest first */
    struct xf_cache_times times;
    struct xf_span jid, mail; /* behind the struct; one may be absent */
};

struct xf_cache {
    struct xf_map *by_jid, *by_mail;
    struct xf_node entries;
    size_t count, entries_max;
};

struct xf_cache *xf_cache_new(size_t entries_max)
{
    struct xf_cache *cache = xf_new(struct xf_cache);
    cache->by_jid = xf_map_new();
    cache->by_mail = xf_map_new();
    cache->entries_max = entries_max;
    xf_list_init(&cache->entries);
    return cache;
}

static void drop(struct xf_cache *cache, struct entry *entry)
{
    if (!entry)
        return;
    if (entry->jid.ptr)
        (void)xf_map_remove(cache->by_jid, entry->jid);
    if (entry->mail.ptr)
        (void)xf_map_remove(cache->by_mail, entry->mail);
    xf_list_remove(&entry->node);
    cache->count--;
    xf_free(entry);
}

void xf_cache_clear(struct xf_cache *cache)
{
    while (!xf_list_is_empty(&cache->entries))
        drop(cache, XF_CONTAINER(cache->entries.next, struct entry, node));
}

void xf_cache_drop_addresses(struct xf_cache *cache)
{
    struct xf_node *next;
    for (struct xf_node *node = cache->entries.next; node != &cache->entries; node = next) {
        struct entry *entry = XF_CONTAINER(node, struct entry, node);
        next = node->next;
        if (entry->mail.ptr)
            drop(cache, entry);
    }
}

static void drop_excess(struct xf_cache *cache, size_t entries_max)
{
    while (cache->count > entries_max)
        drop(cache, XF_CONTAINER(cache->entries.next, struct entry, node));
}

void xf_cache_bound(struct xf_cache *cache, size_t entries_max)
{
    cache->entries_max = entries_max;
    drop_excess(cache, entries_max);
}

void xf_cache_free(struct xf_cache **cache)
{
    if (!*cache)
        return;
    xf_cache_clear(*cache);
    xf_map_free(&(*cache)->by_jid);
    xf_map_free(&(*cache)->by_mail);
    xf_free(*cache);
    *cache = NULL;
}

size_t xf_cache_count(const struct xf_cache *cache)
{
    return cache->count;
}

static struct xf_span keep(char **at, struct xf_span text)
{
    if (!text.ptr)
        return XF_SPAN_NONE;
    struct xf_span kept = {*at, text.len};
    memcpy(*at, text.ptr, text.len);
    *at += text.len;
    return kept;
}

void xf_cache_put(struct xf_cache *cache, struct xf_span jid, struct xf_span mail,
                  const struct xf_cache_times *times)
{
    struct entry *entry = xf_alloc(sizeof(*entry) + jid.len + mail.len);
    char *at = (char *)(entry + 1);
    entry->times = *times;
    entry->jid = keep(&at, jid); /* before old entries are freed: the spans may point into them */
    entry->mail = keep(&at, mail);
    if (entry->jid.ptr)
        drop(cache, xf_map_find(cache->by_jid, entry->jid));
    if (entry->mail.ptr)
        drop(cache, xf_map_find(cache->by_mail, entry->mail));
    drop_excess(cache, cache->entries_max - 1);
    if (entry->jid.ptr)
        (void)xf_map_set(cache->by_jid, entry->jid, entry);
    if (entry->mail.ptr)
        (void)xf_map_set(cache->by_mail, entry->mail, entry);
    xf_list_push(&cache->entries, &entry->node);
    cache->count++;
}

static enum xf_mailmap_answer answer(const struct entry *entry, struct xf_span text,
                                     uint64_t now_ms, struct xf_span *out, bool *out_is_fresh)
{
    *out_is_fresh = now_ms < entry->times.fresh_until_ms;
    if (now_ms >= entry->times.known_until_ms)
        return XF_MAILMAP_LATER;
    if (!text.ptr)
        return XF_MAILMAP_NONE;
    *out = text;
    return XF_MAILMAP_FOUND;
}

enum xf_mailmap_answer xf_cache_mail(struct xf_cache *cache, struct xf_span jid, uint64_t now_ms,
                                     struct xf_span *out_mail, bool *out_is_fresh)
{
    const struct entry *entry = cache ? xf_map_find(cache->by_jid, jid) : NULL;
    return entry ? answer(entry, entry->mail, now_ms, out_mail, out_is_fresh) : XF_MAILMAP_LATER;
}

enum xf_mailmap_answer xf_cache_jid(struct xf_cache *cache, struct xf_span mail, uint64_t now_ms,
                                    struct xf_span *out_jid, bool *out_is_fresh)
{
    const struct entry *entry = cache ? xf_map_find(cache->by_mail, mail) : NULL;
    return entry ? answer(entry, entry->jid, now_ms, out_jid, out_is_fresh) : XF_MAILMAP_LATER;
}
