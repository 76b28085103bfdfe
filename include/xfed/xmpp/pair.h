/* SPDX-License-Identifier: MIT */
/*
 * pair.h — the name of a pair (served domain, peer) in maps: "local\0peer". Both are prepared
 * domains, which hold no NUL, so two pairs never have the same key.
 */
#pragma once

#include <xfed/xmpp/jid.h>

#define XF_PAIR_KEY_MAX (2 * XF_DOMAIN_MAX + 1)

struct xf_pair_key {
    size_t len; /* 0: of no pair */
    char text[XF_PAIR_KEY_MAX];
};

/* Fill `out`; returns its text. Neither domain is longer than XF_DOMAIN_MAX. */
struct xf_span xf_pair_key(struct xf_span local, struct xf_span peer, struct xf_pair_key *out);

/* Is it the key of that pair? Names hold no NUL, so it is enough that both parts are equal. */
static inline bool xf_pair_key_is(const struct xf_pair_key *key, struct xf_span local,
                                  struct xf_span peer)
{
    return key->len == local.len + 1 + peer.len && memcmp(key->text, local.ptr, local.len) == 0 &&
           memcmp(key->text + local.len + 1, peer.ptr, peer.len) == 0;
}
