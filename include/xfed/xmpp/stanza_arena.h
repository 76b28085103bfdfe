/* SPDX-License-Identifier: MIT */
/*
 * stanza_arena.h — copies of stanzas that are freed about in the order in which they were made, in
 * a few large pieces of memory: much cheaper than one allocation each.
 *
 * An arena that holds nothing has no memory. What it takes grows with what it holds, from
 * XF_ARENA_PIECE_MIN on.
 */
#pragma once

#include <xfed/xmpp/stanza_copy.h>

#define XF_ARENA_PIECE_MIN 2048u
#define XF_ARENA_PIECE_MAX (64u << 10)

struct xf_arena_piece;

struct xf_stanza_arena {
    struct xf_arena_piece *last; /* the one that takes new copies; NULL: none */
    size_t next_bytes;           /* of the next piece; 0: XF_ARENA_PIECE_MIN */
};

/* As xf_stanza_copy_new. Free it with xf_stanza_arena_free; all before the arena goes. */
struct xf_stanza_copy *xf_stanza_arena_copy(struct xf_stanza_arena *arena,
                                            const struct xf_stanza *stanza, uint64_t now_ms);

/* A copy of any kind that is in no list. */
void xf_stanza_arena_free(struct xf_stanza_arena *arena, struct xf_stanza_copy *copy);

/*
 * Take the copy, which is in no list, out of the arena: the result is the same copy, on its own, to
 * be freed with xf_free.
 */
struct xf_stanza_copy *xf_stanza_arena_take(struct xf_stanza_arena *arena,
                                            struct xf_stanza_copy *copy);
