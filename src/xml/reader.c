/* SPDX-License-Identifier: MIT */
/*
 * reader.c — feed the parser, piece by piece.
 *
 * The input is cut into pieces of PIECE_BYTES, so that the parser's own buffer stays small and the ceilings are
 * checked in between. Each piece is checked as UTF-8, then parsed; handlers.c hears the events and may halt the
 * parser within the piece:
 * - footer or xf_reader_stop: the rest of the input is not parsed;
 * - renewal: a new parser takes over behind the element that just ended. It is given the root's start tag as the
 *   peer sent it, so that it knows the same prefixes. Parking is the same thing with a pause in between;
 * - a problem: the reader is dead.
 *
 * A token that the parser has only in part is limited to limits.start_tag_bytes. From HOLD_BYTES on, pieces of a
 * tag are held here until its end is there, since expat would scan it from its start with each piece (token.c).
 */
#include "reader_priv.h"

#include <string.h>

#include <xfed/base/alloc.h>

#define PIECE_BYTES 2048 /* with it expat's buffer has 4 KiB */
#define HOLD_BYTES 1024

/* A token in part of this length has made expat's buffers grow. */
#define FAT_TOKEN_BYTES 16384

/* Escaped text may be longer than what came, a namespace may be declared once and used often; not without end. */
#define PAYLOAD_MAX(limits) (2 * (limits)->stanza_bytes + 2 * (limits)->control_bytes)

/* Larger tokens would overflow the 32-bit offsets of struct xf_slice. */
#define LIMIT_BYTES_MAX (256u << 20)

/* ------------------------------------------------------------------ the parser */

static void drop_parser(struct xf_reader *reader)
{
    if (reader->parser)
        XML_ParserFree(reader->parser);
    reader->parser = NULL;
    reader->token = (struct xf_token){0};
}

static enum xf_err no_memory(struct xf_reader *reader)
{
    xf_reader_refuse(reader, XF_ERR_LIMIT, XF_STREAM_ERROR_RESOURCE_CONSTRAINT, NULL);
    return reader->error;
}

/* What the root's start tag said once, it says again. */
static enum xf_err replay_root(struct xf_reader *reader)
{
    reader->is_replaying = true;
    enum XML_Status status =
        XML_Parse(reader->parser, reader->root_tag, (int)reader->root_tag_len, XML_FALSE);
    reader->is_replaying = false;
    reader->fed = reader->root_tag_len;
    return status == XML_STATUS_OK ? XF_ERR_OK : no_memory(reader); /* it was legal before */
}

static enum xf_err make_parser(struct xf_reader *reader)
{
    if (reader->parser)
        return XF_ERR_OK;
    reader->parser = XML_ParserCreateNS("UTF-8", XF_NAME_SEPARATOR);
    if (!reader->parser)
        return no_memory(reader);
    xf_reader_set_handlers(reader);
    reader->fed = 0;
    reader->names = reader->declarations = 0;
    reader->is_fat = false;
    return reader->root_tag ? replay_root(reader) : XF_ERR_OK;
}

static void refuse_syntax(struct xf_reader *reader)
{
    switch (XML_GetErrorCode(reader->parser)) {
    case XML_ERROR_NO_MEMORY:
        xf_reader_refuse(reader, XF_ERR_LIMIT, XF_STREAM_ERROR_RESOURCE_CONSTRAINT, NULL);
        return;
    case XML_ERROR_UNDEFINED_ENTITY: /* RFC 6120 section 4.9.3.18 names them */
        xf_reader_refuse(reader, XF_ERR_BAD_XML, XF_STREAM_ERROR_RESTRICTED_XML, "undefined entity");
        return;
    case XML_ERROR_UNKNOWN_ENCODING:
    case XML_ERROR_INCORRECT_ENCODING:
        xf_reader_refuse(reader, XF_ERR_BAD_XML, XF_STREAM_ERROR_UNSUPPORTED_ENCODING, NULL);
        return;
    default:
        xf_reader_refuse(reader, XF_ERR_BAD_XML, XF_STREAM_ERROR_NOT_WELL_FORMED, NULL);
        return;
    }
}

/* Bytes that the parser has taken in but not told of: a token in part. */
static size_t pending_bytes(const struct xf_reader *reader)
{
    XML_Index index = XML_GetCurrentByteIndex(reader->parser);

    return index < 0 ? reader->fed : reader->fed - (unsigned long)index; /* -1: nothing told yet */
}

/* ------------------------------------------------------------------ tokens in part */

static enum xf_err refuse_long_token(struct xf_reader *reader)
{
    if (xf_token_is_tag(&reader->token))
        xf_reader_refuse(reader, XF_ERR_LIMIT, XF_STREAM_ERROR_POLICY_VIOLATION, "start tag too large");
    else if (xf_token_is_markup_declaration(&reader->token))
        xf_reader_refuse(reader, XF_ERR_BAD_XML, XF_STREAM_ERROR_RESTRICTED_XML, NULL);
    else
        xf_reader_refuse(reader, XF_ERR_BAD_XML, XF_STREAM_ERROR_BAD_FORMAT, NULL);
    return reader->error;
}

static enum xf_err check_token(struct xf_reader *reader)
{
    const struct xf_token *token = &reader->token;
    size_t max = xf_token_is_tag(token) ? reader->limits.start_tag_bytes : HOLD_BYTES;

    if (token->len > max)
        return refuse_long_token(reader);
    return xf_reader_admits_size(reader, reader->fed + reader->held.len) ? XF_ERR_OK : reader->error;
}

/* Keep the piece from the parser? */
static bool must_hold(struct xf_reader *reader, const char *bytes, size_t len)
{
    struct xf_token *token = &reader->token;

    return token->len >= HOLD_BYTES && xf_token_is_tag(token) && !xf_token_closes(token, bytes, len);
}

static enum xf_err hold(struct xf_reader *reader, const char *bytes, size_t len)
{
    reader->held.max = reader->limits.start_tag_bytes + PIECE_BYTES;
    if (xf_buf_try_append(&reader->held, bytes, len) != XF_ERR_OK)
        return refuse_long_token(reader);
    return check_token(reader);
}

/* ------------------------------------------------------------------ one piece */

/* The parser was halted: how much of the piece is used, and what follows. */
static enum xf_err obey_halt(struct xf_reader *reader, size_t len, size_t *out_used)
{
    enum xf_reader_halt halt = reader->halt;
    size_t unread = reader->fed - reader->halt_offset;

    xf_require(unread <= len);
    *out_used = len - unread;
    reader->halt = XF_HALT_NONE;
    drop_parser(reader);
    if (halt == XF_HALT_RENEW)
        return XF_ERR_OK;
    reader->state = halt == XF_HALT_FOOTER ? XF_READER_ENDED : XF_READER_STOPPED;
    return halt == XF_HALT_FOOTER ? XF_ERR_OK : XF_ERR_CLOSED;
}

static enum xf_err parse(struct xf_reader *reader, const char *bytes, size_t len, size_t *out_used)
{
    size_t before = reader->token.len;

    reader->tag_may_be_long = before + len > reader->limits.start_tag_bytes;
    reader->fed += len;
    enum XML_Status status = XML_Parse(reader->parser, bytes, (int)len, XML_FALSE);

    *out_used = len;
    if (status == XML_STATUS_ERROR)
        refuse_syntax(reader); /* unless a handler has refused already */
    if (reader->error)
        return reader->error;
    if (reader->halt)
        return obey_halt(reader, len, out_used);

    size_t pending = pending_bytes(reader);
    xf_token_track(&reader->token, bytes, len, pending);
    reader->is_fat |= pending > FAT_TOKEN_BYTES;
    return check_token(reader);
}

static enum xf_err parse_held(struct xf_reader *reader)
{
    struct xf_buf held = reader->held;
    size_t used;

    if (held.len == 0)
        return XF_ERR_OK;
    xf_buf_init(&reader->held, 1);
    enum xf_err err = parse(reader, xf_buf_ptr(&held), held.len, &used); /* all: no element ends in it */
    xf_buf_release(&held);
    return err;
}

/* Collect the bytes up to the end of the root's start tag. */
static enum xf_err keep_head(struct xf_reader *reader, const char *bytes, size_t len)
{
    if (reader->root_tag)
        return XF_ERR_OK;
    reader->head.max = reader->limits.control_bytes + PIECE_BYTES;
    if (xf_buf_try_append(&reader->head, bytes, len) == XF_ERR_OK)
        return XF_ERR_OK;
    xf_reader_refuse(reader, XF_ERR_LIMIT, XF_STREAM_ERROR_POLICY_VIOLATION, "stream header too large");
    return reader->error;
}

/* Valid UTF-8, of which the parser takes all unless it is halted for good. */
static enum xf_err feed_piece(struct xf_reader *reader, const char *bytes, size_t len, size_t *out_used)
{
    enum xf_err err = keep_head(reader, bytes, len);
    size_t used = 0;

    *out_used = len;
    if (err != XF_ERR_OK)
        return err;
    if (must_hold(reader, bytes, len))
        return hold(reader, bytes, len);
    err = parse_held(reader);
    while (err == XF_ERR_OK && used < len && reader->state == XF_READER_OPEN) {
        size_t taken = 0;

        err = make_parser(reader);
        if (err == XF_ERR_OK)
            err = parse(reader, bytes + used, len - used, &taken);
        used += taken;
    }
    *out_used = used;
    return err;
}

/* ------------------------------------------------------------------ the input */

/*
 * XML begins with '<', or with white space when it has no declaration; expat checks the rest, but would take a
 * byte order mark, and UTF-16, for an invitation (RFC 6120 section 11.6).
 */
static enum xf_err check_first_bytes(struct xf_reader *reader, const char *bytes, size_t len)
{
    for (size_t i = 0, at = reader->head.len; i < len && at < 2; i++, at++) {
        if (bytes[i] == '\0' || (at == 0 && !memchr("< \n\t\r", bytes[i], 5))) {
            xf_reader_refuse(reader, XF_ERR_BAD_XML, XF_STREAM_ERROR_BAD_FORMAT, "not an XML stream in UTF-8");
            return reader->error;
        }
    }
    return XF_ERR_OK;
}

/* How many bytes are valid UTF-8. A bad byte counts where it stands, not from the start of the piece on. */
static size_t valid_bytes(struct xf_reader *reader, const char *bytes, size_t len)
{
    struct xf_utf8 state = reader->utf8;
    size_t n = 0;

    if (xf_utf8_feed(&reader->utf8, bytes, len))
        return len;
    while (xf_utf8_feed(&state, bytes + n, 1))
        n++;
    return n;
}

static enum xf_err feed_open(struct xf_reader *reader, const char *bytes, size_t len, size_t *out_used)
{
    size_t piece = len < PIECE_BYTES ? len : PIECE_BYTES;
    size_t valid = valid_bytes(reader, bytes, piece);
    enum xf_err err = XF_ERR_OK;

    *out_used = 0;
    if (!reader->root_tag)
        err = check_first_bytes(reader, bytes, piece);
    if (err == XF_ERR_OK)
        err = feed_piece(reader, bytes, valid, out_used);
    if (err == XF_ERR_OK && valid < piece && reader->state == XF_READER_OPEN) {
        xf_reader_refuse(reader, XF_ERR_BAD_XML, XF_STREAM_ERROR_NOT_WELL_FORMED, "not UTF-8");
        err = reader->error;
    }
    return err;
}

/* Behind the footer white space may follow, no more. */
static enum xf_err feed_ended(struct xf_reader *reader, const char *bytes, size_t len, size_t *out_used)
{
    *out_used = len;
    for (size_t i = 0; i < len; i++) {
        if (!memchr(" \n\t\r", bytes[i], 4)) {
            xf_reader_refuse(reader, XF_ERR_BAD_XML, XF_STREAM_ERROR_NOT_WELL_FORMED, "input behind the end");
            return reader->error;
        }
    }
    return XF_ERR_OK;
}

enum xf_err xf_reader_feed(struct xf_reader *reader, const char *bytes, size_t len, size_t *out_used)
{
    size_t done = 0;
    enum xf_err err = reader->error;

    xf_require(!reader->is_feeding);
    if (reader->state == XF_READER_STOPPED)
        err = XF_ERR_CLOSED;
    reader->is_feeding = true;
    while (err == XF_ERR_OK && done < len) {
        size_t used = 0;

        if (reader->state == XF_READER_OPEN)
            err = feed_open(reader, bytes + done, len - done, &used);
        else
            err = feed_ended(reader, bytes + done, len - done, &used);
        done += used;
    }
    reader->is_feeding = false;
    if (reader->error) {
        reader->state = XF_READER_DEAD;
        drop_parser(reader);
    }
    *out_used = done;
    return err;
}

/* ------------------------------------------------------------------ life */

static void release_buffers(struct xf_reader *reader)
{
    xf_payload_release(&reader->payload);
    xf_tree_release(&reader->tree);
    xf_buf_release(&reader->held);
    xf_buf_release(&reader->head);
}

struct xf_reader *xf_reader_new(const char *content_ns, const struct xf_reader_limits *limits,
                                const struct xf_reader_events *events, void *owner)
{
    struct xf_reader *reader = xf_new(struct xf_reader);

    *reader = (struct xf_reader){.content_ns = content_ns, .events = events, .owner = owner};
    xf_buf_init(&reader->head, 1);
    xf_buf_init(&reader->held, 1);
    xf_payload_init(&reader->payload, 1);
    xf_reader_set_limits(reader, limits);
    return reader;
}

void xf_reader_free(struct xf_reader **reader)
{
    struct xf_reader *old = *reader;

    *reader = NULL;
    if (!old)
        return;
    xf_require(!old->is_feeding);
    drop_parser(old);
    release_buffers(old);
    xf_free(old->root_tag);
    xf_free(old);
}

static size_t sane(size_t bytes)
{
    return bytes < LIMIT_BYTES_MAX ? bytes : LIMIT_BYTES_MAX;
}

void xf_reader_set_limits(struct xf_reader *reader, const struct xf_reader_limits *limits)
{
    reader->limits = *limits;
    reader->limits.stanza_bytes = sane(limits->stanza_bytes);
    reader->limits.control_bytes = sane(limits->control_bytes);
    reader->limits.start_tag_bytes = sane(limits->start_tag_bytes);
    xf_payload_set_max(&reader->payload, PAYLOAD_MAX(&reader->limits));
}

void xf_reader_restart(struct xf_reader *reader)
{
    xf_require(!reader->is_feeding);
    drop_parser(reader);
    release_buffers(reader);
    xf_free(reader->root_tag);
    reader->root_tag = NULL;
    reader->state = XF_READER_OPEN;
    reader->halt = XF_HALT_NONE;
    reader->mode = XF_MODE_BETWEEN;
    reader->depth = 0;
    reader->utf8 = (struct xf_utf8){0};
    reader->has_root_ns = reader->has_root_dialback = false;
    reader->error = XF_ERR_OK;
    reader->stream_error = XF_STREAM_ERROR_NONE;
    reader->error_text = NULL;
}

enum xf_stream_error xf_reader_problem(const struct xf_reader *reader, const char **out_text)
{
    *out_text = reader->error_text;
    return reader->stream_error;
}

void xf_reader_park(struct xf_reader *reader)
{
    bool is_quiet = reader->depth == 1 && reader->token.len == 0 && !xf_utf8_is_partial(&reader->utf8);

    if (reader->is_feeding || reader->state != XF_READER_OPEN || !is_quiet)
        return;
    drop_parser(reader);
    release_buffers(reader);
}
