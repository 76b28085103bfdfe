/* SPDX-License-Identifier: MIT */
/* phrase.h — short words of a transcript for elements that every conversation repeats. */
#pragma once

/*
 * XML of a phrase such as `header from=b.example to=a.example id=s1` or `features starttls
 * dialback`; NULL when it is none. Free with xf_free. The list is in phrase.c.
 */
char *phrase_xml(const char *text);

/* The type attribute that goes with a stanza error condition (RFC 6120 §8.3.3); NULL for an unknown
 * one. */
const char *phrase_error_type(const char *condition);
