/* SPDX-License-Identifier: MIT */
/*
 * texts.h — a list that owns its strings. A zeroed struct is an empty list.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct xf_texts {
    char **item;
    size_t count;
};

/* The list takes ownership of `taken`. */
void xf_texts_add(struct xf_texts *texts, char *taken);
/* A copy of `text`, unless the list has it already. */
void xf_texts_add_new(struct xf_texts *texts, const char *text);
bool xf_texts_has(const struct xf_texts *texts, const char *text);
/* The same strings in the same order. */
bool xf_texts_eq(const struct xf_texts *a, const struct xf_texts *b);
/* Free all strings; the list is empty afterwards. */
void xf_texts_release(struct xf_texts *texts);
