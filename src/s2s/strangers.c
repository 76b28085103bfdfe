/* SPDX-License-Identifier: MIT */
/*
 * strangers.c — how many streams to us, and pairs on them, the authenticated peers may hold that
 * the configuration does not name.
 *
 * Names cost nothing: whoever owns one domain can authenticate any number of domains below it, with
 * one certificate or one DNS record, from any address. So each stream and each pair takes two
 * places (limits/quota.h): one among the places of its address and network, one among the places of
 * its owner, the registered domain. When all places are taken, the holder of most of them loses the
 * one that was unused longest, and that stream ends with an error. A newcomer that already has as
 * many as the largest holder is refused.
 *
 * A stream on which a named peer is authenticated holds no place, and neither do the pairs on it,
 * whatever else it carries: strangers cannot displace it. A pair that our users began (they wrote
 * to the peer before it came here, xf_s2s_events.knows) has a place of another kind, which nobody
 * displaces. If it is the first one on its stream, that needs no place. So a thousand domains of
 * one owner to which our users write all come back after a fault. But whoever has a room or a
 * contact here can have our users write to any number of names: an owner that has used up these
 * places needs those of all strangers.
 */
#include <xfed/xmpp/owner.h>

#include "in_priv.h"

#define UNUSED_MS    60000
#define STREAMS_PART 4 /* streams may use a quarter of the descriptors */

/* ------------------------------------------------------------------ limits and keys */

static struct xf_share streams(struct xf_s2s *s2s)
{
    const struct xf_s2s_settings *settings = &s2s->settings;
    unsigned total = xf_env_share(s2s->env, settings->strangers.streams, STREAMS_PART);
    struct xf_quota_limits limits = {.total = total, .unused_ms = UNUSED_MS, .shares_own = true};
    struct xf_share share = {&s2s->stranger_streams, limits, limits};
    share.of_network.per_member = settings->strangers.streams_per_address;
    share.of_network.per_group = settings->strangers.streams_per_network;
    share.of_owner.per_member = share.of_owner.per_group = settings->strangers.streams_per_owner;
    return share;
}

static struct xf_share pairs(struct xf_s2s *s2s)
{
    const struct xf_s2s_settings *settings = &s2s->settings;
    struct xf_quota_limits limits = {
        .total = settings->strangers.pairs, .unused_ms = UNUSED_MS, .shares_own = true};
    struct xf_share share = {&s2s->stranger_pairs, limits, limits};
    share.of_network.per_member = share.of_network.per_group =
        settings->strangers.pairs_per_network;
    share.of_owner.per_member = share.of_owner.per_group = settings->strangers.pairs_per_owner;
    return share;
}

static struct xf_share known_pairs(struct xf_s2s *s2s)
{
    const struct xf_s2s_settings *settings = &s2s->settings;
    unsigned total = xf_env_share(s2s->env, settings->strangers.known_pairs, STREAMS_PART);
    struct xf_quota_limits limits = {
        .per_member = total, .per_group = total, .total = total, .unused_ms = UNUSED_MS};
    struct xf_share share = {&s2s->known_pairs, limits, limits};
    share.of_owner.per_member = share.of_owner.per_group =
        settings->strangers.known_pairs_per_owner;
    return share;
}

static struct xf_holdings *holdings_of(const struct xf_pair *pair)
{
    struct xf_s2s *s2s = pair->in->s2s;
    return pair->is_known ? &s2s->known_pairs : &s2s->stranger_pairs;
}

static struct xf_share_keys keys_of(const struct xf_in *in, struct xf_span peer)
{
    return (struct xf_share_keys){
        .network = {.group = xf_span_of(in->network), .member = xf_span_of(in->host)},
        .owner = {.group = xf_domain_owner(peer), .member = peer},
    };
}

static bool has_room(const struct xf_in *in, const struct xf_share *share,
                     const struct xf_share_keys *keys, struct xf_victims *out)
{
    return xf_share_look(share, keys, in->s2s->env->clock->now_ms, out);
}

static void enter(const struct xf_in *in, struct xf_holdings *holdings, struct xf_holding *holding,
                  const struct xf_share_keys *keys)
{
    xf_holding_enter(holdings, holding, keys, in->s2s->env->clock->now_ms);
}

/* ------------------------------------------------------------------ whose, and when used */

static struct xf_in *in_of_network(const struct xf_place *place)
{
    return XF_CONTAINER(place, struct xf_in, holding.by_network);
}

static struct xf_in *in_of_owner(const struct xf_place *place)
{
    return XF_CONTAINER(place, struct xf_in, holding.by_owner);
}

static struct xf_in *in_of_pair_network(const struct xf_place *place)
{
    return XF_CONTAINER(place, struct xf_pair, holding.by_network)->in;
}

static struct xf_in *in_of_pair_owner(const struct xf_place *place)
{
    return XF_CONTAINER(place, struct xf_pair, holding.by_owner)->in;
}

static uint64_t used_ms(const struct xf_in *in)
{
    return in->stream.heard_ms > in->carrier.used_ms ? in->stream.heard_ms : in->carrier.used_ms;
}

static uint64_t used_by_network(const struct xf_place *place)
{
    return used_ms(in_of_network(place));
}

static uint64_t used_by_owner(const struct xf_place *place)
{
    return used_ms(in_of_owner(place));
}

static uint64_t used_pair_by_network(const struct xf_place *place)
{
    return used_ms(in_of_pair_network(place));
}

static uint64_t used_pair_by_owner(const struct xf_place *place)
{
    return used_ms(in_of_pair_owner(place));
}

void xf_strangers_init(struct xf_s2s *s2s)
{
    xf_quota_init(&s2s->stranger_streams.by_network, used_by_network);
    xf_quota_init(&s2s->stranger_streams.by_owner, used_by_owner);
    xf_quota_init(&s2s->stranger_pairs.by_network, used_pair_by_network);
    xf_quota_init(&s2s->stranger_pairs.by_owner, used_pair_by_owner);
    xf_quota_init(&s2s->known_pairs.by_network, NULL);
    xf_quota_init(&s2s->known_pairs.by_owner, NULL);
}

void xf_strangers_fini(struct xf_s2s *s2s)
{
    xf_quota_fini(&s2s->stranger_streams.by_network);
    xf_quota_fini(&s2s->stranger_streams.by_owner);
    xf_quota_fini(&s2s->stranger_pairs.by_network);
    xf_quota_fini(&s2s->stranger_pairs.by_owner);
    xf_quota_fini(&s2s->known_pairs.by_network);
    xf_quota_fini(&s2s->known_pairs.by_owner);
}

/* ------------------------------------------------------------------ come and go */

static void leave_all(struct xf_in *in)
{
    xf_holding_give(&in->s2s->stranger_streams, &in->holding);
    XF_LIST_EACH (node, &in->pairs)
        xf_holding_give(holdings_of(xf_pair_of_node(node)), &xf_pair_of_node(node)->holding);
}

static void displace(struct xf_in *in)
{
    if (!in)
        return;
    leave_all(in);
    xf_in_evict(in, "displaced",
                "too many of your domains, or of your addresses, hold streams here: another peer "
                "takes this place");
}

static bool take_pair(struct xf_in *in, struct xf_pair *pair, const struct xf_share_keys *keys)
{
    struct xf_share share = pairs(in->s2s);
    struct xf_victims victims;
    if (!has_room(in, &share, keys, &victims))
        return false;
    struct xf_in *of_network = victims.of_network ? in_of_pair_network(victims.of_network) : NULL;
    struct xf_in *of_owner = victims.of_owner ? in_of_pair_owner(victims.of_owner) : NULL;
    if (of_network == in || of_owner == in) /* a stream must not end for its own next pair */
        return false;
    displace(of_network ? of_network : of_owner);
    if (of_network && has_room(in, &share, keys, &victims) && victims.of_owner) /* still full */
        displace(in_of_pair_owner(victims.of_owner));
    enter(in, share.holdings, &pair->holding, keys);
    return true;
}

static bool take_stream(struct xf_in *in, const struct xf_share_keys *keys)
{
    struct xf_share share = streams(in->s2s);
    struct xf_victims victims;
    if (!has_room(in, &share, keys, &victims))
        return false;
    displace(victims.of_network ? in_of_network(victims.of_network)
             : victims.of_owner ? in_of_owner(victims.of_owner)
                                : NULL);
    /* still full */
    if (victims.of_network && has_room(in, &share, keys, &victims) && victims.of_owner)
        displace(in_of_owner(victims.of_owner));
    enter(in, share.holdings, &in->holding, keys);
    return true;
}

/* Did our users begin the pair, and is there a place for it as such? */
static bool is_known(const struct xf_in *in, struct xf_span local, struct xf_span peer,
                     const struct xf_share_keys *keys)
{
    const struct xf_s2s *s2s = in->s2s;
    struct xf_share share = known_pairs(in->s2s);
    struct xf_victims victims;
    return s2s->events->knows && s2s->events->knows(s2s->owner, local, peer) &&
           has_room(in, &share, keys, &victims) && !victims.of_network && !victims.of_owner;
}

bool xf_stranger_admit(struct xf_in *in, struct xf_pair *pair)
{
    struct xf_span peer = xf_span_of(pair->peer);
    if (xf_policy_names(in->s2s->policy, peer)) {
        leave_all(in);
        in->has_named = true;
        return true;
    }
    const struct xf_share_keys keys = keys_of(in, peer);
    pair->is_known = is_known(in, xf_span_of(pair->local), peer, &keys);
    if (in->has_named)
        return true;
    if (pair->is_known) {
        enter(in, &in->s2s->known_pairs, &pair->holding, &keys);
        return true;
    }
    if ((in->valid_pairs > 0 || take_stream(in, &keys)) && take_pair(in, pair, &keys))
        return true;
    xf_refusals_note(&in->s2s->refusals, &in->stream.conn->addr, "strangers", false);
    return false;
}

bool xf_stranger_may_claim(struct xf_in *in, struct xf_span local, struct xf_span peer)
{
    struct xf_share share = pairs(in->s2s);
    struct xf_victims victims;
    const struct xf_share_keys keys = keys_of(in, peer);
    return xf_policy_names(in->s2s->policy, peer) || in->has_named ||
           is_known(in, local, peer, &keys) || has_room(in, &share, &keys, &victims);
}

unsigned xf_stranger_crowd(const struct xf_in *in)
{
    if (!xf_holding_is_held(&in->holding))
        return 0;
    unsigned of_network = xf_place_crowd_size(&in->holding.by_network, XF_CROWD_GROUP);
    unsigned of_owner = xf_place_crowd_size(&in->holding.by_owner, XF_CROWD_GROUP);
    return of_network > of_owner ? of_network : of_owner;
}

void xf_stranger_pair_left(struct xf_pair *pair)
{
    xf_holding_give(holdings_of(pair), &pair->holding);
}

void xf_stranger_left(struct xf_in *in)
{
    xf_holding_give(&in->s2s->stranger_streams, &in->holding);
}

/* ------------------------------------------------------------------ reload */

/* Take the places of the pair if it needs them now. -> is its peer named? */
static bool judge_pair(struct xf_pair *pair)
{
    struct xf_span peer = xf_span_of(pair->peer);
    bool is_named = pair->method != XF_AUTH_NONE && xf_policy_names(pair->in->s2s->policy, peer);
    struct xf_share_keys keys;
    if (pair->method != XF_AUTH_NONE && !is_named && !xf_holding_is_held(&pair->holding)) {
        keys = keys_of(pair->in, peer);
        enter(pair->in, holdings_of(pair), &pair->holding, &keys);
    }
    return is_named;
}

void xf_stranger_judge(struct xf_in *in)
{
    const struct xf_pair *first = NULL;
    bool needs_place = true;
    struct xf_share_keys keys;
    if (in->valid_pairs == 0 || in->stream.is_ending || !in->stream.conn)
        return;
    in->has_named = false;
    XF_LIST_EACH (node, &in->pairs) {
        struct xf_pair *pair = xf_pair_of_node(node);
        in->has_named |= judge_pair(pair);
        needs_place &= !pair->is_known;
        if (!first && pair->method != XF_AUTH_NONE) /* what is only claimed is of no owner */
            first = pair;
    }
    if (in->has_named) {
        leave_all(in);
    } else if (needs_place && !xf_holding_is_held(&in->holding)) {
        keys = keys_of(in, xf_span_of(first->peer));
        enter(in, &in->s2s->stranger_streams, &in->holding, &keys);
    }
}
