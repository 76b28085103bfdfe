/* SPDX-License-Identifier: MIT */
/* pair.c — keys of pairs. */
#include <xfed/xmpp/pair.h>

#include <xfed/base/err.h>

struct xf_span xf_pair_key(struct xf_span local, struct xf_span peer, struct xf_pair_key *out)
{
    xf_require(local.len <= XF_DOMAIN_MAX && peer.len <= XF_DOMAIN_MAX);
    memcpy(out->text, local.ptr, local.len);
    out->text[local.len] = '\0';
    memcpy(out->text + local.len + 1, peer.ptr, peer.len);
    out->len = local.len + 1 + peer.len;
    return (struct xf_span){out->text, out->len};
}
