/* SPDX-License-Identifier: MIT */
/*
 * escape_priv.h — which bytes of character data and of attribute values are written as references.
 *
 * Bytes that no XML text can hold (NUL and most of C0) count as special everywhere, so that the
 * scan of a NUL-terminated text stops at the NUL. U+FFFD is written in their place.
 */
#pragma once

#include <stdint.h>
#include <xfed/base/buf.h>

#define XF_ESCAPE_TEXT 1u /* & < > CR */
#define XF_ESCAPE_VALUE \
    2u /* also quotes, tab, LF: parsers normalise them (XML 1.0 section 3.3.3) */

#define XF_ESCAPE_MAX 6 /* longest reference of a byte */

extern const uint8_t xf_escape_sets[256]; /* XF_ESCAPE_ bits of each byte */

static inline bool xf_escape_is_special(char c, unsigned set)
{
    return (xf_escape_sets[(unsigned char)c] & set) != 0;
}

/*
 * Check many bytes at once: may one of them be special? The answer is also yes for tab, LF and
 * quotes in character data, where they are not special. A block is a vector type of GCC and clang,
 * for any processor; for shorter texts, half a block is checked.
 */
#define XF_ESCAPE_BLOCK 16

typedef uint8_t xf_escape_block __attribute__((vector_size(XF_ESCAPE_BLOCK)));
typedef uint64_t xf_escape_halves __attribute__((vector_size(XF_ESCAPE_BLOCK)));

static inline bool xf_escape_may_be_special(xf_escape_block block)
{
    xf_escape_halves found = (xf_escape_halves)(block < 0x20) |
                             (xf_escape_halves)((block | 1) == '\'') | /* & too */
                             (xf_escape_halves)((block | 2) == '>') |  /* < too */
                             (xf_escape_halves)(block == '"');

    return (found[0] | found[1]) != 0;
}

static inline bool xf_escape_may_be_special_at(const char *text, size_t bytes)
{
    xf_escape_block block;

    if (bytes == XF_ESCAPE_BLOCK) {
        memcpy(&block, text, XF_ESCAPE_BLOCK);
    } else {
        xf_escape_halves halves = {0};
        uint64_t half;
        memcpy(&half, text, sizeof(half));
        halves[0] = halves[1] = half;
        block = (xf_escape_block)halves;
    }
    return xf_escape_may_be_special(block);
}

/* Length of the run of bytes at the start that need no escaping. */
static inline size_t xf_escape_clean(const char *text, size_t len, unsigned set)
{
    const size_t step = len < XF_ESCAPE_BLOCK ? XF_ESCAPE_BLOCK / 2 : XF_ESCAPE_BLOCK;
    size_t n = 0;

    for (; len - n >= step; n += step) {
        if (!xf_escape_may_be_special_at(text + n, step))
            continue;
        for (size_t i = n; i < n + step; i++) {
            if (xf_escape_is_special(text[i], set))
                return i;
        }
    }
    /*
     * For the rest, check the last `step` bytes, some of them again: most texts then need no loop.
     */
    if (len >= step && !xf_escape_may_be_special_at(text + len - step, step))
        return len;
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

/* The reference that is written for a special byte. */
struct xf_span xf_escape_reference(char c);

/* Append the escaped text. XF_ERR_LIMIT: `out` reached its ceiling; a part is appended. */
XF_MUST_USE enum xf_err xf_escape_append(struct xf_buf *out, const char *text, size_t len,
                                         unsigned set);

/* Length of the text once escaped. */
size_t xf_escape_len(struct xf_span text, unsigned set);

/*
 * Write the escaped text to `out`, where XF_ESCAPE_MAX * text.len bytes are free; returns the end.
 */
char *xf_escape_into(char *out, struct xf_span text, unsigned set);
