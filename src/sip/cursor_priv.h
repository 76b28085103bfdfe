/* SPDX-License-Identifier: MIT */
/*
 * cursor_priv.h — reading text from left to right: classes of bytes, and the smallest parts of the
 * grammar (RFC 3261 section 25.1). The text has no line breaks any more: LWS is SP and HT.
 */
#pragma once

#include <xfed/base/err.h>
#include <xfed/base/span.h>

/* Classes of bytes; letters and digits are in all but DIGIT and HEX. */
enum {
    XF_SIP_C_TOKEN = 1 << 0, /* token */
    XF_SIP_C_WORD = 1 << 1,  /* word: Call-ID */
    XF_SIP_C_VALUE =
        1 << 2, /* a parameter's value without quotes: token, host, and what is harmless */
    XF_SIP_C_USER = 1 << 3,   /* user */
    XF_SIP_C_PASS = 1 << 4,   /* password */
    XF_SIP_C_PARAM = 1 << 5,  /* URI parameter: paramchar, and "=" in its value */
    XF_SIP_C_HEADER = 1 << 6, /* headers of a URI, with "&" and "=" */
    XF_SIP_C_URI = 1 << 7,    /* what is behind the scheme of any URI */
    XF_SIP_C_HOST = 1 << 8,
    XF_SIP_C_DIGIT = 1 << 9,
    XF_SIP_C_HEX = 1 << 10,
};

extern const uint16_t xf_sip_class[256];

static inline bool xf_sip_is(char c, unsigned classes)
{
    return xf_sip_class[(unsigned char)c] & classes;
}

/* Letters only; what is compared with is a letter or one of "-._". */
static inline char xf_sip_lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

struct xf_sip_cursor {
    const char *p, *end;
};

static inline struct xf_sip_cursor xf_sip_cursor(struct xf_span text)
{
    return (struct xf_sip_cursor){text.ptr, text.len > 0 ? text.ptr + text.len : text.ptr};
}

static inline bool xf_sip_at_end(const struct xf_sip_cursor *c)
{
    return c->p == c->end;
}

static inline bool xf_sip_at(const struct xf_sip_cursor *c, char what)
{
    return c->p < c->end && *c->p == what;
}

static inline struct xf_span xf_sip_since(const char *start, const struct xf_sip_cursor *c)
{
    return (struct xf_span){start, (size_t)(c->p - start)};
}

static inline void xf_sip_skip_lws(struct xf_sip_cursor *c)
{
    while (c->p < c->end && (*c->p == ' ' || *c->p == '\t'))
        c->p++;
}

/* LWS, `what`, LWS; without it nothing is skipped but the first LWS. */
static inline bool xf_sip_skip_mark(struct xf_sip_cursor *c, char what)
{
    xf_sip_skip_lws(c);
    if (!xf_sip_at(c, what))
        return false;
    c->p++;
    xf_sip_skip_lws(c);
    return true;
}

/* The bytes of these classes that come next, perhaps none. */
static inline struct xf_span xf_sip_take(struct xf_sip_cursor *c, unsigned classes)
{
    const char *start = c->p;

    while (c->p < c->end && xf_sip_is(*c->p, classes))
        c->p++;
    return xf_sip_since(start, c);
}

/* As above, and well-formed escapes. False: an escape is not well formed. */
bool xf_sip_take_escaped(struct xf_sip_cursor *c, unsigned classes, struct xf_span *out_text);

/* Skip a quoted string; the cursor is at its first quote. False: it does not end. */
bool xf_sip_skip_quoted(struct xf_sip_cursor *c);

/*
 * Skip ";name" or ";name=value" with LWS around each part, and behind. *out_value: absent without
 * "=", perhaps empty with it; without quotes. False: the cursor is at the end, or at a "," (then
 * *out_wrong is unchanged); or there is no parameter, and *out_wrong says what is wrong.
 */
bool xf_sip_next_param(struct xf_sip_cursor *c, struct xf_span *out_name, struct xf_span *out_value,
                       const char **out_wrong);

/*
 * Was the value of a parameter in quotes? Tags and ids are written into headers as they are, where
 * a quoted one could be more than that: `tag="1>,<sip:w@b.example"`.
 */
static inline bool xf_sip_is_quoted(struct xf_span value)
{
    return value.ptr && value.ptr[-1] == '"';
}

/* Is `name` this word, in any case? */
static inline bool xf_sip_same(struct xf_span name, const char *word, size_t len)
{
    if (name.len != len)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (xf_sip_lower(name.ptr[i]) != word[i])
            return false;
    }
    return true;
}

/* `literal`: lower case. */
#define XF_SIP_SAME(name, literal) xf_sip_same(name, literal, sizeof(literal) - 1)
