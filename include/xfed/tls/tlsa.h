/* SPDX-License-Identifier: MIT */
/*
 * tlsa.h — TLSA records (RFC 6698 section 2.1) of one server, as values that dns creates and tls
 * judges by. Put only records from secure answers into a set. A set is counted and does not change
 * once shared, so any thread may read it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define XF_TLSA_MAX      16   /* records of a set */
#define XF_TLSA_DATA_MAX 4096 /* bytes of one record's data: a whole certificate */

struct xf_tlsa {
    uint8_t usage, selector, matching;
    const uint8_t *data; /* owned by the set */
    size_t data_bytes;
};

struct xf_tlsa_set;

struct xf_tlsa_set *xf_tlsa_set_new(void);
/* Copies `record`. False: the set is full, or the data too long or empty. */
bool xf_tlsa_set_add(struct xf_tlsa_set *set, const struct xf_tlsa *record);
size_t xf_tlsa_set_count(const struct xf_tlsa_set *set); /* NULL: 0 */
const struct xf_tlsa *xf_tlsa_set_at(const struct xf_tlsa_set *set, size_t index);
/* Is any record usable (RFC 7671 section 4.1)? If not, treat the set as empty. False for NULL. */
bool xf_tlsa_set_is_usable(const struct xf_tlsa_set *set);
struct xf_tlsa_set *xf_tlsa_set_ref(struct xf_tlsa_set *set); /* NULL stays NULL */
void xf_tlsa_set_unref(struct xf_tlsa_set **set);
