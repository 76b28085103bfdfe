/* SPDX-License-Identifier: MIT */
/*
 * tree_priv.h — builds one struct xf_elem tree in memory of its own, up to a ceiling. Only for
 * control elements and small documents.
 */
#pragma once

#include <xfed/xml/reader.h>

#include "prefix_priv.h"

struct xf_tree_chunk;
struct xf_tree_node;

/*
 * A ceiling for the memory of a tree, per byte of its text. Enough for `<a/>` over and over; only
 * an element that repeats a long namespace needs more.
 */
#define XF_TREE_BYTES_PER_BYTE 48

struct xf_tree {
    struct xf_tree_chunk *chunks; /* the newest first */
    size_t bytes, max_bytes;
    struct xf_tree_node *root, *open; /* the innermost open element */
};

/*
 * Begin a new tree, which may take `max_bytes` of memory. Before its first use the struct is
 * zeroed.
 */
void xf_tree_begin(struct xf_tree *tree, size_t max_bytes);
void xf_tree_release(struct xf_tree *tree);

/* Begin the element that `prefixes` entered last. XF_ERR_LIMIT: the ceiling is reached. */
XF_MUST_USE enum xf_err xf_tree_start(struct xf_tree *tree, const struct xf_prefixes *prefixes,
                                      const struct xf_qname *name, const char **attrs);
void xf_tree_end(struct xf_tree *tree);
XF_MUST_USE enum xf_err xf_tree_text(struct xf_tree *tree, const char *text, size_t len);

/* Of the root, once it has ended. */
void xf_tree_set_wire_bytes(struct xf_tree *tree, size_t wire_bytes);
/* The tree, once all its elements have ended. */
const struct xf_elem *xf_tree_elem(const struct xf_tree *tree);
