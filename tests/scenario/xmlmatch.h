/* SPDX-License-Identifier: MIT */
/*
 * xmlmatch.h — compares output with what the transcript expects. A second reader of XML, on expat
 * alone, so that a mistake of our own reader and writer does not hide itself.
 *
 * Output is compared unit by unit: a stream header, an element at depth 1, a footer. Prefixes,
 * quotes and the order of attributes do not matter; namespaces, names, attributes, text and the
 * order of children do.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <xfed/base/map.h>
#include <xfed/base/span.h>

enum unit_kind { UNIT_HEADER, UNIT_ELEMENT, UNIT_FOOTER, UNIT_SPACE };

struct unit {
    enum unit_kind kind;
    size_t len; /* bytes from the start of the text, white space before the unit included */
};

/*
 * The first unit of `text`; false: it is incomplete. White space alone is a unit only if nothing
 * follows it. *out_is_garbage: no unit can begin like this.
 */
bool unit_next(struct xf_span text, struct unit *out_unit, bool *out_is_garbage);

/*
 * Does the unit `got` match `want`? `got_context` and `want_context` are the stream headers in
 * whose context each is read. In `want`, an attribute or text `*` matches any value, `$name` stores
 * or compares a value in `names` (char * by name), <any/> matches any one child, and <rest/> all
 * remaining children. False: *out_why says where they differ (free with xf_free).
 */
bool unit_matches(enum unit_kind kind, struct xf_span got_context, struct xf_span got,
                  struct xf_span want_context, struct xf_span want, struct xf_map *names,
                  char **out_why);

/* `text` with each $name replaced by the stored value; unknown names stay. Free with xf_free. */
char *unit_substitute(const char *text, const struct xf_map *names);
