/* SPDX-License-Identifier: MIT */
/*
 * tree.c — control elements and documents as small trees.
 *
 * A tree is stored in a list of chunks that are freed together. The reader limits the element's
 * size on the wire, but `<a/>` takes four bytes there and a struct here, and a namespace declared
 * once may belong to many names; so the memory has a ceiling too. A namespace is not copied again
 * if the element before (for a first child, the parent) has the same. Nodes point to their
 * parent, so nothing here recurses.
 */
#include "tree_priv.h"

#include <stdalign.h>
#include <string.h>

#include <xfed/base/alloc.h>

#define CHUNK_BYTES 1000

struct xf_tree_chunk {
    struct xf_tree_chunk *next;
    size_t used, cap;
    alignas(max_align_t) char memory[];
};

struct xf_tree_node {
    struct xf_elem elem; /* first: what others see */
    struct xf_tree_node *parent, *last_child;
    char *text;
    size_t text_cap;
};

/* ------------------------------------------------------------------ memory */

void xf_tree_begin(struct xf_tree *tree, size_t max_bytes)
{
    xf_tree_release(tree);
    tree->max_bytes = max_bytes;
}

void xf_tree_release(struct xf_tree *tree)
{
    for (struct xf_tree_chunk *chunk = tree->chunks, *next; chunk; chunk = next) {
        next = chunk->next;
        xf_free(chunk);
    }
    *tree = (struct xf_tree){0};
}

static struct xf_tree_chunk *add_chunk(struct xf_tree *tree, size_t need)
{
    size_t cap = need > CHUNK_BYTES ? need : CHUNK_BYTES;

    if (cap > tree->max_bytes - tree->bytes)
        return NULL;

    struct xf_tree_chunk *chunk = xf_alloc(sizeof(*chunk) + cap);
    *chunk = (struct xf_tree_chunk){.next = tree->chunks, .cap = cap};
    tree->bytes += cap;
    tree->chunks = chunk;
    return chunk;
}

/* Zeroed memory; NULL at the ceiling. */
static void *take(struct xf_tree *tree, size_t len)
{
    const size_t align = alignof(max_align_t);
    size_t need = (len + align - 1) / align * align;
    struct xf_tree_chunk *chunk = tree->chunks;

    if (!chunk || need > chunk->cap - chunk->used)
        chunk = add_chunk(tree, need);
    if (!chunk)
        return NULL;

    void *memory = chunk->memory + chunk->used;
    chunk->used += need;
    return memory;
}

static bool copy(struct xf_tree *tree, const char *text, size_t len, struct xf_span *out_copy)
{
    char *memory = take(tree, len + 1);

    if (!memory)
        return false;
    memcpy(memory, text, len);
    *out_copy = (struct xf_span){memory, len};
    return true;
}

/* ------------------------------------------------------------------ names */

/*
 * `like`: a namespace already in the tree, probably the same one; if it is the same, it is shared.
 */
static bool copy_name(struct xf_tree *tree, const struct xf_prefixes *prefixes,
                      const struct xf_qname *name, struct xf_span like, struct xf_span *out_ns,
                      struct xf_span *out_local)
{
    struct xf_span ns = xf_prefixes_ns(prefixes, name);

    if (ns.ptr && like.ptr && xf_span_eq(like, ns))
        *out_ns = like;
    else if (ns.ptr && !copy(tree, ns.ptr, ns.len, out_ns))
        return false;
    return copy(tree, name->local, name->local_len, out_local);
}

static unsigned count_attrs(const char **attrs)
{
    unsigned count = 0;

    for (unsigned at = 0; attrs[at]; at += 2)
        count += !xf_prefix_is_declaration(attrs[at]);
    return count;
}

static bool copy_attrs(struct xf_tree *tree, struct xf_elem *elem,
                       const struct xf_prefixes *prefixes, const char **attrs)
{
    unsigned count = count_attrs(attrs);

    if (count == 0)
        return true;
    elem->attrs = take(tree, count * sizeof(struct xf_attr));
    if (!elem->attrs)
        return false;

    struct xf_span like = elem->ns;
    for (unsigned at = 0; attrs[at]; at += 2) {
        if (xf_prefix_is_declaration(attrs[at]))
            continue;

        struct xf_attr *attr = &elem->attrs[elem->attr_count++];
        struct xf_qname name = xf_prefixes_attr(prefixes, attrs, at);
        const char *value = attrs[at + 1];

        if (!copy_name(tree, prefixes, &name, like, &attr->ns, &attr->name) ||
            !copy(tree, value, strlen(value), &attr->value))
            return false;
        if (attr->ns.ptr)
            like = attr->ns;
    }
    return true;
}

/* ------------------------------------------------------------------ elements */

static void link_node(struct xf_tree *tree, struct xf_tree_node *node)
{
    struct xf_tree_node *parent = tree->open;

    node->parent = parent;
    if (!parent)
        tree->root = node;
    else if (parent->last_child)
        parent->last_child->elem.next = &node->elem;
    else
        parent->elem.first_child = &node->elem;
    if (parent)
        parent->last_child = node;
    tree->open = node;
}

static struct xf_span neighbour_ns(const struct xf_tree *tree)
{
    if (!tree->open)
        return XF_SPAN_NONE;
    return tree->open->last_child ? tree->open->last_child->elem.ns : tree->open->elem.ns;
}

enum xf_err xf_tree_start(struct xf_tree *tree, const struct xf_prefixes *prefixes,
                          const struct xf_qname *name, const char **attrs)
{
    struct xf_tree_node *node = take(tree, sizeof(*node));

    if (!node)
        return XF_ERR_LIMIT;
    node->elem.text = XF_SPAN("");
    if (!copy_name(tree, prefixes, name, neighbour_ns(tree), &node->elem.ns, &node->elem.name) ||
        !copy_attrs(tree, &node->elem, prefixes, attrs))
        return XF_ERR_LIMIT;
    link_node(tree, node);
    return XF_ERR_OK;
}

void xf_tree_end(struct xf_tree *tree)
{
    tree->open = tree->open->parent;
}

enum xf_err xf_tree_text(struct xf_tree *tree, const char *text, size_t len)
{
    struct xf_tree_node *node = tree->open;
    size_t have = node->elem.text.len;

    if (len > node->text_cap - have) {
        size_t cap = 2 * have + len;
        char *grown = take(tree, cap);

        if (!grown)
            return XF_ERR_LIMIT;
        memcpy(grown, node->elem.text.ptr, have);
        node->text = grown;
        node->text_cap = cap;
    }
    memcpy(node->text + have, text, len);
    node->elem.text = (struct xf_span){node->text, have + len};
    return XF_ERR_OK;
}

void xf_tree_set_wire_bytes(struct xf_tree *tree, size_t wire_bytes)
{
    tree->root->elem.wire_bytes = wire_bytes;
}

const struct xf_elem *xf_tree_elem(const struct xf_tree *tree)
{
    return &tree->root->elem;
}
