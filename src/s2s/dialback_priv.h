/* SPDX-License-Identifier: MIT */
/*
 * dialback_priv.h — reads and writes the elements of server dialback (XEP-0220). No state, no
 * sockets.
 */
#pragma once

#include <xfed/auth/dialback_key.h>
#include <xfed/stream/stream.h>

/*
 * Longest key that we ask another server about, in bytes. We cannot read the keys of others;
 * servers in use send at most 128 bytes.
 */
#define XF_DIALBACK_KEY_MAX 1024

/*
 * Read `from` and `to` of a db:result or db:verify, prepared. XF_ERR_BAD_JID: one is missing or not
 * a domain. XF_ERR_LIMIT: its `id` is longer than XF_DIALBACK_ID_MAX, and the stream has to end.
 * *out is set only on XF_ERR_OK.
 */
struct xf_dialback_names {
    char from[XF_DOMAIN_MAX + 1], to[XF_DOMAIN_MAX + 1];
};
XF_MUST_USE enum xf_err xf_dialback_read_names(const struct xf_elem *elem,
                                               struct xf_dialback_names *out);

/*
 * Write one element: <db:NAME from to [id] [type]>...</db:NAME>. `id`, `type` and `key` may be
 * absent or NULL. With type='error' it holds a stanza error (XEP-0220 §2.4).
 */
struct xf_dialback_elem {
    const char *name; /* "result" or "verify" */
    struct xf_span from, to, id, key;
    const char *type;
    enum xf_stanza_error error; /* of type "error" */
};
void xf_dialback_write(struct xf_stream *stream, const struct xf_dialback_elem *elem);

/*
 * Ask `peer` to authenticate `local` on a stream that we opened to it: send a db:result with the
 * key of that stream.
 */
struct xf_dialback_claim {
    const struct xf_dialback_secret *secret;
    struct xf_span local, peer;
    struct xf_span id; /* which the peer gave the stream */
};
void xf_dialback_send_key(struct xf_stream *stream, const struct xf_dialback_claim *claim);
