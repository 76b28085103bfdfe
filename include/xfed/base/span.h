/* SPDX-License-Identifier: MIT */
/*
 * span.h — borrowed text: a pointer and a length, not NUL-terminated. ptr is NULL exactly when the
 * text is absent (an attribute that was not there); an empty text has a pointer and len 0.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct xf_span {
    const char *ptr;
    size_t len;
};

#define XF_SPAN(literal) ((struct xf_span){"" literal, sizeof(literal) - 1})
/* clang-format off */
#define XF_SPAN_INIT(literal) {"" literal, sizeof(literal) - 1} /* in static tables */
/* clang-format on */
#define XF_SPAN_NONE ((struct xf_span){NULL, 0})

/* For printf("%.*s", XF_SPAN_ARGS(s)). */
#define XF_SPAN_ARGS(s) (int)(s).len, (s).ptr ? (s).ptr : ""

static inline struct xf_span xf_span_of(const char *text) /* NULL gives an absent span */
{
    return (struct xf_span){text, text ? strlen(text) : 0};
}

static inline bool xf_span_eq(struct xf_span a, struct xf_span b) /* absent equals empty */
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool xf_span_is(struct xf_span s, const char *text)
{
    return xf_span_eq(s, xf_span_of(text));
}

/* Equal when ASCII letters are compared without case. */
bool xf_span_eq_nocase(struct xf_span a, struct xf_span b);
bool xf_span_ends_with(struct xf_span s, struct xf_span tail);

/* Without the white space of XML at both ends. */
struct xf_span xf_span_trim(struct xf_span s);

/* Digits only, and not above `max`. False: it is no such number, and *out is 0. */
bool xf_span_number(struct xf_span s, uint64_t max, uint64_t *out);

/* A NUL-terminated copy; free with xf_free. Absent gives NULL. */
char *xf_span_dup(struct xf_span s);
