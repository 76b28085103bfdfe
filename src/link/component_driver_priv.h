/* SPDX-License-Identifier: MIT */
/*
 * component_driver_priv.h — driver = component: XEP-0114, which most servers speak.
 */
#pragma once

#include "leg_priv.h"

extern const struct xf_leg_driver xf_component_driver;
