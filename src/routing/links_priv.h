/* SPDX-License-Identifier: MIT */
/* links_priv.h — the links that are attached to the routing, and whose domains they serve. */
#pragma once

#include "backpressure_priv.h"
#include "barrier_priv.h"

#include <xfed/base/list.h>
#include <xfed/base/map.h>
#include <xfed/net/timer.h>
#include <xfed/xmpp/stanza_queue.h>

struct xf_link;
struct xf_routing;

/* An attached link. */
struct xf_routing_link {
    struct xf_node node;
    char *title;
    struct xf_link *link;
    struct xf_routing *routing;
    struct xf_link_pauses pauses;
    struct xf_barrier barrier;
    struct xf_map *answers; /* that wait for the cluster; -> struct xf_stanza_queue (answers.c) */
};

struct xf_routing_link *xf_routing_link_of(const struct xf_routing *routing, const char *title);
/* NULL: the domain is not served here, or its link is not attached. */
struct xf_routing_link *xf_routing_link_serving(const struct xf_routing *routing,
                                                struct xf_span domain);
struct xf_routing_link *xf_routing_link_around(const struct xf_routing *routing,
                                               const struct xf_link *link);
/* Is the domain served here, over this link? */
bool xf_routing_is_served_by(const struct xf_routing *routing, const struct xf_routing_link *link,
                             struct xf_span domain);
