/* SPDX-License-Identifier: MIT */
/*
 * presences_priv.h — available presence that has passed between our users and peers, by pair: a
 * table without I/O, bounded by bytes. repair.c puts things into it and says what follows from
 * them. Test: tests/unit/routing/test_presences.c.
 */
#pragma once

#include <xfed/base/list.h>
#include <xfed/base/map.h>
#include <xfed/limits/quota.h>
#include <xfed/xmpp/pair.h>

/* The charge for a presence beside its two addresses, and for a pair; no less than they cost. */
#define XF_PRESENCE_BYTES      160
#define XF_PRESENCE_PAIR_BYTES 1024

#define XF_PRESENCE_KEY_BYTES (2 * XF_JID_MAX + 1) /* two JIDs with a NUL between */

/* clang-format off */
enum xf_presence_list {
    XF_PRESENCE_SEEN, /* available presence that the cluster has from the peer */
    XF_PRESENCE_GONE, /* the cluster was told that it is unavailable */
    XF_PRESENCE_SENT, /* available presence that the peer has from us */
    XF_PRESENCE_LEFT, /* ... which is unavailable now, and the peer does not know it */
    XF_PRESENCE_LISTS,
};
/* clang-format on */

enum xf_presence_kind {
    XF_PRESENCE_CONTACT,
    XF_PRESENCE_GUEST, /* `to` is the sender's place in a chat room */
    XF_PRESENCE_SELF,  /* `from` is the place of `to` in a chat room, which tells it so */
};

struct xf_presence {
    struct xf_node node; /* in a list of the pair */
    struct xf_presences *pair;
    struct xf_span key; /* "from\0to", of the table */
    uint16_t from_len;
    uint8_t list; /* enum xf_presence_list */
    uint8_t kind; /* enum xf_presence_kind */
};

/* The presences of a pair; made for its first one, and freed by its owner. */
struct xf_presences {
    struct xf_presence_table *table;
    struct xf_span local, peer; /* both in `key` */
    struct xf_span key;         /* of the table */
    struct xf_node lists[XF_PRESENCE_LISTS];
    struct xf_place place; /* its weight is the bytes of the pair */
    size_t bytes;
    bool is_stranger;
};

struct xf_presence_table {
    struct xf_map *pairs;  /* "local\0peer" -> struct xf_presences */
    struct xf_map *by_key; /* "from\0to" -> struct xf_presence */
    struct xf_quota quota; /* the pairs of strangers */
    size_t bytes, max_bytes;
};

void xf_presence_table_init(struct xf_presence_table *table);
void xf_presence_table_fini(struct xf_presence_table *table); /* of an empty one */

struct xf_presences *xf_presences_find(const struct xf_presence_table *table, struct xf_span local,
                                       struct xf_span peer);
/*
 * Enter a pair that was made by its owner, who zeroed it. False: there is no room. A stranger's
 * owner (xmpp/owner.h) has an eighth of max_bytes, all strangers have half.
 */
bool xf_presences_enter(struct xf_presence_table *table, struct xf_presences *pair,
                        struct xf_span local, struct xf_span peer, bool is_stranger,
                        uint64_t now_ms);
/* Drops what is left in it. */
void xf_presences_leave(struct xf_presences *pair);

static inline bool xf_presences_is_empty(const struct xf_presences *pair)
{
    return pair->bytes == XF_PRESENCE_PAIR_BYTES + pair->key.len;
}

/* NULL: there is none. */
struct xf_presence *xf_presence_find(const struct xf_presence_table *table, struct xf_span from,
                                     struct xf_span to);
/* The longest in the list; NULL: it is empty. */
struct xf_presence *xf_presence_first(const struct xf_presences *pair, enum xf_presence_list list);
/* Put a new one into the list. NULL: there is no room. */
struct xf_presence *xf_presence_add(struct xf_presences *pair, enum xf_presence_list list,
                                    enum xf_presence_kind kind, struct xf_span from,
                                    struct xf_span to);
void xf_presence_move(struct xf_presence *presence, enum xf_presence_list list);
void xf_presence_drop(struct xf_presence *presence);

static inline struct xf_span xf_presence_from(const struct xf_presence *presence)
{
    return (struct xf_span){presence->key.ptr, presence->from_len};
}

static inline struct xf_span xf_presence_to(const struct xf_presence *presence)
{
    size_t at = presence->from_len + 1u;
    return (struct xf_span){presence->key.ptr + at, presence->key.len - at};
}
