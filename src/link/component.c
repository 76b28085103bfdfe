/* SPDX-License-Identifier: MIT */
/*
 * component.c — chooses a leg for each stanza, or holds the stanza.
 *
 * All stanzas between two bare JIDs take the same leg while the same legs are up, so that
 * their order survives several nodes. While one stanza is held, all later ones queue up behind it.
 * The hold is flushed when a leg comes up and when a congested one drains.
 */
#include "component_priv.h"

#include "component_driver_priv.h"
#include "router_driver_priv.h"

#include <xfed/base/alloc.h>

static uint64_t mix(uint64_t hash, const struct xf_jid *jid)
{
    const char *end = jid->resource.ptr ? jid->resource.ptr - 1 : jid->full.ptr + jid->full.len;
    for (const char *at = jid->full.ptr; at < end; at++)
        /* FNV-1a spreads well enough: nobody gains by forcing a bad spread */
        hash = (hash ^ (unsigned char)*at) * 0x100000001b3u;
    return hash;
}

static struct xf_leg *pick(const struct xf_component *component, const struct xf_stanza *stanza)
{
    if (component->up_count == 0)
        return NULL;
    if (component->leg_count == 1)
        return component->legs[0];

    uint64_t hash = mix(mix(0xcbf29ce484222325u, &stanza->from), &stanza->to);
    size_t skip = (hash >> 16) % component->up_count;
    for (size_t i = 0; i < component->leg_count; i++) {
        if (xf_leg_is_up(component->legs[i]) && skip-- == 0)
            return component->legs[i];
    }
    return NULL;
}

bool xf_component_is_congested(const struct xf_component *component)
{
    for (size_t i = 0; i < component->leg_count; i++) {
        if (component->legs[i]->is_congested)
            return true;
    }
    return component->up_count > 0 && !xf_hold_is_empty(&component->hold);
}

static void changed(struct xf_component *component)
{
    component->events->changed(component->owner, component);
}

/* ------------------------------------------------------------------ the hold */

static bool send_held(void *owner, const struct xf_stanza *stanza)
{
    struct xf_component *component = owner;
    struct xf_leg *leg = pick(component, stanza);
    return leg && !leg->is_congested && xf_leg_send(leg, stanza) == XF_ERR_OK;
}

static void flush(struct xf_component *component)
{
    xf_hold_flush(&component->hold, send_held, component);
}

static void on_expired(void *owner, struct xf_stanza *stanza)
{
    struct xf_component *component = owner;
    component->events->expired(component->owner, stanza);
}

static void on_emptied(void *owner)
{
    changed(owner);
}

/* ------------------------------------------------------------------ the legs */

static void on_up(void *owner, struct xf_leg *leg)
{
    struct xf_component *component = owner;
    (void)leg;
    component->up_count++;
    xf_hold_up(&component->hold);
    flush(component);
    changed(component);
}

static void on_down(void *owner, struct xf_leg *leg)
{
    struct xf_component *component = owner;
    (void)leg;
    component->up_count--;
    if (component->up_count == 0)
        xf_hold_down(&component->hold);
    else
        flush(component); /* stanzas that waited for this leg may take another one */
    changed(component);
}

static void on_drained(void *owner, struct xf_leg *leg)
{
    struct xf_component *component = owner;
    (void)leg;
    flush(component);
    changed(component);
}

static void on_stanza(void *owner, struct xf_leg *leg, struct xf_stanza *stanza)
{
    struct xf_component *component = owner;
    (void)leg;
    component->used_ms = component->env->clock->now_ms;
    component->events->stanza(component->owner, stanza);
}

static void on_returned(void *owner, struct xf_leg *leg, struct xf_stanza *stanza,
                        enum xf_stanza_error error)
{
    struct xf_component *component = owner;
    (void)leg;
    component->events->returned(component->owner, stanza, error);
}

static void on_idle(void *owner, struct xf_leg *leg)
{
    struct xf_component *component = owner;
    (void)leg;
    if (--component->busy_count == 0)
        component->events->gone(component->owner, component);
}

static const struct xf_leg_events leg_events = {
    .up = on_up,
    .down = on_down,
    .drained = on_drained,
    .stanza = on_stanza,
    .returned = on_returned,
    .idle = on_idle,
};

/* ------------------------------------------------------------------ for the link */

static const struct xf_leg_driver *const drivers[] = {
    [XF_LINK_COMPONENT] = &xf_component_driver,
    [XF_LINK_ROUTER] = &xf_router_driver,
};

static void add_legs(struct xf_component *component, const struct xf_leg_common *common,
                     struct xf_span name, const struct xf_addr *addrs, size_t addr_count)
{
    const struct xf_link_settings *settings = common->settings;
    component->leg_count = settings->per_peer ? 1 : addr_count;
    component->legs = xf_alloc(component->leg_count * sizeof(*component->legs));
    for (size_t i = 0; i < component->leg_count; i++) {
        struct xf_leg *leg =
            xf_leg_new(drivers[settings->driver], common, name, &leg_events, component);
        component->legs[i] = leg;
        if (settings->per_peer)
            xf_leg_nodes(leg, addrs, addr_count, (size_t)mix(0, &(struct xf_jid){.full = name}));
        else
            xf_leg_nodes(leg, &addrs[i], 1, 0);
    }
}

struct xf_component *xf_component_new(const struct xf_leg_common *common, struct xf_span name,
                                      const struct xf_addr *addrs, size_t addr_count,
                                      struct xf_hold_budget *budget,
                                      const struct xf_component_events *events, void *owner)
{
    struct xf_component *component = xf_new(struct xf_component);
    struct xf_env *env = common->env;
    component->env = env;
    component->events = events;
    component->owner = owner;
    component->used_ms = env->clock->now_ms;
    xf_hold_init(&component->hold, budget, env->clock, env->timers);
    component->hold.expired = on_expired;
    component->hold.emptied = on_emptied;
    component->hold.owner = component;
    add_legs(component, common, name, addrs, addr_count);
    xf_component_start(component);
    return component;
}

void xf_component_free(struct xf_component **component)
{
    if (!*component)
        return;
    xf_hold_fini(&(*component)->hold);
    for (size_t i = 0; i < (*component)->leg_count; i++)
        xf_leg_free(&(*component)->legs[i]);
    xf_free((*component)->legs);
    xf_free(*component);
    *component = NULL;
}

void xf_component_start(struct xf_component *component)
{
    for (size_t i = 0; i < component->leg_count; i++) {
        if (component->legs[i]->state == XF_LEG_IDLE)
            component->busy_count++;
        xf_leg_start(component->legs[i]);
    }
}

void xf_component_stop(struct xf_component *component, const char *reason)
{
    for (size_t i = 0; i < component->leg_count; i++)
        /* an idle leg left busy_count when it became idle */
        (void)xf_leg_stop(component->legs[i], reason);
}

enum xf_err xf_component_send(struct xf_component *component, const struct xf_stanza *stanza)
{
    component->used_ms = component->env->clock->now_ms;
    if (xf_hold_is_empty(&component->hold)) {
        struct xf_leg *leg = pick(component, stanza);
        if (leg && xf_leg_send(leg, stanza) == XF_ERR_OK) {
            component->sent = leg;
            if (__builtin_expect(leg->is_congested != component->counts_as_congested, 0))
                changed(component);
            return XF_ERR_OK;
        }
    }
    enum xf_err err = xf_hold_push(&component->hold, stanza);
    changed(component);
    return err;
}

void xf_component_leave(struct xf_component *component)
{
    for (size_t i = 0; i < component->leg_count; i++)
        xf_leg_leave(component->legs[i]);
}

void xf_component_pause(struct xf_component *component, bool paused)
{
    for (size_t i = 0; i < component->leg_count; i++)
        xf_leg_pause(component->legs[i], paused);
}
