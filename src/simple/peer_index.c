/* SPDX-License-Identifier: MIT */
/*
 * peer_index.c — which sections with protocol = sip list a host, a key or an address: built once
 * for each policy, so that a conn costs a few look-ups, however many peers there are.
 *
 *   hosts      of sip-names and routes, as A-labels: in a certificate they are dNSNames or the CN
 *   keys       pins: SHA-256 of a public key
 *   addresses  of sip-from
 *
 * It says who is worth asking; whether a section fits, peers.c decides. Sections of one entry come
 * in the order of the configuration, and last the defaults, if they belong to SIP.
 */
#include "simple_priv.h"

#include <string.h>
#include <xfed/base/alloc.h>

struct row {
    const char *pattern; /* NULL: the defaults */
    const struct xf_peer_settings *settings;
};

struct rows {
    struct row *item;
    size_t count, cap;
};

struct xf_peer_index {
    struct xf_map *hosts, *keys, *addresses; /* -> struct rows */
};

/* ------------------------------------------------------------------ building */

/* What a section lists twice is there once. */
static void add(struct xf_map *map, struct xf_span key, const struct row *row)
{
    struct rows *rows = xf_map_find(map, key);
    if (!rows) {
        rows = xf_new(struct rows);
        (void)xf_map_set(map, key, rows);
    }
    if (rows->count && rows->item[rows->count - 1].settings == row->settings)
        return;
    if (rows->count == rows->cap) {
        rows->cap = rows->cap ? 2 * rows->cap : 1;
        rows->item = xf_realloc(rows->item, rows->cap * sizeof(*rows->item));
    }
    rows->item[rows->count++] = *row;
}

static void add_host(struct xf_peer_index *index, struct xf_span host, const struct row *row)
{
    char ascii[XF_DOMAIN_ASCII_MAX + 1];
    if (xf_domain_to_ascii(host, ascii) == XF_ERR_OK)
        add(index->hosts, xf_span_of(ascii), row);
}

static bool add_section(void *owner, const char *pattern, const struct xf_peer_settings *settings)
{
    struct xf_peer_index *index = owner;
    const struct row row = {pattern, settings};
    char text[XF_ADDR_TEXT_BYTES];
    struct xf_addr addr;
    for (size_t i = 0; i < settings->sip_names.count; i++)
        add_host(index, xf_span_of(settings->sip_names.item[i]), &row);
    for (size_t i = 0; i < settings->route.count; i++) {
        const char *route = settings->route.item[i]; /* "host:port"; an address is no host */
        add_host(index, (struct xf_span){route, strcspn(route, ":")}, &row);
    }
    for (size_t i = 0; i < settings->pin_count; i++)
        add(index->keys,
            (struct xf_span){(const char *)settings->pin_sha256[i],
                             sizeof(settings->pin_sha256[i])},
            &row);
    for (size_t i = 0; i < settings->sip_from.count; i++) {
        if (xf_addr_parse(xf_span_of(settings->sip_from.item[i]), 1, &addr) != XF_ERR_OK)
            continue;
        xf_addr_host_text(&addr, text);
        add(index->addresses, xf_span_of(text), &row);
    }
    return false;
}

struct xf_peer_index *xf_peer_index_new(const struct xf_policy *policy)
{
    struct xf_peer_index *index = xf_new(struct xf_peer_index);
    index->hosts = xf_map_new();
    index->keys = xf_map_new();
    index->addresses = xf_map_new();
    (void)xf_policy_any_sip(policy, add_section, index);
    return index;
}

static void free_map(struct xf_map **map)
{
    size_t cursor = 0;
    void *found;
    while (xf_map_next(*map, &cursor, NULL, &found)) {
        struct rows *rows = found;
        xf_free(rows->item);
        xf_free(rows);
    }
    xf_map_free(map);
}

void xf_peer_index_free(struct xf_peer_index **index_at)
{
    struct xf_peer_index *index = *index_at;
    if (!index)
        return;
    *index_at = NULL;
    free_map(&index->hosts);
    free_map(&index->keys);
    free_map(&index->addresses);
    xf_free(index);
}

/* ------------------------------------------------------------------ asking */

static bool any(const struct xf_map *map, struct xf_span key, xf_policy_sip_fn each, void *owner)
{
    const struct rows *rows = xf_map_find(map, key);
    for (size_t i = 0; rows && i < rows->count; i++)
        if (each(owner, rows->item[i].pattern, rows->item[i].settings))
            return true;
    return false;
}

static bool is_shown(const struct xf_peer_index *index, const struct xf_tls_facts *facts,
                     xf_policy_sip_fn each, void *owner)
{
    for (size_t i = 0; i < facts->name_count; i++)
        if (facts->names[i].kind == XF_CERT_DNS &&
            any(index->hosts, xf_span_of(facts->names[i].text), each, owner))
            return true;
    if (facts->common_name && any(index->hosts, xf_span_of(facts->common_name), each, owner))
        return true;
    return any(index->keys,
               (struct xf_span){(const char *)facts->spki_sha256, sizeof(facts->spki_sha256)}, each,
               owner);
}

bool xf_peer_index_any(const struct xf_peer_index *index, const struct xf_ua_party *party,
                       xf_policy_sip_fn each, void *owner)
{
    char text[XF_ADDR_TEXT_BYTES];
    if (party->tls)
        return is_shown(index, party->tls, each, owner);
    xf_addr_host_text(party->addr, text);
    return any(index->addresses, xf_span_of(text), each, owner);
}
