/* SPDX-License-Identifier: MIT */
/*
 * payload_priv.h — serialise what is within a stanza for a neutral default namespace (stanza.h).
 *
 * Also holds the other texts of the stanza that is being read: all in one buffer, named by offsets
 * until the stanza is complete, since the buffer moves while it grows.
 */
#pragma once

#include "prefix_priv.h"

struct xf_level {
    struct xf_slice name; /* in out: as written in the start tag */
    struct xf_slice ns;   /* of the prefixes' text: the default namespace in force within */
};

struct xf_payload {
    struct xf_buf out;
    struct xf_level *levels; /* [0] is the stanza itself */
    unsigned level_cap;
    unsigned depth; /* open elements below the stanza */
    bool tag_open;  /* the '>' of the last start tag is due: it may become "/>" */
    bool has_mark;
};

/* `max_bytes` bounds the text of a stanza. */
void xf_payload_init(struct xf_payload *payload, size_t max_bytes);
void xf_payload_set_max(struct xf_payload *payload, size_t max_bytes);

/* Give all memory back. */
void xf_payload_release(struct xf_payload *payload);

/* A new stanza begins, in that namespace. Keeps memory of ordinary size. */
void xf_payload_begin(struct xf_payload *payload, struct xf_slice content_ns);

/* Copies of texts into the same buffer, as they are. */
XF_MUST_USE enum xf_err xf_payload_keep(struct xf_payload *payload, const char *text,
                                        struct xf_slice *out_slice);

/*
 * One attribute of the element that `prefixes` entered last, serialised. `attrs` is expat's array
 * of names and values, `at` an even index into it, not of a declaration. An attribute in a
 * namespace gets a prefix that is declared on the spot.
 */
XF_MUST_USE enum xf_err xf_payload_attr(struct xf_payload *payload,
                                        const struct xf_prefixes *prefixes, const char **attrs,
                                        unsigned at);

/* What policy wants to know of a child of the stanza. */
struct xf_payload_name {
    struct xf_slice ns; /* escaped; none for the content namespace */
    struct xf_slice name;
};

/* The element that `prefixes` entered last. XF_ERR_LIMIT: the ceiling is reached, what was written
 * is of no use. */
XF_MUST_USE enum xf_err xf_payload_start(struct xf_payload *payload,
                                         const struct xf_prefixes *prefixes,
                                         const struct xf_qname *name, const char **attrs,
                                         struct xf_payload_name *out_name);
XF_MUST_USE enum xf_err xf_payload_end(struct xf_payload *payload);
XF_MUST_USE enum xf_err xf_payload_text(struct xf_payload *payload, const char *text, size_t len);
