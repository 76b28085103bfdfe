/* SPDX-License-Identifier: MIT */
/* tlsa_priv.h — TLSA records: their name in DNS, and which records of an answer count. */
#pragma once

#include <xfed/dns/discover.h>

/*
 * "_PORT._tcp.HOST" (RFC 6698 §3); false if that is too long for a name, so that there are no
 * records.
 */
bool xf_dns_tlsa_name(const char *host, uint16_t port, char out[XF_DNS_NAME_MAX + 1]);

/* The records of a secure answer, each once; NULL if there are none or the answer is insecure. */
struct xf_tlsa_set *xf_dns_tlsa_set(const struct xf_dns_answer *answer);
