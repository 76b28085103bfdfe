/* SPDX-License-Identifier: MIT */
/*
 * kept.h — a stanza that outlives its callback: addressed envelope and payload in one allocation, for queues.
 *
 * The names of the children are not kept: who decides by them has done so before.
 */
#pragma once

#include <xfed/base/list.h>
#include <xfed/xmpp/stanza.h>

struct xf_kept {
    struct xf_node node; /* the queue's */
    uint64_t at_ms;      /* when it was kept; the queue's */
    size_t bytes;        /* memory it takes, for limits */
    uint8_t kind;        /* enum xf_stanza_kind */
    bool has_ns_mark;
    uint32_t from_local, from_domain, to_local, to_domain; /* lengths within the two JIDs */
    uint32_t len[9];     /* of the texts, UINT32_MAX when absent; see kept.c */
    size_t wire_bytes;
    char text[];
};

/* Memory that a copy would take, exactly what ->bytes will be. */
size_t xf_kept_size(const struct xf_stanza *stanza);

/* Copy an addressed stanza of less than 4 GiB. Free with xf_free, unlinked. */
struct xf_kept *xf_kept_new(const struct xf_stanza *stanza, uint64_t now_ms);

/* The stanza again; it borrows from `kept`. raw_from and raw_to are the prepared addresses. */
void xf_kept_stanza(const struct xf_kept *kept, struct xf_stanza *out_stanza);
