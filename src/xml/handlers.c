/* SPDX-License-Identifier: MIT */
/*
 * handlers.c — handles expat's events: header, stanzas, control elements, footer, and what XMPP
 * forbids.
 *
 * At depth 0 the root's start tag is the stream header. Of the elements at depth 1, message,
 * presence and iq of the content namespace are serialised as they arrive (payload.c); others become
 * a tree (tree.c). At its end tag the element is delivered to the owner. So are the children of a
 * wrapper (xf_reader_unwrap), which itself is delivered at its start tag. Text at depth 1 must be
 * white space (the keep-alive of RFC 6120 section 4.6.1).
 *
 * Code that wants the parser to stop before the end of its input halts it with a reason. expat may
 * call a few more handlers after that, so each handler first checks whether the reader is halted.
 * Comments, processing instructions and DOCTYPE are refused where they occur (RFC 6120 section
 * 11.1).
 */
#include "expat_priv.h"
#include "position_priv.h"
#include "reader_priv.h"

#include <string.h>

#include <xfed/base/alloc.h>
#include <xfed/xmpp/ns.h>

/*
 * expat keeps each name of an element, an attribute or a prefix that it has seen, about 100 bytes
 * each, so a peer could fill the memory with new names. After this many names (all are counted,
 * though most are repeated) a new parser takes over between two elements. That takes some
 * microseconds each time, less than 1 % of the time for parsing chat.
 */
#define NAMES_MAX 8192

/*
 * An element larger than this leaves the parser with large buffers, so a new parser takes over
 * then, too.
 */
#define FAT_ELEMENT_BYTES 65536

#define TOO_LARGE(what) XF_ERR_LIMIT, XF_STREAM_ERROR_POLICY_VIOLATION, what " too large"

/* ------------------------------------------------------------------ halting */

unsigned long xf_reader_event_end(const struct xf_reader *reader)
{
    return (unsigned long)xf_expat_byte_index(reader->parser) + xf_expat_byte_count(reader->parser);
}

static void halt(struct xf_reader *reader, enum xf_reader_halt why)
{
    if (reader->halt)
        return;
    reader->halt = why;
    reader->halt_offset = xf_reader_event_end(reader);
    /* Fails only if the parser was stopped before. */
    (void)XML_StopParser(reader->parser, why != XF_HALT_PROBLEM);
}

void xf_reader_refuse(struct xf_reader *reader, enum xf_err err, enum xf_stream_error error,
                      const char *text)
{
    if (reader->error)
        return;
    reader->error = err;
    reader->stream_error = error;
    reader->error_text = text;
    if (reader->is_feeding && reader->parser)
        halt(reader, XF_HALT_PROBLEM);
}

void xf_reader_stop(struct xf_reader *reader)
{
    xf_require(reader->is_feeding && reader->parser);
    if (reader->halt == XF_HALT_FOOTER)
        reader->halt = XF_HALT_STOP; /* after the same tag */
    else
        halt(reader, XF_HALT_STOP);
}

static void check(struct xf_reader *reader, enum xf_err err)
{
    if (err != XF_ERR_OK)
        xf_reader_refuse(reader, TOO_LARGE("element"));
}

/* ------------------------------------------------------------------ ceilings */

bool xf_reader_admits_size(struct xf_reader *reader, unsigned long end)
{
    const struct xf_reader_limits *limits = &reader->limits;
    unsigned long size = end - reader->element_start;

    if (reader->depth == 0 && end > limits->control_bytes)
        xf_reader_refuse(reader, TOO_LARGE("stream header"));
    else if (reader->mode == XF_MODE_STANZA && size > limits->stanza_bytes)
        xf_reader_refuse(reader, TOO_LARGE("stanza"));
    else if (reader->mode == XF_MODE_TREE && size > limits->control_bytes)
        xf_reader_refuse(reader, TOO_LARGE("element"));
    return !reader->error;
}

static bool admit_tag(struct xf_reader *reader)
{
    const struct xf_reader_limits *limits = &reader->limits;
    unsigned attributes = (unsigned)XML_GetSpecifiedAttributeCount(reader->parser) / 2;

    reader->names += attributes + 1;
    if (attributes > limits->attributes)
        xf_reader_refuse(reader, XF_ERR_LIMIT, XF_STREAM_ERROR_POLICY_VIOLATION,
                         "too many attributes");
    else if (reader->depth >= limits->depth)
        xf_reader_refuse(reader, XF_ERR_LIMIT, XF_STREAM_ERROR_POLICY_VIOLATION,
                         "elements nested too deeply");
    else if (reader->tag_may_be_long &&
             xf_expat_byte_count(reader->parser) > limits->start_tag_bytes)
        xf_reader_refuse(reader, TOO_LARGE("start tag"));
    return !reader->error;
}

/* ------------------------------------------------------------------ the header */

static void note_header_attr(struct xf_header *header, const char *name, const char *value)
{
    const struct {
        const char *name;
        struct xf_span *value;
    } known[] = {
        {"from", &header->from},       {"to", &header->to},         {"id", &header->id},
        {"version", &header->version}, {"xml:lang", &header->lang},
    };

    for (size_t i = 0; i < XF_ARRAY_LEN(known); i++) {
        if (strcmp(name, known[i].name) == 0)
            *known[i].value = xf_span_of(value);
    }
}

/* Keep the root's name: a later parser must see it begin, because it will see it end. */
static void keep_root_tag(struct xf_reader *reader, const char *tag)
{
    reader->root_tag = xf_asprintf("<%s>", tag);
    reader->root_tag_len = strlen(reader->root_tag);
    reader->has_common_root = strcmp(tag, XF_COMMON_ROOT) == 0;
}

static void on_root(struct xf_reader *reader, const char *tag, const struct xf_qname *name,
                    const char **attrs)
{
    const struct xf_prefixes *prefixes = &reader->prefixes;
    struct xf_slice content_ns = xf_prefixes_default(prefixes);
    struct xf_header header = {
        .ns = xf_prefixes_ns(prefixes, name),
        .name = {name->local, name->local_len},
        .has_dialback_ns = xf_prefixes_has_prefix_for(prefixes, XF_SPAN(XF_NS_DIALBACK)),
    };

    if (!xf_reader_admits_size(reader, xf_reader_event_end(reader)))
        return;
    for (unsigned i = 0; attrs[i]; i += 2)
        note_header_attr(&header, attrs[i], attrs[i + 1]);
    if (content_ns.len > 0)
        header.content_ns = xf_prefixes_text(prefixes, content_ns);
    keep_root_tag(reader, tag);
    reader->depth = 1;
    reader->events->header(reader->owner, &header);
}

/* XML 1.0 in UTF-8 only (RFC 6120 section 11.6). */
static void on_xml_declaration(void *user, const XML_Char *version, const XML_Char *encoding,
                               int standalone)
{
    struct xf_reader *reader = user;

    (void)standalone; /* it is about a DTD, and XMPP has none */
    if (reader->halt)
        return;
    switch (xf_expat_judge_declaration(version, encoding)) {
    case XF_EXPAT_DECLARATION_GOOD:
        return;
    case XF_EXPAT_DECLARATION_VERSION:
        xf_reader_refuse(reader, XF_ERR_BAD_XML, XF_STREAM_ERROR_BAD_FORMAT,
                         "only XML 1.0 is understood");
        return;
    case XF_EXPAT_DECLARATION_ENCODING:
        xf_reader_refuse(reader, XF_ERR_BAD_XML, XF_STREAM_ERROR_UNSUPPORTED_ENCODING,
                         "only UTF-8 is understood");
        return;
    }
}

/* ------------------------------------------------------------------ elements */

static void start_in_stanza(struct xf_reader *reader, const struct xf_qname *name,
                            const char **attrs)
{
    struct xf_envelope *envelope = &reader->envelope;
    bool is_child = reader->payload.depth == 0;
    struct xf_payload_name written;

    if (xf_payload_start(&reader->payload, &reader->prefixes, name, attrs, &written) != XF_ERR_OK)
        xf_reader_refuse(reader, TOO_LARGE("stanza"));
    else if (is_child && envelope->child_count++ < XF_STANZA_CHILDREN)
        envelope->children[envelope->child_count - 1] = written;
}

/* Is it a stanza, and of which kind? */
static bool find_kind(const struct xf_reader *reader, const struct xf_qname *name,
                      enum xf_stanza_kind *out_kind)
{
    if ((reader->wrapper && reader->floor == 1) ||
        !xf_span_eq(xf_prefixes_ns(&reader->prefixes, name), reader->content_ns))
        return false;
    for (enum xf_stanza_kind kind = XF_STANZA_MESSAGE; kind <= XF_STANZA_IQ; kind++) {
        if (strcmp(name->local, xf_stanza_kind_name(kind)) == 0) {
            *out_kind = kind;
            return true;
        }
    }
    return false;
}

/*
 * An unexpected stream header (a restart that nobody asked for) would make everything after it its
 * children.
 */
static bool is_stream(const struct xf_reader *reader, const struct xf_qname *name)
{
    return strcmp(name->local, "stream") == 0 &&
           xf_span_eq(xf_prefixes_ns(&reader->prefixes, name), XF_SPAN(XF_NS_STREAM));
}

static bool is_wrapper(const struct xf_reader *reader, const struct xf_qname *name)
{
    return reader->wrapper && reader->floor == 1 &&
           strcmp(name->local, reader->wrapper->name) == 0 &&
           xf_span_is(xf_prefixes_ns(&reader->prefixes, name), reader->wrapper->ns);
}

static void deliver_tree(struct xf_reader *reader, size_t wire_bytes)
{
    xf_tree_set_wire_bytes(&reader->tree, wire_bytes);
    xf_tree_end(&reader->tree);
    reader->events->element(reader->owner, xf_tree_elem(&reader->tree));
    xf_tree_release(&reader->tree);
}

static void begin_tree(struct xf_reader *reader, const struct xf_qname *name, const char **attrs)
{
    xf_tree_begin(&reader->tree, XF_TREE_BYTES_PER_BYTE * reader->limits.control_bytes);
    check(reader, xf_tree_start(&reader->tree, &reader->prefixes, name, attrs));
}

static void begin_wrapper(struct xf_reader *reader, const struct xf_qname *name, const char **attrs)
{
    reader->floor = 2;
    begin_tree(reader, name, attrs);
    if (!reader->error)
        deliver_tree(reader, 0);
}

static void begin_element(struct xf_reader *reader, const struct xf_qname *name, const char **attrs)
{
    enum xf_stanza_kind kind;

    reader->element_start = (unsigned long)xf_expat_byte_index(reader->parser);
    if (is_wrapper(reader, name)) {
        begin_wrapper(reader, name, attrs);
        return;
    }
    if (find_kind(reader, name, &kind)) {
        reader->mode = XF_MODE_STANZA;
        check(reader, xf_envelope_begin(reader, kind, name, attrs));
        return;
    }
    if (is_stream(reader, name)) {
        xf_reader_refuse(reader, XF_ERR_BAD_XML, XF_STREAM_ERROR_UNSUPPORTED_STANZA_TYPE,
                         "a stream within a stream");
        return;
    }
    reader->mode = XF_MODE_TREE;
    begin_tree(reader, name, attrs);
}

/* A new parser cannot take over in a wrapper, whose start tag it has not seen. */
static void renew_if_due(struct xf_reader *reader, size_t wire_bytes)
{
    reader->is_fat |= wire_bytes > FAT_ELEMENT_BYTES;
    if (reader->floor == 1 && (reader->names > NAMES_MAX || reader->is_fat))
        halt(reader, XF_HALT_RENEW);
}

static void end_element(struct xf_reader *reader)
{
    unsigned long end = xf_reader_event_end(reader);
    size_t wire_bytes = end - reader->element_start;

    if (!xf_reader_admits_size(reader, end))
        return;
    if (reader->mode == XF_MODE_STANZA)
        xf_envelope_deliver(reader, wire_bytes);
    else
        deliver_tree(reader, wire_bytes);
    reader->mode = XF_MODE_BETWEEN;
    reader->elements++;
    renew_if_due(reader, wire_bytes);
}

static void end_wrapper(struct xf_reader *reader)
{
    reader->floor = 1;
    renew_if_due(reader, 0);
}

/* Bring the tag's declarations into force and resolve its name. False: a fault, or no room. */
static bool resolve_tag(struct xf_reader *reader, const char *name, const char **attrs,
                        struct xf_qname *out_name)
{
    enum xf_err err = xf_prefixes_enter(&reader->prefixes, name, attrs, out_name);

    if (err == XF_ERR_BAD_XML)
        xf_reader_refuse(reader, XF_ERR_BAD_XML, XF_STREAM_ERROR_NOT_WELL_FORMED, NULL);
    else
        check(reader, err);
    return err == XF_ERR_OK;
}

static void XMLCALL on_start(void *user, const XML_Char *tag, const XML_Char **attrs)
{
    struct xf_reader *reader = user;
    struct xf_qname name;

    if (reader->halt)
        return;
    if (reader->is_replaying)
        return;
    if (!admit_tag(reader) || !resolve_tag(reader, tag, attrs, &name))
        return;
    if (reader->depth == 0) {
        on_root(reader, tag, &name, attrs);
        return;
    }
    reader->depth++;
    if (reader->mode == XF_MODE_STANZA)
        start_in_stanza(reader, &name, attrs);
    else if (reader->mode == XF_MODE_TREE)
        check(reader, xf_tree_start(&reader->tree, &reader->prefixes, &name, attrs));
    else
        begin_element(reader, &name, attrs);
}

static void XMLCALL on_end(void *user, const XML_Char *name)
{
    struct xf_reader *reader = user;

    (void)name; /* expat has checked it */
    if (reader->halt)
        return;
    xf_prefixes_leave(&reader->prefixes);
    if (--reader->depth == 0) {
        halt(reader, XF_HALT_FOOTER);
        reader->events->footer(reader->owner);
    } else if (reader->depth == reader->floor) {
        end_element(reader);
    } else if (reader->depth < reader->floor) {
        end_wrapper(reader);
    } else if (reader->mode == XF_MODE_TREE) {
        xf_tree_end(&reader->tree);
    } else if (xf_payload_end(&reader->payload) != XF_ERR_OK) {
        xf_reader_refuse(reader, TOO_LARGE("stanza"));
    }
}

/* ------------------------------------------------------------------ text */

static bool is_white(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] != ' ' && text[i] != '\n' && text[i] != '\t' && text[i] != '\r')
            return false;
    }
    return true;
}

static void XMLCALL on_text(void *user, const XML_Char *text, int len)
{
    struct xf_reader *reader = user;
    size_t bytes = (size_t)len;

    if (reader->halt)
        return;
    if (reader->mode == XF_MODE_STANZA) {
        if (xf_payload_text(&reader->payload, text, bytes) != XF_ERR_OK)
            xf_reader_refuse(reader, TOO_LARGE("stanza"));
    } else if (reader->mode == XF_MODE_TREE) {
        check(reader, xf_tree_text(&reader->tree, text, bytes));
    } else if (reader->floor == 1 && !is_white(text, bytes)) {
        xf_reader_refuse(reader, XF_ERR_BAD_XML, XF_STREAM_ERROR_BAD_FORMAT,
                         "text between stanzas");
    } else {
        reader->white += (unsigned)xf_expat_byte_count(reader->parser); /* &#x20; is longer */
    }
}

static void XMLCALL on_cdata(void *user)
{
    struct xf_reader *reader = user;

    if (!reader->halt && reader->mode == XF_MODE_BETWEEN && reader->floor == 1)
        xf_reader_refuse(reader, XF_ERR_BAD_XML, XF_STREAM_ERROR_BAD_FORMAT,
                         "text between stanzas");
}

/* ------------------------------------------------------------------ what XMPP forbids */

static void refuse_restricted(struct xf_reader *reader, const char *text)
{
    if (!reader->halt)
        xf_reader_refuse(reader, XF_ERR_BAD_XML, XF_STREAM_ERROR_RESTRICTED_XML, text);
}

static void XMLCALL on_comment(void *user, const XML_Char *text)
{
    (void)text; /* any is forbidden */
    refuse_restricted(user, "comments are not allowed");
}

static void XMLCALL on_instruction(void *user, const XML_Char *target, const XML_Char *text)
{
    (void)target; /* any is forbidden */
    (void)text;
    refuse_restricted(user, "processing instructions are not allowed");
}

static void XMLCALL on_doctype(void *user, const XML_Char *name, const XML_Char *system_id,
                               const XML_Char *public_id, int has_internal_subset)
{
    (void)name; /* any is forbidden */
    (void)system_id;
    (void)public_id;
    (void)has_internal_subset;
    refuse_restricted(user, "document type declarations are not allowed");
}

void xf_reader_set_handlers(struct xf_reader *reader)
{
    XML_Parser parser = reader->parser;

    XML_SetUserData(parser, reader);
    XML_SetElementHandler(parser, on_start, on_end);
    XML_SetCharacterDataHandler(parser, on_text);
    XML_SetStartCdataSectionHandler(parser, on_cdata);
    XML_SetXmlDeclHandler(parser, on_xml_declaration);
    XML_SetCommentHandler(parser, on_comment);
    XML_SetProcessingInstructionHandler(parser, on_instruction);
    XML_SetStartDoctypeDeclHandler(parser, on_doctype);
}
