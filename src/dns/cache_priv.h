/* SPDX-License-Identifier: MIT */
/* cache_priv.h — answers for as long as their TTL says, in bounded memory. */
#pragma once

#include <xfed/base/clock.h>
#include <xfed/dns/dns.h>

/* Copy an answer with all that it points to, in one allocation; free with xf_free. */
struct xf_dns_answer *xf_dns_answer_dup(const struct xf_dns_answer *answer);

/*
 * A full cache holds on average 1536 bytes for each entry (a name, four records and their
 * overhead), and in addition one answer of the largest possible size.
 */
#define XF_DNS_CACHE_ENTRY_BYTES 1536
#define XF_DNS_CACHE_ANSWER_BYTES \
    (2048 + XF_DNS_RECORDS_MAX * (sizeof(struct xf_dns_record) + XF_TLSA_DATA_MAX))

static inline size_t xf_dns_cache_bytes_max(size_t entries_max)
{
    return entries_max * XF_DNS_CACHE_ENTRY_BYTES + XF_DNS_CACHE_ANSWER_BYTES;
}

struct xf_dns_cache;

/* `entries_max` 0: keeps nothing. `clock` is borrowed. */
struct xf_dns_cache *xf_dns_cache_new(const struct xf_clock *clock, size_t entries_max);
void xf_dns_cache_free(struct xf_dns_cache **cache);

/* The answer if its TTL has not ended, else NULL; borrowed until the next call. */
const struct xf_dns_answer *xf_dns_cache_find(struct xf_dns_cache *cache, const char *name,
                                              enum xf_dns_type type);

/* Copied. TTL 0 and failures are not kept. */
void xf_dns_cache_put(struct xf_dns_cache *cache, const char *name, enum xf_dns_type type,
                      const struct xf_dns_answer *answer, uint32_t ttl_s);

size_t xf_dns_cache_count(const struct xf_dns_cache *cache);
size_t xf_dns_cache_bytes(const struct xf_dns_cache *cache); /* at most xf_dns_cache_bytes_max */
