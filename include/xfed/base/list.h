/* SPDX-License-Identifier: MIT */
/* list.h — intrusive doubly linked ring. The head is a node without an element. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct xf_node {
    struct xf_node *prev, *next;
};

#define XF_CONTAINER(node, type, field) ((type *)(void *)((char *)(node)-offsetof(type, field)))

static inline void xf_list_init(struct xf_node *head)
{
    head->prev = head->next = head;
}

static inline bool xf_list_is_empty(const struct xf_node *head)
{
    return head->next == head;
}

/* Is the node in a list? (Nodes start zeroed or initialised.) */
static inline bool xf_list_is_linked(const struct xf_node *node)
{
    return node->next && node->next != node;
}

static inline void xf_list_push(struct xf_node *head, struct xf_node *node) /* at the end */
{
    node->prev = head->prev;
    node->next = head;
    head->prev->next = node;
    head->prev = node;
}

static inline void xf_list_remove(struct xf_node *node) /* of a linked node, or nothing */
{
    if (!node->next)
        return;
    node->prev->next = node->next;
    node->next->prev = node->prev;
    node->prev = node->next = NULL;
}

/*
 * Move all nodes of `from`, in order, to the empty ring `to`: for a walk that must not meet nodes
 * pushed meanwhile.
 */
static inline void xf_list_take_all(struct xf_node *to, struct xf_node *from)
{
    xf_list_init(to);
    if (xf_list_is_empty(from))
        return;
    *to = *from;
    to->next->prev = to->prev->next = to;
    xf_list_init(from);
}

#define XF_LIST_EACH(node, head) \
    for (struct xf_node *node = (head)->next; node != (head); node = node->next)

/* The body may remove `node`. */
#define XF_LIST_EACH_SAFE(node, head)                                                    \
    for (struct xf_node *node = (head)->next, *node##_next = node->next; node != (head); \
         node = node##_next, node##_next = node->next)
