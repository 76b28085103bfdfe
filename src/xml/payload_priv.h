/* SPDX-License-Identifier: MIT */
/*
 * payload_priv.h — serialises the content of a stanza for a neutral default namespace (stanza.h).
 *
 * It also holds the other texts of the stanza that is being read. All are in one buffer and are
 * referred to by offset until the stanza is complete, because the buffer may move while it grows.
 */
#pragma once

#include "prefix_priv.h"

struct xf_level {
    struct xf_slice name; /* in `out`: as written in the start tag */
    struct xf_slice ns;   /* in the prefixes' text: the default namespace in force within */
};

struct xf_payload {
    struct xf_buf out;
    struct xf_level *levels; /* [0] is the stanza itself */
    unsigned level_cap;
    unsigned depth; /* open elements below the stanza */
    bool tag_open;  /* the last start tag still lacks its '>', or "/>" if it stays empty */
    bool has_mark;
};

/* `max_bytes` limits the text of one stanza. */
void xf_payload_init(struct xf_payload *payload, size_t max_bytes);
void xf_payload_set_max(struct xf_payload *payload, size_t max_bytes);

/* Free all memory. */
void xf_payload_release(struct xf_payload *payload);

/* Begin a new stanza in this namespace. Buffers of ordinary size are kept for it. */
void xf_payload_begin(struct xf_payload *payload, struct xf_slice content_ns);

/* Copy a text into the same buffer, unchanged. */
XF_MUST_USE enum xf_err xf_payload_keep(struct xf_payload *payload, const char *text,
                                        struct xf_slice *out_slice);

/*
 * Serialise one attribute of the element that `prefixes` entered last. `attrs` is expat's array of
 * names and values; `at` is the even index of an attribute that is not a namespace declaration. If
 * the attribute is in a namespace, its prefix is declared in the same tag.
 */
XF_MUST_USE enum xf_err xf_payload_attr(struct xf_payload *payload,
                                        const struct xf_prefixes *prefixes, const char **attrs,
                                        unsigned at);

/* What policy needs to know about a child of the stanza. */
struct xf_payload_name {
    struct xf_slice ns; /* escaped; none for the content namespace */
    struct xf_slice name;
};

/*
 * Serialise the start of the element that `prefixes` entered last. XF_ERR_LIMIT: the ceiling is
 * reached, and what was written so far cannot be used.
 */
XF_MUST_USE enum xf_err xf_payload_start(struct xf_payload *payload,
                                         const struct xf_prefixes *prefixes,
                                         const struct xf_qname *name, const char **attrs,
                                         struct xf_payload_name *out_name);
XF_MUST_USE enum xf_err xf_payload_end(struct xf_payload *payload);
XF_MUST_USE enum xf_err xf_payload_text(struct xf_payload *payload, const char *text, size_t len);
