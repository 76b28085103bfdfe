/* SPDX-License-Identifier: MIT */
/*
 * requests_by_jid_priv.h — remembers which requests of peers went to the JID of a user whom they
 * should know by an e-mail address.
 */
#pragma once

#include <xfed/base/span.h>

struct xf_requests_by_jid;
struct xf_routing;

/* Remember a request: `peer` is the full JID of its sender, `user` the bare JID it went to. */
void xf_requests_note(struct xf_routing *routing, struct xf_span peer, struct xf_span user,
                      struct xf_span id);
/* True: the request was remembered, and is now forgotten. */
bool xf_requests_take(struct xf_routing *routing, struct xf_span peer, struct xf_span user,
                      struct xf_span id);
void xf_requests_free(struct xf_requests_by_jid **requests);
