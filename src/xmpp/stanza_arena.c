/* SPDX-License-Identifier: MIT */
/*
 * stanza_arena.c — a piece is filled from its beginning, and freed with the last of its copies.
 *
 * Each copy begins with a line of the processor's cache, as its struct wants it.
 */
#include <xfed/xmpp/stanza_arena.h>

#include <string.h>

#include <xfed/base/alloc.h>

#define ALIGN 64u /* a line of most processors' caches */

_Static_assert(offsetof(struct xf_stanza_copy, serial) <= ALIGN,
               "what is read last is in one line");

struct xf_arena_piece {
    size_t bytes, used; /* of `memory` */
    size_t live;        /* copies in it */
    char *memory;       /* behind the struct, aligned */
};

static size_t aligned(size_t bytes)
{
    return (bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

static struct xf_arena_piece *add_piece(struct xf_stanza_arena *arena)
{
    size_t bytes = arena->next_bytes ? arena->next_bytes : XF_ARENA_PIECE_MIN;
    struct xf_arena_piece *piece = xf_realloc(NULL, sizeof(*piece) + ALIGN - 1 + bytes);
    *piece = (struct xf_arena_piece){.bytes = bytes,
                                     .memory = (char *)aligned((size_t)(uintptr_t)(piece + 1))};
    arena->last = piece;
    arena->next_bytes = bytes < XF_ARENA_PIECE_MAX ? 2 * bytes : bytes;
    return piece;
}

struct xf_stanza_copy *xf_stanza_arena_copy(struct xf_stanza_arena *arena,
                                            const struct xf_stanza *stanza, uint64_t now_ms)
{
    size_t bytes = xf_stanza_copy_size(stanza), room = aligned(bytes);
    struct xf_arena_piece *piece = arena->last;
    if (room > XF_ARENA_PIECE_MIN)
        return xf_stanza_copy_new(stanza, now_ms);
    if (!piece || piece->bytes - piece->used < room)
        piece = add_piece(arena);
    struct xf_stanza_copy *copy = (struct xf_stanza_copy *)(void *)(piece->memory + piece->used);
    piece->used += room;
    piece->live++;
    xf_stanza_copy_write(copy, stanza, bytes, now_ms);
    copy->piece = piece;
    return copy;
}

static void release(struct xf_stanza_arena *arena, struct xf_arena_piece *piece)
{
    if (--piece->live > 0)
        return;
    if (piece == arena->last) {
        arena->last = NULL;
        /* The next burst may be smaller. */
        arena->next_bytes =
            piece->bytes > XF_ARENA_PIECE_MIN ? piece->bytes / 2 : XF_ARENA_PIECE_MIN;
    }
    xf_free(piece);
}

void xf_stanza_arena_free(struct xf_stanza_arena *arena, struct xf_stanza_copy *copy)
{
    if (copy->piece)
        release(arena, copy->piece);
    else
        xf_free(copy);
}

struct xf_stanza_copy *xf_stanza_arena_take(struct xf_stanza_arena *arena,
                                            struct xf_stanza_copy *copy)
{
    if (!copy->piece)
        return copy;
    struct xf_stanza_copy *own = xf_realloc(NULL, copy->bytes);
    memcpy(own, copy, copy->bytes);
    own->piece = NULL;
    release(arena, copy->piece);
    return own;
}
