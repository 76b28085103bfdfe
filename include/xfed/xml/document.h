/* SPDX-License-Identifier: MIT */
/*
 * document.h — a whole XML document from bytes into a small tree of struct xf_elem (reader.h), with
 * its namespaces resolved: for the bodies of SIP messages.
 *
 * XML 1.0 in UTF-8, with or without a byte order mark. A DOCTYPE is refused, and with it every
 * entity but the five of XML itself. Comments and processing instructions are skipped.
 */
#pragma once

#include <xfed/xml/reader.h>

struct xf_document;

struct xf_document_limits {
    size_t bytes;        /* of the document */
    unsigned depth;      /* elements within each other, the root included */
    unsigned elements;   /* in all */
    unsigned attributes; /* of one element, namespace declarations included */
};

/*
 * Free the result with xf_document_free. XF_ERR_LIMIT: a limit was reached; the memory of the tree
 * has a ceiling too, 48 bytes for each of limits->bytes. XF_ERR_BAD_XML: not well-formed, not in
 * UTF-8, or with a DOCTYPE.
 */
XF_MUST_USE enum xf_err xf_document_parse(struct xf_span text,
                                          const struct xf_document_limits *limits,
                                          struct xf_document **out_document);

/* Borrowed from the document. All text in the tree is legal in XML. */
const struct xf_elem *xf_document_root(const struct xf_document *document);

void xf_document_free(struct xf_document **document);
