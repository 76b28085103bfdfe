/* SPDX-License-Identifier: MIT */
/* mail_priv.h — e-mail addresses of users in place of their JIDs, for peers that know them so. */
#pragma once

#include <xfed/xmpp/stanza.h>

struct xf_route;
struct xf_routing;

/* mail_addresses.c: the envelope, and which way a stanza goes then. */

/* Deliver as the peer is to see the user, now or when his address is known. */
void xf_mail_out(struct xf_route *route, struct xf_stanza *stanza);

/*
 * Find the user whom a peer wrote to; shown_to may be in `shown`. *out_is_refused: the stanza was
 * dropped or answered. False when *out_later is not known yet.
 */
bool xf_mail_map_in(struct xf_route *route, struct xf_stanza *stanza, char shown[XF_JID_MAX + 1],
                    bool *out_is_refused, struct xf_span *out_later);

/* Ask about it, for later. */
void xf_mail_ask_in(struct xf_routing *routing, const struct xf_stanza *stanza);

/* mail_payload.c: addresses within the payload. */

/* False: *later is not known yet. The payload borrows until the next call. */
bool xf_mail_payload_out(struct xf_routing *routing, struct xf_stanza *stanza,
                         struct xf_span *later);
bool xf_mail_payload_in(struct xf_routing *routing, struct xf_stanza *stanza,
                        struct xf_span *later);
