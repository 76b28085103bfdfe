/* SPDX-License-Identifier: MIT */
/*
 * tlsa.c — TLSA records: where they stand, what of an answer may be believed, and what all servers
 * of a domain have together.
 *
 * Only a secure answer becomes a set. The same record is in a set once, so that the many targets of
 * one domain, which mostly have the same certificate, do not fill the set of all.
 */
#include "tlsa_priv.h"

#include <stdio.h>

#include "name_priv.h"

bool xf_dns_tlsa_name(const char *host, uint16_t port, char out[XF_DNS_NAME_MAX + 1])
{
    int len = snprintf(out, XF_DNS_NAME_MAX + 1, "_%u._tcp.%s", port, host);

    return len > 0 && len <= XF_DNS_NAME_TEXT_MAX;
}

static bool is_same(const struct xf_tlsa *a, const struct xf_tlsa *b)
{
    return a->usage == b->usage && a->selector == b->selector && a->matching == b->matching &&
           a->data_bytes == b->data_bytes && memcmp(a->data, b->data, a->data_bytes) == 0;
}

/* Made at the first record. What is there already is passed over, what has no room is left out. */
static void add_once(struct xf_tlsa_set **set, const struct xf_tlsa *record)
{
    if (!*set)
        *set = xf_tlsa_set_new();
    for (size_t i = 0; i < xf_tlsa_set_count(*set); i++)
        if (is_same(xf_tlsa_set_at(*set, i), record))
            return;
    (void)xf_tlsa_set_add(*set, record);
}

struct xf_tlsa_set *xf_dns_tlsa_set(const struct xf_dns_answer *answer)
{
    struct xf_tlsa_set *set = NULL;

    for (size_t i = 0; answer->is_secure && i < answer->count; i++)
        add_once(&set, &answer->records[i].tlsa);
    return set;
}

struct xf_tlsa_set *xf_discovery_tlsa(const struct xf_discovery_result *result)
{
    struct xf_tlsa_set *set = NULL;

    for (size_t i = 0; i < result->count; i++) {
        const struct xf_tlsa_set *one = result->candidates[i].tlsa;

        for (size_t k = 0; k < xf_tlsa_set_count(one); k++)
            add_once(&set, xf_tlsa_set_at(one, k));
    }
    return set;
}

static bool is_listed(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

size_t xf_discovery_secure_targets(const struct xf_discovery_result *result,
                                   const char *out_names[XF_CANDIDATES_MAX])
{
    size_t count = 0;

    for (size_t i = 0; i < result->count; i++) {
        const struct xf_candidate *candidate = &result->candidates[i];

        if (candidate->is_secure && !is_listed(out_names, count, candidate->target))
            out_names[count++] = candidate->target;
    }
    return count;
}
