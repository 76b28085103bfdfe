/* SPDX-License-Identifier: MIT */
/* texts.c — a list of strings. */
#include <xfed/base/texts.h>

#include <string.h>
#include <xfed/base/alloc.h>

void xf_texts_add(struct xf_texts *texts, char *taken)
{
    texts->item = xf_realloc(texts->item, (texts->count + 1) * sizeof(*texts->item));
    texts->item[texts->count++] = taken;
}

void xf_texts_add_new(struct xf_texts *texts, const char *text)
{
    if (!xf_texts_has(texts, text))
        xf_texts_add(texts, xf_strdup(text));
}

bool xf_texts_has(const struct xf_texts *texts, const char *text)
{
    for (size_t i = 0; i < texts->count; i++)
        if (strcmp(texts->item[i], text) == 0)
            return true;
    return false;
}

bool xf_texts_eq(const struct xf_texts *a, const struct xf_texts *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++)
        same = strcmp(a->item[i], b->item[i]) == 0;
    return same;
}

void xf_texts_release(struct xf_texts *texts)
{
    for (size_t i = 0; i < texts->count; i++)
        xf_free(texts->item[i]);
    xf_free(texts->item);
    *texts = (struct xf_texts){0};
}
