/* SPDX-License-Identifier: MIT */
/*
 * stanza.h — an envelope and an opaque payload. No tree.
 *
 * The payload is the stanza's children, serialised by our reader for a neutral default namespace:
 * an element of the content namespace has no xmlns of its own; where a foreign default namespace
 * must be left again, the payload holds XF_CONTENT_NS_MARK, a byte that no XML text can hold, and
 * the writer puts the content namespace of its stream there. All spans are borrowed: they live
 * until the reader's callback returns.
 */
#pragma once

#include <stdint.h>
#include <xfed/base/buf.h>
#include <xfed/xmpp/error.h>
#include <xfed/xmpp/jid.h>

#define XF_CONTENT_NS_MARK '\x01'
#define XF_STANZA_CHILDREN 8 /* names of so many direct children are kept */

enum xf_stanza_kind { XF_STANZA_MESSAGE, XF_STANZA_PRESENCE, XF_STANZA_IQ };

struct xf_child {
    struct xf_span ns; /* escaped as in the payload; absent: the content namespace */
    struct xf_span name;
};

struct xf_stanza {
    enum xf_stanza_kind kind;
    struct xf_span raw_from, raw_to; /* attributes as they came, unescaped; absent when not there */
    struct xf_jid from, to;          /* prepared; filled by xf_stanza_address, empty before */
    /* written in place of from and to, for who knows our user by another address; else absent */
    struct xf_span shown_from, shown_to;
    struct xf_span type, id, lang; /* unescaped; lang is xml:lang of the stanza itself */
    struct xf_span extra;   /* all other attributes, serialised: ` a="b" xmlns:n1="u" n1:c="d"` */
    struct xf_span payload; /* serialised children */
    bool has_ns_mark;       /* payload holds XF_CONTENT_NS_MARK */
    struct xf_child children[XF_STANZA_CHILDREN];
    unsigned child_count; /* of all direct children, may exceed XF_STANZA_CHILDREN */
    size_t wire_bytes;    /* as received, for limits and rates */
};

/* Room for the prepared addresses of one stanza at a time. */
struct xf_stanza_scratch {
    char from[XF_JID_MAX + 1], to[XF_JID_MAX + 1];
};

/*
 * Prepare raw_from and raw_to into from and to. An absent attribute leaves an absent JID.
 * XF_ERR_BAD_JID; *out_is_from tells which of the two is bad. When it is `to`, then `from` is
 * filled, so that an error can be sent back.
 */
XF_MUST_USE enum xf_err xf_stanza_address(struct xf_stanza *stanza,
                                          struct xf_stanza_scratch *scratch, bool *out_is_from);

/*
 * The next direct child in a payload, of which *rest is what follows: begin with the payload
 * itself. False: there is none. For those who need more than `children` has.
 */
struct xf_stanza_child {
    struct xf_span ns, name; /* as in struct xf_child */
    struct xf_span whole;    /* from its `<` to the last `>` */
    bool has_elements;       /* of its own, and not only text */
};
bool xf_stanza_next_child(struct xf_span *rest, struct xf_stanza_child *out);

/*
 * Fill `children` and child_count from the payload, for a stanza that comes out of a queue (queues
 * do not keep them).
 */
void xf_stanza_find_children(struct xf_stanza *stanza);

/* "message", "presence", "iq" */
const char *xf_stanza_kind_name(enum xf_stanza_kind kind);

/*
 * May an error be sent back for it (RFC 6120 §8.3.1)? Not for type error, iq results, and
 * unavailable presence. Presence of other types: only subscription requests, probes and directed
 * available presence.
 */
bool xf_stanza_may_bounce(const struct xf_stanza *stanza);
