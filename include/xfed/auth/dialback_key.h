/* SPDX-License-Identifier: MIT */
/*
 * dialback_key.h — the keys of server dialback, made as XEP-0185 recommends from both domains, the
 * stream id and a secret. No key has to be stored: when another server asks about one, we make it
 * again and compare. Values in, values out; nothing here fails. Test:
 * tests/unit/auth/test_dialback_key.c.
 */
#pragma once

#include <xfed/base/crypto.h>

/*
 * Longest stream id that a key is made for, in bytes; servers in use send at most 128. A peer that
 * sends a longer one is refused, whoever opened the stream.
 */
#define XF_DIALBACK_ID_MAX 512

/*
 * The HMAC key of XEP-0185 section 2: hex(SHA-256(configured secret)), NUL-terminated. All nodes of
 * a deployment configure the same secret. Whoever holds this struct wipes it (xf_wipe).
 */
struct xf_dialback_secret {
    char hex[XF_SHA256_HEX_BYTES + 1];
};
void xf_dialback_secret_prepare(struct xf_span configured, struct xf_dialback_secret *out);

/*
 * A dialback key: hex(HMAC-SHA256(secret, "receiving originating stream-id")), NUL-terminated. The
 * receiving server gave the stream its id; the originating one sends the key. Spaces separate the
 * fields, and no domain contains one, so two different triples never make the same text
 * (CVE-2016-0756).
 */
struct xf_dialback_key {
    char hex[XF_SHA256_HEX_BYTES + 1];
};

/*
 * Both domains must be as xf_domain_prepare leaves them; longer ones abort. Only the first
 * XF_DIALBACK_ID_MAX bytes of the id count; xf_dialback_key_is_ours refuses a longer one.
 */
struct xf_dialback_key xf_dialback_key_of(const struct xf_dialback_secret *secret,
                                          struct xf_span receiving, struct xf_span originating,
                                          struct xf_span stream_id);

/*
 * Did we, as the originating server, make `key` for this triple (XEP-0220 section 2.2.2)? Compares
 * in constant time. False for an empty id, and for one longer than XF_DIALBACK_ID_MAX.
 */
bool xf_dialback_key_is_ours(const struct xf_dialback_secret *secret, struct xf_span receiving,
                             struct xf_span originating, struct xf_span stream_id,
                             struct xf_span key);
