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

/* Lower case, without a dot at the end. False when it is no name that a host can have; the root is
 * none. */
bool xf_dns_name_prepare(struct xf_span text, char out[XF_DNS_NAME_MAX + 1]);

/* The name of a prepared domain, or of one that a person wrote: A-labels. */
bool xf_dns_name_of_domain(struct xf_span domain, char out[XF_DNS_NAME_MAX + 1]);

/* A prepared name (or "") to wire form; its length, or 0 when it is none. */
size_t xf_dns_name_to_wire(const char *name, uint8_t out[XF_DNS_NAME_WIRE_MAX]);

/* An uncompressed wire name to text; false (and "") when it is cut, or has bytes that are not ours.
 */
bool xf_dns_name_from_wire(const uint8_t *wire, size_t len, char out[XF_DNS_NAME_MAX + 1]);
