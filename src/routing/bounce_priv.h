/* SPDX-License-Identifier: MIT */
/* bounce_priv.h — error stanzas (RFC 6120 §8.3) that answer what cannot be delivered. */
#pragma once

#include <xfed/base/buf.h>
#include <xfed/policy/policy.h>

struct xf_routing;
struct xf_routing_link;

/* Answer a stanza of the cluster with an error, if it may be answered (xf_stanza_may_bounce). */
void xf_bounce(struct xf_routing *routing, struct xf_routing_link *link,
               const struct xf_stanza *stanza, enum xf_stanza_error error, const char *text);
/* The same, where the addressee has another address: an XMPP URI; absent: none is known. */
void xf_bounce_to(struct xf_routing *routing, struct xf_routing_link *link,
                  const struct xf_stanza *stanza, enum xf_stanza_error error,
                  struct xf_span address, const char *text);
/* Answer a stanza that policy refused, if policy wants an answer. */
void xf_bounce_refused(struct xf_routing *routing, struct xf_routing_link *link,
                       const struct xf_stanza *stanza, const struct xf_ruling *ruling);
/*
 * Answer a stanza whose `from` was not a valid JID, unless xf_bounce_would_remove; stanza->from has
 * only the domain.
 */
void xf_bounce_malformed_from(struct xf_routing *routing, struct xf_routing_link *link,
                              const struct xf_stanza *stanza);

/*
 * Does the stanza look like one that a chat room passes on from an occupant? The room would take an
 * error for the end of the addressee, and remove it from the room.
 */
bool xf_bounce_would_remove(const struct xf_stanza *stanza);

/*
 * Make an error stanza from `from` to the stanza's sender, valid as long as that and `payload`: an
 * initialised buffer of the caller, as others may be made while one is on its way. Call only
 * if xf_stanza_may_bounce.
 */
void xf_bounce_make(struct xf_buf *payload, const struct xf_stanza *stanza,
                    const struct xf_jid *from, enum xf_stanza_error error, struct xf_span address,
                    const char *text, struct xf_stanza *out_stanza);
#define XF_BOUNCE_BYTES 8192 /* of the buffer */

/*
 * What an answer shows for an address that is not a valid JID: the text as written; absent if it is
 * empty or longer than any JID.
 */
struct xf_span xf_address_as_written(struct xf_span raw);
