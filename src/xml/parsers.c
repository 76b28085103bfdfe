/* SPDX-License-Identifier: MIT */
/* parsers.c — a small stack of expat parsers that no stream needs at the moment. */
#include "parsers_priv.h"

#include <xfed/base/alloc.h>

/* A thread reads one stream at a time, so one parser is enough unless elements arrive in pieces. */
#define PARSERS_MAX 8

struct xf_parsers {
    /* The parser used last is on top, because it is still in the processor's caches. */
    struct xf_parser free[PARSERS_MAX];
    unsigned count;
};

struct xf_parsers *xf_parsers_new(void)
{
    return xf_new(struct xf_parsers);
}

void xf_parsers_free(struct xf_parsers **parsers)
{
    struct xf_parsers *old = *parsers;

    *parsers = NULL;
    if (!old)
        return;
    while (old->count > 0)
        XML_ParserFree(old->free[--old->count].expat);
    xf_free(old);
}

bool xf_parsers_take(struct xf_parsers *parsers, struct xf_parser *out_parser)
{
    if (parsers->count == 0)
        return false;
    *out_parser = parsers->free[--parsers->count];
    return true;
}

bool xf_parsers_give(struct xf_parsers *parsers, const struct xf_parser *parser)
{
    if (parsers->count == PARSERS_MAX)
        return false;
    parsers->free[parsers->count++] = *parser;
    return true;
}
