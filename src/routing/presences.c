/* SPDX-License-Identifier: MIT */
/* presences.c — the table of presences, and its bounds. */
#include "presences_priv.h"

#include <string.h>

#include <xfed/base/alloc.h>
#include <xfed/xmpp/owner.h>

void xf_presence_table_init(struct xf_presence_table *table)
{
    *table = (struct xf_presence_table){.pairs = xf_map_new(), .by_key = xf_map_new()};
    xf_quota_init(&table->quota, NULL);
}

void xf_presence_table_fini(struct xf_presence_table *table)
{
    xf_require(xf_map_count(table->pairs) == 0 && xf_map_count(table->by_key) == 0);
    xf_map_free(&table->pairs);
    xf_map_free(&table->by_key);
    xf_quota_fini(&table->quota);
}

/* ------------------------------------------------------------------ bytes */

static bool has_room(const struct xf_presences *pair, size_t bytes)
{
    const struct xf_presence_table *table = pair->table;
    size_t max = table->max_bytes;
    if (table->bytes + bytes > max)
        return false;
    return !pair->is_stranger ||
           (xf_place_weight(&pair->place, XF_CROWD_GROUP) + bytes <= max / 8 &&
            xf_place_weight(&pair->place, XF_CROWD_ALL) + bytes <= max / 2);
}

static void charge(struct xf_presences *pair, size_t bytes)
{
    pair->bytes += bytes;
    pair->table->bytes += bytes;
    if (pair->is_stranger)
        xf_place_weigh(&pair->place, pair->bytes);
}

static void refund(struct xf_presences *pair, size_t bytes)
{
    pair->bytes -= bytes;
    pair->table->bytes -= bytes;
    if (pair->is_stranger)
        xf_place_weigh(&pair->place, pair->bytes);
}

/* ------------------------------------------------------------------ pairs */

struct xf_presences *xf_presences_find(const struct xf_presence_table *table, struct xf_span local,
                                       struct xf_span peer)
{
    XF_UNINITIALIZED struct xf_pair_key key;
    return xf_map_find(table->pairs, xf_pair_key(local, peer, &key));
}

bool xf_presences_enter(struct xf_presence_table *table, struct xf_presences *pair,
                        struct xf_span local, struct xf_span peer, bool is_stranger,
                        uint64_t now_ms)
{
    struct xf_pair_key key;
    struct xf_span text = xf_pair_key(local, peer, &key);
    *pair = (struct xf_presences){.table = table, .is_stranger = is_stranger};
    if (is_stranger)
        xf_quota_enter(&table->quota, &pair->place,
                       &(struct xf_quota_keys){.group = xf_domain_owner(peer), .member = peer},
                       now_ms);
    if (!has_room(pair, XF_PRESENCE_PAIR_BYTES + text.len)) {
        xf_quota_give(&table->quota, &pair->place);
        return false;
    }
    (void)xf_map_set(table->pairs, text, pair); /* the pair had none */
    pair->key = xf_map_key(table->pairs, text);
    pair->local = (struct xf_span){pair->key.ptr, local.len};
    pair->peer = (struct xf_span){pair->key.ptr + local.len + 1, peer.len};
    for (size_t i = 0; i < XF_PRESENCE_LISTS; i++)
        xf_list_init(&pair->lists[i]);
    charge(pair, XF_PRESENCE_PAIR_BYTES + text.len);
    return true;
}

void xf_presences_leave(struct xf_presences *pair)
{
    for (size_t i = 0; i < XF_PRESENCE_LISTS; i++) {
        XF_LIST_EACH_SAFE (node, &pair->lists[i])
            xf_presence_drop(XF_CONTAINER(node, struct xf_presence, node));
    }
    refund(pair, XF_PRESENCE_PAIR_BYTES + pair->key.len);
    xf_quota_give(&pair->table->quota, &pair->place);
    (void)xf_map_remove(pair->table->pairs, pair->key);
}

/* ------------------------------------------------------------------ presences */

static struct xf_span key_of(struct xf_span from, struct xf_span to,
                             char text[XF_PRESENCE_KEY_BYTES])
{
    memcpy(text, from.ptr, from.len);
    text[from.len] = '\0';
    memcpy(text + from.len + 1, to.ptr, to.len);
    return (struct xf_span){text, from.len + 1 + to.len};
}

struct xf_presence *xf_presence_find(const struct xf_presence_table *table, struct xf_span from,
                                     struct xf_span to)
{
    XF_UNINITIALIZED char text[XF_PRESENCE_KEY_BYTES];
    return xf_map_find(table->by_key, key_of(from, to, text));
}

struct xf_presence *xf_presence_first(const struct xf_presences *pair, enum xf_presence_list list)
{
    const struct xf_node *head = &pair->lists[list];
    return xf_list_is_empty(head) ? NULL : XF_CONTAINER(head->next, struct xf_presence, node);
}

struct xf_presence *xf_presence_add(struct xf_presences *pair, enum xf_presence_list list,
                                    enum xf_presence_kind kind, struct xf_span from,
                                    struct xf_span to)
{
    XF_UNINITIALIZED char text[XF_PRESENCE_KEY_BYTES];
    struct xf_span key = key_of(from, to, text);
    if (!has_room(pair, XF_PRESENCE_BYTES + key.len))
        return NULL;
    struct xf_presence *presence = xf_new(struct xf_presence);
    *presence = (struct xf_presence){
        .pair = pair, .from_len = (uint16_t)from.len, .list = (uint8_t)list, .kind = (uint8_t)kind};
    (void)xf_map_set(pair->table->by_key, key, presence); /* the caller looked for it */
    presence->key = xf_map_key(pair->table->by_key, key);
    xf_list_push(&pair->lists[list], &presence->node);
    charge(pair, XF_PRESENCE_BYTES + key.len);
    return presence;
}

void xf_presence_move(struct xf_presence *presence, enum xf_presence_list list)
{
    xf_list_remove(&presence->node);
    presence->list = (uint8_t)list;
    xf_list_push(&presence->pair->lists[list], &presence->node);
}

void xf_presence_drop(struct xf_presence *presence)
{
    struct xf_presences *pair = presence->pair;
    refund(pair, XF_PRESENCE_BYTES + presence->key.len);
    xf_list_remove(&presence->node);
    (void)xf_map_remove(pair->table->by_key, presence->key);
    xf_free(presence);
}
