/* SPDX-License-Identifier: MIT */
/*
 * reader.h — parses the bytes of one XMPP stream into header, stanzas, control elements and footer
 * (RFC 6120 §4, §11).
 *
 * The reader delivers a stanza (message, presence, iq of the content namespace at depth 1) as an
 * envelope whose payload it has already serialised, and every other child of the stream root as a
 * small tree (struct xf_elem). It checks that the peer's bytes are UTF-8 before the parser sees
 * them. DOCTYPE, comments, processing instructions, undefined entities, a byte order mark, UTF-16,
 * version 1.1 and text between stanzas end the stream.
 *
 * Callbacks run inside xf_reader_feed. They may call xf_reader_stop and xf_reader_set_limits, but
 * must neither feed nor free the reader. Everything that they are given is valid only until they
 * return.
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
    /* Any start tag, and every other single token that expat must see whole. */
    size_t start_tag_bytes;
    unsigned attributes; /* of one element, namespace declarations included */
    unsigned depth;      /* the stream root is 1 */
};

struct xf_header {
    struct xf_span ns, name; /* of the root; expected: XF_NS_STREAM, "stream" */
    /* The default namespace that the root declares; absent if it declares none. */
    struct xf_span content_ns;
    struct xf_span from, to, id, version, lang; /* unescaped; absent if not sent */
    /*
     * The root binds a prefix to XF_NS_DIALBACK, as servers from before XMPP 1.0 do to offer
     * dialback.
     */
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
    size_t wire_bytes; /* as received, for rates; 0 within another element */
};

struct xf_wrapper {
    const char *ns, *name; /* literals */
};

struct xf_reader_events {
    void (*header)(void *owner, const struct xf_header *header);
    void (*stanza)(void *owner, struct xf_stanza *stanza);
    void (*element)(void *owner, const struct xf_elem *elem);
    void (*footer)(void *owner);
};

/*
 * `content_ns` (a literal: XF_NS_SERVER or XF_NS_COMPONENT) is the namespace whose message,
 * presence and iq are stanzas. `limits` are copied. The parser is created later, by the first feed.
 */
struct xf_reader *xf_reader_new(const char *content_ns, const struct xf_reader_limits *limits,
                                const struct xf_reader_events *events, void *owner);
void xf_reader_free(struct xf_reader **reader);

/*
 * Parsers that the readers of one thread share: between two elements, a reader returns its parser
 * for others to use. Free them after all readers that share them.
 */
struct xf_parsers *xf_parsers_new(void);
void xf_parsers_free(struct xf_parsers **parsers);

/* Call it before the first feed. With NULL the reader keeps a parser of its own. */
void xf_reader_share(struct xf_reader *reader, struct xf_parsers *parsers);

/*
 * Call it before the first feed: elements of this name at depth 1 are wrappers. Such an
 * element is delivered at its start tag, with its attributes and without children; then each of its
 * children as if it stood at depth 1. Text in it is skipped. Outside wrappers there are no stanzas.
 * A reader that stops in a wrapper cannot be resumed.
 */
void xf_reader_unwrap(struct xf_reader *reader, const struct xf_wrapper *wrapper);

void xf_reader_set_limits(struct xf_reader *reader, const struct xf_reader_limits *limits);

/*
 * XF_ERR_OK: all bytes are used (*out_used = len). XF_ERR_CLOSED: a callback called xf_reader_stop;
 * the bytes after the current element are not read (*out_used <= len), and the reader can only be
 * resumed, restarted or freed. XF_ERR_BAD_XML or XF_ERR_LIMIT: xf_reader_problem tells what is
 * wrong; the reader cannot go on with this stream.
 */
XF_MUST_USE enum xf_err xf_reader_feed(struct xf_reader *reader, const char *bytes, size_t len,
                                       size_t *out_used);

/*
 * Stop reading after the current element, because the stream restarts or we close it. Call it from
 * a callback.
 */
void xf_reader_stop(struct xf_reader *reader);

/*
 * After xf_reader_stop: continue the same stream after the element at which reading stopped. Not
 * from a callback.
 */
void xf_reader_resume(struct xf_reader *reader);

/*
 * Begin the next stream on the same connection, with a new parser (RFC 6120 §5.4.3.3, §6.4.6). The
 * footer of the stream before may come in place of the header. Not from a callback.
 */
void xf_reader_restart(struct xf_reader *reader);

/*
 * After an error: the stream error to send, and words for its <text/> (a literal; NULL for no
 * <text/>).
 */
enum xf_stream_error xf_reader_problem(const struct xf_reader *reader, const char **out_text);

/*
 * Free the parser's memory while the stream is quiet. Does nothing within an element or before the
 * header. The next feed creates a new parser; the namespaces of the root stay in force.
 */
void xf_reader_park(struct xf_reader *reader);

/* Is the stream between two elements at depth 1, with no tag and no UTF-8 character incomplete? */
bool xf_reader_is_quiet(const struct xf_reader *reader);

/* Number of elements at depth 1 that have ended since the reader was created. */
unsigned long xf_reader_element_count(const struct xf_reader *reader);

/* Bytes of white space between elements since the last call; 0: fewer than `least`. */
size_t xf_reader_take_white(struct xf_reader *reader, size_t least);

/*
 * Helpers for control elements. The value of an attribute without namespace; absent if there is
 * none.
 */
struct xf_span xf_elem_attr(const struct xf_elem *elem, const char *name);
/*
 * The value of an attribute whose type in XML Schema collapses white space: a number, a boolean, a
 * token of an enumeration.
 */
struct xf_span xf_elem_token(const struct xf_elem *elem, const char *name);
/* The first child with this name; NULL if there is none. */
const struct xf_elem *xf_elem_child(const struct xf_elem *elem, const char *ns, const char *name);
/* Does the element have this name? */
bool xf_elem_is(const struct xf_elem *elem, const char *ns, const char *name);
