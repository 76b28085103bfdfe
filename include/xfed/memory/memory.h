/* SPDX-License-Identifier: MIT */
/*
 * memory.h — what a peer authenticated with last time, and its key: kept over restarts so that a fall behind it is noticed
 * (the man in the middle of jabber.ru in 2023 had valid certificates, but another key). A table in memory with a bounded number of
 * peers, written behind to an SQLite file on the thread pool. Not authoritative: losing it loses alarms, not federation.
 */
#pragma once

#include <stdint.h>
#include <xfed/base/err.h>
#include <xfed/base/span.h>
#include <xfed/net/loop.h>

enum xf_memory_auth { XF_MEMORY_DIALBACK_CLEAR, XF_MEMORY_DIALBACK_TLS, XF_MEMORY_EXTERNAL }; /* weakest first */

/* What vouches for the key besides its being the same as before. */
enum xf_memory_ground { XF_MEMORY_GROUND_NONE, XF_MEMORY_GROUND_CA, XF_MEMORY_GROUND_DANE, XF_MEMORY_GROUND_PIN };

struct xf_memory_entry {
    enum xf_memory_auth auth;      /* the strongest kind that `spki_sha256` was seen with */
    enum xf_memory_ground ground;
    bool has_key;                  /* a certificate was shown */
    uint8_t spki_sha256[32];
    int64_t first_s, last_s;       /* Unix time: of this key, and of the last authentication */
};

enum xf_memory_change {
    XF_MEMORY_NEW,            /* nothing was known */
    XF_MEMORY_SAME,           /* or stronger than before */
    XF_MEMORY_KEY_EXPLAINED,  /* another key, for which a CA, DANE or pin vouches */
    XF_MEMORY_KEY_CHANGED,    /* another key, for which nobody vouches */
    XF_MEMORY_WEAKER,         /* EXTERNAL fell to dialback */
    XF_MEMORY_CLEAR,          /* TLS fell to clear */
};
const char *xf_memory_change_word(enum xf_memory_change change);

struct xf_memory;

/*
 * Read `file` ("": nothing is kept over restarts), which is made when it does not exist. `loop` NULL: no thread pool, writes happen in
 * xf_memory_free (tests). A file that is no database of ours is XF_ERR_IO with words; it is never overwritten.
 */
XF_MUST_USE enum xf_err xf_memory_open(struct xf_loop *loop, const char *file, size_t max_peers, struct xf_memory **out_memory,
                                       struct xf_error *err);
/* Writes what is not written yet. */
void xf_memory_free(struct xf_memory **memory);

/* NULL when nothing is known. Valid until the next call that changes. A direction each: a peer may connect from other servers. */
const struct xf_memory_entry *xf_memory_find(const struct xf_memory *memory, struct xf_span peer, bool is_inbound);

/* Pure: `known` may be NULL. */
enum xf_memory_change xf_memory_compare(const struct xf_memory_entry *known, const struct xf_memory_entry *now);

/* Remember `now` (first_s and last_s are filled here from `now_s`); the peer that was silent longest goes when it is full. */
void xf_memory_note(struct xf_memory *memory, struct xf_span peer, bool is_inbound, const struct xf_memory_entry *now, int64_t now_s);
void xf_memory_forget(struct xf_memory *memory, struct xf_span peer);
size_t xf_memory_count(const struct xf_memory *memory);
