/* SPDX-License-Identifier: MIT */
/*
 * requests_by_jid.c — which questions a peer put to the JID of a user whom it should know by an
 * e-mail address (jid-use = accept): their answers come from that JID.
 *
 * Bounded, the oldest goes first: an answer that comes later than a thousand other questions comes
 * from the e-mail address.
 */
#include "requests_by_jid_priv.h"

#include "links_priv.h"
#include "routing_priv.h"

#include <stdio.h>
#include <xfed/base/alloc.h>

#define USED_MAX 1024
#define ID_MAX   256
#define KEY_MAX  (2 * XF_JID_MAX + ID_MAX + 2)

struct used {
    struct xf_node node;
    struct xf_span key; /* behind the struct */
};

struct xf_requests_by_jid {
    struct xf_map *by_key;
    struct xf_node oldest;
};

static struct xf_span make_key(char text[KEY_MAX], struct xf_span peer, struct xf_span user,
                               struct xf_span id)
{
    int len = snprintf(text, KEY_MAX, "%.*s%c%.*s%c%.*s", XF_SPAN_ARGS(peer), 0, XF_SPAN_ARGS(user),
                       0, XF_SPAN_ARGS(id));
    return (struct xf_span){text, (size_t)len};
}

static void drop(struct xf_requests_by_jid *used, struct used *entry)
{
    (void)xf_map_remove(used->by_key, entry->key);
    xf_list_remove(&entry->node);
    xf_free(entry);
}

static void add(struct xf_requests_by_jid *used, struct xf_span key)
{
    struct used *entry = xf_alloc(sizeof(*entry) + key.len);
    char *text = (char *)(entry + 1);
    memcpy(text, key.ptr, key.len);
    entry->key = (struct xf_span){text, key.len};
    (void)xf_map_set(used->by_key, entry->key, entry);
    xf_list_push(&used->oldest, &entry->node);
    if (xf_map_count(used->by_key) > USED_MAX)
        drop(used, XF_CONTAINER(used->oldest.next, struct used, node));
}

void xf_requests_note(struct xf_routing *routing, struct xf_span peer, struct xf_span user,
                      struct xf_span id)
{
    char key[KEY_MAX];
    if (!id.ptr || id.len > ID_MAX)
        return;
    if (!routing->used) {
        routing->used = xf_new(struct xf_requests_by_jid);
        routing->used->by_key = xf_map_new();
        xf_list_init(&routing->used->oldest);
    }
    struct xf_span span = make_key(key, peer, user, id);
    if (!xf_map_find(routing->used->by_key, span))
        add(routing->used, span);
}

bool xf_requests_take(struct xf_routing *routing, struct xf_span peer, struct xf_span user,
                      struct xf_span id)
{
    char key[KEY_MAX];
    if (!routing->used || !id.ptr || id.len > ID_MAX)
        return false;
    struct used *entry = xf_map_find(routing->used->by_key, make_key(key, peer, user, id));
    if (!entry)
        return false;
    drop(routing->used, entry);
    return true;
}

void xf_requests_free(struct xf_requests_by_jid **used)
{
    if (!*used)
        return;
    while (!xf_list_is_empty(&(*used)->oldest))
        drop(*used, XF_CONTAINER((*used)->oldest.next, struct used, node));
    xf_map_free(&(*used)->by_key);
    xf_free(*used);
    *used = NULL;
}
