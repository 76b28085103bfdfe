/* SPDX-License-Identifier: MIT */
/*
 * escape_priv.h — which bytes of character data and of attribute values are written as references.
 *
 * Bytes that no XML text can hold (NUL and most of C0) count as special everywhere, so that a scan
 * of a NUL-terminated text ends by itself; what is written for them is U+FFFD.
 */
#pragma once

#include <stdint.h>
#include <xfed/base/buf.h>

#define XF_ESCAPE_TEXT 1u /* & < > CR */
#define XF_ESCAPE_VALUE \
    2u /* also quotes, tab, LF: parsers normalise them (XML 1.0 section 3.3.3) */

#define XF_ESCAPE_MAX 6 /* no byte becomes longer */

extern const uint8_t xf_escape_sets[256]; /* XF_ESCAPE_ bits of each byte */

static inline bool xf_escape_is_special(char c, unsigned set)
{
    return (xf_escape_sets[(unsigned char)c] & set) != 0;
}

#define XF_ESCAPE_EACH(byte) (UINT64_C(0x0101010101010101) * (byte)) /* that byte eight times */

/* Eight bytes at once: may one of them be special? Also says yes for tab, LF and quotes in
 * character data. */
static inline bool xf_escape_may_be_special(uint64_t word)
{
    const uint64_t ones = XF_ESCAPE_EACH(0x01), tops = XF_ESCAPE_EACH(0x80);
    uint64_t amp = (word | ones) ^ XF_ESCAPE_EACH('\'');                  /* zero byte: & or ' */
    uint64_t angle = (word | XF_ESCAPE_EACH(0x02)) ^ XF_ESCAPE_EACH('>'); /* < or > */
    uint64_t quote = word ^ XF_ESCAPE_EACH('"');
    uint64_t found = (word - XF_ESCAPE_EACH(0x20)) & ~word; /* below space */

    found |= ((amp - ones) & ~amp) | ((angle - ones) & ~angle) | ((quote - ones) & ~quote);
    return (found & tops) != 0;
}

static inline bool xf_escape_may_be_special_at(const char *text)
{
    uint64_t word;

    memcpy(&word, text, sizeof(word));
    return xf_escape_may_be_special(word);
}

/* Length of the run that is written as it is. */
static inline size_t xf_escape_clean(const char *text, size_t len, unsigned set)
{
    const size_t word = sizeof(uint64_t);
    size_t n = 0;

    for (; len - n >= word; n += word) {
        if (!xf_escape_may_be_special_at(text + n))
            continue;
        for (size_t i = n; i < n + word; i++) {
            if (xf_escape_is_special(text[i], set))
                return i;
        }
    }
    /* The last word, begun earlier, spares most texts the loop over the rest. */
    if (len >= word && !xf_escape_may_be_special_at(text + len - word))
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

/* What is written for a special byte. */
struct xf_span xf_escape_reference(char c);

/* Append escaped; XF_ERR_LIMIT at the ceiling, with a part appended. */
XF_MUST_USE enum xf_err xf_escape_append(struct xf_buf *out, const char *text, size_t len,
                                         unsigned set);

/* How long it is when escaped. */
size_t xf_escape_len(struct xf_span text, unsigned set);

/* Write escaped where XF_ESCAPE_MAX * text.len bytes are free; returns the end. */
char *xf_escape_into(char *out, struct xf_span text, unsigned set);
