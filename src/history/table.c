/* SPDX-License-Identifier: MIT */
/*
 * table.c — the remembered peers, limited in number.
 *
 * Two lists, in the order in which peers were last seen: the young ones, known for less than a day,
 * and the old ones. Whoever owns a domain with wildcard records can authenticate any number of
 * names, and could push out all other peers. So once the young ones take a quarter of the room, a
 * new one replaces a young one; an old one is forgotten only while the young ones have less than
 * that.
 */
#include "history_priv.h"

#include <xfed/base/alloc.h>

#define OLD_S (24 * 3600)

void xf_history_table_init(struct xf_history_table *table, size_t max_peers,
                           size_t max_auto_per_owner)
{
    *table =
        (struct xf_history_table){.max_peers = max_peers, .max_auto_per_owner = max_auto_per_owner};
    xf_history_owned_init(table);
    table->peers = xf_map_new();
    table->gone = xf_map_new();
    xf_list_init(&table->young);
    xf_list_init(&table->old);
    xf_list_init(&table->dirty);
}

static void free_peer(struct xf_history_peer *peer)
{
    for (size_t i = 0; i < XF_HISTORY_WAY_COUNT; i++)
        xf_free(peer->way[i]);
    xf_free(peer->name);
    xf_free(peer);
}

void xf_history_table_fini(struct xf_history_table *table)
{
    struct xf_node *const lists[] = {&table->young, &table->old};
    for (size_t i = 0; i < XF_ARRAY_LEN(lists) && table->peers; i++) {
        XF_LIST_EACH_SAFE (node, lists[i])
            free_peer(XF_CONTAINER(node, struct xf_history_peer, node));
    }
    xf_history_owned_fini(table);
    xf_map_free(&table->peers);
    xf_map_free(&table->gone);
}

struct xf_history_peer *xf_history_table_find(const struct xf_history_table *table,
                                              struct xf_span name)
{
    return xf_map_find(table->peers, name);
}

static struct xf_history_peer *peer_of(struct xf_node *node)
{
    return XF_CONTAINER(node, struct xf_history_peer, node);
}

static void unlink_peer(struct xf_history_table *table, struct xf_history_peer *peer)
{
    table->young_count -= !peer->is_old;
    xf_list_remove(&peer->node);
}

static void link_peer(struct xf_history_table *table, struct xf_history_peer *peer)
{
    peer->is_old = peer->last_s - peer->first_s >= OLD_S;
    table->young_count += !peer->is_old;
    xf_list_push(peer->is_old ? &table->old : &table->young, &peer->node);
}

void xf_history_table_remove(struct xf_history_table *table, struct xf_history_peer *peer)
{
    struct xf_span name = xf_span_of(peer->name);
    if (table->has_own_store && peer->is_stored)
        xf_map_set(table->gone, name, table);
    xf_map_remove(table->peers, name);
    xf_list_remove(&peer->dirty);
    xf_history_owned_leave(table, peer);
    unlink_peer(table, peer);
    free_peer(peer);
}

static void make_room(struct xf_history_table *table)
{
    while (xf_map_count(table->peers) >= table->max_peers) {
        bool has_enough = table->young_count > 0 && table->young_count >= table->max_peers / 4;
        bool takes_young = has_enough || xf_list_is_empty(&table->old);
        xf_history_table_remove(table, peer_of(takes_young ? table->young.next : table->old.next));
    }
}

static struct xf_history_peer *new_peer(struct xf_history_table *table, struct xf_span name,
                                        int64_t first_s)
{
    make_room(table);
    struct xf_history_peer *peer = xf_new(struct xf_history_peer);
    peer->name = xf_span_dup(name);
    peer->first_s = first_s;
    xf_map_set(table->peers, name, peer);
    if (xf_map_remove(table->gone, name))
        xf_history_table_soil(table, peer); /* the store still has its old entry */
    return peer;
}

struct xf_history_peer *xf_history_table_see(struct xf_history_table *table, struct xf_span name,
                                             int64_t first_s, int64_t last_s)
{
    struct xf_history_peer *peer = xf_history_table_find(table, name);
    if (peer)
        unlink_peer(table, peer);
    else
        peer = new_peer(table, name, first_s);
    peer->first_s = first_s < peer->first_s ? first_s : peer->first_s;
    peer->last_s = last_s;
    link_peer(table, peer);
    return peer;
}

struct xf_history_record *xf_history_peer_record(struct xf_history_peer *peer,
                                                 enum xf_history_way way, int64_t now_s)
{
    if (!peer->way[way]) {
        peer->way[way] = xf_new(struct xf_history_record);
        peer->way[way]->entry.first_s = now_s;
    }
    return peer->way[way];
}

void xf_history_table_soil(struct xf_history_table *table, struct xf_history_peer *peer)
{
    if (table->has_store && !xf_list_is_linked(&peer->dirty))
        xf_list_push(&table->dirty, &peer->dirty);
    peer->stored_s = peer->last_s;
}

bool xf_history_table_is_clean(const struct xf_history_table *table)
{
    return xf_list_is_empty(&table->dirty) && xf_map_count(table->gone) == 0;
}
