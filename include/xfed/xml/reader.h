/* SPDX-License-Identifier: MIT */
/*
 * reader.h — bytes of one XMPP stream to header, stanzas, control elements and footer (RFC 6120 §4,
 * §11).
 *
 * A stanza (message, presence, iq of the content namespace at depth 1) comes as an envelope with
 * its payload already serialised by us; every other child of the stream root comes as a small tree
 * (struct xf_elem). Text of the peer is checked as UTF-8 before the parser; DOCTYPE, comments,
 * processing instructions, undefined entities, a byte order mark, UTF-16, version 1.1 and text
 * between stanzas end the stream.
 *
 * Callbacks run inside xf_reader_feed. They may call xf_reader_stop and xf_reader_set_limits, but
 * neither feed nor free the reader. Everything they are given is borrowed until they return.
 */
#pragma once

#include <stdint.h>
#include <xfed/base/err.h>
#include <xfed/xmpp/error.h>
#include <xfed/xmpp/stanza.h>

struct xf_reader;
struct xf_parsers;

struct xf_reader_limits {
    size_t stanza_bytes;  /* one stanza, as received */
    size_t control_bytes; /* the stream header, and every other element at depth 1 */
    /* any start tag; also every other single token that expat must see whole */
    size_t start_tag_bytes;
    unsigned attributes; /* of one element, namespace declarations included */
    unsigned depth;      /* the stream root is 1 */
};

struct xf_header {
    struct xf_span ns, name; /* of the root: should be XF_NS_STREAM, "stream" */
    /* default namespace declared on the root; absent when none */
    struct xf_span content_ns;
    struct xf_span from, to, id, version, lang; /* unescaped, absent when not there */
    /* XF_NS_DIALBACK is bound to a prefix on the root (pre-1.0 signal) */
    bool has_dialback_ns;
};

struct xf_attr {
    struct xf_span ns, name, value; /* ns absent: no namespace */
};

struct xf_elem {
    struct xf_span ns, name, text; /* text: all direct character data, unescaped */
    struct xf_attr *attrs;
    unsigned attr_count;
    struct xf_elem *first_child, *next;
};

struct xf_reader_events {
    void (*header)(void *owner, const struct xf_header *header);
    void (*stanza)(void *owner, struct xf_stanza *stanza);
    void (*element)(void *owner, const struct xf_elem *elem);
    void (*footer)(void *owner);
};

/*
 * `content_ns` (a literal: XF_NS_SERVER or XF_NS_COMPONENT) is the namespace whose message,
 * presence and iq are stanzas. `limits` are copied. Nothing is parsed yet, and no parser made.
 */
struct xf_reader *xf_reader_new(const char *content_ns, const struct xf_reader_limits *limits,
                                const struct xf_reader_events *events, void *owner);
void xf_reader_free(struct xf_reader **reader);

/*
 * Parsers that the readers of one thread lend each other: a reader between two elements then holds
 * none. They are freed after the readers that share them.
 */
struct xf_parsers *xf_parsers_new(void);
void xf_parsers_free(struct xf_parsers **parsers);

/* Before the first feed. NULL: the reader keeps a parser of its own. */
void xf_reader_share(struct xf_reader *reader, struct xf_parsers *parsers);

void xf_reader_set_limits(struct xf_reader *reader, const struct xf_reader_limits *limits);

/*
 * XF_ERR_OK with *out_used = len: all taken. XF_ERR_CLOSED with *out_used <= len: a callback called
 * xf_reader_stop; the bytes behind the element that was current are not read, and the reader is
 * only good for xf_reader_resume, xf_reader_restart or free. XF_ERR_BAD_XML or XF_ERR_LIMIT: see
 * xf_reader_problem; the reader is dead.
 */
XF_MUST_USE enum xf_err xf_reader_feed(struct xf_reader *reader, const char *bytes, size_t len,
                                       size_t *out_used);

/*
 * From a callback: end reading behind the current element (stream restart, or we close the stream).
 */
void xf_reader_stop(struct xf_reader *reader);

/*
 * After a stop: go on behind the element at which it stopped, in the same stream. Not from a
 * callback.
 */
void xf_reader_resume(struct xf_reader *reader);

/*
 * A fresh parser for the next stream on the same conn (RFC 6120 §5.4.3.3, §6.4.6). Not from a
 * callback.
 */
void xf_reader_restart(struct xf_reader *reader);

/*
 * After an error: the stream error to send and words for its <text/> (a literal, NULL when none
 * fit).
 */
enum xf_stream_error xf_reader_problem(const struct xf_reader *reader, const char **out_text);

/*
 * Give the parser's memory back while the stream is quiet. Does nothing within an element or before
 * the header. The next feed makes a parser anew, with the namespaces of the root in place.
 */
void xf_reader_park(struct xf_reader *reader);

/*
 * Nothing is begun and not ended: between elements of the stream, and not within a tag or a
 * character.
 */
bool xf_reader_is_quiet(const struct xf_reader *reader);

/* Elements at depth 1 that came to their end since the reader was made. */
unsigned long xf_reader_element_count(const struct xf_reader *reader);

/* Helpers for control elements; absent / NULL / false when there is none. */
struct xf_span xf_elem_attr(const struct xf_elem *elem, const char *name);
const struct xf_elem *xf_elem_child(const struct xf_elem *elem, const char *ns, const char *name);
bool xf_elem_is(const struct xf_elem *elem, const char *ns, const char *name);
