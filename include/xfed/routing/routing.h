/* SPDX-License-Identifier: MIT */
/*
 * routing.h — between link and S2S: loop guard, policy, routes with their queues, bounces.
 *
 * A route is the delivery state of an outbound pair (served domain, peer): `queue` while a stream
 * is made or congested, `send` into the ready stream, `bounce` for a time after a failure (back-off
 * 5 s doubling to 300 s with jitter; cleared when the peer authenticates inbound). Each stanza
 * taken is delivered once or bounced once; order within a route is kept.
 */
#pragma once

#include <xfed/link/link.h>
#include <xfed/mailmap/mailmap.h>
#include <xfed/routing/settings.h>
#include <xfed/s2s/s2s.h>

struct xf_routing;

struct xf_routing_opts {
    struct xf_env *env;
    struct xf_policy *policy;                   /* borrowed until reload */
    const struct xf_routing_settings *settings; /* copied */
};

/*
 * Make it, then the s2s and links with the event tables below and the routing as owner, then attach
 * them.
 */
struct xf_routing *xf_routing_new(const struct xf_routing_opts *opts);
void xf_routing_free(struct xf_routing **routing);

extern const struct xf_s2s_events xf_routing_s2s_events;
extern const struct xf_link_events xf_routing_link_events;

void xf_routing_attach_s2s(struct xf_routing *routing, struct xf_s2s *s2s);
/*
 * Who knows the e-mail addresses of users, for peers with mail = yes; NULL for nobody. It outlives
 * the routing's last stanza: nothing waits for it any more after xf_routing_finish. May change with
 * a reload.
 */
void xf_routing_attach_mailmap(struct xf_routing *routing, struct xf_mailmap *mailmap);
void xf_routing_attach_link(struct xf_routing *routing, const char *title, struct xf_link *link);

/* New policy and settings: queued stanzas that it forbids are bounced, streams are s2s's matter. */
void xf_routing_reload(struct xf_routing *routing, struct xf_policy *policy,
                       const struct xf_routing_settings *settings);

/*
 * Drain: only what goes to a stream that is there is taken, the rest is answered
 * (remote-server-timeout); queues go on. xf_routing_finish bounces what is left, and what comes.
 */
void xf_routing_drain(struct xf_routing *routing);
/* every queue is empty and written, and the cluster has its answers */
bool xf_routing_is_idle(const struct xf_routing *routing);
void xf_routing_finish(struct xf_routing *routing);
/* before the links stop: answers that still wait for the cluster go now, or are lost */
void xf_routing_end(struct xf_routing *routing);
