/* SPDX-License-Identifier: MIT */
/* view.c — what an operator may see of the streams to the nodes. */
#include "view_priv.h"

#include "component_priv.h"

#include <xfed/base/machine.h>

static const char *const states[] = {XF_LEG_STATE_MAP(XF_MACHINE_WORD)};

static void view_leg(const struct xf_leg *leg, struct xf_leg_view *view)
{
    uint64_t now_ms = leg->env->clock->now_ms;
    bool is_up = leg->state == XF_LEG_UP;
    *view = (struct xf_leg_view){
        .name = leg->name,
        .state = states[leg->state],
        .is_up = is_up,
        .is_congested = leg->is_congested || leg->is_full,
        .is_paused = leg->is_paused,
        .is_draining = leg->is_draining,
        .weight = leg->weight,
        .since_ms = leg->began_ms ? now_ms - leg->began_ms : 0,
        .failure = is_up ? NULL : leg->last_end,
        .help = is_up ? XF_HELP_NONE : leg->last_help,
    };
    xf_addr_text(&leg->addrs[leg->addr_at], view->node);
}

size_t xf_component_view(const struct xf_component *component, size_t most, xf_leg_view_fn show,
                         void *owner)
{
    size_t shown = 0;
    for (size_t i = 0; i < component->leg_count && shown < most; i++, shown++) {
        struct xf_leg_view view;
        view_leg(component->legs[i], &view);
        show(owner, &view);
    }
    return shown;
}
