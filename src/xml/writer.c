/* SPDX-License-Identifier: MIT */
/*
 * writer.c — stanzas, attributes and text as XML.
 *
 * A stanza is written into one piece of reserved memory: its upper bound is known beforehand, so
 * nothing is checked on the way. The payload is copied as the reader made it; only where it holds
 * XF_CONTENT_NS_MARK the content namespace of this stream goes in between (stanza.h).
 */
#include <xfed/xml/writer.h>

#include <xfed/xmpp/ns.h>

#include "escape_priv.h"

/* The tags around a stanza, the names of its own attributes, quotes, the answer's error element. */
#define STANZA_FRAME_BYTES 128
#define BOUNCE_FRAME_BYTES 384

/* ------------------------------------------------------------------ into reserved memory */

static inline char *put(char *out, const char *bytes, size_t len)
{
    memcpy(out, bytes, len);
    return out + len;
}

#define PUT(out, literal) put((out), "" literal, sizeof(literal) - 1)

static inline char *put_span(char *out, struct xf_span s)
{
    return s.len ? put(out, s.ptr, s.len) : out;
}

static char *put_value(char *out, struct xf_span value)
{
    out = xf_escape_into(out, value, XF_ESCAPE_VALUE);
    *out++ = '"';
    return out;
}

#define PUT_ATTR(out, name, value)                                                                 \
    ((value).ptr ? put_value(PUT(out, " " name "=\""), (value)) : (out))

static char *put_payload(char *out, struct xf_span payload, struct xf_span content_ns)
{
    const char *from = payload.ptr, *end = payload.ptr + payload.len, *mark;

    while ((mark = memchr(from, XF_CONTENT_NS_MARK, (size_t)(end - from)))) {
        out = put(out, from, (size_t)(mark - from));
        out = put_span(out, content_ns);
        from = mark + 1;
    }
    return put(out, from, (size_t)(end - from));
}

static size_t count_marks(struct xf_span payload)
{
    size_t count = 0;

    for (const char *p = payload.ptr, *end = p + payload.len;
         (p = memchr(p, XF_CONTENT_NS_MARK, (size_t)(end - p))); p++)
        count++;
    return count;
}

static char *reserve(struct xf_buf *out, size_t bound)
{
    char *start = xf_buf_reserve(out, bound);

    xf_require(start != NULL);
    return start;
}

/* ------------------------------------------------------------------ small pieces */

static void append_escaped(struct xf_buf *out, struct xf_span text, unsigned set)
{
    xf_require(xf_escape_append(out, text.ptr, text.len, set) == XF_ERR_OK);
}

void xf_xml_text(struct xf_buf *out, struct xf_span text)
{
    append_escaped(out, text, XF_ESCAPE_TEXT);
}

void xf_xml_value(struct xf_buf *out, struct xf_span text)
{
    append_escaped(out, text, XF_ESCAPE_VALUE);
}

void xf_xml_attr(struct xf_buf *out, const char *name, struct xf_span value)
{
    if (!value.ptr)
        return;
    xf_buf_append(out, " ", 1);
    xf_buf_append_str(out, name);
    xf_buf_append(out, "=\"", 2);
    xf_xml_value(out, value);
    xf_buf_append(out, "\"", 1);
}

/* ------------------------------------------------------------------ stanzas */

static size_t envelope_bytes(const struct xf_stanza *stanza)
{
    return stanza->from.full.len + stanza->to.full.len + stanza->shown_from.len + stanza->shown_to.len + stanza->type.len +
           stanza->id.len;
}

static size_t stanza_bound(const struct xf_stanza *stanza, size_t ns_len, size_t lang_len)
{
    size_t bound = STANZA_FRAME_BYTES + XF_ESCAPE_MAX * (envelope_bytes(stanza) + lang_len);

    bound += stanza->extra.len + stanza->payload.len;
    if (stanza->has_ns_mark)
        bound += count_marks(stanza->payload) * ns_len;
    return bound;
}

/* A header's xml:lang is not known here, so the longest that a stream keeps is assumed (stream.h).
 */
#define STREAM_LANG_MAX 64

size_t xf_xml_stanza_bound(const struct xf_stanza *stanza, const char *content_ns)
{
    return stanza_bound(stanza, strlen(content_ns),
                        stanza->lang.ptr ? stanza->lang.len : STREAM_LANG_MAX);
}

void xf_xml_stanza(struct xf_buf *out, const struct xf_stanza *stanza, const char *content_ns,
                   struct xf_span stream_lang)
{
    struct xf_span ns = stanza->has_ns_mark ? xf_span_of(content_ns) : XF_SPAN_NONE;
    struct xf_span lang = stanza->lang.ptr ? stanza->lang : stream_lang;
    struct xf_span kind = xf_span_of(xf_stanza_kind_name(stanza->kind));
    char *start = reserve(out, stanza_bound(stanza, ns.len, lang.len));
    char *p = put_span(PUT(start, "<"), kind);

    p = PUT_ATTR(p, "from", stanza->shown_from.ptr ? stanza->shown_from : stanza->from.full);
    p = PUT_ATTR(p, "to", stanza->shown_to.ptr ? stanza->shown_to : stanza->to.full);
    p = PUT_ATTR(p, "type", stanza->type);
    p = PUT_ATTR(p, "id", stanza->id);
    p = PUT_ATTR(p, "xml:lang", lang);
    p = put_span(p, stanza->extra);
    if (stanza->payload.len == 0) {
        p = PUT(p, "/>");
    } else {
        p = PUT(p, ">");
        p = stanza->has_ns_mark ? put_payload(p, stanza->payload, ns)
                                : put_span(p, stanza->payload);
        p = PUT(put_span(PUT(p, "</"), kind), ">");
    }
    xf_buf_commit(out, (size_t)(p - start));
}

size_t xf_xml_bounce_bound(const struct xf_stanza *stanza, struct xf_span text)
{
    return BOUNCE_FRAME_BYTES + XF_ESCAPE_MAX * (envelope_bytes(stanza) + text.len);
}

void xf_xml_bounce(struct xf_buf *out, const struct xf_stanza *stanza, enum xf_stanza_error error,
                   struct xf_span text)
{
    struct xf_span kind = xf_span_of(xf_stanza_kind_name(stanza->kind));
    char *start = reserve(out, xf_xml_bounce_bound(stanza, text));
    char *p = put_span(PUT(start, "<"), kind);

    p = PUT_ATTR(p, "from", stanza->to.full);
    p = PUT_ATTR(p, "to", stanza->from.full);
    p = PUT(p, " type=\"error\"");
    p = PUT_ATTR(p, "id", stanza->id);
    p = put_span(PUT(p, "><error type=\""), xf_span_of(xf_stanza_error_type(error)));
    p = put_span(PUT(p, "\"><"), xf_span_of(xf_stanza_error_name(error)));
    p = PUT(p, " xmlns=\"" XF_NS_STANZA_ERROR "\"/>");
    if (text.ptr) {
        p = PUT(p, "<text xmlns=\"" XF_NS_STANZA_ERROR "\" xml:lang=\"en\">");
        p = PUT(xf_escape_into(p, text, XF_ESCAPE_TEXT), "</text>");
    }
    p = PUT(put_span(PUT(p, "</error></"), kind), ">");
    xf_buf_commit(out, (size_t)(p - start));
}
