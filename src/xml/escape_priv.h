/* SPDX-License-Identifier: MIT */
/*
 * escape_priv.h — which bytes of character data and of attribute values are written as references.
 *
 * Bytes that no XML text can hold (NUL and most of C0) count as special everywhere, so that a scan of a
 * NUL-terminated text ends by itself; what is written for them is U+FFFD.
 */
#pragma once

#include <stdint.h>
#include <xfed/base/buf.h>

#define XF_ESCAPE_TEXT 1u  /* & < > CR */
#define XF_ESCAPE_VALUE 2u /* also quotes, tab, LF: parsers normalise them (XML 1.0 section 3.3.3) */

#define XF_ESCAPE_MAX 6 /* no byte becomes longer */

extern const uint8_t xf_escape_sets[256]; /* XF_ESCAPE_ bits of each byte */

static inline bool xf_escape_is_special(char c, unsigned set)
{
    return (xf_escape_sets[(unsigned char)c] & set) != 0;
}

/* Length of the run that is written as it is. */
static inline size_t xf_escape_clean(const char *text, size_t len, unsigned set)
{
    size_t n = 0;

    while (n < len && !xf_escape_is_special(text[n], set))
        n++;
    return n;
}

/* The same for a NUL-terminated text. */
static inline size_t xf_escape_clean_z(const char *text, unsigned set)
{
    size_t n = 0;

    while (!xf_escape_is_special(text[n], set))
        n++;
    return n;
}

/* What is written for a special byte. */
struct xf_span xf_escape_reference(char c);

/* Append escaped; XF_ERR_LIMIT at the ceiling, with a part appended. */
XF_MUST_USE enum xf_err xf_escape_append(struct xf_buf *out, const char *text, size_t len, unsigned set);

/* Write escaped where XF_ESCAPE_MAX * text.len bytes are free; returns the end. */
char *xf_escape_into(char *out, struct xf_span text, unsigned set);
