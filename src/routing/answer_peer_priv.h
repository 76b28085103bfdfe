/* SPDX-License-Identifier: MIT */
/* answer_peer_priv.h — error stanzas for a peer, over the route to it. */
#pragma once

#include <xfed/xmpp/stanza.h>

struct xf_routing;

/*
 * Answer a stanza of a peer over the route to it, when it may be answered and stanzas may go there.
 */
void xf_answer_peer(struct xf_routing *routing, const struct xf_stanza *stanza,
                    enum xf_stanza_error error, const char *text);

/*
 * One with an address that is no JID: the answer has both addresses as they were written, so that
 * who waits for it finds it.
 */
void xf_answer_peer_malformed(struct xf_routing *routing, const struct xf_stanza *stanza);
