/* SPDX-License-Identifier: MIT */
/*
 * reader.c — takes the input of a reader, piece by piece; creates, stops, restarts and frees the
 * reader.
 *
 * The input is cut into pieces, so that the parser's own buffer stays small and the ceilings are
 * checked in between. Each piece is checked as UTF-8, then parsed (parser.c); handlers.c handles
 * the events. Bytes before an invalid one are still parsed, those after it are not.
 */
#include "expat_priv.h"
#include "reader_priv.h"

#include <string.h>

#include <xfed/base/alloc.h>

/*
 * Largest payload. It may be longer than the stanza that was received, since text is escaped and a
 * namespace that was declared once may be written often.
 */
#define PAYLOAD_MAX(limits) (2 * (limits)->stanza_bytes + 2 * (limits)->control_bytes)

/* Larger limits would overflow the 32-bit offsets of struct xf_slice. */
#define LIMIT_BYTES_MAX (256u << 20)

/* ------------------------------------------------------------------ the input */

/* A byte order mark and UTF-16 are forbidden by RFC 6120 section 11.6. */
static enum xf_err check_first_bytes(struct xf_reader *reader, const char *bytes, size_t len)
{
    if (xf_expat_may_begin(bytes, len, reader->head_bytes))
        return XF_ERR_OK;
    xf_reader_refuse(reader, XF_ERR_BAD_XML, XF_STREAM_ERROR_BAD_FORMAT,
                     "not an XML stream in UTF-8");
    return reader->error;
}

/*
 * After a restart the other side may have ended its stream before it knew that the header of the
 * next one is due. Its footer, which comes in place of that header, is XML for no parser.
 */
static bool is_early_footer(struct xf_reader *reader, const char *bytes, size_t len)
{
    if (!reader->was_restarted || reader->head_bytes > 1)
        return false;
    if (reader->head_bytes == 1)
        return reader->begins_with_angle && bytes[0] == '/';
    reader->begins_with_angle = bytes[0] == '<';
    return reader->begins_with_angle && len > 1 && bytes[1] == '/';
}

static enum xf_err end_early(struct xf_reader *reader, size_t len, size_t *out_used)
{
    xf_reader_drop_parser(reader);
    reader->state = XF_READER_ENDED;
    reader->events->footer(reader->owner);
    *out_used = len;
    return XF_ERR_OK;
}

/* Number of bytes that are valid UTF-8: those before the first invalid byte. */
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

static enum xf_err feed_open(struct xf_reader *reader, const char *bytes, size_t len,
                             size_t *out_used)
{
    size_t piece = len < XF_READER_PIECE_BYTES ? len : XF_READER_PIECE_BYTES;
    size_t valid = valid_bytes(reader, bytes, piece);
    enum xf_err err = XF_ERR_OK;

    *out_used = 0;
    if (!reader->root_tag && is_early_footer(reader, bytes, piece))
        return end_early(reader, len, out_used);
    if (!reader->root_tag)
        err = check_first_bytes(reader, bytes, piece);
    if (err == XF_ERR_OK)
        err = xf_reader_feed_piece(reader, bytes, valid, out_used);
    if (err == XF_ERR_OK && valid < piece && reader->state == XF_READER_OPEN) {
        xf_reader_refuse(reader, XF_ERR_BAD_XML, XF_STREAM_ERROR_NOT_WELL_FORMED, "not UTF-8");
        err = reader->error;
    }
    return err;
}

/* Only white space may follow the footer. */
static enum xf_err feed_ended(struct xf_reader *reader, const char *bytes, size_t len,
                              size_t *out_used)
{
    *out_used = len;
    for (size_t i = 0; i < len; i++) {
        if (!memchr(" \n\t\r", bytes[i], 4)) {
            xf_reader_refuse(reader, XF_ERR_BAD_XML, XF_STREAM_ERROR_NOT_WELL_FORMED,
                             "input behind the end");
            return reader->error;
        }
    }
    return XF_ERR_OK;
}

enum xf_err xf_reader_feed(struct xf_reader *reader, const char *bytes, size_t len,
                           size_t *out_used)
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
        xf_reader_drop_parser(reader);
    } else if (reader->parsers) {
        xf_reader_lend_parser(reader);
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
}

struct xf_reader *xf_reader_new(const char *content_ns, const struct xf_reader_limits *limits,
                                const struct xf_reader_events *events, void *owner)
{
    struct xf_reader *reader = xf_new(struct xf_reader);

    *reader =
        (struct xf_reader){.content_ns = xf_span_of(content_ns), .events = events, .owner = owner};
    reader->floor = 1;
    xf_buf_init(&reader->held, 1);
    xf_prefixes_init(&reader->prefixes, 1);
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
    xf_reader_drop_parser(old);
    release_buffers(old);
    xf_prefixes_release(&old->prefixes);
    xf_free(old->root_tag);
    xf_free(old);
}

void xf_reader_share(struct xf_reader *reader, struct xf_parsers *parsers)
{
    xf_require(!reader->parser);
    reader->parsers = parsers;
}

void xf_reader_unwrap(struct xf_reader *reader, const struct xf_wrapper *wrapper)
{
    reader->wrapper = wrapper;
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
    xf_prefixes_set_max(&reader->prefixes, PAYLOAD_MAX(&reader->limits));
    xf_payload_set_max(&reader->payload, PAYLOAD_MAX(&reader->limits));
}

void xf_reader_restart(struct xf_reader *reader)
{
    xf_require(!reader->is_feeding);
    xf_reader_drop_parser(reader);
    release_buffers(reader);
    xf_prefixes_release(&reader->prefixes);
    xf_free(reader->root_tag);
    reader->root_tag = NULL;
    reader->has_common_root = false;
    reader->head_bytes = 0;
    reader->was_restarted = true;
    reader->state = XF_READER_OPEN;
    reader->halt = XF_HALT_NONE;
    reader->mode = XF_MODE_BETWEEN;
    reader->depth = 0;
    reader->floor = 1;
    reader->utf8 = (struct xf_utf8){0};
    reader->error = XF_ERR_OK;
    reader->stream_error = XF_STREAM_ERROR_NONE;
    reader->error_text = NULL;
}

void xf_reader_resume(struct xf_reader *reader)
{
    xf_require(!reader->is_feeding);
    if (reader->state != XF_READER_STOPPED)
        return;
    reader->state = XF_READER_OPEN; /* the next feed makes a parser, as after parking */
    reader->utf8 = (struct xf_utf8){0};
}

enum xf_stream_error xf_reader_problem(const struct xf_reader *reader, const char **out_text)
{
    *out_text = reader->error_text;
    return reader->stream_error;
}

bool xf_reader_is_quiet(const struct xf_reader *reader)
{
    return reader->depth == 1 && reader->token.len == 0 && !xf_utf8_is_partial(&reader->utf8);
}

unsigned long xf_reader_element_count(const struct xf_reader *reader)
{
    return reader->elements;
}

size_t xf_reader_take_white(struct xf_reader *reader, size_t least)
{
    unsigned white = reader->white;

    if (white < least)
        return 0;
    reader->white = 0;
    return white;
}

void xf_reader_park(struct xf_reader *reader)
{
    if (reader->is_feeding || reader->state != XF_READER_OPEN || !xf_reader_is_quiet(reader))
        return;
    xf_reader_drop_parser(reader);
    release_buffers(reader);
}
