/* SPDX-License-Identifier: MIT */
/*
 * text_priv.h — what peers wrote, made fit for people, for XML and for a header.
 */
#pragma once

#include <xfed/base/draft.h>

/*
 * Copy what may be shown to people, cut at a whole character to `size` - 1 bytes, without white
 * space at its ends. A character that could end a line or move a cursor becomes a space.
 * NUL-terminated.
 */
void xf_interwork_show(struct xf_span text, char *out, size_t size);
/* The same of what stood between quotes in a header: a backslash stands before what it quotes. */
void xf_interwork_show_quoted(struct xf_span text, char *out, size_t size);

/*
 * Append UTF-8 as text of XML: U+FFFD in place of each character that XML cannot hold, LF in place
 * of CR and CRLF.
 */
void xf_interwork_put_lines(struct xf_draft *draft, struct xf_span text);

/* Cut to `max` bytes, at a whole character. */
struct xf_span xf_interwork_cut(struct xf_span text, size_t max);

/* Has it the form of a language tag, at most 35 bytes (RFC 5646 section 4.4.1)? */
bool xf_interwork_is_language(struct xf_span text);
