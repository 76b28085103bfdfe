/* SPDX-License-Identifier: MIT */
/*
 * component.c — chooses a leg for each stanza, or holds the stanza.
 *
 * While one stanza is held, all later ones queue up behind it. The hold is flushed when a leg comes
 * up, when a tight one drains, when one has closed and what it had not delivered is in front, and
 * when the legs have other weights.
 */
#include "component_priv.h"

#include "component_driver_priv.h"
#include "router_driver_priv.h"

#include <xfed/base/alloc.h>

bool xf_component_is_congested(const struct xf_component *component)
{
    for (size_t i = 0; i < component->leg_count; i++) {
        if (xf_leg_is_tight(component->legs[i]))
            return true;
    }
    return component->up_count > 0 && xf_component_holds(component);
}

static void changed(struct xf_component *component)
{
    component->events->changed(component->owner, component);
}

/* ------------------------------------------------------------------ the hold */

static bool send_held(void *owner, struct xf_stanza_copy *copy)
{
    struct xf_component *component = owner;
    struct xf_stanza stanza;
    xf_stanza_copy_read(copy, &stanza);
    struct xf_leg *leg = xf_component_choose(component, &stanza);
    if (!leg || xf_leg_is_tight(leg) || component->alone_on)
        return false;
    if (xf_component_is_suspect(leg, copy))
        return xf_component_send_alone(component, leg, &stanza, copy);
    if (xf_leg_send(leg, &component->sender, &stanza, copy) != XF_ERR_OK)
        return false;
    xf_component_sent(component, leg);
    return true;
}

static void flush(struct xf_component *component)
{
    xf_hold_flush(&component->hold, send_held, component);
}

void xf_component_flush(struct xf_component *component)
{
    flush(component);
    changed(component);
}

static void on_expired(void *owner, struct xf_stanza *stanza)
{
    struct xf_component *component = owner;
    component->events->expired(component->owner, stanza);
}

static void on_relieved(void *owner)
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
    component->events->state(component->owner, component, true);
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
    if (component->up_count == 0)
        component->events->state(component->owner, component, false);
}

static void on_closed(void *owner, struct xf_leg *leg)
{
    struct xf_component *component = owner;
    xf_component_forget(leg);
    xf_component_blame(component, leg);
    xf_component_settle(component);
    if (component->is_stopping)
        xf_hold_expire_all(&component->hold);
    xf_component_flush(component);
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
    .closed = on_closed,
    .idle = on_idle,
};

/* ------------------------------------------------------------------ for the link */

static const struct xf_leg_driver *const drivers[] = {
    [XF_LINK_COMPONENT] = &xf_component_driver,
    [XF_LINK_ROUTER] = &xf_router_driver,
};

static void set_node(struct xf_leg *leg, const struct xf_addr *addr, unsigned weight)
{
    char node[XF_ADDR_TEXT_BYTES];
    xf_addr_text(addr, node);
    leg->seed = xf_leg_hash(xf_span_of(node));
    leg->weight = weight;
}

static void add_legs(struct xf_component *component, const struct xf_leg_common *common,
                     struct xf_span name, const struct xf_addr *addrs, const unsigned *weights,
                     size_t addr_count)
{
    const struct xf_link_settings *settings = common->settings;
    component->leg_count = settings->per_peer ? 1 : addr_count;
    component->legs = xf_alloc(component->leg_count * sizeof(*component->legs));
    for (size_t i = 0; i < component->leg_count; i++) {
        struct xf_leg *leg =
            xf_leg_new(drivers[settings->driver], common, name, &leg_events, component);
        component->legs[i] = leg;
        leg->parts = (unsigned)component->leg_count;
        leg->is_draining = weights[i] == 0;
        set_node(leg, &addrs[i], weights[i]);
        if (settings->per_peer)
            xf_leg_nodes(leg, addrs, addr_count, (size_t)xf_leg_hash(name));
        else
            xf_leg_nodes(leg, &addrs[i], 1, 0);
    }
}

struct xf_component *xf_component_new(const struct xf_leg_common *common, struct xf_span name,
                                      const struct xf_addr *addrs, const unsigned *weights,
                                      size_t addr_count, struct xf_hold_budget *budget,
                                      const struct xf_component_events *events, void *owner)
{
    struct xf_component *component = xf_new(struct xf_component);
    struct xf_env *env = common->env;
    component->env = env;
    component->common = common;
    component->events = events;
    component->owner = owner;
    component->used_ms = env->clock->now_ms;
    xf_hold_init(&component->hold, budget, env->clock, env->timers);
    component->hold.expired = on_expired;
    component->hold.relieved = on_relieved;
    component->hold.owner = component;
    xf_component_init_sender(component);
    xf_component_init_suspects(component);
    xf_component_init_choice(component);
    add_legs(component, common, name, addrs, weights, addr_count);
    xf_component_start(component);
    return component;
}

void xf_component_free(struct xf_component **component)
{
    if (!*component)
        return;
    xf_timer_stop(&(*component)->next);
    xf_timer_stop(&(*component)->hung);
    xf_hold_fini(&(*component)->hold);
    for (size_t i = 0; i < (*component)->leg_count; i++)
        xf_leg_free(&(*component)->legs[i]);
    xf_free((*component)->legs);
    xf_free(*component);
    *component = NULL;
}

void xf_component_start(struct xf_component *component)
{
    component->is_stopping = false;
    for (size_t i = 0; i < component->leg_count; i++) {
        struct xf_leg *leg = component->legs[i];
        if (leg->is_draining)
            continue;
        if (leg->state == XF_LEG_IDLE)
            component->busy_count++;
        xf_leg_start(leg);
    }
}

void xf_component_stop(struct xf_component *component, const char *reason)
{
    component->is_stopping = true;
    for (size_t i = 0; i < component->leg_count; i++)
        /* an idle leg left busy_count when it became idle */
        (void)xf_leg_stop(component->legs[i], reason);
}

enum xf_err xf_component_send(struct xf_component *component, const struct xf_stanza *stanza)
{
    component->used_ms = component->env->clock->now_ms;
    if (xf_hold_is_empty(&component->hold) && !component->alone_on) {
        struct xf_leg *leg = xf_component_choose(component, stanza);
        if (leg && xf_leg_send(leg, &component->sender, stanza, NULL) == XF_ERR_OK) {
            component->sent = leg;
            xf_component_sent(component, leg);
            if (__builtin_expect(xf_leg_is_tight(leg) != component->counts_as_congested, 0))
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

static void weigh(struct xf_component *component, struct xf_leg *leg, unsigned weight)
{
    leg->weight = weight;
    if (leg->is_draining && leg->state == XF_LEG_IDLE)
        component->busy_count++;
    xf_leg_undrain(leg);
}

void xf_component_weigh(struct xf_component *component, const unsigned *weights, uint64_t drain_ms,
                        bool leave)
{
    for (size_t i = 0; i < component->leg_count; i++) {
        struct xf_leg *leg = component->legs[i];
        if (weights[i] > 0) {
            weigh(component, leg, weights[i]);
            continue;
        }
        xf_leg_drain(leg, drain_ms);
        if (leave)
            xf_leg_leave(leg);
    }
    xf_component_flush(component); /* what waited for a leg that drained may go there again */
}

void xf_component_pause(struct xf_component *component, bool paused)
{
    for (size_t i = 0; i < component->leg_count; i++)
        xf_leg_pause(component->legs[i], paused);
}
