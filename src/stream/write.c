/* SPDX-License-Identifier: MIT */
/* write.c — what leaves on a stream: header, text, stanzas, errors (RFC 6120 §4.7, §4.9). */
#include <xfed/stream/stream.h>

#include <xfed/xmpp/ns.h>

void xf_stream_send_header(struct xf_stream *stream, const struct xf_stream_header *header)
{
    struct xf_buf *out = xf_stream_out(stream);
    if (!out)
        return;
    xf_buf_append_str(out, "<?xml version='1.0'?><stream:stream xmlns='");
    xf_buf_append_str(out, stream->content_ns);
    xf_buf_append_str(out, "' xmlns:stream='" XF_NS_STREAM "'");
    if (header->has_dialback)
        xf_buf_append_str(out, " xmlns:db='" XF_NS_DIALBACK "'");
    xf_xml_attr(out, "from", header->from);
    xf_xml_attr(out, "to", header->to);
    xf_xml_attr(out, "id", header->id);
    if (header->has_version)
        xf_buf_append_str(out, " version='1.0' xml:lang='en'");
    xf_buf_append_str(out, ">");
    stream->header_sent = true;
    xf_stream_flush(stream);
}

struct xf_buf *xf_stream_out(struct xf_stream *stream)
{
    return stream->is_ending || !stream->conn ? NULL : &stream->conn->out;
}

void xf_stream_flush(struct xf_stream *stream)
{
    if (stream->conn)
        xf_conn_flush_soon(stream->conn);
}

/* Our own short texts: a peer that lets 8 MiB of them pile up does not read, and is dropped. */
void xf_stream_send(struct xf_stream *stream, const char *xml)
{
    struct xf_buf *out = xf_stream_out(stream);
    if (!out)
        return;
    if (xf_buf_try_append(out, xml, strlen(xml)) != XF_ERR_OK) {
        xf_stream_abort(stream);
        return;
    }
    xf_stream_flush(stream);
}

/* Without room the peer does not read anyway. */
static void append_space(struct xf_buf *out, size_t len)
{
    char *tail = xf_buf_reserve(out, len);
    if (!tail)
        return;
    memset(tail, ' ', len);
    out->len += len;
}

enum xf_err xf_stream_send_stanza(struct xf_stream *stream, const struct xf_stanza *stanza)
{
    struct xf_buf *out = xf_stream_out(stream);
    if (!out)
        return XF_ERR_CLOSED;
    if (xf_xml_stanza_bound(stanza, stream->content_ns) > xf_buf_room(out))
        return XF_ERR_LIMIT;
    size_t before = out->len;
    xf_xml_stanza(out, stanza, stream->content_ns, XF_SPAN_NONE);
    if (out->len - before > XF_XML_LONG_TAG_BYTES)
        append_space(out, xf_xml_space_behind((struct xf_span){xf_buf_ptr(out) + before, out->len - before}));
    stream->stanzas_out++;
    xf_stream_flush(stream);
    return XF_ERR_OK;
}

bool xf_stream_is_congested(const struct xf_stream *stream)
{
    return stream->conn && xf_conn_is_congested(stream->conn);
}
