/* SPDX-License-Identifier: MIT */
/*
 * owned.c — the peers of which is known which protocol they belong to, by the owners of their
 * domains. Whoever owns a domain can authenticate any number of names below it; so each owner has a
 * limited number of such entries, and a new one takes the place of its own oldest one, never that
 * of somebody else.
 */
#include "history_priv.h"

#include <xfed/base/alloc.h>
#include <xfed/xmpp/owner.h>

struct xf_history_owned { /* of one owner */
    struct xf_node peers; /* struct xf_history_peer, longest silent first */
    size_t count;
};

void xf_history_owned_init(struct xf_history_table *table)
{
    table->auto_owners = xf_map_new();
}

void xf_history_owned_fini(struct xf_history_table *table)
{
    size_t cursor = 0;
    void *owned;
    while (xf_map_next(table->auto_owners, &cursor, NULL, &owned))
        xf_free(owned);
    xf_map_free(&table->auto_owners);
}

static struct xf_span owner_of(const struct xf_history_peer *peer)
{
    return xf_domain_owner(xf_span_of(peer->name));
}

void xf_history_owned_leave(struct xf_history_table *table, struct xf_history_peer *peer)
{
    struct xf_history_owned *owned = xf_map_find(table->auto_owners, owner_of(peer));
    if (!xf_list_is_linked(&peer->owned))
        return;
    xf_list_remove(&peer->owned);
    if (--owned->count > 0)
        return;
    (void)xf_map_remove(table->auto_owners, owner_of(peer));
    xf_free(owned);
}

/* The store has that entry. */
static void drop(struct xf_history_table *table, struct xf_history_peer *peer)
{
    xf_history_owned_leave(table, peer);
    xf_free(peer->way[XF_HISTORY_AUTO]);
    peer->way[XF_HISTORY_AUTO] = NULL;
    if (peer->way[XF_HISTORY_OUT] || peer->way[XF_HISTORY_IN])
        xf_history_table_soil(table, peer);
    else
        xf_history_table_remove(table, peer);
}

void xf_history_owned_see(struct xf_history_table *table, struct xf_history_peer *peer)
{
    struct xf_history_owned *owned = xf_map_find(table->auto_owners, owner_of(peer));
    if (!owned) {
        owned = xf_new(struct xf_history_owned);
        xf_list_init(&owned->peers);
        xf_map_set(table->auto_owners, owner_of(peer), owned);
    }
    owned->count += !xf_list_is_linked(&peer->owned);
    xf_list_remove(&peer->owned);
    xf_list_push(&owned->peers, &peer->owned);
    if (table->max_auto_per_owner && owned->count > table->max_auto_per_owner)
        drop(table, XF_CONTAINER(owned->peers.next, struct xf_history_peer, owned));
}
