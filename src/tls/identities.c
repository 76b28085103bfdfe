/* SPDX-License-Identifier: MIT */
/*
 * identities.c — the set that handshakes use: which certificates a served domain shows, which
 * anchors a peer is judged by, and the contexts of both roles.
 *
 * Created and filled on the loop, then only read, by handshakes and judgements on the pool. A
 * reload creates a new set; whoever still uses the old one holds a reference to it. Test:
 * tests/unit/tls/test_identity.c.
 */
#include "tls_priv.h"

#include <xfed/base/alloc.h>

/* ---- certificates to show */

static void shown_add(struct xf_tls_shown *shown, struct xf_tls_identity *identity)
{
    int type = EVP_PKEY_get_base_id(identity->key);

    atomic_fetch_add(&identity->refs, 1);
    for (size_t i = 0; i < shown->count; i++) {
        if (EVP_PKEY_get_base_id(shown->identity[i]->key) != type)
            continue;
        xf_tls_identity_unref(&shown->identity[i]);
        shown->identity[i] = identity;
        return;
    }
    xf_require(shown->count <
               XF_TLS_KEY_TYPES); /* OpenSSL took the key, so it has a place for it */
    shown->identity[shown->count++] = identity;
}

static void shown_free(struct xf_tls_shown *shown)
{
    for (size_t i = 0; i < shown->count; i++)
        xf_tls_identity_unref(&shown->identity[i]);
    xf_free(shown);
}

/* ---- the set */

struct xf_tls_identities *xf_tls_identities_new(struct xf_tls_store *store)
{
    struct xf_tls_identities *set = xf_new(struct xf_tls_identities);

    atomic_init(&set->refs, 1);
    set->store = xf_tls_store_ref(store);
    set->nobody = xf_tls_store_new();
    set->by_ca_file = xf_map_new();
    set->by_domain = xf_map_new();
    set->client = xf_tls_context_new(false, store);
    set->server = xf_tls_context_new(true, store);
    return set;
}

void xf_tls_identities_add_store(struct xf_tls_identities *set, const char *ca_file,
                                 struct xf_tls_store *store)
{
    struct xf_tls_store *old =
        xf_map_set(set->by_ca_file, xf_span_of(ca_file), xf_tls_store_ref(store));

    xf_tls_store_unref(&old);
}

const struct xf_tls_store *xf_tls_identities_store(const struct xf_tls_identities *set,
                                                   const char *ca_file, bool *out_is_known)
{
    const struct xf_tls_store *store =
        ca_file ? xf_map_find(set->by_ca_file, xf_span_of(ca_file)) : set->store;

    *out_is_known = store != NULL;
    return store ? store : set->nobody;
}

void xf_tls_identities_set(struct xf_tls_identities *set, struct xf_span domain,
                           struct xf_tls_identity *identity)
{
    struct xf_tls_shown *shown = xf_map_find(set->by_domain, domain);

    if (!shown) {
        shown = xf_new(struct xf_tls_shown);
        xf_map_set(set->by_domain, domain, shown);
    }
    if (!set->first)
        set->first = shown;
    shown_add(shown, identity);
}

struct xf_tls_identities *xf_tls_identities_ref(struct xf_tls_identities *set)
{
    atomic_fetch_add(&set->refs, 1);
    return set;
}

void xf_tls_identities_unref(struct xf_tls_identities **set)
{
    struct xf_tls_identities *s = *set;
    size_t cursor = 0;
    void *value;

    *set = NULL;
    if (!s || atomic_fetch_sub(&s->refs, 1) > 1)
        return;
    while (xf_map_next(s->by_domain, &cursor, NULL, &value))
        shown_free(value);
    cursor = 0;
    while (xf_map_next(s->by_ca_file, &cursor, NULL, &value)) {
        struct xf_tls_store *store = value;
        xf_tls_store_unref(&store);
    }
    xf_map_free(&s->by_domain);
    xf_map_free(&s->by_ca_file);
    SSL_CTX_free(s->client);
    SSL_CTX_free(s->server);
    xf_tls_store_unref(&s->store);
    xf_tls_store_unref(&s->nobody);
    xf_free(s);
}

bool xf_tls_identities_has(const struct xf_tls_identities *set, struct xf_span domain)
{
    return xf_tls_identities_find(set, domain) != NULL;
}
