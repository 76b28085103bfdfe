/* SPDX-License-Identifier: MIT */
/*
 * parsers_priv.h — expat parsers that readers lend each other between two elements.
 *
 * Between two elements of a stream the parser knows nothing of that stream but the name of its
 * root, which the end tag must repeat: namespaces are in the reader (prefix.c). So it serves as
 * well for any other stream whose root is XF_COMMON_ROOT, as the roots of XMPP streams are. A few
 * parsers in turn stay in the processor's caches; one for each stream takes 10 KB a stream, which
 * are fetched from memory for each stanza of a stream that is not busy.
 */
#pragma once

#include <expat.h>
#include <xfed/xml/reader.h>

#define XF_COMMON_ROOT "stream:stream"

/* A parser between two elements, and what its reader has to know of it. */
struct xf_parser {
    XML_Parser expat;
    unsigned long fed; /* bytes, all in all */
    unsigned names;    /* that it may have stored */
};

/* False: there is none. */
bool xf_parsers_take(struct xf_parsers *parsers, struct xf_parser *out_parser);

/* False: there are enough of them; the parser is still the caller's. */
bool xf_parsers_give(struct xf_parsers *parsers, const struct xf_parser *parser);
