/* SPDX-License-Identifier: MIT */
/* view_priv.h — what an operator may see of a component (view.c). */
#pragma once

#include <xfed/link/view.h>

struct xf_component;

/* Returns how many legs were shown. */
size_t xf_component_view(const struct xf_component *component, size_t most, xf_leg_view_fn show,
                         void *owner);
