/* SPDX-License-Identifier: MIT */
/*
 * reader_priv.h — the state of a reader, between its parts: reader.c cuts the input into pieces,
 * parser.c feeds them to expat, handlers.c hears the events, envelope.c makes stanzas of them.
 *
 * Offsets count the bytes that this parser was given (a new parser starts at 0) and are compared by
 * difference only: XML_Index has 32 bits on 32-bit machines and wraps there.
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

/* Why the parser was told to stop within what it was given. */
enum xf_reader_halt { XF_HALT_NONE, XF_HALT_FOOTER, XF_HALT_STOP, XF_HALT_RENEW, XF_HALT_PROBLEM };

/* What the element at depth 1 becomes. */
enum xf_reader_mode { XF_MODE_BETWEEN, XF_MODE_STANZA, XF_MODE_TREE };

/* Of the stanza that is being read; all slices of payload.out. */
struct xf_envelope {
    enum xf_stanza_kind kind;
    struct xf_slice from, to, type, id, lang;
    uint32_t extra_off, payload_off;
    struct xf_payload_name children[XF_STANZA_CHILDREN];
    unsigned child_count;
};

struct xf_reader {
    struct xf_span content_ns;
    struct xf_reader_limits limits;
    const struct xf_reader_events *events;
    void *owner;

    XML_Parser parser;          /* NULL: none yet, lent, or parked */
    struct xf_parsers *parsers; /* to share with others; NULL: none */
    enum xf_reader_state state;
    enum xf_reader_halt halt;
    enum xf_reader_mode mode;
    unsigned depth;         /* open elements, the root included */
    unsigned long elements; /* at depth 1, ended */
    unsigned names;         /* that the parser may have stored since it was made */
    bool is_replaying;      /* a root's start tag, for a new parser */
    bool has_common_root;   /* a parser of any other such stream will do */
    bool is_feeding;
    bool is_fat;          /* the parser's buffers have grown */
    bool tag_may_be_long; /* a start tag may be above its limit: it began in an earlier piece */
    unsigned long fed, element_start, halt_offset; /* offsets */

    struct xf_utf8 utf8;
    size_t head_bytes; /* of pieces before the end of the root's start tag */
    char *root_tag; /* once the header came: a start tag with the root's name, for a new parser */
    size_t root_tag_len;
    struct xf_token token; /* the last one, when the parser has it in part */
    struct xf_buf held;    /* more of that token, kept from the parser */

    struct xf_prefixes prefixes;
    struct xf_payload payload;
    struct xf_envelope envelope;
    struct xf_tree tree;

    enum xf_err error;
    enum xf_stream_error stream_error;
    const char *error_text;
};

#define XF_READER_PIECE_BYTES 2048 /* with it expat's buffer has 4 KiB */

/* ------------------------------------------------------------------ parser.c */

/*
 * Parse valid UTF-8, at most XF_READER_PIECE_BYTES; all is used unless the reader stopped or ended.
 */
XF_MUST_USE enum xf_err xf_reader_feed_piece(struct xf_reader *reader, const char *bytes,
                                             size_t len, size_t *out_used);
void xf_reader_drop_parser(struct xf_reader *reader);

/* After a feed without error: between two elements, let others have the parser. */
void xf_reader_lend_parser(struct xf_reader *reader);

/* ------------------------------------------------------------------ envelope.c */

/* A stanza's start tag; the children follow in reader->payload. XF_ERR_LIMIT as there. */
XF_MUST_USE enum xf_err xf_envelope_begin(struct xf_reader *reader, enum xf_stanza_kind kind,
                                          const struct xf_qname *name, const char **attrs);
void xf_envelope_deliver(struct xf_reader *reader, size_t wire_bytes);

/* ------------------------------------------------------------------ handlers.c */

/* Set all handlers and options; expat forgets them in XML_ParserReset, so a parser is always made
 * anew. */
void xf_reader_set_handlers(struct xf_reader *reader);

/* The first problem counts. */
void xf_reader_refuse(struct xf_reader *reader, enum xf_err err, enum xf_stream_error error,
                      const char *text);

/* In an event of the parser: the offset of its end. */
unsigned long xf_reader_event_end(const struct xf_reader *reader);

/* Checks what is open against the ceiling of its kind, `end` being the last offset known. */
bool xf_reader_admits_size(struct xf_reader *reader, unsigned long end);
