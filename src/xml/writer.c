/* SPDX-License-Identifier: MIT */
/*
 * writer.c — stanzas, attributes and text as XML.
 *
 * A stanza is written into one piece of reserved memory: its upper bound is known beforehand, so no
 * write has to check for room. The payload is copied as the reader made it, except that each
 * XF_CONTENT_NS_MARK is replaced by the content namespace of this stream (stanza.h).
 */
#include <xfed/xml/writer.h>

#include "escape_priv.h"

#include <xfed/base/utf8.h>
#include <xfed/xmpp/ns.h>

/* The tags around a stanza, the names of its own attributes, quotes. */
#define STANZA_FRAME_BYTES 128

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

#define PUT_ATTR(out, name, value) \
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

/* ------------------------------------------------------------------ small pieces */

static void append_escaped(struct xf_draft *draft, struct xf_span text, unsigned set)
{
    if (draft->out && !draft->is_short)
        draft->is_short = xf_escape_append(draft->out, text.ptr, text.len, set) != XF_ERR_OK;
}

void xf_xml_text(struct xf_draft *draft, struct xf_span text)
{
    append_escaped(draft, text, XF_ESCAPE_TEXT);
}

void xf_xml_value(struct xf_draft *draft, struct xf_span text)
{
    append_escaped(draft, text, XF_ESCAPE_VALUE);
}

void xf_xml_attr(struct xf_draft *draft, const char *name, struct xf_span value)
{
    if (!value.ptr)
        return;
    xf_draft_str(draft, " ");
    xf_draft_str(draft, name);
    xf_draft_str(draft, "=\"");
    xf_xml_value(draft, value);
    xf_draft_str(draft, "\"");
}

void xf_xml_stanza_error(struct xf_draft *draft, enum xf_stanza_error error, struct xf_span address,
                         const char *text)
{
    const char *name = xf_stanza_error_name(error);
    xf_draft_printf(draft, "<error type=\"%s\"><%s xmlns=\"" XF_NS_STANZA_ERROR "\"",
                    xf_stanza_error_type(error), name);
    if (address.ptr) {
        xf_draft_str(draft, ">");
        xf_xml_text(draft, address);
        xf_draft_printf(draft, "</%s>", name);
    } else {
        xf_draft_str(draft, "/>");
    }
    if (text && *text) {
        xf_draft_str(draft, "<text xmlns=\"" XF_NS_STANZA_ERROR "\" xml:lang=\"en\">");
        xf_xml_text(draft, xf_utf8_whole(xf_span_of(text)));
        xf_draft_str(draft, "</text>");
    }
    xf_draft_str(draft, "</error>");
}

/* ------------------------------------------------------------------ stanzas */

static size_t envelope_bytes(const struct xf_stanza *stanza)
{
    return stanza->from.full.len + stanza->to.full.len + stanza->shown_from.len +
           stanza->shown_to.len + stanza->type.len + stanza->id.len;
}

static size_t stanza_bound(const struct xf_stanza *stanza, size_t ns_len, size_t lang_len)
{
    size_t bound = STANZA_FRAME_BYTES + XF_ESCAPE_MAX * (envelope_bytes(stanza) + lang_len);

    bound += stanza->extra.len + stanza->payload.len;
    if (stanza->has_ns_mark)
        bound += count_marks(stanza->payload) * ns_len;
    return bound;
}

enum xf_err xf_xml_stanza(struct xf_buf *out, const struct xf_stanza *stanza,
                          const char *content_ns, struct xf_span stream_lang)
{
    struct xf_span ns = stanza->has_ns_mark ? xf_span_of(content_ns) : XF_SPAN_NONE;
    struct xf_span lang = stanza->lang.ptr ? stanza->lang : stream_lang;
    struct xf_span kind = xf_span_of(xf_stanza_kind_name(stanza->kind));
    char *start = xf_buf_reserve(out, stanza_bound(stanza, ns.len, lang.len));

    if (!start)
        return XF_ERR_LIMIT;
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
    return XF_ERR_OK;
}

/* ------------------------------------------------------------------ length of a stanza */

static size_t attr_bytes(size_t name_len, struct xf_span value)
{
    return value.ptr ? name_len + sizeof(" =\"\"") - 1 + xf_escape_len(value, XF_ESCAPE_VALUE) : 0;
}

#define ATTR_BYTES(name, value) attr_bytes(sizeof(name) - 1, (value))

/* Exact length of what xf_xml_stanza writes. */
static size_t stanza_bytes(const struct xf_stanza *stanza, size_t ns_len)
{
    size_t kind_len = strlen(xf_stanza_kind_name(stanza->kind)),
           bytes = 1 + kind_len + stanza->extra.len;

    bytes += ATTR_BYTES("from", stanza->shown_from.ptr ? stanza->shown_from : stanza->from.full);
    bytes += ATTR_BYTES("to", stanza->shown_to.ptr ? stanza->shown_to : stanza->to.full);
    bytes += ATTR_BYTES("type", stanza->type);
    bytes += ATTR_BYTES("id", stanza->id);
    bytes += ATTR_BYTES("xml:lang", stanza->lang);
    if (stanza->payload.len == 0)
        return bytes + 2;
    if (stanza->has_ns_mark)
        bytes += count_marks(stanza->payload) * (ns_len - 1);
    return bytes + 1 + stanza->payload.len + 3 + kind_len;
}

bool xf_xml_stanza_fits(const struct xf_stanza *stanza, const char *content_ns, size_t max_bytes)
{
    size_t ns_len = stanza->has_ns_mark ? strlen(content_ns) : 0;

    return stanza_bound(stanza, ns_len, stanza->lang.len) <= max_bytes ||
           stanza_bytes(stanza, ns_len) <= max_bytes;
}
