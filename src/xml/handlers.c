/* SPDX-License-Identifier: MIT */
/*
 * handlers.c — what the parser says: header, stanzas, control elements, footer, and what XMPP
 * forbids.
 *
 * depth 0: the root's start tag is the stream header. Depth 1: an element begins; message, presence
 * and iq of the content namespace are serialised as they come (payload.c), others become a tree
 * (tree.c). At its end tag the owner hears of it. Text at depth 1 must be white space (RFC 6120
 * section 4.6.1 keep-alive).
 *
 * Whoever wants the parser to stop within its input halts it, with the reason. expat calls a few
 * handlers more after that, so each of them asks first. Comments, processing instructions and
 * DOCTYPE are refused as they show up (RFC 6120 section 11.1).
 */
#include "deferral_priv.h"
#include "reader_priv.h"

#include <string.h>

#include <xfed/xmpp/ns.h>

/*
 * expat keeps every name of an element, an attribute or a prefix that it ever saw, some 100 bytes
 * each, so a peer could fill the memory with new names. After so many (all counted, most are old) a
 * new parser takes over, between two elements: 12 us each time, 1 % of the time that chat takes to
 * parse.
 */
#define NAMES_MAX 8192

/* An element larger than this leaves a parser with large buffers behind; a new one is made then
 * too. */
#define FAT_ELEMENT_BYTES 65536

/* Memory of a tree: enough for `<a/>` over and over; what needs more repeats a long namespace. */
#define TREE_BYTES_PER_BYTE 48

#define TOO_LARGE(what) XF_ERR_LIMIT, XF_STREAM_ERROR_POLICY_VIOLATION, what " too large"

/* ------------------------------------------------------------------ halting */

unsigned long xf_reader_event_end(const struct xf_reader *reader)
{
    return (unsigned long)XML_GetCurrentByteIndex(reader->parser) +
           (unsigned long)XML_GetCurrentByteCount(reader->parser);
}

static void halt(struct xf_reader *reader, enum xf_reader_halt why)
{
    if (reader->halt)
        return;
    reader->halt = why;
    reader->halt_offset = xf_reader_event_end(reader);
    (void)XML_StopParser(reader->parser,
                         why != XF_HALT_PROBLEM); /* fails only when stopped before */
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
        reader->halt = XF_HALT_STOP; /* behind the same tag */
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
    unsigned attributes =
        (unsigned)XML_GetSpecifiedAttributeCount(reader->parser) / 2 + reader->declarations;

    reader->declarations = 0;
    reader->names += attributes + 1;
    if (attributes > limits->attributes)
        xf_reader_refuse(reader, XF_ERR_LIMIT, XF_STREAM_ERROR_POLICY_VIOLATION,
                         "too many attributes");
    else if (reader->depth >= limits->depth)
        xf_reader_refuse(reader, XF_ERR_LIMIT, XF_STREAM_ERROR_POLICY_VIOLATION,
                         "elements nested too deeply");
    else if (reader->tag_may_be_long &&
             (size_t)XML_GetCurrentByteCount(reader->parser) > limits->start_tag_bytes)
        xf_reader_refuse(reader, TOO_LARGE("start tag"));
    return !reader->error;
}

/* ------------------------------------------------------------------ the header */

static void on_namespace(void *user, const XML_Char *prefix, const XML_Char *uri)
{
    struct xf_reader *reader = user;

    reader->declarations++;
    if (reader->depth > 0 || reader->is_replaying || reader->halt)
        return;
    if (prefix) {
        if (uri && strcmp(uri, XF_NS_DIALBACK) == 0)
            reader->has_root_dialback = true;
    } else if (uri) {
        check(reader, xf_payload_keep(&reader->payload, uri, &reader->root_ns));
        reader->has_root_ns = true;
    }
}

static void note_header_attr(struct xf_header *header, const char *name, const char *value)
{
    const struct {
        const char *name;
        struct xf_span *value;
    } known[] = {
        {"from", &header->from},
        {"to", &header->to},
        {"id", &header->id},
        {"version", &header->version},
        {XF_NS_XML "\x1Flang", &header->lang},
    };

    for (size_t i = 0; i < XF_ARRAY_LEN(known); i++) {
        if (strcmp(name, known[i].name) == 0)
            *known[i].value = xf_span_of(value);
    }
}

/* Keep the tag itself: a later parser must learn the same prefixes and see the same name end
 * (reader.c). */
static void keep_root_tag(struct xf_reader *reader)
{
    size_t start = (size_t)XML_GetCurrentByteIndex(reader->parser);
    size_t len = (size_t)XML_GetCurrentByteCount(reader->parser);

    xf_require(start + len <= reader->head.len);
    reader->root_tag = xf_span_dup((struct xf_span){xf_buf_ptr(&reader->head) + start, len});
    reader->root_tag_len = len;
    xf_buf_release(&reader->head);
}

static void on_root(struct xf_reader *reader, const char *name, const char **attrs)
{
    const char *separator = strchr(name, XF_NAME_SEPARATOR);
    struct xf_header header = {.name = xf_span_of(separator ? separator + 1 : name)};

    if (!xf_reader_admits_size(reader, xf_reader_event_end(reader)))
        return;
    if (separator)
        header.ns = (struct xf_span){name, (size_t)(separator - name)};
    for (unsigned i = 0; attrs[i]; i += 2)
        note_header_attr(&header, attrs[i], attrs[i + 1]);
    if (reader->has_root_ns)
        header.content_ns = (struct xf_span){xf_buf_ptr(&reader->payload.out) + reader->root_ns.off,
                                             reader->root_ns.len};
    header.has_dialback_ns = reader->has_root_dialback;
    keep_root_tag(reader);
    reader->depth = 1;
    reader->events->header(reader->owner, &header);
}

/* XML 1.0 in UTF-8 only (RFC 6120 section 11.6). */
static void on_xml_declaration(void *user, const XML_Char *version, const XML_Char *encoding,
                               int standalone)
{
    struct xf_reader *reader = user;

    (void)standalone; /* there is no DTD that it could speak of */
    if (reader->halt)
        return;
    if (version && strcmp(version, "1.0") != 0)
        xf_reader_refuse(reader, XF_ERR_BAD_XML, XF_STREAM_ERROR_BAD_FORMAT,
                         "only XML 1.0 is understood");
    else if (encoding && !xf_span_eq_nocase(xf_span_of(encoding), XF_SPAN("UTF-8")))
        xf_reader_refuse(reader, XF_ERR_BAD_XML, XF_STREAM_ERROR_UNSUPPORTED_ENCODING,
                         "only UTF-8 is understood");
}

/* ------------------------------------------------------------------ elements */

static void start_in_stanza(struct xf_reader *reader, const char *name, const char **attrs)
{
    struct xf_envelope *envelope = &reader->envelope;
    bool is_child = reader->payload.depth == 0;
    struct xf_payload_name written;

    if (xf_payload_start(&reader->payload, name, attrs, &written) != XF_ERR_OK)
        xf_reader_refuse(reader, TOO_LARGE("stanza"));
    else if (is_child && envelope->child_count++ < XF_STANZA_CHILDREN)
        envelope->children[envelope->child_count - 1] = written;
}

/* Is it a stanza, and of which kind? */
static bool find_kind(const struct xf_reader *reader, const char *name,
                      enum xf_stanza_kind *out_kind)
{
    struct xf_span ns = reader->content_ns;

    if (strncmp(name, ns.ptr, ns.len) != 0 || name[ns.len] != XF_NAME_SEPARATOR)
        return false;
    name += ns.len + 1;
    for (enum xf_stanza_kind kind = XF_STANZA_MESSAGE; kind <= XF_STANZA_IQ; kind++) {
        if (strcmp(name, xf_stanza_kind_name(kind)) == 0) {
            *out_kind = kind;
            return true;
        }
    }
    return false;
}

static void begin_element(struct xf_reader *reader, const char *name, const char **attrs)
{
    enum xf_stanza_kind kind;

    /*
     * A header where none is due (a restart that nobody asked for) would swallow all that follows
     * as its children.
     */
    if (strcmp(name, XF_NS_STREAM "\x1F"
                                  "stream") == 0) {
        xf_reader_refuse(reader, XF_ERR_BAD_XML, XF_STREAM_ERROR_UNSUPPORTED_STANZA_TYPE,
                         "a stream within a stream");
        return;
    }
    reader->element_start = (unsigned long)XML_GetCurrentByteIndex(reader->parser);
    if (find_kind(reader, name, &kind)) {
        reader->mode = XF_MODE_STANZA;
        check(reader, xf_envelope_begin(reader, kind, attrs));
        return;
    }
    reader->mode = XF_MODE_TREE;
    xf_tree_begin(&reader->tree, TREE_BYTES_PER_BYTE * reader->limits.control_bytes);
    check(reader, xf_tree_start(&reader->tree, name, attrs));
}

static void end_element(struct xf_reader *reader)
{
    unsigned long end = xf_reader_event_end(reader);
    size_t wire_bytes = end - reader->element_start;

    if (!xf_reader_admits_size(reader, end))
        return;
    if (reader->mode == XF_MODE_STANZA) {
        xf_envelope_deliver(reader, wire_bytes);
    } else {
        xf_tree_end(&reader->tree);
        reader->events->element(reader->owner, xf_tree_elem(&reader->tree));
        xf_tree_release(&reader->tree);
    }
    reader->mode = XF_MODE_BETWEEN;
    reader->elements++;
    if (reader->names > NAMES_MAX || reader->is_fat || wire_bytes > FAT_ELEMENT_BYTES)
        halt(reader, XF_HALT_RENEW);
}

static void XMLCALL on_start(void *user, const XML_Char *name, const XML_Char **attrs)
{
    struct xf_reader *reader = user;

    if (reader->halt)
        return;
    if (reader->is_replaying) {
        reader->declarations = 0;
        return;
    }
    if (!admit_tag(reader))
        return;
    if (reader->depth == 0) {
        on_root(reader, name, attrs);
        return;
    }
    reader->depth++;
    if (reader->mode == XF_MODE_STANZA)
        start_in_stanza(reader, name, attrs);
    else if (reader->mode == XF_MODE_TREE)
        check(reader, xf_tree_start(&reader->tree, name, attrs));
    else
        begin_element(reader, name, attrs);
}

static void XMLCALL on_end(void *user, const XML_Char *name)
{
    struct xf_reader *reader = user;

    (void)name; /* expat has compared it */
    if (reader->halt)
        return;
    if (--reader->depth == 0) {
        halt(reader, XF_HALT_FOOTER);
        reader->events->footer(reader->owner);
    } else if (reader->depth == 1) {
        end_element(reader);
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
    } else if (!is_white(text, bytes)) {
        xf_reader_refuse(reader, XF_ERR_BAD_XML, XF_STREAM_ERROR_BAD_FORMAT,
                         "text between stanzas");
    }
}

static void XMLCALL on_cdata(void *user)
{
    struct xf_reader *reader = user;

    if (!reader->halt && reader->mode == XF_MODE_BETWEEN)
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
    XML_SetStartNamespaceDeclHandler(parser, on_namespace);
    XML_SetXmlDeclHandler(parser, on_xml_declaration);
    XML_SetCommentHandler(parser, on_comment);
    XML_SetProcessingInstructionHandler(parser, on_instruction);
    XML_SetStartDoctypeDeclHandler(parser, on_doctype);
    xf_expat_defer_nothing(parser);
}
