/* SPDX-License-Identifier: MIT */
/*
 * counts.c — counts what passes, for metrics and status.
 *
 * Peers' names cost nothing, so only a bounded number of peers is counted by name. A peer that no
 * pair holds any more makes room for the next one, the longest unused first; what it had counted is
 * added to the others, so that the sum over all peers never falls. Test:
 * tests/unit/s2s/test_counts.c.
 */
#include <xfed/base/alloc.h>

#include "in_priv.h"
#include "out_priv.h"

#define COUNTED_NAMED_MAX 4096 /* peers that the configuration names */

const char *xf_s2s_dir_word(enum xf_s2s_dir dir)
{
    static const char *const words[] = {
        [XF_S2S_IN] = "in", [XF_S2S_OUT] = "out", [XF_S2S_VERIFY] = "verify"};
    return words[dir];
}

/* ------------------------------------------------------------------ peers */

void xf_counting_init(struct xf_counting *counting)
{
    *counting = (struct xf_counting){.others.holders = 1};
    xf_lru_init(&counting->named);
    xf_lru_init(&counting->strangers);
}

static struct xf_counted *counted_of(struct xf_lru_entry *entry)
{
    return entry ? XF_CONTAINER(entry, struct xf_counted, entry) : NULL;
}

static void drop(struct xf_lru *lru, struct xf_counted *counted)
{
    xf_lru_remove(lru, &counted->entry);
    xf_free(counted);
}

void xf_counting_fini(struct xf_counting *counting)
{
    struct xf_lru_entry *entry;
    while ((entry = xf_lru_oldest(&counting->named)))
        drop(&counting->named, counted_of(entry));
    while ((entry = xf_lru_oldest(&counting->strangers)))
        drop(&counting->strangers, counted_of(entry));
    xf_lru_fini(&counting->named);
    xf_lru_fini(&counting->strangers);
}

static void add_traffic(struct xf_traffic *sum, const struct xf_traffic *traffic)
{
    for (size_t i = 0; i < XF_COUNTED_KINDS; i++)
        sum->stanzas[i] += traffic->stanzas[i];
    sum->bytes += traffic->bytes;
}

/* False: pairs hold all of them. */
static bool make_room(struct xf_counting *counting, struct xf_lru *lru, size_t max)
{
    while (xf_lru_count(lru) >= max) {
        struct xf_counted *oldest = counted_of(xf_lru_oldest(lru));
        if (!oldest)
            return false;
        add_traffic(&counting->others.counts.in, &oldest->counts.in);
        add_traffic(&counting->others.counts.out, &oldest->counts.out);
        drop(lru, oldest);
    }
    return true;
}

static struct xf_counted *find(const struct xf_counting *counting, struct xf_span peer)
{
    struct xf_lru_entry *entry = xf_lru_find(&counting->named, peer);
    return counted_of(entry ? entry : xf_lru_find(&counting->strangers, peer));
}

/* Once made, it stays in the table where it is, whatever a reload names. */
static struct xf_lru *table_of(struct xf_counting *counting, const struct xf_counted *counted)
{
    return xf_lru_find(&counting->named, counted->entry.key) ? &counting->named
                                                             : &counting->strangers;
}

struct xf_counted *xf_counted_hold(struct xf_s2s *s2s, struct xf_span peer)
{
    struct xf_counting *counting = &s2s->counting;
    struct xf_counted *counted = find(counting, peer);
    if (counted) {
        if (counted->holders++ == 0)
            xf_lru_hold(table_of(counting, counted), &counted->entry);
        return counted;
    }
    bool is_named = xf_policy_names(s2s->policy, peer);
    struct xf_lru *lru = is_named ? &counting->named : &counting->strangers;
    if (!make_room(counting, lru, is_named ? COUNTED_NAMED_MAX : s2s->settings.counted_peers))
        return &counting->others;
    counted = xf_new(struct xf_counted);
    counted->holders = 1;
    xf_lru_add(lru, peer, &counted->entry);
    return counted;
}

void xf_counted_leave(struct xf_s2s *s2s, struct xf_counted **counted)
{
    struct xf_counted *left = *counted;
    *counted = NULL;
    if (left && left != &s2s->counting.others && --left->holders == 0)
        xf_lru_rest(table_of(&s2s->counting, left), &left->entry);
}

void xf_counted_note_tls(struct xf_counted *counted, const struct xf_tls_facts *facts)
{
    if (facts && facts->chain != XF_CERT_NONE)
        counted->counts.cert_until_s = facts->not_after_s;
}

static void tell_peers(const struct xf_lru *lru, xf_peer_counts_fn each, void *owner)
{
    size_t cursor = 0;
    struct xf_lru_entry *entry;
    while (xf_lru_next(lru, &cursor, &entry))
        each(owner, entry->key, &counted_of(entry)->counts);
}

void xf_s2s_each_peer(const struct xf_s2s *s2s, xf_peer_counts_fn each, void *owner)
{
    tell_peers(&s2s->counting.named, each, owner);
    tell_peers(&s2s->counting.strangers, each, owner);
    each(owner, XF_SPAN_NONE, &s2s->counting.others.counts);
}

/* ------------------------------------------------------------------ streams */

void xf_counting_secured(struct xf_s2s *s2s, enum xf_s2s_dir dir, const struct xf_tls_facts *facts)
{
    struct xf_s2s_counts *totals = &s2s->counting.totals;
    if (facts && strcmp(facts->version, "TLSv1.3") == 0)
        totals->by[dir].tls_1_3++;
    else
        totals->by[dir].tls_1_2++; /* there is no other (tls.h) */
}

void xf_s2s_count(const struct xf_s2s *s2s, struct xf_s2s_counts *out)
{
    *out = s2s->counting.totals;
    XF_LIST_EACH (node, &s2s->ins) {
        const struct xf_in *in = XF_CONTAINER(node, struct xf_in, node);
        out->by[XF_S2S_IN].streams++;
        out->by[XF_S2S_IN].ready += in->valid_pairs > 0;
    }
    XF_LIST_EACH (node, &s2s->outs) {
        const struct xf_out *out_stream = XF_CONTAINER(node, struct xf_out, node);
        enum xf_s2s_dir dir = xf_out_dir(out_stream);
        bool is_ready = out_stream->state == XF_OUT_READY;
        bool is_rider = xf_out_is_rider(out_stream);
        out->by[dir].streams += !is_rider;
        out->by[dir].ready += !is_rider && is_ready;
        out->pairs_out += is_ready && dir == XF_S2S_OUT;
    }
    out->peers_in = xf_map_count(s2s->inbound_by_peer);
    out->refused = s2s->refusals.all_refused;
    out->evicted = s2s->refusals.all_evicted;
    out->half_open = xf_quota_count(&s2s->half_open);
}
