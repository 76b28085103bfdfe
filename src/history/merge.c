/* SPDX-License-Identifier: MIT */
/*
 * merge.c — what two nodes know of one peer becomes one entry. The result is the same whatever the
 * order in which nodes learn from each other, and however often, so that all of them end up with
 * the same entry and raise the same alarms:
 *
 *   auth      the strongest; but one side accepted a weaker one later than the other (lowered_s):
 *             that side's
 *   first     the earliest
 *   last      the latest
 *   keys      all of both, but the XF_HISTORY_KEYS seen last (the same second: in the order of
 *             their bytes); of each the earliest first, latest last and strongest ground
 *
 * One thing may depend on the order: of a key that was pushed out and comes back, what was known
 * about its first time and its ground. No alarm depends on these.
 *
 * src/history/postgres_sql.c says the same in SQL; tests/unit/history/test_store.c compares both.
 */
#include "history_priv.h"

#include <stdlib.h>
#include <string.h>

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t greatest(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void merge_auth(struct xf_history_entry *into, const struct xf_history_entry *other)
{
    bool is_later = other->lowered_s > into->lowered_s;
    if (is_later || (other->lowered_s == into->lowered_s && other->auth > into->auth))
        into->auth = other->auth;
    into->lowered_s = greatest(into->lowered_s, other->lowered_s);
}

static int compare_keys(const void *a, const void *b)
{
    const struct xf_history_key *x = a, *y = b;
    if (x->last_s != y->last_s)
        return x->last_s > y->last_s ? -1 : 1;
    return memcmp(x->spki_sha256, y->spki_sha256, XF_HISTORY_SPKI_BYTES);
}

static void merge_key(struct xf_history_key *into, const struct xf_history_key *other)
{
    into->first_s = least(into->first_s, other->first_s);
    into->last_s = greatest(into->last_s, other->last_s);
    into->ground = other->ground > into->ground ? other->ground : into->ground;
}

static void merge_keys(struct xf_history_entry *into, const struct xf_history_entry *other)
{
    struct xf_history_key all[2 * XF_HISTORY_KEYS];
    size_t count = into->key_count;
    memcpy(all, into->keys, count * sizeof(all[0]));
    for (size_t i = 0; i < other->key_count; i++) {
        const struct xf_history_key *key = &other->keys[i],
                                    *known = xf_history_entry_key(into, key->spki_sha256);
        if (known)
            merge_key(&all[known - into->keys], key);
        else
            all[count++] = *key;
    }
    qsort(all, count, sizeof(all[0]), compare_keys);
    into->key_count = count < XF_HISTORY_KEYS ? count : XF_HISTORY_KEYS;
    memcpy(into->keys, all, into->key_count * sizeof(all[0]));
}

void xf_history_entry_merge(struct xf_history_entry *into, const struct xf_history_entry *other)
{
    merge_auth(into, other);
    into->first_s = least(into->first_s, other->first_s);
    into->last_s = greatest(into->last_s, other->last_s);
    merge_keys(into, other);
}

bool xf_history_entry_eq(const struct xf_history_entry *entry, const struct xf_history_entry *other)
{
    if (entry->auth != other->auth || entry->lowered_s != other->lowered_s ||
        entry->first_s != other->first_s || entry->key_count != other->key_count)
        return false;
    for (size_t i = 0; i < entry->key_count; i++) {
        const struct xf_history_key *key = xf_history_entry_key(other, entry->keys[i].spki_sha256);
        if (!key || key->ground != entry->keys[i].ground || key->first_s != entry->keys[i].first_s)
            return false;
    }
    return true;
}
