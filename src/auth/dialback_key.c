/* SPDX-License-Identifier: MIT */
/* dialback_key.c — makes and checks keys as XEP-0185 section 2 describes. Pure. */
#include <xfed/auth/dialback_key.h>

#include <stdio.h>

#include <xfed/xmpp/jid.h>

void xf_dialback_secret_prepare(struct xf_span configured, struct xf_dialback_secret *out)
{
    xf_sha256_hex(&configured, 1, out->hex);
}

struct xf_dialback_key xf_dialback_key_of(const struct xf_dialback_secret *secret,
                                          struct xf_span receiving, struct xf_span originating,
                                          struct xf_span stream_id)
{
    struct xf_dialback_key key;
    char text[2 * XF_DOMAIN_MAX + XF_DIALBACK_ID_MAX + 3];
    size_t id_len = stream_id.len < XF_DIALBACK_ID_MAX ? stream_id.len : XF_DIALBACK_ID_MAX;
    int len = snprintf(text, sizeof(text), "%.*s %.*s %.*s", XF_SPAN_ARGS(receiving),
                       XF_SPAN_ARGS(originating), (int)id_len, stream_id.ptr ? stream_id.ptr : "");
    xf_require(len > 0 && (size_t)len < sizeof(text));
    xf_hmac_sha256_hex(xf_span_of(secret->hex), (struct xf_span){text, (size_t)len}, key.hex);
    return key;
}

bool xf_dialback_key_is_ours(const struct xf_dialback_secret *secret, struct xf_span receiving,
                             struct xf_span originating, struct xf_span stream_id,
                             struct xf_span key)
{
    if (stream_id.len == 0 || stream_id.len > XF_DIALBACK_ID_MAX)
        return false;
    struct xf_dialback_key made = xf_dialback_key_of(secret, receiving, originating, stream_id);
    return xf_secret_eq(xf_span_of(made.hex), key);
}
