/* SPDX-License-Identifier: MIT */
/*
 * memory_priv.h — a table of what is remembered about peers when no stream holds it, shared out
 * like their streams (strangers.c). The peers that the configuration does not name have so many
 * entries for each network and owner, and in all. A network or owner that is full forgets its
 * oldest entry; when all is full, whoever has most does, for one who has fewer. Entries of named
 * peers count apart, and no stranger displaces them. Test: the transcripts attack-resume-displaces
 * and attack-ping-displaces.
 */
#pragma once

#include <xfed/base/map.h>

#include "admission_priv.h"

struct xf_memo {        /* embedded in what is remembered */
    struct xf_span key; /* of the table */
    struct xf_node node;
    struct xf_holding holding;
    uint64_t since_ms;
    bool is_named;
};

struct xf_memory {
    struct xf_map *by_key;       /* -> struct xf_memo */
    struct xf_node oldest_first; /* xf_memo.node */
    struct xf_holdings of_strangers, of_named;
    void (*forgotten)(void *owner, struct xf_memo *memo); /* free it; it left the table */
    void *owner;
};

struct xf_memory_limits { /* for strangers */
    unsigned per_network, per_owner, total;
    uint64_t max_age_ms; /* what is older is forgotten when there is something new; 0: never */
};

struct xf_memo_keys {
    struct xf_span key;     /* must not be in use; copied */
    struct xf_span peer;    /* whose owner it counts for */
    struct xf_span network; /* of the peer's address; none: it counts by owner only */
};

void xf_memory_init(struct xf_memory *memory, void (*forgotten)(void *owner, struct xf_memo *memo),
                    void *owner);
void xf_memory_fini(struct xf_memory *memory); /* forgets everything */

struct xf_memo *xf_memory_find(const struct xf_memory *memory, struct xf_span key); /* or NULL */

/* Others may be forgotten for it. False: all is full, and nobody has more; it is not taken. */
bool xf_memory_add(struct xf_s2s *s2s, struct xf_memory *memory, struct xf_memo *memo,
                   const struct xf_memo_keys *keys, const struct xf_memory_limits *limits);
/* `forgotten` is not called. */
void xf_memory_remove(struct xf_memory *memory, struct xf_memo *memo);
