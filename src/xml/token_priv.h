/* SPDX-License-Identifier: MIT */
/*
 * token_priv.h — what is known about the token at the end of the input, if the parser has only part
 * of it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct xf_token {
    size_t len; /* so far; 0: none */
    char first[2];
    char quote; /* of the attribute value that is open, 0: none */
};

/*
 * Note that the parser was given `len` bytes more, and that the last `pending` bytes of its input
 * belong to an incomplete token.
 */
void xf_token_track(struct xf_token *token, const char *bytes, size_t len, size_t pending);

/* Do these bytes, not given to the parser yet, close the start or end tag? */
bool xf_token_closes(struct xf_token *token, const char *bytes, size_t len);

/* Is it a start or end tag? Otherwise it is a reference, a declaration, white space, ... */
bool xf_token_is_tag(const struct xf_token *token);
/* Is it a comment, a processing instruction, DOCTYPE, or the XML declaration? */
bool xf_token_is_markup_declaration(const struct xf_token *token);
