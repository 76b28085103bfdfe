/* SPDX-License-Identifier: MIT */
/*
 * document.c — parses a whole document, with the settings, the namespaces and the tree of the
 * reader (expat.c, prefix.c, tree.c).
 *
 * The first fault or limit stops expat. It may call a few more handlers after that, so each one
 * first looks whether the document has failed.
 */
#include <xfed/xml/document.h>

#include <limits.h>

#include <xfed/base/alloc.h>
#include <xfed/base/utf8.h>

#include "expat_priv.h"
#include "prefix_priv.h"
#include "tree_priv.h"

struct xf_document {
    struct xf_tree tree;
};

/* A document that is being parsed. */
struct parse {
    XML_Parser parser;
    const struct xf_document_limits *limits;
    struct xf_prefixes prefixes;
    struct xf_tree *tree;
    unsigned depth, elements;
    enum xf_err err;
};

static void check(struct parse *parse, enum xf_err err)
{
    if (err == XF_ERR_OK || parse->err != XF_ERR_OK)
        return;
    parse->err = err;
    (void)XML_StopParser(parse->parser, XML_FALSE); /* fails only if it was stopped before */
}

static enum xf_err admit(struct parse *parse)
{
    const struct xf_document_limits *limits = parse->limits;
    unsigned attributes = (unsigned)XML_GetSpecifiedAttributeCount(parse->parser) / 2;

    if (++parse->depth > limits->depth || ++parse->elements > limits->elements ||
        attributes > limits->attributes)
        return XF_ERR_LIMIT;
    return XF_ERR_OK;
}

static void XMLCALL on_start(void *user, const XML_Char *tag, const XML_Char **attrs)
{
    struct parse *parse = user;
    struct xf_qname name;

    if (parse->err != XF_ERR_OK)
        return;
    enum xf_err err = admit(parse);
    if (err == XF_ERR_OK)
        err = xf_prefixes_enter(&parse->prefixes, tag, attrs, &name);
    if (err == XF_ERR_OK)
        err = xf_tree_start(parse->tree, &parse->prefixes, &name, attrs);
    check(parse, err);
}

static void XMLCALL on_end(void *user, const XML_Char *name)
{
    struct parse *parse = user;

    (void)name; /* expat has checked it */
    if (parse->err != XF_ERR_OK)
        return;
    parse->depth--;
    xf_prefixes_leave(&parse->prefixes);
    xf_tree_end(parse->tree);
}

static void XMLCALL on_text(void *user, const XML_Char *text, int len)
{
    struct parse *parse = user;

    if (parse->err == XF_ERR_OK)
        check(parse, xf_tree_text(parse->tree, text, (size_t)len));
}

static void XMLCALL on_declaration(void *user, const XML_Char *version, const XML_Char *encoding,
                                   int standalone)
{
    (void)standalone; /* it is about a DTD, and there is none */
    if (xf_expat_judge_declaration(version, encoding) != XF_EXPAT_DECLARATION_GOOD)
        check(user, XF_ERR_BAD_XML);
}

static void XMLCALL on_doctype(void *user, const XML_Char *name, const XML_Char *system_id,
                               const XML_Char *public_id, int has_internal_subset)
{
    (void)name; /* any is refused */
    (void)system_id;
    (void)public_id;
    (void)has_internal_subset;
    check(user, XF_ERR_BAD_XML);
}

static void set_handlers(struct parse *parse)
{
    XML_SetUserData(parse->parser, parse);
    XML_SetElementHandler(parse->parser, on_start, on_end);
    XML_SetCharacterDataHandler(parse->parser, on_text);
    XML_SetXmlDeclHandler(parse->parser, on_declaration);
    XML_SetStartDoctypeDeclHandler(parse->parser, on_doctype);
}

static enum xf_err run(struct parse *parse, struct xf_span text)
{
    if (XML_Parse(parse->parser, text.ptr, (int)text.len, XML_TRUE) == XML_STATUS_OK)
        return XF_ERR_OK;
    if (parse->err != XF_ERR_OK)
        return parse->err;
    return XML_GetErrorCode(parse->parser) == XML_ERROR_NO_MEMORY ? XF_ERR_LIMIT : XF_ERR_BAD_XML;
}

static enum xf_err build(struct xf_tree *tree, struct xf_span text,
                         const struct xf_document_limits *limits)
{
    struct parse parse = {.parser = xf_expat_new(), .limits = limits, .tree = tree};

    if (!parse.parser)
        return XF_ERR_LIMIT;
    xf_prefixes_init(&parse.prefixes, limits->bytes);
    xf_tree_begin(tree, XF_TREE_BYTES_PER_BYTE * limits->bytes);
    set_handlers(&parse);
    enum xf_err err = run(&parse, text);
    xf_prefixes_release(&parse.prefixes);
    XML_ParserFree(parse.parser);
    return err;
}

enum xf_err xf_document_parse(struct xf_span text, const struct xf_document_limits *limits,
                              struct xf_document **out_document)
{
    if (text.len > limits->bytes || text.len > INT_MAX)
        return XF_ERR_LIMIT;
    text = xf_utf8_without_mark(text);
    if (text.len == 0 || !xf_expat_may_begin(text.ptr, text.len, 0) ||
        !xf_utf8_valid(text.ptr, text.len))
        return XF_ERR_BAD_XML;

    struct xf_document *document = xf_new(struct xf_document);
    enum xf_err err = build(&document->tree, text, limits);
    if (err != XF_ERR_OK)
        xf_document_free(&document);
    else
        *out_document = document;
    return err;
}

const struct xf_elem *xf_document_root(const struct xf_document *document)
{
    return xf_tree_elem(&document->tree);
}

void xf_document_free(struct xf_document **document)
{
    struct xf_document *old = *document;

    *document = NULL;
    if (!old)
        return;
    xf_tree_release(&old->tree);
    xf_free(old);
}
