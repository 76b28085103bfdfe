/* SPDX-License-Identifier: MIT */
/*
 * quota.c — limits places for each member, for each group and in all, so that an owner with many
 * names cannot keep out one with a single name.
 *
 * A member that has used up its own limit is refused. If its group or the whole is full, a newcomer
 * may take another's place, by two rules:
 *   - from those who have most: the longest unused place of the fullest member of the fullest group
 *     is taken (within one group: of its fullest member), if that group holds at least two places
 *     more than the newcomer's;
 *   - from those who do not use it: the longest unused place of all is taken, if it has not been
 *     used for unused_ms and its group holds more than the newcomer's. So to keep others out with
 *     ever new groups, an attacker has to use all places within that time, again and again.
 * Otherwise the newcomer is refused. The crowds within a crowd are sorted by size, in steps, so all
 * of this costs two map look-ups, however many crowds there are.
 *
 * Owners do not report each use of a place; quota->used is called when a place is about to be lost.
 * If it was used since, it goes to the end of the list and the next one is examined, up to
 * LOOKS_MAX of them. So using a place costs nothing.
 */
#include <xfed/limits/quota.h>

#include <xfed/base/alloc.h>
#include <xfed/base/err.h>

#define LOOKS_MAX 32

/* The crowds of the same size within a crowd. */
struct step {
    struct xf_node node; /* in xf_crowd.steps, small sizes first */
    struct xf_node crowds;
    unsigned size;
};

struct xf_crowd {
    struct xf_crowd *within; /* NULL: it is all */
    struct xf_node in_step;
    struct step *step;
    struct xf_node steps;  /* of the crowds within this one; none within a member */
    struct xf_node places; /* longest unused first */
    unsigned size;
    size_t weight;
    char *key;
};

/* ------------------------------------------------------------------ crowds, by size */

static struct xf_crowd *crowd_new(struct xf_crowd *within, struct xf_span key)
{
    struct xf_crowd *crowd = xf_new(struct xf_crowd);
    crowd->within = within;
    crowd->key = xf_span_dup(key);
    xf_list_init(&crowd->steps);
    xf_list_init(&crowd->places);
    return crowd;
}

static void crowd_free(struct xf_crowd *crowd)
{
    xf_free(crowd->key);
    xf_free(crowd);
}

static struct step *step_of(struct xf_node *node)
{
    return XF_CONTAINER(node, struct step, node);
}

/* The step for this size, right after `behind`; created if missing. */
static struct step *get_step(struct xf_node *steps, struct xf_node *behind, unsigned size)
{
    if (behind->next != steps && step_of(behind->next)->size == size)
        return step_of(behind->next);
    struct step *step = xf_new(struct step);
    step->size = size;
    xf_list_init(&step->crowds);
    xf_list_push(behind->next, &step->node); /* in front of the next one */
    return step;
}

static void leave_step(struct xf_crowd *crowd, struct step *step)
{
    xf_list_remove(&crowd->in_step);
    if (!xf_list_is_empty(&step->crowds))
        return;
    xf_list_remove(&step->node);
    xf_free(step);
}

/* The crowd has one place more or fewer: move it to the next step. */
static void resize(struct xf_crowd *crowd, int by)
{
    struct step *old = crowd->step;
    struct xf_node *steps = crowd->within ? &crowd->within->steps : NULL;
    crowd->size += (unsigned)by;
    if (!steps)
        return;
    struct xf_node *behind = !old ? steps : by > 0 ? &old->node : old->node.prev;
    if (by < 0 && behind != steps && step_of(behind)->size == crowd->size)
        behind = behind->prev; /* that very step */
    crowd->step = crowd->size ? get_step(steps, behind, crowd->size) : NULL;
    if (old)
        leave_step(crowd, old);
    if (crowd->step)
        xf_list_push(&crowd->step->crowds, &crowd->in_step);
}

/* NULL within a member. */
static struct xf_crowd *fullest(const struct xf_crowd *crowd)
{
    if (xf_list_is_empty(&crowd->steps))
        return NULL;
    return XF_CONTAINER(step_of(crowd->steps.prev)->crowds.next, struct xf_crowd, in_step);
}

/* ------------------------------------------------------------------ places */

static struct xf_place *first(const struct xf_crowd *crowd, enum xf_crowd_kind kind)
{
    return XF_CONTAINER(crowd->places.next - kind, struct xf_place, nodes);
}

static void to_the_end(struct xf_place *place)
{
    for (enum xf_crowd_kind kind = 0; kind < XF_CROWD_KINDS; kind++) {
        xf_list_remove(&place->nodes[kind]);
        xf_list_push(&place->crowds[kind]->places, &place->nodes[kind]);
    }
}

/* Of a crowd with places in it. */
static struct xf_place *longest_unused(const struct xf_quota *quota, const struct xf_crowd *crowd,
                                       enum xf_crowd_kind kind)
{
    for (unsigned i = 0; quota->used && i < LOOKS_MAX; i++) {
        struct xf_place *place = first(crowd, kind);
        uint64_t used_ms = quota->used(place);
        if (used_ms <= place->used_ms)
            return place;
        place->used_ms = used_ms;
        to_the_end(place);
    }
    return first(crowd, kind);
}

static unsigned size_of(const struct xf_crowd *crowd)
{
    return crowd ? crowd->size : 0;
}

static bool is_unused(const struct xf_place *place, const struct xf_quota_limits *limits,
                      uint64_t now_ms)
{
    return now_ms >= place->used_ms + limits->unused_ms;
}

/*
 * The place in a full crowd of that kind that a newcomer may take, whose own crowd holds `mine` of
 * the places. NULL: none.
 */
static struct xf_place *find_victim(const struct xf_quota *quota, const struct xf_crowd *crowd,
                                    enum xf_crowd_kind kind, unsigned mine,
                                    const struct xf_quota_limits *limits, uint64_t now_ms)
{
    const struct xf_crowd *most = fullest(crowd);
    if (!most) /* the crowd is empty: its limit is 0 */
        return NULL;
    if (most->size > mine + 1) {
        for (enum xf_crowd_kind inner = kind + 1; inner < XF_CROWD_MEMBER; inner++)
            most = fullest(most);
        return longest_unused(quota, most, XF_CROWD_MEMBER);
    }
    struct xf_place *place = longest_unused(quota, crowd, kind);
    return is_unused(place, limits, now_ms) && place->crowds[kind + 1]->size > mine ? place : NULL;
}

static struct xf_place *find_own(const struct xf_quota *quota, const struct xf_crowd *member,
                                 const struct xf_quota_limits *limits, uint64_t now_ms)
{
    if (!limits->shares_own || !member)
        return NULL;
    struct xf_place *place = longest_unused(quota, member, XF_CROWD_MEMBER);
    return is_unused(place, limits, now_ms) ? place : NULL;
}

enum xf_quota_answer xf_quota_look(struct xf_quota *quota, const struct xf_quota_keys *keys,
                                   const struct xf_quota_limits *limits, uint64_t now_ms,
                                   struct xf_place **out_victim)
{
    const struct xf_crowd *group = xf_map_find(quota->crowds[XF_CROWD_GROUP], keys->group);
    const struct xf_crowd *member = xf_map_find(quota->crowds[XF_CROWD_MEMBER], keys->member);
    enum xf_quota_answer full = XF_QUOTA_ROOM;
    *out_victim = NULL;
    if (size_of(member) >= limits->per_member) {
        full = XF_QUOTA_MEMBER_FULL;
        *out_victim = find_own(quota, member, limits, now_ms);
    } else if (size_of(group) >= limits->per_group) {
        full = XF_QUOTA_GROUP_FULL;
        *out_victim =
            group ? find_victim(quota, group, XF_CROWD_GROUP, size_of(member), limits, now_ms)
                  : NULL;
    } else if (quota->all->size >= limits->total) {
        full = XF_QUOTA_ALL_FULL;
        *out_victim = find_victim(quota, quota->all, XF_CROWD_ALL, size_of(group), limits, now_ms);
    }
    return *out_victim ? XF_QUOTA_ROOM : full;
}

static struct xf_crowd *get_crowd(struct xf_map *crowds, struct xf_crowd *within,
                                  struct xf_span key)
{
    struct xf_crowd *crowd = xf_map_find(crowds, key);
    if (!crowd) {
        crowd = crowd_new(within, key);
        xf_map_set(crowds, key, crowd);
    }
    return crowd;
}

void xf_quota_enter(struct xf_quota *quota, struct xf_place *place,
                    const struct xf_quota_keys *keys, uint64_t now_ms)
{
    xf_require(!xf_place_is_held(place));
    place->used_ms = now_ms;
    place->weight = 0;
    place->crowds[XF_CROWD_ALL] = quota->all;
    place->crowds[XF_CROWD_GROUP] =
        get_crowd(quota->crowds[XF_CROWD_GROUP], quota->all, keys->group);
    place->crowds[XF_CROWD_MEMBER] =
        get_crowd(quota->crowds[XF_CROWD_MEMBER], place->crowds[XF_CROWD_GROUP], keys->member);
    for (enum xf_crowd_kind kind = 0; kind < XF_CROWD_KINDS; kind++) {
        xf_list_push(&place->crowds[kind]->places, &place->nodes[kind]);
        resize(place->crowds[kind], 1);
    }
}

enum xf_quota_answer xf_quota_take(struct xf_quota *quota, struct xf_place *place,
                                   const struct xf_quota_keys *keys,
                                   const struct xf_quota_limits *limits, uint64_t now_ms,
                                   struct xf_place **out_evicted)
{
    enum xf_quota_answer answer = xf_quota_look(quota, keys, limits, now_ms, out_evicted);
    if (answer != XF_QUOTA_ROOM)
        return answer;
    if (*out_evicted)
        xf_quota_give(quota, *out_evicted);
    xf_quota_enter(quota, place, keys, now_ms);
    return XF_QUOTA_ROOM;
}

void xf_quota_give(struct xf_quota *quota, struct xf_place *place)
{
    if (!xf_place_is_held(place))
        return;
    xf_place_weigh(place, 0);
    for (enum xf_crowd_kind kind = XF_CROWD_KINDS; kind-- > 0;) {
        struct xf_crowd *crowd = place->crowds[kind];
        place->crowds[kind] = NULL;
        xf_list_remove(&place->nodes[kind]);
        resize(crowd, -1);
        if (crowd->size > 0 || !crowd->within)
            continue;
        xf_map_remove(quota->crowds[kind], xf_span_of(crowd->key));
        crowd_free(crowd);
    }
}

unsigned xf_quota_count(const struct xf_quota *quota)
{
    return quota->all->size;
}

unsigned xf_place_crowd_size(const struct xf_place *place, enum xf_crowd_kind kind)
{
    return place->crowds[kind]->size;
}

void xf_place_weigh(struct xf_place *place, size_t weight)
{
    for (enum xf_crowd_kind kind = 0; kind < XF_CROWD_KINDS; kind++)
        /* Unsigned arithmetic: also works when the weight shrinks. */
        place->crowds[kind]->weight += weight - place->weight;
    place->weight = weight;
}

size_t xf_place_weight(const struct xf_place *place, enum xf_crowd_kind kind)
{
    return place->crowds[kind]->weight;
}

size_t xf_quota_weight(const struct xf_quota *quota, const struct xf_quota_keys *keys,
                       enum xf_crowd_kind kind)
{
    const struct xf_crowd *crowd = quota->all;
    if (kind != XF_CROWD_ALL)
        crowd =
            xf_map_find(quota->crowds[kind], kind == XF_CROWD_GROUP ? keys->group : keys->member);
    return crowd ? crowd->weight : 0;
}

void xf_quota_init(struct xf_quota *quota, xf_place_used_fn used)
{
    *quota = (struct xf_quota){
        .crowds = {[XF_CROWD_GROUP] = xf_map_new(), [XF_CROWD_MEMBER] = xf_map_new()},
        .all = crowd_new(NULL, XF_SPAN("all")),
        .used = used,
    };
}

void xf_quota_fini(struct xf_quota *quota)
{
    xf_require(quota->all->size == 0);
    xf_map_free(&quota->crowds[XF_CROWD_GROUP]);
    xf_map_free(&quota->crowds[XF_CROWD_MEMBER]);
    crowd_free(quota->all);
}
