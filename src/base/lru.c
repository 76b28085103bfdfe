/* SPDX-License-Identifier: MIT */
/* lru.c — a map, and a list of those in it that may go. */
#include <xfed/base/lru.h>

#include <xfed/base/err.h>

void xf_lru_init(struct xf_lru *lru)
{
    *lru = (struct xf_lru){.by_key = xf_map_new()};
    xf_list_init(&lru->resting);
}

void xf_lru_fini(struct xf_lru *lru)
{
    xf_require(xf_lru_count(lru) == 0);
    xf_map_free(&lru->by_key);
}

struct xf_lru_entry *xf_lru_find(const struct xf_lru *lru, struct xf_span key)
{
    return xf_map_find(lru->by_key, key);
}

void xf_lru_add(struct xf_lru *lru, struct xf_span key, struct xf_lru_entry *entry)
{
    xf_require(xf_map_set(lru->by_key, key, entry) == NULL);
    *entry = (struct xf_lru_entry){.key = xf_map_key(lru->by_key, key)};
}

void xf_lru_rest(struct xf_lru *lru, struct xf_lru_entry *entry)
{
    xf_lru_hold(lru, entry);
    xf_list_push(&lru->resting, &entry->node);
    lru->resting_count++;
}

void xf_lru_hold(struct xf_lru *lru, struct xf_lru_entry *entry)
{
    if (!xf_list_is_linked(&entry->node))
        return;
    xf_list_remove(&entry->node);
    lru->resting_count--;
}

struct xf_lru_entry *xf_lru_oldest(const struct xf_lru *lru)
{
    return xf_list_is_empty(&lru->resting)
               ? NULL
               : XF_CONTAINER(lru->resting.next, struct xf_lru_entry, node);
}

void xf_lru_remove(struct xf_lru *lru, struct xf_lru_entry *entry)
{
    xf_lru_hold(lru, entry);
    xf_require(xf_map_remove(lru->by_key, entry->key) == entry);
    entry->key = XF_SPAN_NONE;
}

bool xf_lru_next(const struct xf_lru *lru, size_t *cursor, struct xf_lru_entry **out_entry)
{
    void *value = NULL;
    if (!xf_map_next(lru->by_key, cursor, NULL, &value))
        return false;
    *out_entry = value;
    return true;
}
