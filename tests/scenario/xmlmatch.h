/* SPDX-License-Identifier: MIT */
/*
 * xmlmatch.h — is this output what the transcript expects? A second reader of XML, on expat alone,
 * so that a mistake of our own reader and writer does not hide itself.
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
    size_t len; /* bytes at the start of the text, white space before it included */
};

/*
 * The first unit of `text`; false while it is incomplete. White space alone is a unit only when
 * nothing follows it. *out_is_garbage: no unit can begin like this.
 */
bool unit_next(struct xf_span text, struct unit *out_unit, bool *out_is_garbage);

/*
 * Compare one unit of each. `got_context` and `want_context`: the stream headers they are read in.
 * `names`: captured values, char * by name; a `*` in `want` matches any value, `$name` captures or
 * compares. false: *out_why says where they differ (free with xf_free). Elements of the want:
 * <any/> is any one child, <rest/> all that remain.
 */
bool unit_matches(enum unit_kind kind, struct xf_span got_context, struct xf_span got,
                  struct xf_span want_context, struct xf_span want, struct xf_map *names,
                  char **out_why);

/* $name in a text replaced by what was captured; unknown names stay. Free with xf_free. */
char *unit_substitute(const char *text, const struct xf_map *names);
