/* SPDX-License-Identifier: MIT */
/*
 * routing.h — carries stanzas between the links and S2S: loop guard, policy, routes with their
 * queues, bounces.
 *
 * A route is the delivery state of an outbound pair (served domain, peer). In `queue` its stream is
 * being made or is congested, and stanzas wait; in `send` they go straight into the ready stream;
 * in `bounce` they are bounced for a time after a failure (a back-off of 5 s that doubles to 300 s,
 * with jitter, and is cleared when the peer authenticates inbound). Each stanza taken is delivered
 * once or bounced once. A route keeps the order of its stanzas.
 */
#pragma once

#include <xfed/journal/journal.h>
#include <xfed/link/link.h>
#include <xfed/mailmap/mailmap.h>
#include <xfed/routing/settings.h>
#include <xfed/s2s/s2s.h>

struct xf_routing;

struct xf_routing_opts {
    struct xf_env *env;
    struct xf_policy *policy;                   /* borrowed until reload */
    const struct xf_routing_settings *settings; /* copied */
    /*
     * Every link refuses peers (xf_link_refuses), or no longer every one; may be NULL. `owner` is
     * borrowed.
     */
    void (*refuses)(void *owner, bool refuses);
    void *owner;
};

/*
 * Create the routing first, then s2s and the links, with the event tables below and the routing as
 * their owner. Then attach s2s and the links to the routing.
 */
struct xf_routing *xf_routing_new(const struct xf_routing_opts *opts);
void xf_routing_free(struct xf_routing **routing);

extern const struct xf_s2s_events xf_routing_s2s_events;
extern const struct xf_link_events xf_routing_link_events;

void xf_routing_attach_s2s(struct xf_routing *routing, struct xf_s2s *s2s);
/*
 * The sum of all stanzas that wait for peers, for xf_s2s_opts.waiting: what went out and is not
 * proved yet takes room that queues cannot take. Borrowed until xf_routing_free.
 */
struct xf_stanza_sum *xf_routing_waiting(struct xf_routing *routing);
/*
 * The mailmap knows the e-mail addresses of users, which peers with mail = yes see in place of
 * JIDs; NULL: no user has an address. It must outlive the last stanza that routing handles; no
 * stanza waits for it after xf_routing_finish. A reload may attach another one.
 */
void xf_routing_attach_mailmap(struct xf_routing *routing, struct xf_mailmap *mailmap);
void xf_routing_attach_link(struct xf_routing *routing, const char *title, struct xf_link *link);
/*
 * Keep the messages that wait in routes in the journal, and deliver those that it has from an
 * earlier process. Last, before the loop runs. The journal must outlive the routing.
 */
void xf_routing_attach_journal(struct xf_routing *routing, struct xf_journal *journal);

/*
 * Apply a new policy and new settings. Queued stanzas that the policy forbids are bounced; s2s
 * takes care of the streams.
 */
void xf_routing_reload(struct xf_routing *routing, struct xf_policy *policy,
                       const struct xf_routing_settings *settings);

/*
 * Drain: a stanza of the cluster is taken only if a stream for it exists, and otherwise left to the
 * journal or answered with remote-server-timeout. The queues go on as before. xf_routing_finish
 * bounces what is left in them, unless the journal keeps it, and does the same with every stanza of
 * the cluster that comes later.
 */
void xf_routing_drain(struct xf_routing *routing);
/*
 * The time for queues is over: what peers sent and waits for an e-mail address is returned, while
 * their streams can still take the errors. From now on nothing of theirs waits for an address.
 * True: there was something.
 */
bool xf_routing_return_unmapped(struct xf_routing *routing);
/*
 * The streams have taken every stanza, and the links every answer; peers may still have to confirm
 * what they were sent, which the end of their streams does as well.
 */
bool xf_routing_has_sent_all(const struct xf_routing *routing);
/* No stanza waits in a queue any more, and the links have taken every answer to the cluster. */
bool xf_routing_is_idle(const struct xf_routing *routing);
void xf_routing_finish(struct xf_routing *routing);
/* Call before the links stop: answers that still wait for the cluster are sent now, or are lost. */
void xf_routing_end(struct xf_routing *routing);
