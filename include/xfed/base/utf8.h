/* SPDX-License-Identifier: MIT */
/*
 * utf8.h — incremental check of UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above
 * U+10FFFF. Runs before the XML parser, so that later layers can rely on valid UTF-8 (bugs like
 * CVE-2022-25235).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xfed/base/span.h>

struct xf_utf8 {
    uint8_t need;         /* continuation bytes still due */
    uint8_t lower, upper; /* range of the next continuation byte */
};

/*
 * Start with a zeroed struct. False: the bytes are invalid, and the state must not be used again.
 * Fast for ASCII.
 */
bool xf_utf8_feed(struct xf_utf8 *state, const char *bytes, size_t len);

/* Is a sequence incomplete? */
static inline bool xf_utf8_is_partial(const struct xf_utf8 *state)
{
    return state->need != 0;
}

/* Whole text. */
bool xf_utf8_valid(const char *bytes, size_t len);

/*
 * Text that was valid until it was cut to fit a buffer, without the part of a character at its end:
 * for whoever writes it into XML.
 */
struct xf_span xf_utf8_whole(struct xf_span text);

/* The text without the byte order mark with which editors of Windows begin a file. */
struct xf_span xf_utf8_without_mark(struct xf_span text);

/*
 * Length of the character at `p` if it may be shown to people; 0: it is not UTF-8 or not of XML, or
 * could end a line, move the cursor of a terminal or turn the direction of text. left > 0.
 */
size_t xf_utf8_shown(const unsigned char *p, size_t left);
/* How many bytes to escape where that is 0: the whole character, or a byte that is not UTF-8. */
size_t xf_utf8_unshown(const unsigned char *p, size_t left);
