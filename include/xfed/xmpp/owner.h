/* SPDX-License-Identifier: MIT */
/*
 * owner.h — who is taken to own a domain: the registered parent below which anybody may have names without end.
 *
 * By the public suffix list (https://publicsuffix.org), both its parts: "a.b.example.co.uk" and "example.co.uk" are example.co.uk's, and
 * "me.github.io" is its own. Suffixes that the list does not know have one label. An IP literal is its own owner, and so is a suffix
 * itself. Source: none; a way to count, nothing is trusted for it. Test: tests/unit/xmpp/test_owner.c.
 */
#pragma once

#include <xfed/base/span.h>

/*
 * The owner of a prepared domain, as A-labels or U-labels: the answer is a part of `domain`, in the same form. Nothing is kept; costs a
 * walk through a table in memory, so for what happens once for a stream or pair, not for each stanza.
 */
struct xf_span xf_domain_owner(struct xf_span domain);

/* Is it a suffix below which others register ("com", "github.io", a single label)? False for IP literals. */
bool xf_domain_is_public_suffix(struct xf_span domain);
