/* SPDX-License-Identifier: MIT */
/*
 * owner.h — the owner of a domain: the registered domain that it belongs to. Whoever registered
 * that one can make any number of names below it.
 *
 * Determined by both parts of the public suffix list (https://publicsuffix.org): the owner of
 * "a.b.example.co.uk" and of "example.co.uk" is example.co.uk; "me.github.io" is its own owner. A
 * suffix that is not in the list has one label. A suffix is its own owner. The owner of an IP
 * literal is the part that it shares with its network (IPv4 /24, IPv6 /48): "192.0.2.",
 * "[2001:db8:1:". No RFC defines this; limits count by it, and trust never depends on it. Test:
 * tests/unit/xmpp/test_owner.c.
 */
#pragma once

#include <xfed/base/span.h>

/*
 * The owner of a prepared domain, in A-labels or U-labels: the result is a part of `domain`, in the
 * same form. Each call searches a table in memory: call it once for a stream or pair, not for each
 * stanza.
 */
struct xf_span xf_domain_owner(struct xf_span domain);

/*
 * Is it a suffix below which anybody can register names ("com", "github.io", a single label)? False
 * for IP literals.
 */
bool xf_domain_is_public_suffix(struct xf_span domain);
