/* SPDX-License-Identifier: MIT */
/*
 * token_priv.h — what is known of the token at the end of the input that the parser has only in
 * part.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct xf_token {
    size_t len; /* so far; 0: none */
    char first[2];
    char quote; /* of the attribute value that is open, 0: none */
};

/* The parser was given `len` bytes, and `pending` bytes at its end are a token in part. */
void xf_token_track(struct xf_token *token, const char *bytes, size_t len, size_t pending);

/* More bytes, not given to the parser yet: do they close this start or end tag? */
bool xf_token_closes(struct xf_token *token, const char *bytes, size_t len);

/* A start or end tag; else a reference, a declaration, white space, ... */
bool xf_token_is_tag(const struct xf_token *token);
/* A comment, processing instruction, DOCTYPE, or the XML declaration. */
bool xf_token_is_markup_declaration(const struct xf_token *token);
