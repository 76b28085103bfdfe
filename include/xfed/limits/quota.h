/* SPDX-License-Identifier: MIT */
/*
 * quota.h — a limited number of places: who gets one, and who loses one when all are taken.
 *
 * A place belongs to a member of a group. The group stands for one owner (a network, a registered
 * domain), the member is one of its names (an address, a domain). Both are plain text to this
 * module. Each call costs a few look-ups, however many places there are. Test:
 * tests/unit/limits/test_quota.c.
 */
#pragma once

#include <stdint.h>
#include <xfed/base/list.h>
#include <xfed/base/map.h>

struct xf_crowd; /* the places of a member, of a group, of all */

enum xf_crowd_kind { XF_CROWD_ALL, XF_CROWD_GROUP, XF_CROWD_MEMBER, XF_CROWD_KINDS };

struct xf_place { /* zeroed: none held */
    struct xf_crowd *crowds[XF_CROWD_KINDS];
    struct xf_node nodes[XF_CROWD_KINDS]; /* in the crowd of each kind, longest unused first */
    uint64_t used_ms;
    size_t weight;
};

struct xf_quota_keys {
    struct xf_span group, member; /* a member has one group */
};

struct xf_quota_limits {
    unsigned per_member, per_group, total;
    /* Whoever holds fewer places may take one that was unused for this long; at least 1. */
    unsigned unused_ms;
    /* A full member may take one of its own places that was not used for unused_ms. */
    bool shares_own;
};

/* When was the place last used? Called only for places that may have to be given up. */
typedef uint64_t (*xf_place_used_fn)(const struct xf_place *place);

struct xf_quota {
    struct xf_map *crowds[XF_CROWD_KINDS]; /* of groups and of members: text -> struct xf_crowd */
    struct xf_crowd *all;
    xf_place_used_fn used; /* NULL: a place counts as used when it was taken */
};
void xf_quota_init(struct xf_quota *quota, xf_place_used_fn used);
void xf_quota_fini(struct xf_quota *quota); /* every place was given back */

enum xf_quota_answer {
    XF_QUOTA_ROOM,
    XF_QUOTA_MEMBER_FULL,
    XF_QUOTA_GROUP_FULL,
    XF_QUOTA_ALL_FULL
};

/*
 * Is there room? With XF_QUOTA_ROOM, *out_victim is the place that must be given back first, or
 * NULL if there is free room. Takes nothing.
 */
enum xf_quota_answer xf_quota_look(struct xf_quota *quota, const struct xf_quota_keys *keys,
                                   const struct xf_quota_limits *limits, uint64_t now_ms,
                                   struct xf_place **out_victim);

/* Take a place without checking the limits. The keys are copied. */
void xf_quota_enter(struct xf_quota *quota, struct xf_place *place,
                    const struct xf_quota_keys *keys, uint64_t now_ms);

/*
 * Look, then enter. On XF_QUOTA_ROOM the place is held. If *out_evicted is not NULL, that place was
 * given back to make room, and its holder must end.
 */
enum xf_quota_answer xf_quota_take(struct xf_quota *quota, struct xf_place *place,
                                   const struct xf_quota_keys *keys,
                                   const struct xf_quota_limits *limits, uint64_t now_ms,
                                   struct xf_place **out_evicted);
/* Does nothing for a place that is not held. */
void xf_quota_give(struct xf_quota *quota, struct xf_place *place);
unsigned xf_quota_count(const struct xf_quota *quota);

/* How many places the member, the group, or all hold; the place is held. */
unsigned xf_place_crowd_size(const struct xf_place *place, enum xf_crowd_kind kind);

static inline bool xf_place_is_held(const struct xf_place *place)
{
    return place->crowds[XF_CROWD_ALL] != NULL;
}

/*
 * A place may have a weight (bytes that wait). The second is the sum of its member, of its group,
 * or of all.
 */
void xf_place_weigh(struct xf_place *place, size_t weight);
size_t xf_place_weight(const struct xf_place *place, enum xf_crowd_kind kind);
/* ... of a crowd in which the caller may hold no place yet; 0: nobody does. */
size_t xf_quota_weight(const struct xf_quota *quota, const struct xf_quota_keys *keys,
                       enum xf_crowd_kind kind);
