/* SPDX-License-Identifier: MIT */
/* jid_priv.h — what the files that prepare JIDs share. */
#pragma once

#include <stdint.h>
#include <xfed/xmpp/jid.h>

/*
 * Classes of bytes within a JID. A local part or resource that needs no preparation has no byte
 * with a NOT_ bit.
 */
enum {
    XF_JID_STOP = 1 << 0,         /* '@' and '/' */
    XF_JID_UPPER = 1 << 1,        /* A-Z */
    XF_JID_NON_ASCII = 1 << 2,    /* a byte of a longer UTF-8 sequence */
    XF_JID_NOT_LOCAL = 1 << 3,    /* space, "&'/:<>@, controls (RFC 6122 A.5) */
    XF_JID_NOT_RESOURCE = 1 << 4, /* controls (RFC 6122 B.5) */
    XF_JID_LABEL = 1 << 5,        /* a-z, 0-9, '-', '_' */
};

extern const uint8_t xf_jid_class[256];

/* All bits that occur in the text. */
static inline unsigned xf_jid_classes(struct xf_span text)
{
    const unsigned char *p = (const unsigned char *)text.ptr;
    unsigned seen = 0;

    for (size_t i = 0; i < text.len; i++)
        seen |= xf_jid_class[p[i]];
    return seen;
}

/* The text with A-Z in lower case. */
static inline void xf_jid_fold(struct xf_span text, char *out)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        out[i] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
    }
}

/*
 * emoji.c: to A-labels and back, at most `max` bytes and a NUL. False: the name has no emoji, has
 * other symbols, or is not valid. `name` is UTF-8.
 */
bool xf_emoji_encode(const char *name, char *out, size_t max);
bool xf_emoji_decode(const char *name, char *out, size_t max);

/*
 * Prepare one part, at most XF_JID_PART_MAX bytes, without a NUL. XF_ERR_BAD_JID: the content of
 * `out` is undefined.
 */
XF_MUST_USE enum xf_err xf_prep_local(struct xf_span raw, char *out, size_t *out_len);
XF_MUST_USE enum xf_err xf_prep_resource(struct xf_span raw, char *out, size_t *out_len);
XF_MUST_USE enum xf_err xf_prep_domain(struct xf_span raw, char out[XF_DOMAIN_MAX + 1],
                                       size_t *out_len);
