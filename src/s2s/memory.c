/* SPDX-License-Identifier: MIT */
/* memory.c — tables of what is remembered about peers, shared out by network and owner. */
#include "memory_priv.h"

#include <xfed/xmpp/owner.h>

#include "engine_priv.h"

#define NAMED_MAX 4096 /* entries of named peers */
#define UNUSED_MS 1    /* an entry costs its owner little: any but the newest may go */

static struct xf_memo *of_network(struct xf_place *place)
{
    return place ? XF_CONTAINER(place, struct xf_memo, holding.by_network) : NULL;
}

static struct xf_memo *of_owner(struct xf_place *place)
{
    return place ? XF_CONTAINER(place, struct xf_memo, holding.by_owner) : NULL;
}

static struct xf_memo *oldest(const struct xf_memory *memory)
{
    return xf_list_is_empty(&memory->oldest_first)
               ? NULL
               : XF_CONTAINER(memory->oldest_first.next, struct xf_memo, node);
}

static void init_holdings(struct xf_holdings *holdings)
{
    xf_quota_init(&holdings->by_network, NULL);
    xf_quota_init(&holdings->by_owner, NULL);
}

static void fini_holdings(struct xf_holdings *holdings)
{
    xf_quota_fini(&holdings->by_network);
    xf_quota_fini(&holdings->by_owner);
}

static void forget(struct xf_memory *memory, struct xf_memo *memo)
{
    xf_memory_remove(memory, memo);
    memory->forgotten(memory->owner, memo);
}

void xf_memory_init(struct xf_memory *memory, void (*forgotten)(void *owner, struct xf_memo *memo),
                    void *owner)
{
    memory->by_key = xf_map_new();
    memory->forgotten = forgotten;
    memory->owner = owner;
    xf_list_init(&memory->oldest_first);
    init_holdings(&memory->of_strangers);
    init_holdings(&memory->of_named);
}

void xf_memory_fini(struct xf_memory *memory)
{
    struct xf_memo *memo;
    while ((memo = oldest(memory)))
        forget(memory, memo);
    fini_holdings(&memory->of_strangers);
    fini_holdings(&memory->of_named);
    xf_map_free(&memory->by_key);
}

struct xf_memo *xf_memory_find(const struct xf_memory *memory, struct xf_span key)
{
    return xf_map_find(memory->by_key, key);
}

static struct xf_quota_limits limits_of(unsigned per_group, unsigned total)
{
    return (struct xf_quota_limits){.per_member = per_group,
                                    .per_group = per_group,
                                    .total = total,
                                    .unused_ms = UNUSED_MS,
                                    .shares_own = true};
}

static void forget_old(struct xf_memory *memory, uint64_t now_ms, uint64_t max_age_ms)
{
    struct xf_memo *memo;
    while (max_age_ms && (memo = oldest(memory)) && now_ms - memo->since_ms > max_age_ms)
        forget(memory, memo);
}

static bool make_room(struct xf_memory *memory, const struct xf_share *share,
                      const struct xf_share_keys *keys, uint64_t now_ms)
{
    struct xf_victims victims;
    while (xf_share_look(share, keys, now_ms, &victims)) {
        if (!victims.of_network && !victims.of_owner)
            return true;
        forget(memory,
               victims.of_network ? of_network(victims.of_network) : of_owner(victims.of_owner));
    }
    return false;
}

bool xf_memory_add(struct xf_s2s *s2s, struct xf_memory *memory, struct xf_memo *memo,
                   const struct xf_memo_keys *keys, const struct xf_memory_limits *limits)
{
    uint64_t now_ms = s2s->env->clock->now_ms;
    bool is_named = xf_policy_names(s2s->policy, keys->peer);
    struct xf_span owner = xf_domain_owner(keys->peer);
    const struct xf_share_keys places = {
        /* one member a group: a full one forgets its own */
        .network = {.group = keys->network, .member = keys->network},
        .owner = {.group = owner, .member = owner},
    };
    const struct xf_share share = {
        .holdings = is_named ? &memory->of_named : &memory->of_strangers,
        .of_network = is_named ? limits_of(NAMED_MAX, NAMED_MAX)
                               : limits_of(limits->per_network, limits->total),
        .of_owner = is_named ? limits_of(NAMED_MAX, NAMED_MAX)
                             : limits_of(limits->per_owner, limits->total),
    };
    forget_old(memory, now_ms, limits->max_age_ms);
    if (!make_room(memory, &share, &places, now_ms))
        return false;
    *memo = (struct xf_memo){.since_ms = now_ms, .is_named = is_named};
    xf_require(xf_map_set(memory->by_key, keys->key, memo) == NULL);
    memo->key = xf_map_key(memory->by_key, keys->key);
    xf_list_push(&memory->oldest_first, &memo->node);
    xf_holding_enter(share.holdings, &memo->holding, &places, now_ms);
    return true;
}

void xf_memory_remove(struct xf_memory *memory, struct xf_memo *memo)
{
    xf_require(xf_map_remove(memory->by_key, memo->key) == memo);
    xf_list_remove(&memo->node);
    xf_holding_give(memo->is_named ? &memory->of_named : &memory->of_strangers, &memo->holding);
    memo->key = XF_SPAN_NONE;
}
