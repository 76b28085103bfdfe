/* SPDX-License-Identifier: MIT */
/*
 * quota.c — how many conns may be unauthenticated: of one address, of one network, in all (design.md 9), so that a flood does not keep
 * a good peer out.
 *
 * An address that has used up its own number is refused. Where its network or the whole is full, a newcomer may take the place of
 * another, by two rules:
 *   - it goes to whoever has least: of the fullest network (within a network: of the fullest address) the oldest place of its fullest
 *     address is taken, when that network holds at least two more than the newcomer's;
 *   - it goes to whoever is quick: the oldest place of all is taken, when it has been half-open for SLOW_MS (a peer needs a second) and
 *     its network holds more than the newcomer's. So a flood from ever new networks must come with thousands of conns a second.
 * Otherwise the newcomer is refused. Crowds within a crowd are kept by their size, in steps, so that all of this costs two look-ups in a
 * map, however many there are.
 */
#include "quota_priv.h"

#include <xfed/base/alloc.h>

#define SLOW_MS 5000

/* The crowds of one size within a crowd. */
struct step {
    struct xf_node node; /* in xf_crowd.steps, small sizes first */
    struct xf_node crowds;
    unsigned size;
};

struct xf_crowd {
    struct xf_crowd *within; /* NULL: it is all */
    struct xf_node in_step;
    struct step *step;
    struct xf_node steps;  /* of the crowds within this one; none within an address */
    struct xf_node places; /* oldest first */
    unsigned size;
    char *key;
};

/* ------------------------------------------------------------------ crowds, by size */

static struct xf_crowd *crowd_new(struct xf_crowd *within, const char *key)
{
    struct xf_crowd *crowd = xf_new(struct xf_crowd);
    crowd->within = within;
    crowd->key = xf_strdup(key);
    xf_list_init(&crowd->steps);
    xf_list_init(&crowd->places);
    return crowd;
}

static struct step *step_of(struct xf_node *node)
{
    return XF_CONTAINER(node, struct step, node);
}

/* The step of that size, which belongs right behind `behind`. */
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

/* One more, or one fewer: to the next step. */
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

/* NULL within an address. */
static struct xf_crowd *fullest(const struct xf_crowd *crowd)
{
    if (xf_list_is_empty(&crowd->steps))
        return NULL;
    return XF_CONTAINER(step_of(crowd->steps.prev)->crowds.next, struct xf_crowd, in_step);
}

/* ------------------------------------------------------------------ places */

static struct xf_place *oldest(const struct xf_crowd *crowd, enum xf_crowd_kind kind)
{
    return XF_CONTAINER(crowd->places.next - kind, struct xf_place, nodes);
}

static unsigned size_of(const struct xf_quota *quota, const char *key)
{
    const struct xf_crowd *crowd = xf_map_find(quota->crowds, xf_span_of(key));
    return crowd ? crowd->size : 0;
}

/* Whose place in a full crowd of that kind may a newcomer take, of whose own crowd `mine` are in there? NULL: nobody's. */
static struct xf_place *find_victim(const struct xf_crowd *crowd, enum xf_crowd_kind kind, unsigned mine, uint64_t now_ms)
{
    const struct xf_crowd *most = fullest(crowd);
    if (!most)
        return NULL;
    if (most->size > mine + 1) {
        for (kind++; kind < XF_CROWD_ADDRESS; kind++)
            most = fullest(most);
        return oldest(most, XF_CROWD_ADDRESS);
    }
    struct xf_place *first = oldest(crowd, kind);
    bool is_slow = now_ms - first->since_ms >= SLOW_MS;
    return is_slow && first->crowds[kind + 1]->size > mine ? first : NULL;
}

static struct xf_crowd *get_crowd(struct xf_quota *quota, struct xf_crowd *within, const char *key)
{
    struct xf_crowd *crowd = xf_map_find(quota->crowds, xf_span_of(key));
    if (!crowd) {
        crowd = crowd_new(within, key);
        xf_map_set(quota->crowds, xf_span_of(key), crowd);
    }
    return crowd;
}

static void settle(struct xf_quota *quota, struct xf_place *place, const char *network, const char *host, uint64_t now_ms)
{
    place->since_ms = now_ms;
    place->crowds[XF_CROWD_ALL] = quota->all;
    place->crowds[XF_CROWD_NETWORK] = get_crowd(quota, quota->all, network);
    place->crowds[XF_CROWD_ADDRESS] = get_crowd(quota, place->crowds[XF_CROWD_NETWORK], host);
    for (enum xf_crowd_kind kind = 0; kind < XF_CROWD_KINDS; kind++) {
        xf_list_push(&place->crowds[kind]->places, &place->nodes[kind]);
        resize(place->crowds[kind], 1);
    }
}

const char *xf_quota_take(struct xf_quota *quota, struct xf_place *place, const struct xf_addr *addr,
                          const struct xf_quota_limits *limits, uint64_t now_ms, struct xf_place **out_evicted)
{
    char host[XF_ADDR_TEXT_BYTES], network[XF_ADDR_TEXT_BYTES];
    xf_addr_host_text(addr, host);
    xf_addr_network_text(addr, network);
    unsigned of_host = size_of(quota, host), of_network = size_of(quota, network);
    bool network_is_full = of_network >= limits->per_network, all_is_full = quota->all->size >= limits->total;
    *out_evicted = NULL;
    if (of_host >= limits->per_address)
        return "address";
    if (network_is_full)
        *out_evicted = find_victim(xf_map_find(quota->crowds, xf_span_of(network)), XF_CROWD_NETWORK, of_host, now_ms);
    else if (all_is_full)
        *out_evicted = find_victim(quota->all, XF_CROWD_ALL, of_network, now_ms);
    if ((network_is_full || all_is_full) && !*out_evicted)
        return network_is_full ? "network" : "total";
    if (*out_evicted)
        xf_quota_give(quota, *out_evicted);
    settle(quota, place, network, host, now_ms);
    return NULL;
}

void xf_quota_give(struct xf_quota *quota, struct xf_place *place)
{
    for (enum xf_crowd_kind kind = XF_CROWD_KINDS; kind-- > 0;) {
        struct xf_crowd *crowd = place->crowds[kind];
        if (!crowd)
            return;
        place->crowds[kind] = NULL;
        xf_list_remove(&place->nodes[kind]);
        resize(crowd, -1);
        if (crowd->size > 0 || !crowd->within)
            continue;
        xf_map_remove(quota->crowds, xf_span_of(crowd->key));
        xf_free(crowd->key);
        xf_free(crowd);
    }
}

unsigned xf_quota_count(const struct xf_quota *quota)
{
    return quota->all->size;
}

void xf_quota_init(struct xf_quota *quota)
{
    *quota = (struct xf_quota){.crowds = xf_map_new(), .all = crowd_new(NULL, "all")};
}

void xf_quota_fini(struct xf_quota *quota)
{
    xf_require(quota->all->size == 0 && xf_map_count(quota->crowds) == 0);
    xf_map_free(&quota->crowds);
    xf_free(quota->all->key);
    xf_free(quota->all);
}
