/* SPDX-License-Identifier: MIT */
/*
 * dialback.h — keys and elements of server dialback (XEP-0220, XEP-0185). No state, no sockets.
 */
#pragma once

#include <xfed/base/crypto.h>
#include <xfed/stream/stream.h>

#define XF_DIALBACK_KEY_CHARS XF_SHA256_HEX_BYTES

/*
 * Keys and stream ids are opaque; those in use have at most 128 bytes. Longer ones are refused,
 * whoever opened the stream.
 */
#define XF_DIALBACK_KEY_MAX 1024
#define XF_DIALBACK_ID_MAX  512

/*
 * hex(SHA-256(secret)), the HMAC key of XEP-0185 §2: made once from the configured secret, which
 * all nodes of a deployment share.
 */
void xf_dialback_prepare_secret(struct xf_span secret, char out[XF_SHA256_HEX_BYTES + 1]);

/*
 * HMAC-SHA256(prepared secret, "receiving originating stream-id"): the fields are separated by
 * spaces, which no domain holds, so that no two triples give one text (CVE-2016-0756). Domains
 * prepared; NUL-terminated hex.
 */
void xf_dialback_key(const char *prepared_secret, struct xf_span receiving,
                     struct xf_span originating, struct xf_span stream_id,
                     char out[XF_DIALBACK_KEY_CHARS + 1]);

/* Is `key` ours for that triple? In constant time. */
bool xf_dialback_key_is_ours(const char *prepared_secret, struct xf_span receiving,
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
