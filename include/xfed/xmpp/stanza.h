/* SPDX-License-Identifier: MIT */
/*
 * stanza.h — an envelope and an opaque payload. No tree.
 *
 * The payload is the stanza's children, serialised by our reader for a neutral default namespace:
 * an element in the content namespace has no xmlns of its own. Where the content namespace has to
 * be declared again inside a foreign default namespace, the payload holds XF_CONTENT_NS_MARK, a
 * byte that cannot occur in XML text; the writer replaces it with the content namespace of its
 * stream. All spans are borrowed and live until the reader's callback returns.
 */
#pragma once

#include <stdint.h>
#include <xfed/base/buf.h>
#include <xfed/xmpp/error.h>
#include <xfed/xmpp/jid.h>

#define XF_CONTENT_NS_MARK '\x01'
#define XF_STANZA_CHILDREN 8 /* direct children whose names are kept */

enum xf_stanza_kind { XF_STANZA_MESSAGE, XF_STANZA_PRESENCE, XF_STANZA_IQ };

struct xf_child {
    struct xf_span ns; /* escaped as in the payload; absent: the content namespace */
    struct xf_span name;
};

struct xf_journal_entry;

struct xf_stanza {
    enum xf_stanza_kind kind;
    /* The attributes as received, unescaped; absent if the stanza has none. */
    struct xf_span raw_from, raw_to;
    struct xf_jid from, to; /* prepared; filled by xf_stanza_address, empty before */
    /*
     * Written in place of from and to for a peer that knows our user by an e-mail address; else
     * absent.
     */
    struct xf_span shown_from, shown_to;
    struct xf_span type, id, lang; /* unescaped; lang is xml:lang of the stanza itself */
    struct xf_span extra;   /* all other attributes, serialised: ` a="b" xmlns:n1="u" n1:c="d"` */
    struct xf_span payload; /* serialised children */
    bool has_ns_mark;       /* payload holds XF_CONTENT_NS_MARK */
    /* Its message in the journal (xfed/journal/journal.h), if it waited before; else NULL. */
    struct xf_journal_entry *journal_entry;
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
 * Find the next direct child in a payload. Start with *rest = the payload; each call moves *rest
 * behind the child found. False: there are no more. For callers that need more than `children`
 * holds.
 */
struct xf_stanza_child {
    struct xf_span ns, name; /* as in struct xf_child */
    struct xf_span whole;    /* from its `<` to the last `>` */
    bool has_elements;       /* it has child elements, not only text */
};
bool xf_stanza_next_child(struct xf_span *rest, struct xf_stanza_child *out);

/* The first direct child in the namespace `ns`. False: there is none. */
bool xf_stanza_child_in(const struct xf_stanza *stanza, const char *ns,
                        struct xf_stanza_child *out);

/*
 * Fill `children` and child_count from the payload of a stanza that waited in a queue (queues do
 * not store them).
 */
void xf_stanza_find_children(struct xf_stanza *stanza);

/* "message", "presence", "iq" */
const char *xf_stanza_kind_name(enum xf_stanza_kind kind);

/*
 * May an error be sent in reply (RFC 6120 §8.3.1)? Never to errors, iq results and unavailable
 * presence. Among other presence, only to subscription requests, probes and directed available
 * presence.
 */
bool xf_stanza_may_bounce(const struct xf_stanza *stanza);
