/* SPDX-License-Identifier: MIT */
/*
 * parsers_priv.h — expat parsers that readers share: a reader returns its parser between two
 * elements.
 *
 * Between two elements of a stream, the parser remembers only the name of the root, which the end
 * tag must repeat; the reader keeps the namespaces (prefix.c). The parser can therefore serve any
 * other stream whose root has the same name, XF_COMMON_ROOT, as usual in XMPP. A few parsers used
 * in turn stay in the processor's caches. One parser per stream would take 10 KB each, to be
 * fetched from memory for each stanza of a stream that is not busy.
 */
#pragma once

#include <expat.h>
#include <xfed/xml/reader.h>

#define XF_COMMON_ROOT "stream:stream"

/* A parser between two elements, and what its next reader has to know about it. */
struct xf_parser {
    XML_Parser expat;
    unsigned long fed; /* bytes given to it in total */
    unsigned names;    /* how many it may have stored */
};

/* False: no parser is free. */
bool xf_parsers_take(struct xf_parsers *parsers, struct xf_parser *out_parser);

/* False: enough parsers are free already; the caller keeps this one. */
bool xf_parsers_give(struct xf_parsers *parsers, const struct xf_parser *parser);
