/* SPDX-License-Identifier: MIT */
/*
 * digest_md5_priv.h — the client of SASL DIGEST-MD5 (RFC 2831 §2.1), quality of protection `auth`:
 * the only mechanism that jabberd2's router offers. Values in, values out.
 *
 * The mechanism is historic (RFC 6331): whoever reads the exchange can try secrets against it. Over
 * anything but a private network it belongs inside TLS.
 */
#pragma once

#include <xfed/base/crypto.h>
#include <xfed/base/draft.h>

#define XF_DIGEST_MD5_TEXT_MAX 2048 /* a challenge, decoded; RFC 2831 §2.1.1 */

struct xf_digest_md5 {
    const char *user, *secret; /* printable ASCII */
    const char *uri;           /* digest-uri: service/host */
    struct xf_span cnonce;     /* unguessable */
};

/*
 * Write the response to a challenge, both in base64. *out_rspauth: what a server that knows the
 * secret will say (xf_digest_md5_is_proof). XF_ERR_BAD_VALUE: not such a challenge, or it offers no
 * `auth`.
 */
XF_MUST_USE enum xf_err xf_digest_md5_respond(const struct xf_digest_md5 *md5,
                                              struct xf_span challenge, struct xf_draft *out,
                                              char out_rspauth[XF_MD5_HEX_BYTES + 1]);

/* Is this text (base64) the server's proof? */
bool xf_digest_md5_is_proof(struct xf_span text, const char rspauth[XF_MD5_HEX_BYTES + 1]);
