/* SPDX-License-Identifier: MIT */
/* filling_priv.h — are the queues of all routes together nearly full? */
#pragma once

struct xf_routing;

/* What waits has changed: log when 4/5 of process { queue-bytes } are used, and below the half. */
void xf_filling_note(struct xf_routing *routing);
