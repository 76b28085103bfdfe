/* SPDX-License-Identifier: MIT */
/*
 * stanza_copy.h — a stanza that outlives its callback: addressed envelope and payload in one
 * allocation, for queues.
 *
 * The names of the children are not kept: who decides by them has done so before.
 */
#pragma once

#include <xfed/base/list.h>
#include <xfed/xmpp/stanza.h>

struct xf_stanza_copy {
    struct xf_node node; /* of stanza_queue.c */
    uint64_t at_ms;      /* when it was kept; the queue's */
    size_t bytes;        /* memory it takes, for limits */
    uint8_t kind;        /* enum xf_stanza_kind */
    bool has_ns_mark;
    uint32_t from_local, from_domain, to_local, to_domain; /* lengths within the two JIDs */
    uint32_t len[9]; /* of the texts, UINT32_MAX when absent; see stanza_copy.c */
    size_t wire_bytes;
    char text[];
};

/* Memory that a copy would take, exactly what ->bytes will be. */
size_t xf_stanza_copy_size(const struct xf_stanza *stanza);

/* Copy an addressed stanza of less than 4 GiB. Free with xf_free, unlinked. */
struct xf_stanza_copy *xf_stanza_copy_new(const struct xf_stanza *stanza, uint64_t now_ms);

/* The stanza again; it borrows from `kept`. raw_from and raw_to are the prepared addresses. */
void xf_stanza_copy_read(const struct xf_stanza_copy *copy, struct xf_stanza *out_stanza);
