/* SPDX-License-Identifier: MIT */
/*
 * ping_id.h — the ids of the pings (XEP-0199) that prove stanzas (proof.h).
 *
 * An id has three parts: a prefix that tells what kind of stream asks, a key of the stream that
 * nobody else can guess (xf_env.make_id), and the number of the question.
 */
#pragma once

#include <xfed/base/map.h>
#include <xfed/stream/env.h>

#define XF_PING_ID_BYTES (16 + XF_ID_CHARS + 16)

/*
 * The key of a stream, made at its first question (`key` is "" before that) and registered in
 * `askers` (key -> whoever asks), where the answer finds it.
 */
const char *xf_ping_key(struct xf_env *env, struct xf_map *askers, char key[XF_ID_CHARS + 1],
                        void *asker);
void xf_ping_key_forget(struct xf_map *askers, char key[XF_ID_CHARS + 1]);

struct xf_ping_id {
    struct xf_span key; /* borrowed */
    unsigned number;
};

/* `prefix` has less than 16 characters. */
void xf_ping_id_write(char out[XF_PING_ID_BYTES], const char *prefix, const char *key,
                      unsigned number);

/* False: it has another prefix, or other parts than the ids that we write. */
bool xf_ping_id_read(struct xf_span id, const char *prefix, struct xf_ping_id *out);
