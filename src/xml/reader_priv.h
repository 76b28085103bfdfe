/* SPDX-License-Identifier: MIT */
/*
 * reader_priv.h — the state of a reader, shared by its parts: reader.c cuts the input into pieces,
 * parser.c feeds them to expat, handlers.c handles expat's events, envelope.c makes stanzas from
 * them.
 *
 * Offsets count the bytes that this parser was given (a new parser starts at 0) and are compared
 * only by their difference, because XML_Index wraps on 32-bit machines, where it has 32 bits.
 */
#pragma once

#include <expat.h>

#include <xfed/base/utf8.h>
#include <xfed/xml/reader.h>

#include "parsers_priv.h"
#include "payload_priv.h"
#include "prefix_priv.h"
#include "token_priv.h"
#include "tree_priv.h"

/* Where a reader is in the life of a stream. */
enum xf_reader_state {
    XF_READER_OPEN,
    XF_READER_ENDED,   /* the footer was read */
    XF_READER_STOPPED, /* by xf_reader_stop */
    XF_READER_DEAD,    /* by an error */
};

/* Why the parser was stopped before the end of its input. */
enum xf_reader_halt { XF_HALT_NONE, XF_HALT_FOOTER, XF_HALT_STOP, XF_HALT_RENEW, XF_HALT_PROBLEM };

/* What the element above the floor becomes. */
enum xf_reader_mode { XF_MODE_BETWEEN, XF_MODE_STANZA, XF_MODE_TREE };

/* The attributes and children of the stanza that is being read; all slices are in payload.out. */
struct xf_envelope {
    enum xf_stanza_kind kind;
    struct xf_slice from, to, type, id, lang;
    uint32_t extra_off, payload_off;
    struct xf_payload_name children[XF_STANZA_CHILDREN];
    unsigned child_count;
};

struct xf_reader {
    struct xf_span content_ns;
    const struct xf_wrapper *wrapper; /* xf_reader_unwrap; else NULL */
    struct xf_reader_limits limits;
    const struct xf_reader_events *events;
    void *owner;

    XML_Parser parser;          /* NULL: not created yet, lent, or parked */
    struct xf_parsers *parsers; /* shared with other readers; NULL: not shared */
    enum xf_reader_state state;
    enum xf_reader_halt halt;
    enum xf_reader_mode mode;
    unsigned depth;         /* open elements, the root included */
    unsigned floor;         /* depth around an element that is delivered: 1, in a wrapper 2 */
    unsigned long elements; /* at depth 1, ended */
    unsigned names;         /* how many the parser may have stored */
    unsigned white;         /* bytes between elements, see xf_reader_take_white */
    bool is_replaying;      /* the root's start tag, to a new parser */
    bool has_common_root;   /* a parser from any other such stream can be used */
    bool is_feeding;
    bool is_fat;          /* the parser's buffers have grown */
    bool tag_may_be_long; /* a start tag may be above its limit: it began in an earlier piece */
    unsigned long fed, element_start, halt_offset; /* offsets */

    struct xf_utf8 utf8;
    bool was_restarted, begins_with_angle; /* the head, whose first byte is '<' */
    size_t head_bytes;                     /* in the pieces up to the end of the root's start tag */
    char *root_tag; /* after the header: a start tag with the root's name, for a new parser */
    size_t root_tag_len;
    struct xf_token token; /* the last one, if the parser has only part of it */
    struct xf_buf held;    /* more of that token, not yet given to the parser */

    struct xf_prefixes prefixes;
    struct xf_payload payload;
    struct xf_envelope envelope;
    struct xf_tree tree;

    enum xf_err error;
    enum xf_stream_error stream_error;
    const char *error_text;
};

#define XF_READER_PIECE_BYTES 2048 /* expat's buffer then has 4 KiB */

/* ------------------------------------------------------------------ parser.c */

/*
 * Parse valid UTF-8, at most XF_READER_PIECE_BYTES. All bytes are used unless the reader stops or
 * ends.
 */
XF_MUST_USE enum xf_err xf_reader_feed_piece(struct xf_reader *reader, const char *bytes,
                                             size_t len, size_t *out_used);
void xf_reader_drop_parser(struct xf_reader *reader);

/* Between two elements, lend the parser to other readers. Call it after a feed without error. */
void xf_reader_lend_parser(struct xf_reader *reader);

/* ------------------------------------------------------------------ envelope.c */

/*
 * Handle a stanza's start tag; its children follow in reader->payload. XF_ERR_LIMIT: as for
 * xf_payload_start.
 */
XF_MUST_USE enum xf_err xf_envelope_begin(struct xf_reader *reader, enum xf_stanza_kind kind,
                                          const struct xf_qname *name, const char **attrs);
void xf_envelope_deliver(struct xf_reader *reader, size_t wire_bytes);

/* ------------------------------------------------------------------ handlers.c */

/*
 * Set all handlers and options. XML_ParserReset would clear them, so a new parser is always created
 * instead.
 */
void xf_reader_set_handlers(struct xf_reader *reader);

/* Record a problem and halt the parser. Only the first problem counts. */
void xf_reader_refuse(struct xf_reader *reader, enum xf_err err, enum xf_stream_error error,
                      const char *text);

/* The offset at which the parser's current event ends. Call it from a handler. */
unsigned long xf_reader_event_end(const struct xf_reader *reader);

/*
 * Check the open header, stanza or control element against its ceiling; `end` is the last offset
 * known.
 */
bool xf_reader_admits_size(struct xf_reader *reader, unsigned long end);
