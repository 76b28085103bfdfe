/* SPDX-License-Identifier: MIT */
/*
 * few.h — work that is done for a few at a time: the others wait in the order in which they came.
 * Nothing here fails or allocates. Test: tests/unit/limits/test_few.c.
 */
#pragma once

#include <xfed/base/list.h>

/* In whoever wants the work done; zeroed at first. */
struct xf_few_entry {
    struct xf_node node; /* in xf_few.waiting */
    bool is_out;         /* its work is under way */
};

struct xf_few {
    struct xf_node waiting; /* struct xf_few_entry */
    unsigned out, most;
    /* Begin its work. May call xf_few_wait and xf_few_leave, of others too. */
    void (*begin)(struct xf_few_entry *entry);
};

void xf_few_init(struct xf_few *few, unsigned most, void (*begin)(struct xf_few_entry *entry));

/* Does it wait, or is its work under way? */
static inline bool xf_few_has(const struct xf_few_entry *entry)
{
    return entry->is_out || xf_list_is_linked(&entry->node);
}

/* Let it wait for its turn, which may come at once. Not if xf_few_has. */
void xf_few_wait(struct xf_few *few, struct xf_few_entry *entry);
/* Its work is done; xf_few_go_on follows. False: it has left, so what was found is of no use. */
bool xf_few_done(struct xf_few *few, struct xf_few_entry *entry);
/* Begin the work of those whose turn it is. */
void xf_few_go_on(struct xf_few *few);
/* It neither waits nor is any of its work awaited. May be called again, and without xf_few_wait. */
void xf_few_leave(struct xf_few *few, struct xf_few_entry *entry);
