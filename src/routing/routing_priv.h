/* SPDX-License-Identifier: MIT */
/*
 * routing_priv.h — what all files of routing share: the policy, the links, the table of routes, and
 * counts.
 *
 *   outbound.c         stanzas of the cluster: addresses, loop guard, policy, then the route
 *   inbound.c          stanzas of peers: policy, then the link
 *   screen.c           asks policy about single stanzas, strips presence
 *   route.c            one route: its state, queue and stream
 *   route_back.c       stanzas that a stream did not deliver: again, or returned
 *   route_owner.c      peers with protocol = auto: XMPP first, then SIP
 *   route_limits.c     how many routes there may be, and what strangers can make us do through them
 *   probe.c            tries peers in back-off in the background
 *   backpressure.c     stops reading the cluster for a moment while queues are full
 *   barrier.c          tells a server module what it may forget
 *   bounce.c           error stanzas
 *   answers.c          error stanzas for the cluster, which wait until it takes them
 *   answer_peer.c      error stanzas for a peer, over the route to it
 *   mail_addresses.c   e-mail addresses of users in place of their JIDs, for peers with mail = yes
 *   mail_payload.c     the same within payloads
 *   address_queue.c    stanzas that wait for an e-mail address
 *   requests_by_jid.c  requests that came to the JID of a user who has an e-mail address
 *   hand_over.c        stanzas on streams that go on in the next process
 *   replay.c           messages that the journal kept from an earlier process
 *   presences.c        available presence between our users and peers: a table
 *   repair.c           notes it, and when a peer is lost and back
 *   repair_states.c    what is said about presence then, and when
 *   repair_actions.c   says it
 *   refusal.c          sends peers to another node while a link is down for long
 *   view.c             what an operator may see and do
 *   links.c            the attached links, and whose domains they serve
 *   unreachable.c      since when peers cannot be reached
 *   counts.c           what is counted
 *   sip.c              peers that are reached by SIP
 *   rare.c             at most one log line a second about one kind of trouble
 *
 * Each has a header of its own, and a file includes only the headers that it needs.
 */
#pragma once

#include "inbound_priv.h"
#include "presences_priv.h"
#include "probe_priv.h"
#include "rare_priv.h"
#include "screen_priv.h"
#include "sip_priv.h"
#include "unreachable_priv.h"

#include <xfed/base/histogram.h>
#include <xfed/base/list.h>
#include <xfed/base/map.h>
#include <xfed/limits/quota.h>
#include <xfed/mailmap/mailmap.h>
#include <xfed/routing/counts.h>
#include <xfed/routing/routing.h>
#include <xfed/xmpp/stanza_queue.h>

struct xf_repair_ops;
struct xf_requests_by_jid;
struct xf_history;
struct xf_simple;

struct xf_routing {
    struct xf_env *env;
    struct xf_policy *policy;
    struct xf_routing_settings settings;
    struct xf_s2s *s2s;
    struct xf_mailmap *mailmap;     /* NULL: no user has an e-mail address */
    struct xf_mailmap_wait parting; /* xf_mail_map_parting: one of the addresses that it needs */
    struct xf_journal *journal;     /* NULL: none */
    struct xf_simple *simple;       /* NULL: there is no SIP, and no `sip` either */
    const struct xf_sip_ops *sip;
    struct xf_history *history; /* learns which peers belong to SIP; NULL: nothing does */
    struct xf_node links;
    struct xf_map *routes;
    struct xf_node all; /* the same routes, in the order of their numbers */
    uint64_t last_number;
    struct xf_map *failed_peers; /* peer -> struct xf_failed_peer (probe.c) */
    struct xf_probes probes;
    struct xf_presence_table presences; /* repair.c */
    const struct xf_repair_ops *repair_ops;
    struct xf_route *last;       /* the one that was found last */
    struct xf_route *last_shown; /* the last one found for a user's e-mail address */
    struct xf_admission last_in;
    /* For all routes: what waits for a stream or an address, and what is not proved. */
    struct xf_stanza_sum queued;
    struct xf_stanza_sum answers;                /* that wait for the links */
    struct xf_quota own_routes, stranger_routes; /* by the owners of peers */
    struct xf_quota answer_streams;              /* for strangers */
    struct xf_quota user_streams;                /* to peers that are not named, for our users */
    struct xf_stanza_scratch scratch;
    struct xf_buf stripped;              /* payload of the presence being passed on */
    struct xf_buf rewritten;             /* payload with other addresses in it */
    char later[XF_JID_MAX + 1];          /* an address in the payload that is not known yet */
    struct xf_requests_by_jid *requests; /* NULL: none was noted */
    struct xf_map *strangers;            /* mail domains that were named in the log */
    struct xf_rare refused, lost, full, unknown, nameless, strangers_full, repair_full;
    size_t route_counts[XF_ROUTE_STATES]; /* in each enum xf_route_state */
    struct xf_histogram waited;           /* of stanzas that left a queue for a stream */
    struct xf_unreachables unreachables;  /* unreachable.c */
    struct xf_tally denied, passed_dry;   /* stanzas that policy refused, or would have refused */
    struct xf_stanza_queue handed; /* stanzas that go to the next process with their stream */
    uint64_t restored_serial;      /* of the session that comes from an earlier process */
    uint64_t kept_count;           /* messages that were left to the journal at the end */
    bool is_draining, returns_unmapped, is_finished, has_ended;
    bool is_filling; /* the queues are nearly full, as logged (filling.c) */
    bool hands_over; /* hand_over.c: streams that can be resumed go on in the next process */
    bool refuses;    /* every link does (refusal.c) */
    void (*on_refuses)(void *owner, bool refuses);
    void *refuses_owner;
};

static inline uint64_t xf_routing_now(const struct xf_routing *routing)
{
    return routing->env->clock->now_ms;
}

/* Do stanzas to and from this peer pass by SIP? */
static inline bool xf_routing_goes_by_sip(const struct xf_routing *routing, struct xf_span peer)
{
    return routing->sip && xf_policy_goes_by_sip(routing->policy, peer);
}

/* xf_policy_may by the protocol by which the pair's stanzas pass. */
static inline bool xf_routing_may(const struct xf_routing *routing, struct xf_span local,
                                  struct xf_span peer, enum xf_direction direction)
{
    return xf_routing_goes_by_sip(routing, peer)
               ? xf_policy_may_by_sip(routing->policy, local, peer, direction)
               : xf_policy_may(routing->policy, local, peer, direction);
}

/*
 * What is left for all queues. No queue, and no owner's queues together, may be larger than that,
 * so that there is room for one more owner, however many peers are silent.
 */
static inline size_t xf_routing_room(const struct xf_routing *routing, size_t gone)
{
    size_t max = routing->settings.queue_bytes, queued = routing->queued.bytes - gone;
    return queued < max ? max - queued : 0;
}
