/* SPDX-License-Identifier: MIT */
/* answer_peer_priv.h — error stanzas for a peer, sent over the route to it. */
#pragma once

#include <xfed/xmpp/stanza.h>

struct xf_routing;

/*
 * Answer a peer's stanza over the route to that peer, if the stanza may be answered and policy lets
 * stanzas go to the peer.
 */
void xf_answer_peer(struct xf_routing *routing, const struct xf_stanza *stanza,
                    enum xf_stanza_error error, const char *text);

/*
 * Would the stanza have to be answered if it were not delivered now, though no answer goes out any
 * more? Then it is left to the next process (XF_S2S_LEFT).
 */
bool xf_answer_peer_is_late(const struct xf_routing *routing, const struct xf_stanza *stanza);

/*
 * Answer a stanza with an address that is not a valid JID, unless that is `from` and
 * xf_bounce_would_remove. The answer has both addresses as they were written, so that whoever waits
 * for it recognises it.
 */
void xf_answer_peer_malformed(struct xf_routing *routing, const struct xf_stanza *stanza);
