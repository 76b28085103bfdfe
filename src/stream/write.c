/* SPDX-License-Identifier: MIT */
/* write.c — writes a stream's output: header, control elements, stanzas (RFC 6120 §4.7). */
#include <xfed/stream/stream.h>

#include <xfed/xmpp/ns.h>

/* Limit for control elements that wait for a peer that does not read. */
#define UNREAD_MAX (2 * XF_CONN_HIGH_WATER)

struct xf_draft xf_stream_draft(struct xf_stream *stream)
{
    return xf_draft_begin(stream->is_ending || !stream->conn ? NULL : &stream->conn->out);
}

/*
 * Counts only control elements: stanzas stop at the high-water mark by themselves, and a peer that
 * reads them slowly still gets its answers. All answers of one turn count, although the peer had no
 * time to read the first ones; a turn reads at most 256 KiB.
 */
static bool is_read(struct xf_stream *stream, size_t len)
{
    if (xf_conn_backlog(stream->conn) - len < XF_CONN_LOW_WATER)
        stream->unread_bytes = 0;
    stream->unread_bytes += len;
    return stream->unread_bytes <= UNREAD_MAX;
}

static bool send_draft(struct xf_stream *stream, struct xf_draft *draft)
{
    size_t len = xf_draft_len(draft);
    if (!draft->out)
        return false;
    if (xf_draft_end(draft) != XF_ERR_OK || !is_read(stream, len)) {
        xf_stream_fail(stream, XF_STREAM_ERROR_POLICY_VIOLATION, XF_HELP_TOO_SLOW,
                       "our answers are not read");
        return false;
    }
    xf_conn_flush_soon(stream->conn);
    return true;
}

void xf_stream_send_draft(struct xf_stream *stream, struct xf_draft *draft)
{
    (void)send_draft(stream, draft); /* the stream ends otherwise */
}

void xf_stream_send(struct xf_stream *stream, const char *xml)
{
    struct xf_draft draft = xf_stream_draft(stream);
    xf_draft_str(&draft, xml);
    xf_stream_send_draft(stream, &draft);
}

void xf_stream_send_header(struct xf_stream *stream, const struct xf_stream_header *header)
{
    struct xf_draft draft = xf_stream_draft(stream);
    xf_draft_str(&draft, "<?xml version='1.0'?><stream:stream");
    if (!stream->is_wrapped)
        xf_draft_printf(&draft, " xmlns='%s'", stream->content_ns);
    xf_draft_str(&draft, " xmlns:stream='" XF_NS_STREAM "'");
    if (header->has_dialback)
        xf_draft_str(&draft, " xmlns:db='" XF_NS_DIALBACK "'");
    xf_xml_attr(&draft, "from", header->from);
    xf_xml_attr(&draft, "to", header->to);
    xf_xml_attr(&draft, "id", header->id);
    if (header->has_version)
        xf_draft_str(&draft, " version='1.0' xml:lang='en'");
    xf_draft_str(&draft, ">");
    if (send_draft(stream, &draft))
        stream->header_sent = true;
}

/* If there is no room for it, the peer is not reading anyway. */
static void append_space(struct xf_buf *out, size_t len)
{
    char *tail = xf_buf_reserve(out, len);
    if (!tail)
        return;
    memset(tail, ' ', len);
    out->len += len;
}

/* A stanza lies behind `before` in the output. */
static void sent(struct xf_stream *stream, size_t before)
{
    struct xf_buf *out = &stream->conn->out;
    if (out->len - before > XF_XML_LONG_TAG_BYTES)
        append_space(out, xf_xml_space_behind(
                              (struct xf_span){xf_buf_ptr(out) + before, out->len - before}));
    stream->stanzas_out++;
    xf_conn_flush_soon(stream->conn);
}

enum xf_err xf_stream_send_stanza(struct xf_stream *stream, const struct xf_stanza *stanza)
{
    if (stream->is_ending || !stream->conn)
        return XF_ERR_CLOSED;
    size_t before = stream->conn->out.len;
    enum xf_err err = xf_xml_stanza(&stream->conn->out, stanza, stream->content_ns, XF_SPAN_NONE);
    if (err == XF_ERR_OK)
        sent(stream, before);
    return err;
}

enum xf_err xf_stream_send_wrapped(struct xf_stream *stream, struct xf_span open,
                                   const struct xf_stanza *stanza, struct xf_span close)
{
    if (stream->is_ending || !stream->conn)
        return XF_ERR_CLOSED;
    struct xf_buf *out = &stream->conn->out;
    size_t before = out->len;
    if (xf_buf_try_append(out, open.ptr, open.len) != XF_ERR_OK ||
        xf_xml_stanza(out, stanza, stream->content_ns, XF_SPAN_NONE) != XF_ERR_OK ||
        xf_buf_try_append(out, close.ptr, close.len) != XF_ERR_OK) {
        out->len = before;
        return XF_ERR_LIMIT;
    }
    sent(stream, before);
    return XF_ERR_OK;
}

uint64_t xf_stream_written(const struct xf_stream *stream)
{
    return xf_conn_written(stream->conn);
}

uint64_t xf_stream_left(const struct xf_stream *stream)
{
    return stream->conn ? xf_conn_left(stream->conn) : stream->left_bytes;
}

uint64_t xf_stream_left_at_most(const struct xf_stream *stream)
{
    return stream->conn ? xf_conn_left_at_most(stream->conn) : stream->left_at_most_bytes;
}

uint64_t xf_stream_arrived(const struct xf_stream *stream)
{
    return stream->conn ? xf_conn_arrived(stream->conn) : stream->arrived_bytes;
}

/* All left, and then both sides closed the connection. */
static bool is_conn_clean(const struct xf_stream *stream)
{
    return stream->has_left_all &&
           (stream->conn_end == XF_CONN_END_LOCAL || stream->conn_end == XF_CONN_END_EOF);
}

bool xf_stream_ended_cleanly(const struct xf_stream *stream)
{
    return stream->end == XF_STREAM_END_POLITE && stream->footer_seen && stream->footer_sent &&
           is_conn_clean(stream);
}

bool xf_stream_was_read(const struct xf_stream *stream)
{
    return xf_stream_ended_cleanly(stream) ||
           (stream->end == XF_STREAM_END_OUR_ERROR &&
            stream->our_error != XF_STREAM_ERROR_CONNECTION_TIMEOUT && is_conn_clean(stream));
}

bool xf_stream_is_congested(const struct xf_stream *stream)
{
    return stream->conn && xf_conn_is_congested(stream->conn);
}
