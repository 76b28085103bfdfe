/* SPDX-License-Identifier: MIT */
/*
 * routing_priv.h — what the files of routing share.
 *
 *   outbound.c  stanzas of the cluster: addresses, loop guard, policy, then the route
 *   route.c     one route: its state, queue and stream
 *   route_limits.c      how many routes there may be, and what strangers can make us do through
 *                       them
 *   probe.c     peers in back-off are tried in the background
 *   backpressure.c  full queues stop the reading of the cluster
 *   bounce.c    error stanzas, to the cluster and to peers
 *   answers.c   ... to the cluster: they wait until it takes them
 *   inbound.c   stanzas of peers: policy, then the link
 *   screen.c    policy about single stanzas
 *   mail_addresses.c      e-mail addresses of users in place of their JIDs, for peers that know
 *                         them so
 *   mail_payload.c  ... within payloads
 *   address_queue.c      stanzas that wait for an address
 *   requests_by_jid.c      who was asked by his JID
 */
#pragma once

#include <xfed/base/list.h>
#include <xfed/base/map.h>
#include <xfed/limits/quota.h>
#include <xfed/mailmap/mailmap.h>
#include <xfed/routing/routing.h>
#include <xfed/xmpp/pair.h>
#include <xfed/xmpp/stanza_queue.h>

/* clang-format off */
#define XF_ROUTE_STATE_MAP(X)                                                          \
    X(IDLE,   "idle")   /* no stream, nothing queued; freed after a while */           \
    X(QUEUE,  "queue")  /* a stream is being made, or is congested */                  \
    X(SEND,   "send")   /* the queue is empty, stanzas go straight into the stream */  \
    X(BOUNCE, "bounce") /* the peer failed: stanzas are answered at once, for a time */  \
    X(PROBE,  "probe")  /* the same, while a stream is tried */

#define XF_ROUTE_EVENT_MAP(X)                                                          \
    X(STANZA,  "stanza")  /* the first one */                                          \
    X(FLUSHED, "flushed") /* the stream is ready and took the queue */                 \
    X(BLOCKED, "blocked") /* the stream is congested, or about to end */               \
    X(LOST,    "lost")    /* a ready stream ended and stanzas wait */                  \
    X(GONE,    "gone")    /* a ready stream ended and none wait */                     \
    X(FAILED,  "failed")                                                               \
    X(REFUSED, "refused") /* by policy or shutdown: says nothing of the peer */        \
    X(OVER,    "over")    /* the back-off */                                           \
    X(DUE,     "due")     /* a probe is */                                             \
    X(WELL,    "well")    /* its stream is ready */                                    \
    X(SEEN,    "seen")    /* the peer authenticated inbound */
/* clang-format on */

enum xf_route_state {
#define X(name, word) XF_ROUTE_##name,
    XF_ROUTE_STATE_MAP(X)
#undef X
};

enum xf_route_event {
#define X(name, word) XF_ROUTE_ON_##name,
    XF_ROUTE_EVENT_MAP(X)
#undef X
};

/*
 * How long a link was not read, less what reading it since has earned; the unit is in
 * backpressure.c.
 */
struct xf_pause_budget {
    uint64_t debt, at_ms;
};

/* A network for whose peers a link is or was paused. */
struct xf_pressing_network {
    char network[XF_ADDR_TEXT_BYTES];
    struct xf_pause_budget ration;
    size_t pressing; /* routes that do now */
};

/* An attached link. */
struct xf_routing_link {
    struct xf_node node;
    char *title;
    struct xf_link *link;
    struct xf_routing *routing;
    struct xf_node pressing;       /* struct xf_route that want it paused */
    struct xf_timer look;          /* while one presses */
    uint64_t paused_ms, rested_ms; /* when the pause began; when the next one may begin */
    struct xf_pause_budget ration;
    struct xf_pressing_network pressers[16];
    struct xf_stanza_queue answers; /* that wait for the cluster */
};

/* One log line a second about the same kind of trouble. */
struct xf_rare {
    uint64_t next_ms;
    unsigned suppressed;
};
bool xf_rare_is_due(struct xf_rare *rare, uint64_t now_ms, unsigned *out_suppressed);

/*
 * Stanzas of a pair, one direction, that wait for an address.
 */
struct xf_address_queue {
    struct xf_route *route;
    bool is_in;
    struct xf_stanza_queue stanzas;
    struct xf_mailmap_wait wait; /* for an address of the first */
};

struct xf_route {
    struct xf_routing *routing;
    struct xf_routing_link *link; /* of the served domain, also after a reload moved it */
    const struct xf_peer_settings *settings;
    enum xf_route_state state;
    bool may;        /* policy lets stanzas out, and local is served */
    bool is_watched; /* screen.c looks at each stanza */
    bool is_theirs;  /* made for answers to a stranger (route_limits.c) */
    /* among ours or theirs; not held: another route took it, and this one ends */
    struct xf_place place;
    struct xf_place stream_place; /* of theirs, while `out` is a stream for answers */
    struct xf_out *out;           /* NULL in IDLE and BOUNCE */
    /* of the peer, in BOUNCE and PROBE; NULL: none, or backoff-probe = 0 */
    struct xf_ailing *ailing;
    struct xf_node ailing_node;
    bool is_wanted; /* a stanza was bounced since the last probe of the peer */
    struct xf_stanza_queue queue;
    struct xf_address_queue *line_out, *line_in; /* NULL: none has waited */
    struct xf_timer timer;   /* IDLE: free; QUEUE: the oldest is too old; BOUNCE: over */
    struct xf_node pressing; /* in link->pressing */
    /* ... of its network; NULL: the pause concerns this peer alone */
    struct xf_pressing_network *presser;
    uint64_t pressed_ms;   /* since when */
    uint64_t moved_ms;     /* when the queue last moved, or began */
    uint64_t ready_ms;     /* when the stream became ready */
    unsigned quick_losses; /* ready streams that ended soon, in a row */
    uint64_t backoff_ms;   /* of the next failure, before jitter; 0: the shortest */
    uint64_t over_ms;      /* when BOUNCE is */
    enum xf_cause cause;   /* of BOUNCE */
    char *text;            /* ... words for the sender */
    uint64_t sent_count, bounced_count;
    struct xf_span local, peer; /* in key */
    struct xf_span key;         /* "local\0peer", behind the struct */
};

/* A pair of an inbound stanza, looked up last. */
struct xf_admission {
    struct xf_pair_key key;
    bool may, is_watched, is_mapped; /* is_mapped: mail_addresses.c looks at each stanza */
    struct xf_routing_link *link;
};

/* What probe.c counts. */
struct xf_probes {
    unsigned count; /* under way */
    unsigned begun; /* since window_ms */
    uint64_t window_ms;
};

/* What screen.c counts. */
struct xf_tally {
    uint64_t count;
    struct xf_rare lines;
};

struct xf_requests_by_jid;

struct xf_routing {
    struct xf_env *env;
    struct xf_policy *policy;
    struct xf_s2s *s2s;
    struct xf_mailmap *mailmap; /* NULL: no user has an e-mail address */
    struct xf_node links;
    struct xf_map *routes;
    struct xf_map *ailing; /* peer -> struct xf_ailing (probe.c) */
    struct xf_probes probes;
    struct xf_route *last;       /* found last */
    struct xf_route *last_shown; /* of the pair in which a user was shown last */
    struct xf_admission last_in;
    struct xf_stanza_sum queued;    /* in all routes, also for an address */
    struct xf_stanza_sum answers;   /* that wait for the links */
    struct xf_quota ours, theirs;   /* routes, by the owners of peers */
    struct xf_quota answer_streams; /* that we opened for routes of theirs */
    struct xf_buf payload;          /* of the error stanza being made */
    struct xf_stanza_scratch scratch;
    struct xf_buf stripped;     /* payload of the presence being passed on */
    struct xf_buf rewritten;    /* payload with other addresses in it */
    char later[XF_JID_MAX + 1]; /* an address in it that is not known yet */
    struct xf_requests_by_jid *used;
    struct xf_map *strangers; /* mail domains that were named in the log */
    struct xf_rare refused, lost, full, unknown, strangers_full;
    struct xf_tally denied, passed_dry; /* stanzas that policy refused, or would have */
    bool is_draining, is_finished, has_ended;
};

static inline uint64_t xf_routing_now(const struct xf_routing *routing)
{
    return routing->env->clock->now_ms;
}

/*
 * What is left for all queues; no queue may be larger than that, so that however many peers are
 * silent, there is room for one more.
 */
size_t xf_routing_room(const struct xf_routing *routing);

struct xf_routing_link *xf_routing_link_of(const struct xf_routing *routing, const char *title);
/* NULL: none of ours */
struct xf_routing_link *xf_routing_link_serving(const struct xf_routing *routing,
                                                struct xf_span domain);
struct xf_routing_link *xf_routing_link_around(const struct xf_routing *routing,
                                               const struct xf_link *link);
/* Is that domain ours, and its link this one? */
bool xf_routing_is_served_by(const struct xf_routing *routing, const struct xf_routing_link *link,
                             struct xf_span domain);

/* ------------------------------------------------------------------ route.c */

/* NULL when there is none. One hash, none for the route of last time. */
struct xf_route *xf_route_find(struct xf_routing *routing, struct xf_span local,
                               struct xf_span peer);

/*
 * `is_theirs` (xf_route_limits_is_theirs) counts when it is made. NULL: there are too many routes.
 */
struct xf_route *xf_route_get(struct xf_routing *routing, struct xf_routing_link *link,
                              struct xf_span local, struct xf_span peer, bool is_theirs);
void xf_route_give_way(struct xf_route *route, const char *text); /* another route took its place */
void xf_route_free(struct xf_route *route);

/* While draining: does the stanza go to a stream that is there? */
bool xf_route_delivers(const struct xf_route *route);

/* Deliver, queue or bounce. */
void xf_route_send(struct xf_route *route, const struct xf_stanza *stanza);
void xf_route_seen(struct xf_route *route);
void xf_route_judge(struct xf_route *route); /* policy changed */
/* ... which may have mended what made the peer fail: the next stanza tries it */
void xf_route_forgive(struct xf_route *route);
/* ... what waits is asked about anew, and answered where it is refused */
void xf_route_sift(struct xf_route *route);
void xf_route_bounce_queue(struct xf_route *route, enum xf_stanza_error error, const char *text);

/* one in BOUNCE: try a stream; xf_probe_failed or xf_probe_end follows */
void xf_route_probe(struct xf_route *route);

/* A log line about it, counted: outsiders cause it (xfed/stream/lines.h). */
#define xf_route_log(route, level, event, ...) \
    xf_log(xf_route_level((route), (level), (event)), event, __VA_ARGS__)
enum xf_log_level xf_route_level(struct xf_route *route, enum xf_log_level level,
                                 const char *event);

/* ------------------------------------------------------------------ route_limits.c */

void xf_route_limits_init(struct xf_routing *routing);
void xf_route_limits_fini(struct xf_routing *routing);

/*
 * Would a route to the peer be theirs? `first`: what the cluster sends; NULL: an answer of ours to
 * the peer.
 */
bool xf_route_limits_is_theirs(const struct xf_routing *routing, struct xf_span peer,
                               const struct xf_stanza *first);
/* another route may end for it */
bool xf_route_limits_take(struct xf_route *route, bool is_theirs);
void xf_route_limits_give(struct xf_route *route);
/* a stream, for which another one may end; its place is held until: */
bool xf_route_limits_may_open(struct xf_route *route);
void xf_route_limits_stream_ended(struct xf_route *route);
bool xf_route_limits_has_bytes(struct xf_route *route, size_t bytes);
void xf_route_limits_weigh(struct xf_route *route); /* what waits has changed */

/* ------------------------------------------------------------------ probe.c */

void xf_probe_begin(struct xf_route *route);  /* it is in BOUNCE */
void xf_probe_want(struct xf_route *route);   /* a stanza was bounced */
void xf_probe_failed(struct xf_route *route); /* route->cause says why */
/* it leaves BOUNCE or PROBE; nothing when it has left */
void xf_probe_end(struct xf_route *route);
/* a stream to the peer is ready: the others' back-off is over */
void xf_probe_well(struct xf_routing *routing, struct xf_span peer);

/* ------------------------------------------------------------------ backpressure.c */

void xf_backpressure_init(struct xf_routing_link *link);
void xf_backpressure_pushed(struct xf_route *route);
void xf_backpressure_moved(struct xf_route *route);   /* the stream took something */
void xf_backpressure_dropped(struct xf_route *route); /* the queue became shorter otherwise */
void xf_backpressure_leave(struct xf_route *route);   /* before it moves to another link */

/* ------------------------------------------------------------------ bounce.c */

/* Answer a stanza of the cluster, when it may be answered. */
void xf_bounce(struct xf_routing *routing, struct xf_routing_link *link,
               const struct xf_stanza *stanza, enum xf_stanza_error error, const char *text);
/* its from is only the domain */
void xf_bounce_malformed_from(struct xf_routing *routing, struct xf_routing_link *link,
                              const struct xf_stanza *stanza);

/*
 * An error stanza from `from` to the stanza's sender, valid until the next call. Only when
 * xf_stanza_may_bounce.
 */
void xf_bounce_make(struct xf_routing *routing, const struct xf_stanza *stanza,
                    const struct xf_jid *from, enum xf_stanza_error error, const char *text,
                    struct xf_stanza *out_stanza);

/*
 * What an answer shows for an address that is no JID: the text itself; absent when that is longer
 * than any JID, or empty.
 */
struct xf_span xf_address_as_written(struct xf_span raw);

/* ------------------------------------------------------------------ answers.c */

/* send it now, or when the cluster takes it */
void xf_answer_cluster(struct xf_routing_link *link, const struct xf_stanza *answer);
void xf_answers_go_on(struct xf_routing_link *link); /* the link drained */
/* a reload: domains may have another link */
void xf_answers_follow(struct xf_routing_link *link);
void xf_answers_end(struct xf_routing_link *link); /* now or never */
/* the link gave one up that it held */
void xf_answers_lost(struct xf_routing_link *link);

/* ------------------------------------------------------------------ screen.c */

/* Does each stanza of the pair have to go through the next ones? */
bool xf_screen_watches(struct xf_routing *routing, struct xf_span local, struct xf_span peer,
                       enum xf_direction direction);

/*
 * False: it was refused, answered where that is wanted, and logged. True: presence may have become
 * less.
 */
bool xf_screen_out(struct xf_routing *routing, struct xf_routing_link *link,
                   struct xf_stanza *stanza);
bool xf_screen_in(struct xf_routing *routing, struct xf_stanza *stanza,
                  enum xf_s2s_taken *out_taken, const char **out_text);

/* One that waits in a queue: may it still go? */
bool xf_screen_still_out(struct xf_routing *routing, struct xf_routing_link *link,
                         struct xf_stanza *stanza);

/* ------------------------------------------------------------------ mail_addresses.c */

/* Deliver as the peer is to see the user, now or when his address is known. */
void xf_mail_out(struct xf_route *route, struct xf_stanza *stanza);

/* The same for the line: false when *out_later is not known yet; it borrows until the next call. */
bool xf_mail_go_out(struct xf_route *route, struct xf_stanza *stanza, struct xf_span *out_later);

/*
 * Find the user whom a peer wrote to; shown_to may be in `shown`. *out_is_refused: the stanza was
 * dropped or answered. False when *out_later is not known yet.
 */
bool xf_mail_map_in(struct xf_route *route, struct xf_stanza *stanza, char shown[XF_JID_MAX + 1],
                    bool *out_is_refused, struct xf_span *out_later);

/* Ask about it, for later. */
void xf_mail_ask_in(struct xf_routing *routing, const struct xf_stanza *stanza);

/* ------------------------------------------------------------------ mail_payload.c */

/* False: *later is not known yet. The payload borrows until the next call. */
bool xf_mail_payload_out(struct xf_routing *routing, struct xf_stanza *stanza,
                         struct xf_span *later);
bool xf_mail_payload_in(struct xf_routing *routing, struct xf_stanza *stanza,
                        struct xf_span *later);

/* ------------------------------------------------------------------ address_queue.c */

/* False: it is full. `address` is what the stanza waits for, when it is the first. */
bool xf_address_queue_push(struct xf_route *route, bool is_in, const struct xf_stanza *stanza,
                           struct xf_span address);
bool xf_address_queue_is_empty(const struct xf_address_queue *line); /* also NULL */
bool xf_address_queue_is_long(const struct xf_address_queue *line);  /* the sender should stop */
void xf_address_queue_bounce(struct xf_address_queue *line, enum xf_stanza_error error,
                             const char *text);
void xf_address_queue_sift(struct xf_address_queue *line); /* of out: as xf_route_sift */
void xf_address_queue_free(struct xf_address_queue **line);

/* ------------------------------------------------------------------ requests_by_jid.c */

void xf_requests_note(struct xf_routing *routing, struct xf_span peer, struct xf_span user,
                      struct xf_span id);
bool xf_requests_take(struct xf_routing *routing, struct xf_span peer, struct xf_span user,
                      struct xf_span id);
void xf_requests_free(struct xf_requests_by_jid **used);

/* ------------------------------------------------------------------ inbound.c */

/* A stanza of a line, as xf_mail_go_out. */
bool xf_mail_go_in(struct xf_route *route, struct xf_stanza *stanza, struct xf_span *out_later);

/*
 * Answer a stanza of a peer over the route to it, when it may be answered and stanzas may go there.
 */
void xf_answer_peer(struct xf_routing *routing, const struct xf_stanza *stanza,
                    enum xf_stanza_error error, const char *text);

/* For the table of link events. */

void xf_routing_expired(void *owner, struct xf_link *link, struct xf_stanza *stanza);
void xf_routing_link_drained(void *owner, struct xf_link *link);
