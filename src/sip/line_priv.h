/* SPDX-License-Identifier: MIT */
/* line_priv.h — one line of a head. */
#pragma once

#include <xfed/base/span.h>

/*
 * Take the line at *p, without its CRLF; folds within become spaces. An empty line has no folds.
 * False: no line ends before `end`, or it ends with LF alone; *p is unchanged.
 */
bool xf_sip_next_line(char **p, const char *end, struct xf_span *out_line);

/*
 * What is wrong with the bytes of a line, or NULL. `may_quote`: it is a header, and not the start
 * line, whose reason phrase has no quoted strings.
 */
const char *xf_sip_check_line(struct xf_span line, bool may_quote);
