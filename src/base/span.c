/* SPDX-License-Identifier: MIT */
/* span.c — comparisons of borrowed text that are too long to be inline. */
#include <xfed/base/span.h>

#include <xfed/base/alloc.h>

/* Converts only ASCII, whatever the locale. */
static unsigned char lower(char c)
{
    unsigned char byte = (unsigned char)c;

    return byte >= 'A' && byte <= 'Z' ? (unsigned char)(byte + ('a' - 'A')) : byte;
}

bool xf_span_eq_nocase(struct xf_span a, struct xf_span b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        if (lower(a.ptr[i]) != lower(b.ptr[i]))
            return false;
    }
    return true;
}

bool xf_span_ends_with(struct xf_span s, struct xf_span tail)
{
    if (tail.len > s.len)
        return false;
    return tail.len == 0 || memcmp(s.ptr + s.len - tail.len, tail.ptr, tail.len) == 0;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

struct xf_span xf_span_trim(struct xf_span s)
{
    while (s.len > 0 && is_blank(s.ptr[s.len - 1]))
        s.len--;
    while (s.len > 0 && is_blank(*s.ptr)) {
        s.ptr++;
        s.len--;
    }
    return s;
}

bool xf_span_number(struct xf_span s, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    *out = 0;
    for (size_t i = 0; i < s.len; i++) {
        unsigned digit = (unsigned char)s.ptr[i] - (unsigned)'0';
        if (digit > 9 || value > (max - digit) / 10 || digit > max)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return s.len > 0;
}

char *xf_span_dup(struct xf_span s)
{
    return s.ptr ? xf_strndup(s.ptr, s.len) : NULL;
}
