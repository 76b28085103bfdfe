/* SPDX-License-Identifier: MIT */
/*
 * owner.h — the owner of a domain: its registered parent, below which whoever registered it has any
 * number of names.
 *
 * By the public suffix list (https://publicsuffix.org), both its parts: the owner of
 * "a.b.example.co.uk" and "example.co.uk" is example.co.uk, and "me.github.io" is its own. A suffix
 * that the list does not know has one label. An IP literal is its own owner, and so is a suffix.
 * Source: none; limits count by it, and nothing is trusted for it. Test:
 * tests/unit/xmpp/test_owner.c.
 */
#pragma once

#include <xfed/base/span.h>

/*
 * The owner of a prepared domain, in A-labels or U-labels: the answer is a part of `domain`, in the
 * same form. It costs a walk through a table in memory: for what happens once for a stream or pair,
 * not for each stanza.
 */
struct xf_span xf_domain_owner(struct xf_span domain);

/*
 * Is it a suffix below which others register ("com", "github.io", a single label)? False for IP
 * literals.
 */
bool xf_domain_is_public_suffix(struct xf_span domain);
