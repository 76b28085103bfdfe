/* SPDX-License-Identifier: MIT */
/*
 * choose_leg.c — which leg of a component takes a stanza.
 *
 * All stanzas for one local user take the same leg, so that they arrive in order. The legs are
 * ranked for each user by a hash of both (rendezvous hashing): when a node goes, only its own users
 * move, each to the next in their rank, and they return when it is back. A node with a larger
 * weight gets proportionally more users.
 *
 * A user changes legs only when the old one has proved all that it was sent for that user: else
 * what it could still lose, and is sent again, would come after what is sent now. To know that,
 * each leg notes the number of the last stanza for each of USERS hash values; users that share one
 * move together.
 *
 * A leg that drains (leg_drain.c) or ends gets nothing more: a user who cannot leave it waits, and
 * with him all that comes later, until it has proved what it has or given it back. One that ends
 * and is silent proves nothing more: it is ended at once, so that nobody waits for its server.
 *
 * A leg whose server has not answered a ping for SILENT_MS gets no other users while another leg
 * answers. If it gets a stanza for one that cannot leave it after HUNG_MS, it is given up; or if
 * stanzas wait then, since all wait behind the first one, and no more come that would want it. When
 * the gateway is about to stop it is given up after SILENT_MS: what it may have lost would be lost.
 */
#include "component_priv.h"

#include <math.h>
#include <xfed/base/alloc.h>

#define SILENT_MS 2000
#define HUNG_MS   10000
#define LOOK_MS   1000
#define UNSURE_MS 200 /* a server that lives mostly answers sooner */
#define USERS     8192

/* FNV-1a: the same in every process, so that all gateways of a cluster choose alike. */
uint64_t xf_leg_hash(struct xf_span text)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ (unsigned char)text.ptr[i]) * 0x100000001b3u;
    return hash;
}

/* Spreads every bit of x over all bits (the finaliser of SplitMix64). */
static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/*
 * Of several exponential variates the smallest is that of leg i with a probability of its rate, the
 * weight, over the sum of all rates.
 */
static double rank(const struct xf_leg *leg, uint64_t user)
{
    double uniform = ((double)(mix(user ^ leg->seed) >> 11) + 0.5) * 0x1p-53;
    return -log(uniform) / leg->weight;
}

static bool is_silent(const struct xf_leg *leg, uint64_t limit_ms)
{
    return xf_proof_silence_ms(&leg->proof) > limit_ms && !xf_stream_is_stopped(&leg->stream);
}

/* ------------------------------------------------------------------ who must stay */

void xf_component_sent(struct xf_component *component, struct xf_leg *leg)
{
    if (component->leg_count == 1)
        return;
    if (!leg->users)
        leg->users = xf_alloc(USERS * sizeof(*leg->users));
    leg->users[component->user % USERS] = leg->proof.sent_count;
}

static bool must_stay(const struct xf_leg *leg, uint64_t user)
{
    return leg->users && leg->users[user % USERS] > leg->proof.proved_count;
}

void xf_component_forget(struct xf_leg *leg)
{
    xf_free(leg->users);
    leg->users = NULL;
}

/* A server that has never answered a ping may live all the same. */
static bool is_hung(const struct xf_leg *leg, uint64_t limit_ms)
{
    return leg->is_sure && is_silent(leg, limit_ms);
}

static bool has_other(const struct xf_component *component, const struct xf_leg *leg)
{
    for (size_t i = 0; i < component->leg_count; i++) {
        const struct xf_leg *other = component->legs[i];
        if (other != leg && xf_leg_is_up(other) && !other->is_draining &&
            !is_silent(other, SILENT_MS))
            return true;
    }
    return false;
}

static bool proves_no_more(const struct xf_leg *leg)
{
    return leg->state == XF_LEG_ENDING && is_silent(leg, SILENT_MS);
}

/* Not by a caller of xf_component_choose, who is about to write to it. */
static void on_hung(void *owner)
{
    struct xf_component *component = owner;
    uint64_t limit_ms = component->is_proving ? SILENT_MS : HUNG_MS;
    for (size_t i = 0; i < component->leg_count; i++) {
        struct xf_leg *leg = component->legs[i];
        if (proves_no_more(leg))
            xf_stream_abort(&leg->stream);
        else if (xf_leg_is_up(leg) && is_hung(leg, limit_ms) && has_other(component, leg))
            xf_leg_give_up_silent(leg);
    }
    xf_component_watch(component);
}

void xf_component_watch(struct xf_component *component)
{
    if (component->leg_count > 1 && (component->counts_as_congested || component->is_proving) &&
        !xf_timer_is_running(&component->hung))
        xf_timer_start(component->env->timers, &component->hung, LOOK_MS);
}

void xf_component_prove(struct xf_component *component)
{
    component->is_proving = true;
    for (size_t i = 0; i < component->leg_count; i++) {
        struct xf_leg *leg = component->legs[i];
        if (!xf_leg_is_up(leg))
            continue;
        leg->stop_number = leg->proof.sent_count;
        leg->slowest_ms = 0;
        xf_proof_ask(&leg->proof);
    }
    xf_component_watch(component);
}

/* One that is slow but answers is not waited for again and again: peers may go on sending. */
static uint64_t unsure_ms(const struct xf_leg *leg)
{
    return 2 * leg->slowest_ms > UNSURE_MS ? 2 * leg->slowest_ms : UNSURE_MS;
}

bool xf_component_is_unsure(const struct xf_component *component)
{
    for (size_t i = 0; i < component->leg_count; i++) {
        const struct xf_leg *leg = component->legs[i];
        if (xf_leg_is_up(leg) && is_hung(leg, unsure_ms(leg)) && has_other(component, leg))
            return true;
    }
    return false;
}

void xf_component_init_choice(struct xf_component *component)
{
    xf_timer_init(&component->hung, on_hung, component);
}

/* ------------------------------------------------------------------ the choice */

static struct xf_leg *best_of(const struct xf_component *component, uint64_t user)
{
    struct xf_leg *best = NULL;
    bool best_is_silent = false;
    double best_rank = 0;
    for (size_t i = 0; i < component->leg_count; i++) {
        struct xf_leg *leg = component->legs[i];
        if (!xf_leg_is_up(leg) || leg->is_draining)
            continue;
        bool silent = is_silent(leg, SILENT_MS);
        double at = rank(leg, user);
        if (best && (silent > best_is_silent || (silent == best_is_silent && at >= best_rank)))
            continue;
        best = leg;
        best_is_silent = silent;
        best_rank = at;
    }
    return best;
}

struct xf_leg *xf_component_choose(struct xf_component *component, const struct xf_stanza *stanza)
{
    if (component->leg_count == 1)
        return xf_leg_is_up(component->legs[0]) ? component->legs[0] : NULL;

    component->user = xf_leg_hash(xf_jid_bare(&stanza->to));
    for (size_t i = 0; i < component->leg_count; i++) {
        struct xf_leg *leg = component->legs[i];
        if (!must_stay(leg, component->user))
            continue;
        if (proves_no_more(leg))
            xf_timer_start(component->env->timers, &component->hung, 0);
        if (leg->state == XF_LEG_ENDING || (leg->is_draining && !is_silent(leg, SILENT_MS)))
            return NULL;
        if (!xf_leg_is_up(leg))
            continue;
        if (is_hung(leg, HUNG_MS) && has_other(component, leg))
            xf_timer_start(component->env->timers, &component->hung, 0);
        return leg;
    }
    return best_of(component, component->user);
}
