/* SPDX-License-Identifier: MIT */
/*
 * name_priv.h — names of the DNS as text and on the wire.
 *
 * Text is lower-case letters, digits, '-' and '_' in labels of 1 to 63 bytes with dots between, no
 * dot at the end, at most XF_DNS_NAME_TEXT_MAX bytes; "" is the root. Nothing else ever becomes
 * text, so no text needs escaping.
 */
#pragma once

#include <stdint.h>
#include <xfed/base/span.h>
#include <xfed/dns/dns.h>

#define XF_DNS_NAME_TEXT_MAX 253
#define XF_DNS_NAME_WIRE_MAX 255

/*
 * Convert to lower case, without a trailing dot. False if it is not a valid host name; the root is
 * not.
 */
bool xf_dns_name_prepare(struct xf_span text, char out[XF_DNS_NAME_MAX + 1]);

/* The DNS name, in A-labels, of a domain that is prepared or as a person wrote it. */
bool xf_dns_name_of_domain(struct xf_span domain, char out[XF_DNS_NAME_MAX + 1]);

/* Convert a prepared name (or "") to wire form. Returns its length, or 0 if it is not a name. */
size_t xf_dns_name_to_wire(const char *name, uint8_t out[XF_DNS_NAME_WIRE_MAX]);

/*
 * An uncompressed wire name to text; false (and "") if it is truncated or has bytes that we do not
 * accept.
 */
bool xf_dns_name_from_wire(const uint8_t *wire, size_t len, char out[XF_DNS_NAME_MAX + 1]);
