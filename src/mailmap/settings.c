/* SPDX-License-Identifier: MIT */
/*
 * settings.c — a copy of directory { } for the jobs, since a reload frees the configuration that
 * they would borrow.
 */
#include "mailmap_priv.h"

#include <stddef.h>
#include <string.h>
#include <xfed/base/alloc.h>
#include <xfed/base/crypto.h>

static const size_t texts[] = {
#define AT(field) offsetof(struct xf_directory_settings, field)
    AT(uri),  AT(ca_file), AT(bind_dn),       AT(password_file), AT(password),
    AT(base), AT(filter),  AT(jid_attribute), AT(jid_domain),    AT(mail_attribute),
#undef AT
};

/* Which users there are, and what is read of them. */
static const size_t source_texts[] = {
#define AT(field) offsetof(struct xf_directory_settings, field)
    AT(base), AT(filter), AT(jid_attribute), AT(jid_domain), AT(mail_attribute),
#undef AT
};

static char **text_at(struct xf_directory_settings *directory, size_t i)
{
    return (char **)(void *)((char *)directory + texts[i]);
}

static const char *read_text_at(const struct xf_directory_settings *directory, size_t i)
{
    return *(char *const *)(const void *)((const char *)directory + texts[i]);
}

struct xf_directory_settings *xf_directory_copy(const struct xf_directory_settings *from)
{
    if (!from->uri || !*from->uri)
        return NULL;
    struct xf_directory_settings *copy = xf_new(struct xf_directory_settings);
    *copy = *from;
    for (size_t i = 0; i < XF_ARRAY_LEN(texts); i++)
        *text_at(copy, i) = xf_strdup(read_text_at(from, i));
    copy->groups.item = xf_alloc((from->groups.count + 1) * sizeof(char *));
    for (size_t i = 0; i < from->groups.count; i++)
        copy->groups.item[i] = xf_strdup(from->groups.item[i]);
    return copy;
}

void xf_directory_free(struct xf_directory_settings **directory)
{
    if (!*directory)
        return;
    if ((*directory)->password)
        xf_wipe((*directory)->password, strlen((*directory)->password));
    for (size_t i = 0; i < XF_ARRAY_LEN(texts); i++)
        xf_free(*text_at(*directory, i));
    for (size_t i = 0; i < (*directory)->groups.count; i++)
        xf_free((*directory)->groups.item[i]);
    xf_free((*directory)->groups.item);
    xf_free(*directory);
    *directory = NULL;
}

void xf_directory_source(const struct xf_directory_settings *directory,
                         char out[XF_SOURCE_CHARS + 1])
{
    struct xf_span parts[2 * XF_ARRAY_LEN(source_texts)];
    for (size_t i = 0; i < XF_ARRAY_LEN(source_texts); i++) {
        parts[2 * i] =
            xf_span_of(*(char *const *)(const void *)((const char *)directory + source_texts[i]));
        parts[2 * i + 1] = (struct xf_span){"", 1}; /* the NUL ends it */
    }
    xf_sha256_hex(parts, XF_ARRAY_LEN(parts), out);
}

bool xf_directory_eq(const struct xf_directory_settings *a, const struct xf_directory_settings *b)
{
    if (!a || !b)
        return a == b;
    for (size_t i = 0; i < XF_ARRAY_LEN(texts); i++)
        if (!xf_span_eq(xf_span_of(read_text_at(a, i)), xf_span_of(read_text_at(b, i))))
            return false;
    return a->start_tls == b->start_tls && a->preload == b->preload &&
           a->page_entries == b->page_entries && a->refresh_ms == b->refresh_ms &&
           a->cache_ms == b->cache_ms && a->negative_cache_ms == b->negative_cache_ms &&
           a->timeout_ms == b->timeout_ms && a->cache_entries == b->cache_entries &&
           a->keep == b->keep && a->keep_ms == b->keep_ms && a->unknown == b->unknown &&
           a->hold_ms == b->hold_ms && xf_texts_eq(&a->groups, &b->groups);
}
