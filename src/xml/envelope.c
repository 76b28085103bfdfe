/* SPDX-License-Identifier: MIT */
/*
 * envelope.c — keeps the attributes of a stanza, and delivers the stanza to the reader's owner.
 *
 * Values of from, to, type, id and xml:lang are kept unescaped, the others serialised, all in front
 * of the payload in the same buffer. They are referred to by offset until the stanza is complete
 * and the buffer no longer moves; then by pointer.
 */
#include "reader_priv.h"

#include <string.h>

#include <xfed/xmpp/ns.h>

static struct xf_slice *envelope_slot(struct xf_envelope *envelope, const char *name)
{
    switch (name[0]) {
    case 'f':
        return strcmp(name, "from") == 0 ? &envelope->from : NULL;
    case 't':
        if (strcmp(name, "to") == 0)
            return &envelope->to;
        return strcmp(name, "type") == 0 ? &envelope->type : NULL;
    case 'i':
        return strcmp(name, "id") == 0 ? &envelope->id : NULL;
    case 'x': /* the prefix xml and its namespace are bound only to each other */
        return strcmp(name, "xml:lang") == 0 ? &envelope->lang : NULL;
    default:
        return NULL;
    }
}

static enum xf_err keep_extra(struct xf_reader *reader, const char **attrs)
{
    for (unsigned at = 0; attrs[at]; at += 2) {
        if (!xf_prefix_is_declaration(attrs[at]) && !envelope_slot(&reader->envelope, attrs[at]) &&
            xf_payload_attr(&reader->payload, &reader->prefixes, attrs, at) != XF_ERR_OK)
            return XF_ERR_LIMIT;
    }
    return XF_ERR_OK;
}

enum xf_err xf_envelope_begin(struct xf_reader *reader, enum xf_stanza_kind kind,
                              const struct xf_qname *name, const char **attrs)
{
    struct xf_envelope *envelope = &reader->envelope;
    bool has_extra = false;

    envelope->kind = kind;
    envelope->from = envelope->to = envelope->type = envelope->id = envelope->lang = XF_SLICE_NONE;
    envelope->child_count = 0;
    xf_payload_begin(&reader->payload, name->ns);
    for (unsigned at = 0; attrs[at]; at += 2) {
        struct xf_slice *slot = envelope_slot(envelope, attrs[at]);

        if (!slot)
            has_extra = true;
        else if (xf_payload_keep(&reader->payload, attrs[at + 1], slot) != XF_ERR_OK)
            return XF_ERR_LIMIT;
    }
    envelope->extra_off = (uint32_t)reader->payload.out.len;
    if (has_extra && keep_extra(reader, attrs) != XF_ERR_OK)
        return XF_ERR_LIMIT;
    envelope->payload_off = (uint32_t)reader->payload.out.len;
    return XF_ERR_OK;
}

static struct xf_span span_of(const struct xf_reader *reader, struct xf_slice slice)
{
    if (slice.off == UINT32_MAX)
        return XF_SPAN_NONE;
    return (struct xf_span){xf_buf_ptr(&reader->payload.out) + slice.off, slice.len};
}

static struct xf_span span_between(const struct xf_reader *reader, size_t from, size_t to)
{
    return (struct xf_span){xf_buf_ptr(&reader->payload.out) + from, to - from};
}

void xf_envelope_deliver(struct xf_reader *reader, size_t wire_bytes)
{
    const struct xf_envelope *envelope = &reader->envelope;
    struct xf_stanza stanza;

    /* All but the children, most of the struct: they are filled only up to child_count. */
    memset(&stanza, 0, offsetof(struct xf_stanza, children));
    stanza.kind = envelope->kind;
    stanza.raw_from = span_of(reader, envelope->from);
    stanza.raw_to = span_of(reader, envelope->to);
    stanza.type = span_of(reader, envelope->type);
    stanza.id = span_of(reader, envelope->id);
    stanza.lang = span_of(reader, envelope->lang);
    stanza.extra = span_between(reader, envelope->extra_off, envelope->payload_off);
    stanza.payload = span_between(reader, envelope->payload_off, reader->payload.out.len);
    stanza.has_ns_mark = reader->payload.has_mark;
    stanza.child_count = envelope->child_count;
    stanza.wire_bytes = wire_bytes;
    for (unsigned i = 0; i < envelope->child_count && i < XF_STANZA_CHILDREN; i++) {
        stanza.children[i].ns = span_of(reader, envelope->children[i].ns);
        stanza.children[i].name = span_of(reader, envelope->children[i].name);
    }
    reader->events->stanza(reader->owner, &stanza);
}
