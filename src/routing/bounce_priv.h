/* SPDX-License-Identifier: MIT */
/* bounce_priv.h — error stanzas (RFC 6120 §8.3) that answer what cannot be delivered. */
#pragma once

#include <xfed/policy/policy.h>

struct xf_routing;
struct xf_routing_link;

/* Answer a stanza of the cluster, when it may be answered. */
void xf_bounce(struct xf_routing *routing, struct xf_routing_link *link,
               const struct xf_stanza *stanza, enum xf_stanza_error error, const char *text);
/* One that policy refused: answered where policy wants that. */
void xf_bounce_refused(struct xf_routing *routing, struct xf_routing_link *link,
                       const struct xf_stanza *stanza, const struct xf_ruling *ruling);
/* its from is only the domain */
void xf_bounce_malformed_from(struct xf_routing *routing, struct xf_routing_link *link,
                              const struct xf_stanza *stanza);

/*
 * An error stanza from `from` to the stanza's sender, valid until the next call. Only when
 * xf_stanza_may_bounce.
 */
void xf_bounce_make(struct xf_routing *routing, const struct xf_stanza *stanza,
                    const struct xf_jid *from, enum xf_stanza_error error, const char *text,
                    struct xf_stanza *out_stanza);

/*
 * What an answer shows for an address that is no JID: the text itself; absent when that is longer
 * than any JID, or empty.
 */
struct xf_span xf_address_as_written(struct xf_span raw);
