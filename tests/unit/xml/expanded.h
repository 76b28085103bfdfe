/* SPDX-License-Identifier: MIT */
/*
 * expanded.h — the names of a document as namespace and local part: once as src/xml/prefix.c says,
 * once as expat with namespaces says. For tests and fuzzing.
 *
 * One line an element, its attributes behind it: `{urn:a}x {}b=1`.
 */
#pragma once

#include <xfed/base/buf.h>

/* The whole document; false: there is a fault, and the lines are those before it. Processing
 * instructions and DOCTYPE are faults here. */
bool expanded_by_us(const char *in, size_t len, struct xf_buf *lines);
bool expanded_by_expat(const char *in, size_t len, struct xf_buf *lines);
