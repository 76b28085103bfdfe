/* SPDX-License-Identifier: MIT */
/*
 * leg_drain.c — takes a node out of service without loss.
 *
 * The component sends nothing more to a leg that drains (choose_leg.c): a user for whom something
 * is not proved waits until it is, so that his stanzas stay in order. When all is proved, the
 * stream ends politely, and what the server sends until its footer is still taken. With a server
 * that answers no ping, users wait only until it counts as silent, and it has its time: then the
 * stream ends all the same, and what was not proved goes over other legs (component_back.c).
 */
#include "leg_priv.h"

#define LOOK_MS 100

/* A stream that the server ends may have lost something, which must come back first. */
static bool must_wait(const struct xf_leg *leg)
{
    if (leg->state == XF_LEG_UP)
        return xf_proof_is_pending(&leg->proof) && leg->env->clock->now_ms < leg->drain_until_ms;
    return leg->state == XF_LEG_ENDING;
}

static void on_drain(void *owner)
{
    struct xf_leg *leg = owner;
    if (must_wait(leg)) {
        xf_timer_start(leg->env->timers, &leg->drain, LOOK_MS);
        if (leg->state == XF_LEG_UP)
            xf_leg_drained(leg); /* if it counts as silent now, its users wait no longer */
        return;
    }
    bool comes_back = leg->comes_back;
    (void)xf_leg_stop(leg, "drained");
    if (comes_back)
        xf_leg_undrain(leg);
}

void xf_leg_init_drain(struct xf_leg *leg)
{
    xf_timer_init(&leg->drain, on_drain, leg);
}

void xf_leg_drain(struct xf_leg *leg, uint64_t time_ms)
{
    char node[XF_ADDR_TEXT_BYTES];
    leg->comes_back = false;
    if (leg->is_draining)
        return;
    leg->is_draining = true;
    leg->drain_until_ms = leg->env->clock->now_ms + time_ms;
    xf_addr_text(&leg->addrs[leg->addr_at], node);
    xf_log(XF_LOG_INFO, "link.node.draining", XF_STR("link", leg->settings->title),
           XF_STR("node", node), XF_STR("name", leg->name), XF_INT("max_ms", time_ms));
    if (leg->state == XF_LEG_UP)
        xf_proof_ask(&leg->proof);
    xf_timer_start(leg->env->timers, &leg->drain, 0);
}

void xf_leg_look_at_drain(struct xf_leg *leg)
{
    if (leg->is_draining)
        xf_timer_start(leg->env->timers, &leg->drain, 0);
}

void xf_leg_undrain(struct xf_leg *leg)
{
    if (!leg->is_draining)
        return;
    leg->comes_back = leg->is_leaving && leg->state == XF_LEG_UP;
    if (leg->comes_back)
        return;
    leg->is_draining = leg->is_leaving = false;
    xf_timer_stop(&leg->drain);
    xf_leg_start(leg);
}
