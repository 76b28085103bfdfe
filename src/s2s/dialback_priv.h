/* SPDX-License-Identifier: MIT */
/*
 * dialback.h — keys and elements of server dialback (XEP-0220, XEP-0185). No state, no sockets.
 */
#pragma once

#include <xfed/base/crypto.h>
#include <xfed/stream/stream.h>

/*
 * Keys and stream ids are opaque; those in use have at most 128 bytes. Longer ones are refused,
 * whoever opened the stream.
 */
#define XF_DIALBACK_KEY_MAX 1024
#define XF_DIALBACK_ID_MAX  512

/*
 * The HMAC key of XEP-0185 section 2: hex(SHA-256(configured secret)), NUL-terminated. All nodes
 * of a deployment configure the same secret. The owner wipes it (xf_wipe).
 */
struct xf_dialback_secret {
    char hex[XF_SHA256_HEX_BYTES + 1];
};
void xf_dialback_secret_prepare(struct xf_span configured, struct xf_dialback_secret *out);

/*
 * hex(HMAC-SHA256(secret, "receiving originating stream-id")), NUL-terminated. The receiving server
 * gave the stream its id; the originating one sends the key. Spaces separate the fields, and no
 * domain contains one, so two different triples never make the same text (CVE-2016-0756).
 */
struct xf_dialback_key {
    char hex[XF_SHA256_HEX_BYTES + 1];
};

/*
 * Both domains as xf_domain_prepare leaves them. Of an id longer than XF_DIALBACK_ID_MAX only the
 * beginning counts; xf_dialback_key_is_ours refuses such an id.
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

/*
 * from and to of a db:result or db:verify, prepared. XF_ERR_BAD_JID when one is missing or not a
 * domain; XF_ERR_LIMIT when its id is longer than XF_DIALBACK_ID_MAX: the stream has to end.
 */
struct xf_dialback_names {
    char from[XF_DOMAIN_MAX + 1], to[XF_DOMAIN_MAX + 1];
};
XF_MUST_USE enum xf_err xf_dialback_read_names(const struct xf_elem *elem,
                                               struct xf_dialback_names *out);

/*
 * Write one element: <db:NAME from to [id] [type]>...</db:NAME>. `id`, `type`, `key` and `error`
 * may be absent or NULL. `error` is the name of a stanza error condition inside type='error'
 * (XEP-0220 §2.4).
 */
struct xf_dialback_elem {
    const char *name; /* "result" or "verify" */
    struct xf_span from, to, id, key;
    const char *type;
    const char *error_type, *error;
};
void xf_dialback_write(struct xf_stream *stream, const struct xf_dialback_elem *elem);
