/* SPDX-License-Identifier: MIT */
/*
 * stanza_copy.h — a copy of an addressed stanza, envelope and payload in one allocation, for
 * queues.
 *
 * The copy does not hold the names of the children: decisions based on them are made before a
 * stanza is queued.
 */
#pragma once

#include <xfed/base/list.h>
#include <xfed/xmpp/stanza.h>

struct xf_arena_piece;
struct xf_sender;

/*
 * Most copies go out, and are forgotten when they are proved, long after they were written. First
 * is all that is read then: one line of the processor's cache, which is not there any more.
 */
struct xf_stanza_copy {
    struct xf_node node;          /* of stanza_queue.c */
    size_t bytes;                 /* memory that the copy takes, for limits */
    struct xf_arena_piece *piece; /* it is in an arena (stanza_arena.h); NULL: on its own */
    /* The message that this copy stands for in the journal, which alone writes it; NULL: none */
    struct xf_journal_entry *journal_entry;
    /* Written when it goes out on a stream (xfed/stream/proof.h). */
    struct xf_sender *sender;
    uint64_t end; /* bytes written to the stream up to its last one */
    uint64_t sent_ms;
    uint64_t serial, number; /* which stream, and how many stanzas went out there up to this one */
    uint64_t at_ms;          /* when it came; written when it is made */
    bool is_unproved;        /* it came back, and the other side may have it */
    uint8_t losses;          /* streams that broke right behind it, where its owner counts them */
    uint8_t kind;            /* enum xf_stanza_kind */
    bool has_ns_mark;
    uint32_t from_local, from_domain, to_local, to_domain; /* lengths within the two JIDs */
    uint32_t len[9]; /* of the texts, UINT32_MAX when absent; see stanza_copy.c */
    size_t wire_bytes;
    char text[];
};

/* Memory that a copy would take: exactly its later ->bytes. */
size_t xf_stanza_copy_size(const struct xf_stanza *stanza);

/* Write a copy of `bytes` bytes (xf_stanza_copy_size) to memory that is large enough. */
void xf_stanza_copy_write(struct xf_stanza_copy *copy, const struct xf_stanza *stanza, size_t bytes,
                          uint64_t now_ms);

/* Copy an addressed stanza of less than 4 GiB. Free with xf_free, unlinked. */
struct xf_stanza_copy *xf_stanza_copy_new(const struct xf_stanza *stanza, uint64_t now_ms);

/*
 * Read the stanza from its copy, from which it borrows. raw_from and raw_to are the prepared
 * addresses.
 */
void xf_stanza_copy_read(const struct xf_stanza_copy *copy, struct xf_stanza *out_stanza);
