/* SPDX-License-Identifier: MIT */
/*
 * in_pair.c — the pairs (served domain, peer) of an accepted stream: claimed, authenticated, gone.
 * What is authenticated is a pair on this stream. One stream may carry several pairs, each
 * authenticated by itself.
 */
#include <stdio.h>

#include <xfed/base/alloc.h>

#include "continuity_priv.h"
#include "in_priv.h"
#include "stream_log_priv.h"

#define LOOKS_MAX 8 /* of the pairs of a stream that ends, and of the peer's other streams */

/* ------------------------------------------------------------------ find */

static bool pair_is(const struct xf_pair *pair, struct xf_span local, struct xf_span peer)
{
    return xf_span_eq(xf_span_of(pair->peer), peer) && xf_span_eq(xf_span_of(pair->local), local);
}

struct xf_pair *xf_in_find_pair(struct xf_in *in, struct xf_span local, struct xf_span peer)
{
    XF_LIST_EACH (node, &in->pairs)
        if (pair_is(xf_pair_of_node(node), local, peer))
            return xf_pair_of_node(node);
    return NULL;
}

struct xf_pair *xf_in_find_peer(struct xf_in *in, struct xf_span peer)
{
    XF_LIST_EACH (node, &in->pairs)
        if (xf_pair_of_node(node)->method != XF_AUTH_NONE &&
            xf_span_eq(xf_span_of(xf_pair_of_node(node)->peer), peer))
            return xf_pair_of_node(node);
    return NULL;
}

/* ------------------------------------------------------------------ streams of a peer */

/*
 * May the peer have one more stream here? A stream counts for a peer once a pair of that peer is
 * authenticated on it; claims do not count.
 */
static bool has_room(struct xf_in *in, struct xf_span peer)
{
    const unsigned *count = xf_map_find(in->s2s->inbound_by_peer, peer);
    return !count || *count < xf_policy_peer(in->s2s->policy, peer)->max_streams ||
           xf_in_find_peer(in, peer);
}

/* Call before pair->method is set. */
static void count_stream(struct xf_pair *pair)
{
    struct xf_in *in = pair->in;
    struct xf_map *counts = in->s2s->inbound_by_peer;
    struct xf_span peer = xf_span_of(pair->peer);
    unsigned *count = xf_map_find(counts, peer);
    if (xf_in_find_peer(in, peer))
        return;
    if (!count) {
        count = xf_new(unsigned);
        xf_map_set(counts, peer, count);
    }
    (*count)++;
    pair->is_counted = true;
}

static void uncount_stream(struct xf_pair *pair)
{
    struct xf_map *counts = pair->in->s2s->inbound_by_peer;
    unsigned *count = xf_map_find(counts, xf_span_of(pair->peer));
    if (pair->is_counted && --*count == 0)
        xf_free(xf_map_remove(counts, xf_span_of(pair->peer)));
}

/* ------------------------------------------------------------------ our stanzas for it */

/* Only its own pair resumes a stream (XEP-0198 §5): what others had on it would arrive twice. */
static bool may_carry(const struct xf_pair *pair)
{
    const struct xf_in *in = pair->in;
    return in->is_bidi && (!in->resumable || (strcmp(pair->local, in->resumable->local) == 0 &&
                                              strcmp(pair->peer, in->resumable->peer) == 0));
}

/* Does a stream that may be used now offer the pair? */
static bool is_carried(const struct xf_pair *pair)
{
    struct xf_pair_key text;
    const struct xf_carried_pair *carried =
        xf_map_find(pair->in->s2s->bidi_pairs,
                    xf_pair_key(xf_span_of(pair->local), xf_span_of(pair->peer), &text));
    return carried && carried->carrier->ops->is_open(carried->carrier);
}

void xf_pair_offer(struct xf_pair *pair)
{
    struct xf_pair_key text;
    struct xf_span key = xf_pair_key(xf_span_of(pair->local), xf_span_of(pair->peer), &text);
    if (!may_carry(pair) || (xf_in_may_resume(pair->in) && is_carried(pair)))
        return;
    pair->carried = (struct xf_carried_pair){.carrier = &pair->in->carrier, .method = pair->method};
    xf_carrier_offer_pair(pair->in->s2s->bidi_pairs, key, &pair->carried);
}

static bool forget_carried(struct xf_pair *pair)
{
    struct xf_pair_key text;
    struct xf_span key = xf_pair_key(xf_span_of(pair->local), xf_span_of(pair->peer), &text);
    return xf_carrier_forget_pair(pair->in->s2s->bidi_pairs, key, &pair->carried);
}

static bool is_of(const struct xf_in *in, const struct xf_in *ended)
{
    return in != ended && in->is_bidi && !in->stream.is_ending && in->peer && ended->peer &&
           strcmp(in->peer, ended->peer) == 0;
}

/*
 * The same pair on the newest other stream of the peer that may carry it, at once if there is one.
 * NULL: none.
 */
static struct xf_pair *find_other(const struct xf_pair *pair)
{
    struct xf_node *ins = &pair->in->s2s->ins;
    struct xf_pair *newest = NULL;
    unsigned looks = 0;
    for (struct xf_node *node = ins->prev; node != ins && looks < LOOKS_MAX; node = node->prev) {
        struct xf_in *in = XF_CONTAINER(node, struct xf_in, node);
        if (!is_of(in, pair->in))
            continue;
        struct xf_pair *other =
            xf_in_find_pair(in, xf_span_of(pair->local), xf_span_of(pair->peer));
        looks++;
        if (!other || other->method == XF_AUTH_NONE || !may_carry(other))
            continue;
        if (in->carrier.ops->is_open(&in->carrier))
            return other;
        newest = newest ? newest : other;
    }
    return newest;
}

/* Of a stream that may be resumed: our stanzas wait for that (out_rider.c). */
static bool may_be_back(const struct xf_in *in)
{
    return in->resumable && in->stream.end != XF_STREAM_END_POLITE;
}

static bool looks(const struct xf_in *in)
{
    const unsigned *count =
        in->peer ? xf_map_find(in->s2s->inbound_by_peer, xf_span_of(in->peer)) : NULL;
    return count && *count > 1 && !in->s2s->is_draining;
}

static void offer_other(const struct xf_pair *pair, bool is_spare)
{
    struct xf_pair *other = find_other(pair);
    if (!other)
        return;
    xf_pair_offer(other);
    other->carried.is_spare = is_spare;
}

void xf_pairs_withdraw(struct xf_in *in)
{
    if (!in->is_bidi)
        return;
    /* each look goes through all streams */
    unsigned left = looks(in) && !may_be_back(in) ? LOOKS_MAX : 0;
    XF_LIST_EACH (node, &in->pairs) {
        struct xf_pair *pair = xf_pair_of_node(node);
        if (!forget_carried(pair) || left == 0)
            continue;
        offer_other(pair, false);
        left--;
    }
}

void xf_pairs_broke(struct xf_in *in)
{
    unsigned left = in->is_bidi && looks(in) ? LOOKS_MAX : 0;
    XF_LIST_EACH (node, &in->pairs) {
        struct xf_pair *pair = xf_pair_of_node(node);
        if (left == 0 || is_carried(pair))
            continue;
        offer_other(pair, true);
        left--;
    }
}

/* ------------------------------------------------------------------ new and gone */

struct xf_pair *xf_pair_new(struct xf_in *in, struct xf_span local, struct xf_span peer)
{
    struct xf_pair *pair = xf_new(struct xf_pair);
    pair->local = xf_span_dup(local);
    pair->peer = xf_span_dup(peer);
    pair->in = in;
    xf_list_push(&in->pairs, &pair->node);
    return pair;
}

void xf_pair_free(struct xf_pair *pair)
{
    struct xf_in *in = pair->in;
    uncount_stream(pair);
    xf_stranger_pair_left(pair);
    xf_counted_leave(in->s2s, &pair->counted);
    (void)forget_carried(pair);
    if (pair->request || pair->look.discovery)
        in->open_requests--;
    xf_verify_request_cancel(&pair->request);
    xf_look_stop(in->s2s, &pair->look);
    if (in->last_pair == pair)
        in->last_pair = NULL;
    xf_list_remove(&pair->node);
    xf_free(pair->local);
    xf_free(pair->peer);
    xf_free(pair->key);
    xf_free(pair);
}

void xf_in_pairs_free(struct xf_in *in)
{
    XF_LIST_EACH_SAFE (node, &in->pairs)
        xf_pair_free(xf_pair_of_node(node));
}

struct xf_dialback_names xf_pair_names(const struct xf_pair *pair)
{
    struct xf_dialback_names names;
    snprintf(names.from, sizeof(names.from), "%s", pair->peer);
    snprintf(names.to, sizeof(names.to), "%s", pair->local);
    return names;
}

/* ------------------------------------------------------------------ on the way to authenticated */

void xf_in_answer_error(struct xf_in *in, const char *name, const struct xf_dialback_names *names,
                        struct xf_span id, enum xf_stanza_error error)
{
    xf_dialback_write(&in->stream, &(struct xf_dialback_elem){
                                       .name = name,
                                       .from = xf_span_of(names->to),
                                       .to = xf_span_of(names->from),
                                       .id = id,
                                       .type = "error",
                                       .error = error,
                                   });
}

/* A stream with authenticated pairs goes on. */
static void refuse_room(struct xf_in *in, const struct xf_dialback_names *names, const char *text)
{
    if (in->valid_pairs == 0)
        xf_in_fail(in, XF_STREAM_ERROR_RESOURCE_CONSTRAINT, XF_HELP_TOO_MANY_STREAMS, text);
    else
        xf_in_answer_error(in, "result", names, XF_SPAN_NONE, XF_STANZA_ERROR_RESOURCE_CONSTRAINT);
}

#define TOO_MANY_STREAMS "this domain has too many streams here"

bool xf_in_has_room(struct xf_in *in, const struct xf_dialback_names *names)
{
    if (has_room(in, xf_span_of(names->from)))
        return true;
    refuse_room(in, names, TOO_MANY_STREAMS);
    return false;
}

bool xf_pair_has_place(struct xf_pair *pair)
{
    struct xf_in *in = pair->in;
    struct xf_dialback_names names = xf_pair_names(pair);
    const char *text = TOO_MANY_STREAMS;
    if (has_room(in, xf_span_of(pair->peer))) {
        if (xf_stranger_admit(in, pair))
            return true;
        text = "your domains, or your addresses, have too many streams here";
    }
    xf_pair_free(pair);
    refuse_room(in, &names, text);
    return false;
}

bool xf_pair_is_as_before(struct xf_pair *pair, enum xf_auth_method method)
{
    struct xf_in *in = pair->in;
    struct xf_dialback_names names = xf_pair_names(pair);
    struct xf_refusal refusal = xf_in_continuity_refusal(in, pair, method);
    if (!refusal.text)
        return true;
    xf_pair_free(pair);
    if (in->valid_pairs == 0)
        xf_in_fail(in, XF_STREAM_ERROR_POLICY_VIOLATION, refusal.help, refusal.text);
    else
        xf_in_answer_error(in, "result", &names, XF_SPAN_NONE, XF_STANZA_ERROR_NOT_ALLOWED);
    return false;
}

/* ------------------------------------------------------------------ authenticated */

/* By its authenticated pairs, whoever the header named. */
void xf_in_keep_to_pairs(struct xf_in *in)
{
    struct xf_reader_limits limits = {.stanza_bytes = SIZE_MAX};
    in->idle_ms = UINT64_MAX;
    XF_LIST_EACH (node, &in->pairs) {
        const struct xf_pair *pair = xf_pair_of_node(node);
        const struct xf_peer_settings *settings =
            xf_policy_peer(in->s2s->policy, xf_span_of(pair->peer));
        struct xf_reader_limits of_pair = xf_s2s_limits_after(in->s2s, settings);
        if (pair->method == XF_AUTH_NONE)
            continue;
        if (of_pair.stanza_bytes < limits.stanza_bytes)
            limits = of_pair;
        if (settings->idle_ms < in->idle_ms)
            in->idle_ms = settings->idle_ms;
    }
    if (in->valid_pairs > 0)
        xf_stream_relax(&in->stream, &limits);
}

void xf_pair_authenticated(struct xf_pair *pair, enum xf_auth_method method)
{
    struct xf_in *in = pair->in;
    struct xf_s2s *s2s = in->s2s;
    count_stream(pair);
    pair->method = method;
    pair->since_ms = s2s->env->clock->now_ms;
    pair->counted = xf_counted_hold(s2s, xf_span_of(pair->peer));
    xf_counted_note_tls(pair->counted, in->stream.conn->tls);
    if (in->valid_pairs++ == 0) {
        in->authenticated_ms = pair->since_ms;
        xf_timer_stop(&in->deadline);
        xf_timer_start(s2s->env->timers, &in->tick, XF_IN_TICK_MS);
        xf_quota_give(&s2s->half_open, &in->place);
        xf_recheck_authenticated(&in->carrier);
    }
    xf_in_keep_to_pairs(in);
    xf_in_log_up(in, pair);
    xf_pair_offer(pair);
    xf_s2s_peer_reached(s2s, pair->peer);
    xf_s2s_host_is_back(s2s, &in->stream.conn->addr);
    s2s->events->peer_seen(s2s->owner, xf_span_of(pair->local), xf_span_of(pair->peer));
}
