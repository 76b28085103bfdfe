/* SPDX-License-Identifier: MIT */
/*
 * question.h — questions of our own to the local server, over a link, whose answers are for us and
 * not for a peer: iq requests, and presence probes (RFC 6121 §4.3).
 *
 * A question comes from the component's own name, or from an address of XF_LINK_FAR_DOMAIN, which
 * is no domain (RFC 6761 §6.4). A server that routes its answer to the latter does so like a stanza
 * for any foreign domain; then only a server that hands these to us lets us see it. But Prosody
 * writes the answer to an iq to the stream from which the iq came, and routes only presence.
 */
#pragma once

#include <xfed/link/link.h>
#include <xfed/stream/ping_id.h>

#define XF_LINK_FAR_DOMAIN "xfedd-question.invalid"

struct xf_link_question { /* of the asker, who keeps it until it is answered or forgotten */
    struct xf_node node;
    char id[XF_PING_ID_BYTES];
    /* A result or an error came, or from far anything; borrowed. Once, unless forgotten before. */
    void (*answered)(void *owner, const struct xf_stanza *answer);
    void *owner;
};

struct xf_link_asking {
    bool is_from_far;      /* from XF_LINK_FAR_DOMAIN, not from our own name */
    const char *to;        /* a prepared JID of a served domain */
    struct xf_span domain; /* of that, in it */
    const char *payload;   /* XML of an iq; NULL: a presence probe */
};

/*
 * Ask; `answered` and `owner` of the question are set. No limit of time: the asker has one. What is
 * returned is that of xf_link_send; after a failure nothing is awaited.
 */
XF_MUST_USE enum xf_err xf_link_ask(struct xf_link *link, struct xf_link_question *question,
                                    const struct xf_link_asking *asking);
void xf_link_forget(struct xf_link_question *question); /* also where it was answered */
