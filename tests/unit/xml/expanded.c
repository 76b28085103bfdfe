/* SPDX-License-Identifier: MIT */
/* expanded.c — expanded names, by us and by expat. */
#include "expanded.h"

#include <expat.h>

#include "prefix_priv.h"

#define SEPARATOR '\x1F' /* cannot occur in XML 1.0 */
#define TEXT_MAX  (4u << 20)

struct document {
    XML_Parser parser;
    struct xf_prefixes prefixes; /* ours only */
    struct xf_buf *lines;
};

static void put_name(struct xf_buf *lines, struct xf_span ns, struct xf_span local)
{
    xf_buf_append_str(lines, "{");
    xf_buf_append_span(lines, ns);
    xf_buf_append_str(lines, "}");
    xf_buf_append_span(lines, local);
}

static void put_value(struct xf_buf *lines, const char *value)
{
    xf_buf_append_str(lines, "=");
    xf_buf_append_str(lines, value);
}

static void stop(struct document *document)
{
    (void)XML_StopParser(document->parser, XML_FALSE); /* fails only when stopped before */
}

/* ------------------------------------------------------------------ ours */

static void put_qname(struct document *document, const struct xf_qname *name)
{
    put_name(document->lines, xf_prefixes_ns(&document->prefixes, name),
             (struct xf_span){name->local, name->local_len});
}

static void XMLCALL our_start(void *user, const XML_Char *tag, const XML_Char **attrs)
{
    struct document *document = user;
    XML_ParsingStatus status;
    struct xf_qname name;

    XML_GetParsingStatus(document->parser, &status);
    if (status.parsing != XML_PARSING)
        return;
    if (xf_prefixes_enter(&document->prefixes, tag, attrs, &name) != XF_ERR_OK) {
        stop(document);
        return;
    }
    put_qname(document, &name);
    for (unsigned at = 0; attrs[at]; at += 2) {
        if (xf_prefix_is_declaration(attrs[at]))
            continue;
        name = xf_prefixes_attr(&document->prefixes, attrs, at);
        xf_buf_append_str(document->lines, " ");
        put_qname(document, &name);
        put_value(document->lines, attrs[at + 1]);
    }
    xf_buf_append_str(document->lines, "\n");
}

static void XMLCALL our_end(void *user, const XML_Char *tag)
{
    struct document *document = user;
    XML_ParsingStatus status;

    (void)tag; /* expat has compared it */
    XML_GetParsingStatus(document->parser, &status);
    if (status.parsing == XML_PARSING)
        xf_prefixes_leave(&document->prefixes);
}

/* ------------------------------------------------------------------ expat's */

static void put_expat_name(struct xf_buf *lines, const char *name)
{
    const char *separator = strchr(name, SEPARATOR);
    struct xf_span ns = {name, separator ? (size_t)(separator - name) : 0};

    put_name(lines, ns, xf_span_of(separator ? separator + 1 : name));
}

static void XMLCALL their_start(void *user, const XML_Char *tag, const XML_Char **attrs)
{
    struct document *document = user;

    put_expat_name(document->lines, tag);
    for (unsigned at = 0; attrs[at]; at += 2) {
        xf_buf_append_str(document->lines, " ");
        put_expat_name(document->lines, attrs[at]);
        put_value(document->lines, attrs[at + 1]);
    }
    xf_buf_append_str(document->lines, "\n");
}

/* ------------------------------------------------------------------ both */

static void XMLCALL refuse_instruction(void *user, const XML_Char *target, const XML_Char *text)
{
    (void)target;
    (void)text;
    stop(user);
}

static void XMLCALL refuse_doctype(void *user, const XML_Char *name, const XML_Char *system_id,
                                   const XML_Char *public_id, int has_internal_subset)
{
    (void)name;
    (void)system_id;
    (void)public_id;
    (void)has_internal_subset;
    stop(user);
}

static bool parse(struct document *document, const char *in, size_t len)
{
    XML_Parser parser = document->parser;

    XML_SetUserData(parser, document);
    XML_SetProcessingInstructionHandler(parser, refuse_instruction);
    XML_SetStartDoctypeDeclHandler(parser, refuse_doctype);
    bool is_good = XML_Parse(parser, in, (int)len, XML_TRUE) == XML_STATUS_OK;
    XML_ParserFree(parser);
    return is_good;
}

bool expanded_by_us(const char *in, size_t len, struct xf_buf *lines)
{
    struct document document = {.parser = XML_ParserCreate("UTF-8"), .lines = lines};

    xf_prefixes_init(&document.prefixes, TEXT_MAX);
    XML_SetElementHandler(document.parser, our_start, our_end);
    bool is_good = parse(&document, in, len);
    xf_require(!is_good || (document.prefixes.count == 0 && document.prefixes.text.len == 0));
    xf_prefixes_release(&document.prefixes);
    return is_good;
}

bool expanded_by_expat(const char *in, size_t len, struct xf_buf *lines)
{
    struct document document = {.parser = XML_ParserCreateNS("UTF-8", SEPARATOR), .lines = lines};

    XML_SetStartElementHandler(document.parser, their_start);
    return parse(&document, in, len);
}
