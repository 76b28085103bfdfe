/* SPDX-License-Identifier: MIT */
/*
 * requests_by_jid.c — remembers which requests a peer sent to the JID of a user whom it should know
 * by an e-mail address (jid-use = accept): the answers to them come from that JID.
 *
 * At most REQUESTS_MAX requests are remembered, and the oldest is forgotten first: an answer that
 * comes after as many newer requests comes from the e-mail address.
 */
#include "requests_by_jid_priv.h"

#include "routing_priv.h"

#include <stdio.h>

#include <xfed/base/alloc.h>
#include <xfed/base/lru.h>

#define REQUESTS_MAX 1024
#define ID_MAX       256
#define KEY_MAX      (2 * XF_JID_MAX + ID_MAX + 2)

struct xf_requests_by_jid {
    struct xf_lru requests; /* the keys (peer, user, id) are all that is stored */
};

static struct xf_span make_key(char text[KEY_MAX], struct xf_span peer, struct xf_span user,
                               struct xf_span id)
{
    int len = snprintf(text, KEY_MAX, "%.*s%c%.*s%c%.*s", XF_SPAN_ARGS(peer), 0, XF_SPAN_ARGS(user),
                       0, XF_SPAN_ARGS(id));
    return (struct xf_span){text, (size_t)len};
}

static void drop(struct xf_lru *requests, struct xf_lru_entry *request)
{
    xf_lru_remove(requests, request);
    xf_free(request);
}

static void add(struct xf_lru *requests, struct xf_span key)
{
    struct xf_lru_entry *request = xf_new(struct xf_lru_entry);
    xf_lru_add(requests, key, request);
    xf_lru_rest(requests, request);
    if (xf_lru_count(requests) > REQUESTS_MAX)
        drop(requests, xf_lru_oldest(requests));
}

void xf_requests_note(struct xf_routing *routing, struct xf_span peer, struct xf_span user,
                      struct xf_span id)
{
    char text[KEY_MAX];
    if (!id.ptr || id.len > ID_MAX)
        return;
    if (!routing->requests) {
        routing->requests = xf_new(struct xf_requests_by_jid);
        xf_lru_init(&routing->requests->requests);
    }
    struct xf_span key = make_key(text, peer, user, id);
    if (!xf_lru_find(&routing->requests->requests, key))
        add(&routing->requests->requests, key);
}

bool xf_requests_take(struct xf_routing *routing, struct xf_span peer, struct xf_span user,
                      struct xf_span id)
{
    char text[KEY_MAX];
    if (!routing->requests || !id.ptr || id.len > ID_MAX)
        return false;
    struct xf_lru *requests = &routing->requests->requests;
    struct xf_lru_entry *request = xf_lru_find(requests, make_key(text, peer, user, id));
    if (!request)
        return false;
    drop(requests, request);
    return true;
}

void xf_requests_free(struct xf_requests_by_jid **requests)
{
    struct xf_lru_entry *oldest;
    if (!*requests)
        return;
    while ((oldest = xf_lru_oldest(&(*requests)->requests)))
        drop(&(*requests)->requests, oldest);
    xf_lru_fini(&(*requests)->requests);
    xf_free(*requests);
    *requests = NULL;
}
