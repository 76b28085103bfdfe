/* SPDX-License-Identifier: MIT */
/*
 * parser.c — creates, feeds and replaces the expat parser of a reader.
 *
 * handlers.c handles the events of a piece and may halt the parser within it:
 * - footer or xf_reader_stop: the rest of the input is not parsed;
 * - renewal: a new parser takes over after the element that just ended. It is given a start tag
 *   with the name of the root, because it will meet the root's end tag. Parking and lending
 *   (parsers_priv.h) are the same with a pause in between;
 * - a problem: the reader is dead.
 *
 * A tag of which the parser has only part may have limits.start_tag_bytes, any other such token
 * HOLD_BYTES. Once the parser has HOLD_BYTES of a tag, further pieces are held here until its end
 * arrives, since expat would scan it from its start with each piece (token.c).
 */
#include "expat_priv.h"
#include "position_priv.h"
#include "reader_priv.h"

#include <xfed/base/alloc.h>

#define HOLD_BYTES 1024

/* An incomplete token longer than this has made expat's buffers grow. */
#define FAT_TOKEN_BYTES 16384

/* ------------------------------------------------------------------ the parser */

void xf_reader_drop_parser(struct xf_reader *reader)
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

/* Give the parser the name of the root, which is all that it has to know about the header. */
static enum xf_err replay_root(struct xf_reader *reader)
{
    reader->is_replaying = true;
    enum XML_Status status =
        XML_Parse(reader->parser, reader->root_tag, (int)reader->root_tag_len, XML_FALSE);
    reader->is_replaying = false;
    reader->fed = reader->root_tag_len;
    return status == XML_STATUS_OK ? XF_ERR_OK : no_memory(reader); /* it was legal before */
}

static bool borrow_parser(struct xf_reader *reader)
{
    struct xf_parser parser;

    if (!reader->parsers || !reader->has_common_root || !xf_parsers_take(reader->parsers, &parser))
        return false;
    reader->parser = parser.expat;
    reader->fed = parser.fed;
    reader->names = parser.names;
    reader->is_fat = false;
    XML_SetUserData(parser.expat, reader);
    return true;
}

static enum xf_err make_parser(struct xf_reader *reader)
{
    if (reader->parser || borrow_parser(reader))
        return XF_ERR_OK;
    reader->parser = xf_expat_new();
    if (!reader->parser)
        return no_memory(reader);
    xf_reader_set_handlers(reader);
    reader->fed = 0;
    reader->names = 0;
    reader->is_fat = false;
    return reader->root_tag ? replay_root(reader) : XF_ERR_OK;
}

void xf_reader_lend_parser(struct xf_reader *reader)
{
    struct xf_parser parser = {reader->parser, reader->fed, reader->names};

    if (!reader->parser || !reader->has_common_root || reader->state != XF_READER_OPEN ||
        !xf_reader_is_quiet(reader))
        return;
    if (xf_parsers_give(reader->parsers, &parser))
        reader->parser = NULL;
    else
        xf_reader_drop_parser(reader);
}

static void refuse_syntax(struct xf_reader *reader)
{
    switch (XML_GetErrorCode(reader->parser)) {
    case XML_ERROR_NO_MEMORY:
        xf_reader_refuse(reader, XF_ERR_LIMIT, XF_STREAM_ERROR_RESOURCE_CONSTRAINT, NULL);
        return;
    case XML_ERROR_UNDEFINED_ENTITY: /* RFC 6120 section 4.9.3.18 names them */
        xf_reader_refuse(reader, XF_ERR_BAD_XML, XF_STREAM_ERROR_RESTRICTED_XML,
                         "undefined entity");
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

/* Bytes that the parser has taken but not reported yet: an incomplete token. */
static size_t pending_bytes(const struct xf_reader *reader)
{
    int64_t index = xf_expat_byte_index(reader->parser);

    /* -1: nothing reported yet */
    return index < 0 ? reader->fed : reader->fed - (unsigned long)index;
}

/* ------------------------------------------------------------------ incomplete tokens */

static enum xf_err refuse_long_token(struct xf_reader *reader)
{
    if (xf_token_is_tag(&reader->token))
        xf_reader_refuse(reader, XF_ERR_LIMIT, XF_STREAM_ERROR_POLICY_VIOLATION,
                         "start tag too large");
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
    return xf_reader_admits_size(reader, reader->fed + reader->held.len) ? XF_ERR_OK
                                                                         : reader->error;
}

/* Must the reader hold this piece instead of giving it to the parser? */
static bool must_hold(struct xf_reader *reader, const char *bytes, size_t len)
{
    struct xf_token *token = &reader->token;

    return token->len >= HOLD_BYTES && xf_token_is_tag(token) &&
           !xf_token_closes(token, bytes, len);
}

static enum xf_err hold(struct xf_reader *reader, const char *bytes, size_t len)
{
    reader->held.max = reader->limits.start_tag_bytes + XF_READER_PIECE_BYTES;
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
    xf_reader_drop_parser(reader);
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
    /* No element ends in `held`, so all of it is used. */
    enum xf_err err = parse(reader, xf_buf_ptr(&held), held.len, &used);
    xf_buf_release(&held);
    return err;
}

/* Limit the number of bytes before the end of the root's start tag, too. */
static enum xf_err count_head(struct xf_reader *reader, size_t len)
{
    if (reader->root_tag)
        return XF_ERR_OK;
    reader->head_bytes += len;
    if (reader->head_bytes <= reader->limits.control_bytes + XF_READER_PIECE_BYTES)
        return XF_ERR_OK;
    xf_reader_refuse(reader, XF_ERR_LIMIT, XF_STREAM_ERROR_POLICY_VIOLATION,
                     "stream header too large");
    return reader->error;
}

enum xf_err xf_reader_feed_piece(struct xf_reader *reader, const char *bytes, size_t len,
                                 size_t *out_used)
{
    enum xf_err err = count_head(reader, len);
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
