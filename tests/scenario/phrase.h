/* SPDX-License-Identifier: MIT */
/* phrase.h — short forms for elements that every conversation in a transcript repeats. */
#pragma once

/*
 * The XML that a phrase stands for, such as `header from=b.example to=a.example id=s1` or `features
 * starttls dialback`; NULL when `text` is not a phrase. Free with xf_free. The list of phrases is
 * in phrase.c.
 */
char *phrase_xml(const char *text);

/* The type attribute that goes with a stanza error condition (RFC 6120 §8.3.3); NULL: unknown. */
const char *phrase_error_type(const char *condition);
