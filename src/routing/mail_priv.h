/* SPDX-License-Identifier: MIT */
/* mail_priv.h — e-mail addresses of users in place of their JIDs, for peers with mail = yes. */
#pragma once

#include <xfed/mailmap/mailmap.h>
#include <xfed/xmpp/stanza.h>

struct xf_route;
struct xf_routing;
struct xf_routing_link;

/* mail_addresses.c: the addresses of the stanza itself, and the route that it takes. */

/* Deliver the stanza with the sender's address as the peer should see it, now or once known. */
void xf_mail_out(struct xf_route *route, struct xf_stanza *stanza);
/*
 * Where xf_mail_out would send the stanza, as far as that is known now: on the route of the domain
 * of its sender's e-mail address (NULL: there is none yet), or on `route`.
 */
struct xf_route *xf_mail_route(struct xf_route *route, const struct xf_stanza *stanza);

/*
 * Find the user to whom a peer wrote; stanza->shown_to may point into `shown`. *out_is_refused: the
 * stanza was dropped or answered. False: the address *out_later is not known yet.
 */
bool xf_mail_map_in(struct xf_route *route, struct xf_stanza *stanza, char shown[XF_JID_MAX + 1],
                    bool *out_is_refused, struct xf_span *out_later);

/*
 * The same for what the user gets although policy lets nothing of the peer pass any more: nothing
 * is refused. False: the address is not known yet; sip->resume says when to try again.
 */
bool xf_mail_map_parting(struct xf_routing *routing, const struct xf_routing_link *link,
                         struct xf_stanza *stanza);

/* Start the look-up of the stanza's `to`, whose answer is needed later. */
void xf_mail_ask_in(struct xf_routing *routing, const struct xf_stanza *stanza);

/* mail_payload.c: addresses within the payload. */

/*
 * FOUND: done; the new payload is valid until the next call. LATER: the address *later is not known
 * yet. UNKNOWN, only out: the payload would show the JID of a user whose address nobody can say.
 */
enum xf_mailmap_answer xf_mail_payload_out(struct xf_routing *routing, struct xf_stanza *stanza,
                                           struct xf_span *later);
enum xf_mailmap_answer xf_mail_payload_in(struct xf_routing *routing, struct xf_stanza *stanza,
                                          struct xf_span *later);
