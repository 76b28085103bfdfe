/* SPDX-License-Identifier: MIT */
/* tlsa.c — a counted set of TLSA records. */
#include <xfed/tls/tlsa.h>

#include <stdatomic.h>
#include <string.h>

#include <xfed/base/alloc.h>

struct xf_tlsa_set {
    atomic_uint refs;
    size_t count;
    struct xf_tlsa record[XF_TLSA_MAX];
};

struct xf_tlsa_set *xf_tlsa_set_new(void)
{
    struct xf_tlsa_set *set = xf_new(struct xf_tlsa_set);

    atomic_init(&set->refs, 1);
    return set;
}

bool xf_tlsa_set_add(struct xf_tlsa_set *set, const struct xf_tlsa *record)
{
    if (set->count == XF_TLSA_MAX || record->data_bytes == 0 ||
        record->data_bytes > XF_TLSA_DATA_MAX)
        return false;
    uint8_t *data = xf_alloc(record->data_bytes);
    memcpy(data, record->data, record->data_bytes);
    set->record[set->count] = *record;
    set->record[set->count++].data = data;
    return true;
}

size_t xf_tlsa_set_count(const struct xf_tlsa_set *set)
{
    return set ? set->count : 0;
}

const struct xf_tlsa *xf_tlsa_set_at(const struct xf_tlsa_set *set, size_t index)
{
    return &set->record[index];
}

static bool is_usable(const struct xf_tlsa *record)
{
    bool is_known = record->usage <= 3 && record->selector <= 1;

    switch (record->matching) {
    case 0: /* the whole thing */
        return is_known;
    case 1: /* SHA-256 */
        return is_known && record->data_bytes == 32;
    case 2: /* SHA-512 */
        return is_known && record->data_bytes == 64;
    default:
        return false;
    }
}

bool xf_tlsa_set_is_usable(const struct xf_tlsa_set *set)
{
    for (size_t i = 0; i < xf_tlsa_set_count(set); i++)
        if (is_usable(&set->record[i]))
            return true;
    return false;
}

struct xf_tlsa_set *xf_tlsa_set_ref(struct xf_tlsa_set *set)
{
    if (set)
        atomic_fetch_add(&set->refs, 1);
    return set;
}

void xf_tlsa_set_unref(struct xf_tlsa_set **set)
{
    struct xf_tlsa_set *s = *set;

    *set = NULL;
    if (!s || atomic_fetch_sub(&s->refs, 1) > 1)
        return;
    for (size_t i = 0; i < s->count; i++)
        xf_free((void *)s->record[i].data);
    xf_free(s);
}
