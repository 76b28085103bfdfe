/* SPDX-License-Identifier: MIT */
/*
 * choose_leg.c — which leg of a component takes a stanza.
 *
 * All stanzas for one local user take the same leg, so that they arrive in order. The legs are
 * ranked for each user by a hash of both (rendezvous hashing): when a node goes, only its own users
 * move, each to the next in their rank, and they return when it is back. A node with a larger
 * weight gets proportionally more users.
 *
 * A leg whose server has not answered a ping for SILENT_MS gets nothing more while another one
 * answers.
 */
#include "component_priv.h"

#include <math.h>

#define SILENT_MS 2000

uint64_t xf_hash_text(uint64_t hash, struct xf_span text)
{
    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ (unsigned char)text.ptr[i]) * 0x100000001b3u; /* FNV-1a */
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

static bool is_silent(const struct xf_leg *leg)
{
    return xf_proof_silence_ms(&leg->proof) > SILENT_MS && !xf_stream_is_stopped(&leg->stream);
}

struct xf_leg *xf_component_choose(const struct xf_component *component,
                                   const struct xf_stanza *stanza)
{
    struct xf_leg *best = NULL;
    bool best_is_silent = false;
    double best_rank = 0;
    if (component->leg_count == 1)
        return xf_leg_is_up(component->legs[0]) ? component->legs[0] : NULL;

    uint64_t user = xf_hash_text(0xcbf29ce484222325u, xf_jid_bare(&stanza->to));
    for (size_t i = 0; i < component->leg_count; i++) {
        struct xf_leg *leg = component->legs[i];
        if (!xf_leg_is_up(leg))
            continue;
        bool silent = is_silent(leg);
        double at = rank(leg, user);
        if (best && (silent > best_is_silent || (silent == best_is_silent && at >= best_rank)))
            continue;
        best = leg;
        best_is_silent = silent;
        best_rank = at;
    }
    return best;
}
