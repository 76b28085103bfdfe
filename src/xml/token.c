/* SPDX-License-Identifier: MIT */
/*
 * token.c — follows a tag that arrives in pieces.
 *
 * expat scans an incomplete token again from its start with each piece, so a long attribute that
 * arrives in small pieces costs quadratic time (CVE-2023-52425). expat's own remedy, deferral,
 * would delay the stanza until more bytes arrive. A tag, however, ends at the first '>' outside of
 * quotes, which is easy to find piece by piece: the reader keeps the pieces of a long tag until its
 * end arrives. Only the bytes of incomplete tokens are examined.
 */
#include "token_priv.h"

#include <string.h>

bool xf_token_is_tag(const struct xf_token *token)
{
    return token->len > 1 && token->first[0] == '<' && token->first[1] != '!' &&
           token->first[1] != '?';
}

bool xf_token_is_markup_declaration(const struct xf_token *token)
{
    return token->len > 1 && token->first[0] == '<' && !xf_token_is_tag(token);
}

bool xf_token_closes(struct xf_token *token, const char *bytes, size_t len)
{
    const char *p = bytes, *end = bytes + len;

    token->len += len;
    while (p < end) {
        if (token->quote) {
            p = memchr(p, token->quote, (size_t)(end - p));
            if (!p)
                return false;
            token->quote = 0;
        } else if (*p == '"' || *p == '\'') {
            token->quote = *p;
        } else if (*p == '>') {
            return true;
        }
        p++;
    }
    return false;
}

void xf_token_track(struct xf_token *token, const char *bytes, size_t len, size_t pending)
{
    if (pending <= len) {
        *token = (struct xf_token){0};
        bytes += len - pending;
        len = pending;
    }
    for (size_t i = 0; i < len && token->len + i < sizeof(token->first); i++)
        token->first[token->len + i] = bytes[i];
    /* False for a tag: otherwise the parser would have taken it. */
    (void)xf_token_closes(token, bytes, len);
    token->len = pending;
}
