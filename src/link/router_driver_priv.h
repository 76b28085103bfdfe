/* SPDX-License-Identifier: MIT */
/* router_driver_priv.h — driver = router: the native protocol of jabberd2's router. */
#pragma once

#include "leg_priv.h"

extern const struct xf_leg_driver xf_router_driver;
