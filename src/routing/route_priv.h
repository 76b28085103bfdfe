/* SPDX-License-Identifier: MIT */
/*
 * route_priv.h — one route: the delivery state of an outbound pair, with its queue and its stream.
 */
#pragma once

#include "address_queue_priv.h"
#include "backpressure_priv.h"
#include "barrier_priv.h"

#include <xfed/base/log.h>
#include <xfed/base/machine.h>
#include <xfed/limits/quota.h>
#include <xfed/limits/rate.h>
#include <xfed/policy/policy.h>
#include <xfed/s2s/s2s.h>

struct xf_failed_peer;
struct xf_routing;
struct xf_routing_link;

/* clang-format off */
#define XF_ROUTE_STATE_MAP(X)                                                          \
    X(IDLE,   "idle")   /* no stream, nothing queued; freed after a while */           \
    X(QUEUE,  "queue")  /* a stream is being made, or is congested */                  \
    X(SEND,   "send")   /* the queue is empty, stanzas go straight into the stream */  \
    X(BOUNCE, "bounce") /* the peer failed: stanzas are answered at once, for a time; results wait */ \
    X(PROBE,  "probe")  /* the same, while a stream is tried */

#define XF_ROUTE_EVENT_MAP(X)                                                          \
    X(STANZA,  "stanza")  /* the first stanza */                                       \
    X(FLUSHED, "flushed") /* the stream is ready and took the queue */                 \
    X(BLOCKED, "blocked") /* the stream is congested, or about to end */               \
    X(LOST,    "lost")    /* a ready stream ended and stanzas wait */                  \
    X(GONE,    "gone")    /* a ready stream ended and none wait */                     \
    X(FAILED,  "failed")  /* the peer cannot be reached, or its streams end too soon */\
    X(REFUSED, "refused") /* policy, a limit of ours or shutdown: not the peer's fault */ \
    X(OVER,    "over")    /* the back-off is over, or was forgiven */                  \
    X(WAITED,  "waited")  /* the same, or SEEN, and there are stanzas that waited */   \
    X(DUE,     "due")     /* a probe is due */                                         \
    X(WELL,    "well")    /* the stream of a probe is ready */                         \
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

struct xf_route {
    struct xf_routing *routing;
    struct xf_node node;          /* in routing->all */
    uint64_t number;              /* counted from the first route that was made */
    struct xf_routing_link *link; /* the link of the served domain; a reload may change it */
    const struct xf_peer_settings *settings;
    enum xf_route_state state;
    enum xf_route_state counted_as; /* in xf_routing.route_counts */
    bool may;                       /* policy lets stanzas out, and local is served */
    bool is_watched;                /* screen.c looks at each stanza */
    bool by_sip;                    /* sip.c delivers: there is no stream, and no queue here */
    bool learns;                    /* by_sip may change without a reload (route_owner.c) */
    bool turned;                    /* learns, and in BOUNCE or PROBE: sip.c delivers too */
    bool for_stranger;              /* made for answers to a stranger (route_limits.c) */
    /*
     * The place among our own routes, or among the routes for strangers. Not held: another route
     * took it, and this one ends.
     */
    struct xf_place place;
    struct xf_place stream_place; /* while `out` is a stream of ours to a peer that is not named */
    struct xf_out *out;           /* NULL in IDLE and BOUNCE */
    /*
     * The entry of the peer in probe.c, in BOUNCE and PROBE. NULL: the route is for a stranger, or
     * backoff-probe = 0.
     */
    struct xf_failed_peer *failed_peer;
    struct xf_node failed_node;
    bool is_wanted; /* a stanza was bounced since the last probe of the peer */
    struct xf_stanza_queue queue;
    uint64_t no_room_ms; /* before, nothing in the full queue can be returned */
    struct xf_address_queue *address_queue_out, *address_queue_in; /* NULL: no stanza has waited */
    struct xf_timer timer; /* IDLE: free the route; QUEUE: bounce the oldest; BOUNCE: end it */
    struct xf_route_pause pause;
    uint64_t ready_ms;     /* when the stream became ready */
    unsigned quick_losses; /* ready streams that ended soon, in a row */
    bool has_resumed;      /* a stream was resumed, and the peer had more than was known */
    struct {
        uint64_t serial, untold, number; /* as in xf_s2s_events.resumed; serial 0: nothing */
    } told; /* by the peer, which resumed its stream before we noticed that it broke */
    struct xf_bucket forgiven; /* such streams that delivered something, and do not count */
    uint64_t backoff_ms; /* back-off after the next failure, without jitter; 0: the shortest */
    uint64_t over_ms;    /* when the back-off is over */
    enum xf_cause cause; /* why the route is in BOUNCE */
    char *text;          /* the cause in words for the sender */
    uint64_t taken_count, sent_count, bounced_count;
    struct xf_route_barrier barrier;
    struct xf_span local, peer; /* both in `key` */
    struct xf_span key;         /* "local\0peer", behind the struct */
};

/* ---- route_states.c: moves the route along the table. An event without a row is a bug of ours. */
void xf_route_fire(struct xf_route *route, enum xf_route_event event);
extern const struct xf_machine xf_route_machine; /* for the test of its table */

/* ---- route.c: the actions of the table. */
void xf_route_open_stream(struct xf_route *route);
void xf_route_rest(struct xf_route *route);
void xf_route_refuse(struct xf_route *route);
void xf_route_back_off(struct xf_route *route);
void xf_route_go_on_backing_off(struct xf_route *route);
void xf_route_start_probe(struct xf_route *route);

/* ---- route.c: for the other files of routing. */

/* NULL: there is no such route. Costs one hash, and nothing for the route that was found last. */
struct xf_route *xf_route_find(struct xf_routing *routing, struct xf_span local,
                               struct xf_span peer);

/*
 * Find the route, or make it. `for_stranger` (xf_route_limits_is_for_stranger) matters only if the
 * route is made or needs a new place. NULL: there are too many routes.
 */
struct xf_route *xf_route_get(struct xf_routing *routing, struct xf_routing_link *link,
                              struct xf_span local, struct xf_span peer, bool for_stranger);
void xf_route_free(struct xf_route *route);

/* While draining: does a stream exist that takes a stanza of the pair? */
bool xf_route_delivers(const struct xf_route *route);

/* Deliver, queue or bounce. */
void xf_route_send(struct xf_route *route, const struct xf_stanza *stanza);
/* The peer authenticated inbound, or a stream of another route to it is ready. */
void xf_route_seen(struct xf_route *route);
/* The peer resumed its stream: as xf_s2s_events.resumed. */
void xf_route_resumed(struct xf_route *route, uint64_t serial, uint64_t untold, uint64_t number);
void xf_route_judge(struct xf_route *route); /* call when policy has changed */
void xf_route_drain(struct xf_route *route); /* when xfedd begins to stop */
/* A reload may have mended what made the peer fail: the next stanza tries the peer again. */
void xf_route_forgive(struct xf_route *route);
/*
 * Ask policy about each queued stanza anew. A stanza that it refuses now leaves the queue, and is
 * answered if policy wants that.
 */
void xf_route_sift(struct xf_route *route);
void xf_route_bounce(struct xf_route *route, const struct xf_stanza *stanza,
                     enum xf_stanza_error error, const char *text);
void xf_route_bounce_queue(struct xf_route *route, enum xf_stanza_error error, const char *text);

/* For xf_probes_init. */
extern const struct xf_probe_events xf_route_probe_events;

#define xf_route_log(route, level, event, ...) \
    xf_log(xf_route_level((route), (level), (event)), event, __VA_ARGS__)
enum xf_log_level xf_route_level(struct xf_route *route, enum xf_log_level level,
                                 const char *event);
/* A stanza found no room beside those that are held: say so at most once a second, and count. */
void xf_route_log_full(struct xf_route *route, const struct xf_stanza_sum *held);
