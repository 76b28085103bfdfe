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
 * whatever else it carries: strangers cannot displace it.
 */
#include <xfed/xmpp/owner.h>

#include "in_priv.h"

#define UNUSED_MS    60000
#define STREAMS_PART 4 /* streams may use a quarter of the descriptors */

/* ------------------------------------------------------------------ a thing with two places */

struct kind {
    struct xf_holdings *holdings;
    struct xf_quota_limits of_network, of_owner;
};

static struct kind streams(struct xf_s2s *s2s)
{
    const struct xf_s2s_settings *settings = &s2s->settings;
    unsigned total = xf_env_share(s2s->env, settings->strangers.streams, STREAMS_PART);
    struct xf_quota_limits limits = {.total = total, .unused_ms = UNUSED_MS, .shares_own = true};
    struct kind kind = {&s2s->stranger_streams, limits, limits};
    kind.of_network.per_member = settings->strangers.streams_per_address;
    kind.of_network.per_group = settings->strangers.streams_per_network;
    kind.of_owner.per_member = kind.of_owner.per_group = settings->strangers.streams_per_owner;
    return kind;
}

static struct kind pairs(struct xf_s2s *s2s)
{
    const struct xf_s2s_settings *settings = &s2s->settings;
    struct xf_quota_limits limits = {
        .total = settings->strangers.pairs, .unused_ms = UNUSED_MS, .shares_own = true};
    struct kind kind = {&s2s->stranger_pairs, limits, limits};
    kind.of_network.per_member = kind.of_network.per_group = settings->strangers.pairs_per_network;
    kind.of_owner.per_member = kind.of_owner.per_group = settings->strangers.pairs_per_owner;
    return kind;
}

struct keys {
    struct xf_addr_keys addr;
    struct xf_quota_keys owner;
};

static void make_keys(const struct xf_in *in, struct xf_span peer, struct keys *out)
{
    xf_addr_keys_of(&in->stream.conn->addr, &out->addr);
    out->owner = (struct xf_quota_keys){.group = xf_domain_owner(peer), .member = peer};
}

struct victims {
    struct xf_place *of_network, *of_owner; /* NULL: none has to end */
};

/*
 * A network or owner that has used up its own limit must give up one of its own streams. When the
 * total is used up, it is enough that one of the two quotas finds a holder with more places than
 * the newcomer: the stream that ends gives up both its places.
 */
static bool has_room(const struct xf_in *in, const struct kind *kind, const struct keys *keys,
                     struct victims *out)
{
    uint64_t now_ms = in->s2s->env->clock->now_ms;
    enum xf_quota_answer of_network = xf_quota_look(&kind->holdings->by_network, &keys->addr.keys,
                                                    &kind->of_network, now_ms, &out->of_network);
    enum xf_quota_answer of_owner = xf_quota_look(&kind->holdings->by_owner, &keys->owner,
                                                  &kind->of_owner, now_ms, &out->of_owner);
    bool network_may =
        of_network == XF_QUOTA_ROOM || (of_network == XF_QUOTA_ALL_FULL && out->of_owner);
    bool owner_may =
        of_owner == XF_QUOTA_ROOM || (of_owner == XF_QUOTA_ALL_FULL && out->of_network);
    return network_may && owner_may;
}

static void enter(const struct xf_in *in, struct xf_holdings *holdings, struct xf_holding *holding,
                  const struct keys *keys)
{
    uint64_t now_ms = in->s2s->env->clock->now_ms;
    xf_quota_enter(&holdings->by_network, &holding->by_network, &keys->addr.keys, now_ms);
    xf_quota_enter(&holdings->by_owner, &holding->by_owner, &keys->owner, now_ms);
}

static void give(struct xf_holdings *holdings, struct xf_holding *holding)
{
    xf_quota_give(&holdings->by_network, &holding->by_network);
    xf_quota_give(&holdings->by_owner, &holding->by_owner);
}

static bool is_held(const struct xf_holding *holding)
{
    return xf_place_is_held(&holding->by_network);
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
}

void xf_strangers_fini(struct xf_s2s *s2s)
{
    xf_quota_fini(&s2s->stranger_streams.by_network);
    xf_quota_fini(&s2s->stranger_streams.by_owner);
    xf_quota_fini(&s2s->stranger_pairs.by_network);
    xf_quota_fini(&s2s->stranger_pairs.by_owner);
}

/* ------------------------------------------------------------------ come and go */

static void leave_all(struct xf_in *in)
{
    give(&in->s2s->stranger_streams, &in->holding);
    XF_LIST_EACH (node, &in->pairs)
        give(&in->s2s->stranger_pairs, &xf_pair_of_node(node)->holding);
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

static bool take_pair(struct xf_in *in, struct xf_pair *pair, const struct keys *keys)
{
    struct kind kind = pairs(in->s2s);
    struct victims victims;
    if (!has_room(in, &kind, keys, &victims))
        return false;
    struct xf_in *of_network = victims.of_network ? in_of_pair_network(victims.of_network) : NULL;
    struct xf_in *of_owner = victims.of_owner ? in_of_pair_owner(victims.of_owner) : NULL;
    if (of_network == in || of_owner == in) /* a stream must not end for its own next pair */
        return false;
    displace(of_network ? of_network : of_owner);
    if (of_network && has_room(in, &kind, keys, &victims) && victims.of_owner) /* still full */
        displace(in_of_pair_owner(victims.of_owner));
    enter(in, kind.holdings, &pair->holding, keys);
    return true;
}

static bool take_stream(struct xf_in *in, const struct keys *keys)
{
    struct kind kind = streams(in->s2s);
    struct victims victims;
    if (!has_room(in, &kind, keys, &victims))
        return false;
    displace(victims.of_network ? in_of_network(victims.of_network)
             : victims.of_owner ? in_of_owner(victims.of_owner)
                                : NULL);
    /* still full */
    if (victims.of_network && has_room(in, &kind, keys, &victims) && victims.of_owner)
        displace(in_of_owner(victims.of_owner));
    enter(in, kind.holdings, &in->holding, keys);
    return true;
}

static bool is_beside_named(const struct xf_in *in)
{
    return in->valid_pairs > 0 && !is_held(&in->holding);
}

bool xf_stranger_admit(struct xf_in *in, struct xf_pair *pair)
{
    struct xf_span peer = xf_span_of(pair->peer);
    struct keys keys;
    if (xf_policy_names(in->s2s->policy, peer)) {
        leave_all(in);
        return true;
    }
    if (is_beside_named(in))
        return true;
    make_keys(in, peer, &keys);
    if ((in->valid_pairs > 0 || take_stream(in, &keys)) && take_pair(in, pair, &keys))
        return true;
    xf_refusals_note(&in->s2s->refusals, &in->stream.conn->addr, "strangers", false);
    return false;
}

bool xf_stranger_may_claim(struct xf_in *in, struct xf_span peer)
{
    struct kind kind = pairs(in->s2s);
    struct victims victims;
    struct keys keys;
    if (xf_policy_names(in->s2s->policy, peer) || is_beside_named(in))
        return true;
    make_keys(in, peer, &keys);
    return has_room(in, &kind, &keys, &victims);
}

unsigned xf_stranger_crowd(const struct xf_in *in)
{
    if (!is_held(&in->holding))
        return 0;
    unsigned of_network = xf_place_crowd_size(&in->holding.by_network, XF_CROWD_GROUP);
    unsigned of_owner = xf_place_crowd_size(&in->holding.by_owner, XF_CROWD_GROUP);
    return of_network > of_owner ? of_network : of_owner;
}

void xf_stranger_pair_left(struct xf_pair *pair)
{
    give(&pair->in->s2s->stranger_pairs, &pair->holding);
}

void xf_stranger_left(struct xf_in *in)
{
    give(&in->s2s->stranger_streams, &in->holding);
}

/* ------------------------------------------------------------------ reload */

/* Take the places of the pair if it needs them now. -> is its peer named? */
static bool judge_pair(struct xf_pair *pair)
{
    struct xf_span peer = xf_span_of(pair->peer);
    bool is_named = pair->method != XF_AUTH_NONE && xf_policy_names(pair->in->s2s->policy, peer);
    struct keys keys;
    if (pair->method != XF_AUTH_NONE && !is_named && !is_held(&pair->holding)) {
        make_keys(pair->in, peer, &keys);
        enter(pair->in, &pair->in->s2s->stranger_pairs, &pair->holding, &keys);
    }
    return is_named;
}

void xf_stranger_judge(struct xf_in *in)
{
    bool is_named = false;
    struct keys keys;
    if (in->valid_pairs == 0 || in->stream.is_ending || !in->stream.conn)
        return;
    XF_LIST_EACH (node, &in->pairs)
        is_named |= judge_pair(xf_pair_of_node(node));
    if (is_named) {
        leave_all(in);
    } else if (!is_held(&in->holding)) {
        make_keys(in, xf_span_of(xf_pair_of_node(in->pairs.next)->peer), &keys);
        enter(in, &in->s2s->stranger_streams, &in->holding, &keys);
    }
}
