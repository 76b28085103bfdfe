/* SPDX-License-Identifier: MIT */
/*
 * route_limits.c — limits how many routes there are, and what strangers (peers that the
 * configuration does not name) can make us do through them.
 *
 * A route is our own if the configuration names the peer, or if one of our users wrote first.
 * Otherwise it is for a stranger: it was made for an answer to a peer that wrote to us, and each
 * further route costs that peer only one more name below its domain. Each route has a place among
 * the routes of its kind, counted by the peer's owner (xmpp/owner.h). When all places are taken,
 * the owner with the most routes loses the one that was unused for longest. So strangers displace
 * strangers, the one with the most names first, and never a route of our own.
 *
 * The streams that we open to peers that the configuration does not name have places too, again per
 * owner and in all: those for answers, and apart from these those for our users, who can write to
 * any number of names below one domain. What waits for streams for answers is bounded by bytes, and
 * what waits for all other streams to one owner by what is left for all.
 */
#include "route_limits_priv.h"

#include "address_queue_priv.h"
#include "filling_priv.h"
#include "rare_priv.h"
#include "route_priv.h"
#include "routing_priv.h"

#include <xfed/xmpp/owner.h>

#define ROUTES_MAX   65536 /* our own */
#define UNUSED_MS    60000
#define ANSWERS_PART 8 /* streams for answers use at most 1/8 of the descriptors */
#define USERS_PART   4 /* ... and those for our users 1/4 */

static struct xf_route *route_of(const struct xf_place *place)
{
    return XF_CONTAINER(place, struct xf_route, place);
}

static struct xf_route *route_of_stream(const struct xf_place *place)
{
    return XF_CONTAINER(place, struct xf_route, stream_place);
}

static uint64_t route_used_ms(const struct xf_place *place)
{
    const struct xf_route *route = route_of(place);
    return route->out ? xf_out_used_ms(route->out) : 0;
}

static uint64_t stream_used_ms(const struct xf_place *place)
{
    return xf_out_used_ms(route_of_stream(place)->out);
}

void xf_route_limits_init(struct xf_routing *routing)
{
    xf_quota_init(&routing->own_routes, route_used_ms);
    xf_quota_init(&routing->stranger_routes, route_used_ms);
    xf_quota_init(&routing->answer_streams, stream_used_ms);
    xf_quota_init(&routing->user_streams, stream_used_ms);
}

void xf_route_limits_fini(struct xf_routing *routing)
{
    xf_quota_fini(&routing->own_routes);
    xf_quota_fini(&routing->stranger_routes);
    xf_quota_fini(&routing->answer_streams);
    xf_quota_fini(&routing->user_streams);
}

static struct xf_quota_keys keys_of(const struct xf_route *route)
{
    return (struct xf_quota_keys){.group = xf_domain_owner(route->peer), .member = route->peer};
}

static struct xf_quota_limits limits(unsigned per_owner, unsigned total)
{
    return (struct xf_quota_limits){.per_member = per_owner,
                                    .per_group = per_owner,
                                    .total = total,
                                    .unused_ms = UNUSED_MS,
                                    .shares_own = true};
}

static void log_full(struct xf_route *route, const char *reason)
{
    struct xf_routing *routing = route->routing;
    unsigned suppressed = 0;
    if (xf_rare_is_due(&routing->strangers_full, xf_routing_now(routing), &suppressed))
        /* bounded: xf_rare */
        xf_log(XF_LOG_WARN, "routing.strangers.full", XF_SPN("local", route->local),
               XF_SPN("peer", route->peer), XF_WORD("reason", reason),
               XF_INT("suppressed", suppressed));
}

/* ------------------------------------------------------------------ routes */

/*
 * Is it a stanza that a server sends by itself when somebody writes to it? No user of ours asked
 * for it.
 */
static bool is_reply(const struct xf_stanza *stanza)
{
    static const char *const types[] = {"error", "result", "subscribed", "unsubscribed",
                                        "unavailable"};
    for (size_t i = 0; i < XF_ARRAY_LEN(types); i++)
        if (xf_span_is(stanza->type, types[i]))
            return true;
    return false;
}

bool xf_route_limits_is_for_stranger(const struct xf_routing *routing, struct xf_span peer,
                                     const struct xf_stanza *first)
{
    if (xf_policy_names(routing->policy, peer))
        return false;
    return !first || is_reply(first) || (routing->s2s && xf_s2s_hears(routing->s2s, peer));
}

static bool take_place(struct xf_route *route, struct xf_route **out_evicted)
{
    struct xf_routing *routing = route->routing;
    const struct xf_routing_settings *settings = &routing->settings;
    struct xf_quota_keys keys = keys_of(route);
    struct xf_quota_limits of_strangers = limits(settings->routes_per_owner, settings->routes);
    struct xf_quota_limits of_own = limits(ROUTES_MAX, ROUTES_MAX);
    struct xf_place *evicted = NULL;
    enum xf_quota_answer answer = xf_quota_take(
        route->for_stranger ? &routing->stranger_routes : &routing->own_routes, &route->place,
        &keys, route->for_stranger ? &of_strangers : &of_own, xf_routing_now(routing), &evicted);
    *out_evicted = evicted ? route_of(evicted) : NULL;
    return answer == XF_QUOTA_ROOM;
}

bool xf_route_limits_take(struct xf_route *route, bool for_stranger, struct xf_route **out_evicted)
{
    route->for_stranger = for_stranger;
    if (take_place(route, out_evicted))
        return true;
    log_full(route, "routes");
    return false;
}

void xf_route_limits_give(struct xf_route *route)
{
    xf_route_limits_stream_ended(route);
    xf_quota_give(route->for_stranger ? &route->routing->stranger_routes
                                      : &route->routing->own_routes,
                  &route->place);
}

/* Among our own it has a place whether there is room or not: the strangers' places bound that. */
void xf_route_limits_named(struct xf_route *route)
{
    struct xf_routing *routing = route->routing;
    bool has_place = xf_place_is_held(&route->place);
    struct xf_quota_keys keys = keys_of(route);
    xf_route_limits_stream_ended(route);
    if (!route->for_stranger)
        return;
    xf_route_limits_give(route);
    route->for_stranger = false;
    if (!has_place)
        return;
    xf_quota_enter(&routing->own_routes, &route->place, &keys, xf_routing_now(routing));
    xf_route_limits_weigh(route);
}

/* ------------------------------------------------------------------ streams of ours */

static struct xf_quota *streams_of(const struct xf_route *route)
{
    struct xf_routing *routing = route->routing;
    return route->for_stranger ? &routing->answer_streams : &routing->user_streams;
}

static struct xf_quota_limits stream_limits(const struct xf_route *route)
{
    const struct xf_env *env = route->routing->env;
    const struct xf_routing_settings *settings = &route->routing->settings;
    return route->for_stranger ? limits(settings->answer_streams_per_owner,
                                        xf_env_share(env, settings->answer_streams, ANSWERS_PART))
                               : limits(settings->user_streams_per_owner,
                                        xf_env_share(env, settings->user_streams, USERS_PART));
}

bool xf_route_limits_may_open(struct xf_route *route)
{
    struct xf_routing *routing = route->routing;
    if (xf_place_is_held(&route->stream_place) || xf_policy_names(routing->policy, route->peer) ||
        xf_s2s_carries(routing->s2s, route->local, route->peer))
        return true;
    struct xf_quota_limits bounds = stream_limits(route);
    struct xf_quota_keys keys = keys_of(route);
    struct xf_place *evicted = NULL;
    bool has_room = xf_quota_take(streams_of(route), &route->stream_place, &keys, &bounds,
                                  xf_routing_now(routing), &evicted) == XF_QUOTA_ROOM;
    if (evicted)
        xf_out_close(route_of_stream(evicted)->out);
    if (!has_room)
        log_full(route, route->for_stranger ? "streams" : "user-streams");
    return has_room;
}

void xf_route_limits_stream_ended(struct xf_route *route)
{
    xf_quota_give(streams_of(route), &route->stream_place);
}

/* ------------------------------------------------------------------ what waits */

/* What went out and is not proved takes room of the queue: it may come back. */
static struct xf_stanza_sum waiting(const struct xf_route *route,
                                    const struct xf_stanza_queue *queue)
{
    struct xf_stanza_sum sum = queue->held;
    if (route->out) {
        sum.bytes += xf_out_unproved(route->out)->bytes;
        sum.count += xf_out_unproved(route->out)->count;
    }
    return sum;
}

void xf_route_limits_weigh(struct xf_route *route)
{
    size_t queued = xf_address_queue_bytes(route->address_queue_out) +
                    xf_address_queue_bytes(route->address_queue_in);
    xf_filling_note(route->routing);
    queued += route->for_stranger ? waiting(route, &route->queue).bytes : route->queue.held.bytes;
    if (xf_place_is_held(&route->place))
        xf_place_weigh(&route->place, queued);
}

bool xf_route_limits_stranger_may_have(struct xf_route *route, size_t bytes)
{
    const struct xf_routing_settings *settings = &route->routing->settings;
    if (!route->for_stranger || !xf_place_is_held(&route->place) ||
        (xf_place_weight(&route->place, XF_CROWD_GROUP) + bytes <=
             settings->answer_bytes_per_owner &&
         xf_place_weight(&route->place, XF_CROWD_ALL) + bytes <= settings->answer_bytes))
        return true;
    log_full(route, "bytes");
    return false;
}

/*
 * No queue may be larger than what is left for all. Nor may those of one owner together: otherwise
 * a thousand names would have a thousand queues, and hardly anything would be left for the next.
 */
static bool leaves_room(const struct xf_route *route, const struct xf_stanza_queue *queue,
                        size_t bytes, size_t gone)
{
    size_t most = xf_routing_room(route->routing, gone) + gone;
    if (queue->held.bytes + bytes > most)
        return false;
    return route->for_stranger || !xf_place_is_held(&route->place) ||
           xf_place_weight(&route->place, XF_CROWD_GROUP) + bytes <= most ||
           xf_policy_names(route->routing->policy, route->peer);
}

bool xf_route_limits_could_have(struct xf_route *route, const struct xf_stanza_queue *queue,
                                const struct xf_stanza *stanza, const struct xf_stanza_sum *gone)
{
    size_t bytes = xf_stanza_copy_size(stanza);
    struct xf_stanza_sum held = waiting(route, queue);
    return held.count < route->settings->queue_stanzas + gone->count &&
           held.bytes + bytes <= route->settings->queue_bytes + gone->bytes &&
           leaves_room(route, queue, bytes, gone->bytes) &&
           xf_route_limits_stranger_may_have(route, bytes > gone->bytes ? bytes - gone->bytes : 0);
}

bool xf_route_limits_has_room(struct xf_route *route, const struct xf_stanza_queue *queue,
                              const struct xf_stanza *stanza)
{
    return xf_route_limits_could_have(route, queue, stanza, &(struct xf_stanza_sum){0});
}

bool xf_route_limits_is_above(const struct xf_route *route, const struct xf_stanza_queue *queue,
                              unsigned part)
{
    return queue->held.bytes * part > route->settings->queue_bytes ||
           queue->held.count * part > route->settings->queue_stanzas;
}
