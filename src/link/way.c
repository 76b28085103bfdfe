/* SPDX-License-Identifier: MIT */
/*
 * way.c — choose a leg for each stanza, or hold it.
 *
 * All stanzas between two bare JIDs take the same leg while the same legs are up, so that their order survives several
 * nodes. While something is held everything queues up behind it. The hold is flushed when a leg comes up and when a
 * congested one drains.
 */
#include "way_priv.h"

#include <xfed/base/alloc.h>

static uint64_t mix(uint64_t hash, const struct xf_jid *jid)
{
    const char *end = jid->resource.ptr ? jid->resource.ptr - 1 : jid->full.ptr + jid->full.len;
    for (const char *at = jid->full.ptr; at < end; at++)
        hash = (hash ^ (unsigned char)*at) * 0x100000001b3u; /* FNV-1a: spreads; nobody gains by a bad spread */
    return hash;
}

static struct xf_leg *pick(const struct xf_way *way, const struct xf_stanza *stanza)
{
    if (way->up_count == 0)
        return NULL;
    if (way->leg_count == 1)
        return &way->legs[0];

    uint64_t hash = mix(mix(0xcbf29ce484222325u, &stanza->from), &stanza->to);
    size_t skip = (hash >> 16) % way->up_count;
    for (size_t i = 0; i < way->leg_count; i++) {
        if (xf_leg_is_up(&way->legs[i]) && skip-- == 0)
            return &way->legs[i];
    }
    return NULL;
}

bool xf_way_is_congested(const struct xf_way *way)
{
    for (size_t i = 0; i < way->leg_count; i++) {
        if (way->legs[i].is_congested)
            return true;
    }
    return way->up_count > 0 && !xf_hold_is_empty(&way->hold);
}

static void changed(struct xf_way *way)
{
    way->events->changed(way->owner, way);
}

/* ------------------------------------------------------------------ the hold */

static bool send_held(void *owner, const struct xf_stanza *stanza)
{
    struct xf_way *way = owner;
    struct xf_leg *leg = pick(way, stanza);
    return leg && !leg->is_congested && xf_leg_send(leg, stanza) == XF_ERR_OK;
}

static void flush(struct xf_way *way)
{
    xf_hold_flush(&way->hold, send_held, way);
}

static void on_expired(void *owner, struct xf_stanza *stanza)
{
    struct xf_way *way = owner;
    way->events->expired(way->owner, stanza);
}

static void on_emptied(void *owner)
{
    changed(owner);
}

/* ------------------------------------------------------------------ the legs */

static void on_up(void *owner, struct xf_leg *leg)
{
    struct xf_way *way = owner;
    (void)leg;
    way->up_count++;
    xf_hold_up(&way->hold);
    flush(way);
    changed(way);
}

static void on_down(void *owner, struct xf_leg *leg)
{
    struct xf_way *way = owner;
    (void)leg;
    way->up_count--;
    if (way->up_count == 0)
        xf_hold_down(&way->hold);
    else
        flush(way); /* what waited for this leg may go over another one */
    changed(way);
}

static void on_drained(void *owner, struct xf_leg *leg)
{
    struct xf_way *way = owner;
    (void)leg;
    flush(way);
    changed(way);
}

static void on_stanza(void *owner, struct xf_leg *leg, struct xf_stanza *stanza)
{
    struct xf_way *way = owner;
    (void)leg;
    way->used_ms = way->env->clock->now_ms;
    way->events->stanza(way->owner, stanza);
}

static void on_idle(void *owner, struct xf_leg *leg)
{
    struct xf_way *way = owner;
    (void)leg;
    if (--way->busy_count == 0)
        way->events->gone(way->owner, way);
}

static const struct xf_leg_events leg_events = {
    .up = on_up,
    .down = on_down,
    .drained = on_drained,
    .stanza = on_stanza,
    .idle = on_idle,
};

/* ------------------------------------------------------------------ for the link */

static void add_legs(struct xf_way *way, const struct xf_conf_link *conf, struct xf_span name,
                     const struct xf_addr *addrs, size_t addr_count)
{
    way->leg_count = conf->per_peer ? 1 : addr_count;
    way->legs = xf_alloc(way->leg_count * sizeof(*way->legs));
    for (size_t i = 0; i < way->leg_count; i++) {
        struct xf_leg *leg = &way->legs[i];
        xf_leg_init(leg, way->env, conf, name, &leg_events, way);
        if (conf->per_peer)
            xf_leg_nodes(leg, addrs, addr_count, (size_t)mix(0, &(struct xf_jid){.full = name}));
        else
            xf_leg_nodes(leg, &addrs[i], 1, 0);
    }
}

struct xf_way *xf_way_new(struct xf_env *env, const struct xf_conf_link *conf, struct xf_span name,
                          const struct xf_addr *addrs, size_t addr_count, struct xf_hold_budget *budget,
                          const struct xf_way_events *events, void *owner)
{
    struct xf_way *way = xf_new(struct xf_way);
    way->env = env;
    way->events = events;
    way->owner = owner;
    way->used_ms = env->clock->now_ms;
    xf_hold_init(&way->hold, budget, env->clock, env->timers);
    way->hold.expired = on_expired;
    way->hold.emptied = on_emptied;
    way->hold.owner = way;
    add_legs(way, conf, name, addrs, addr_count);
    xf_way_start(way);
    return way;
}

void xf_way_free(struct xf_way **way)
{
    if (!*way)
        return;
    xf_hold_fini(&(*way)->hold);
    for (size_t i = 0; i < (*way)->leg_count; i++)
        xf_leg_fini(&(*way)->legs[i]);
    xf_free((*way)->legs);
    xf_free(*way);
    *way = NULL;
}

void xf_way_start(struct xf_way *way)
{
    for (size_t i = 0; i < way->leg_count; i++) {
        if (way->legs[i].state == XF_LEG_IDLE)
            way->busy_count++;
        xf_leg_start(&way->legs[i]);
    }
}

void xf_way_stop(struct xf_way *way, const char *reason)
{
    for (size_t i = 0; i < way->leg_count; i++)
        (void)xf_leg_stop(&way->legs[i], reason); /* idle ones were counted when they became so */
}

enum xf_err xf_way_send(struct xf_way *way, const struct xf_stanza *stanza)
{
    way->used_ms = way->env->clock->now_ms;
    if (xf_hold_is_empty(&way->hold)) {
        struct xf_leg *leg = pick(way, stanza);
        if (leg && xf_leg_send(leg, stanza) == XF_ERR_OK) {
            way->sent = leg;
            if (__builtin_expect(leg->is_congested != way->counts_as_congested, 0))
                changed(way);
            return XF_ERR_OK;
        }
    }
    enum xf_err err = xf_hold_push(&way->hold, stanza);
    changed(way);
    return err;
}

void xf_way_pause(struct xf_way *way, bool paused)
{
    for (size_t i = 0; i < way->leg_count; i++)
        xf_leg_pause(&way->legs[i], paused);
}
