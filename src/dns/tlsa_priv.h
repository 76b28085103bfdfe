/* SPDX-License-Identifier: MIT */
/* tlsa_priv.h — TLSA records: where they stand, and what of an answer may be believed. */
#pragma once

#include <xfed/dns/discover.h>

/* "_PORT._tcp.HOST" (RFC 6698 §3); false when that is too long to be a name: nothing stands there.
 */
bool xf_dns_tlsa_name(const char *host, uint16_t port, char out[XF_DNS_NAME_MAX + 1]);

/* The records of a secure answer, each once; NULL for none and for an answer that is not secure. */
struct xf_tlsa_set *xf_dns_tlsa_set(const struct xf_dns_answer *answer);
