/* SPDX-License-Identifier: MIT */
/* patterns.c — expands and matches the texts of transcripts. */
#include "patterns.h"

#include <stdlib.h>
#include <string.h>

#include <xfed/base/alloc.h>
#include <xfed/base/buf.h>
#include <xfed/base/map.h>

#define TEXT_MAX   (16u << 20)
#define NAME_CHARS "abcdefghijklmnopqrstuvwxyz0123456789"

/* ------------------------------------------------------------------ expanding */

static const char *repeat(struct xf_buf *out, const char *text)
{
    const char *end = strstr(text, "}}"), *star = NULL;
    for (const char *at = text; end && at < end; at++)
        if (*at == '*')
            star = at;
    if (!star)
        return NULL;
    char *one = xf_strndup(text + 2, (size_t)(star - text - 2));
    char *part = text_expand(one, NULL);
    for (unsigned long i = strtoul(star + 1, NULL, 10); i > 0; i--)
        xf_buf_append_str(out, part);
    xf_free(one);
    xf_free(part);
    return end + 2;
}

static const char *escape(struct xf_buf *out, const char *text)
{
    static const char letters[] = "rnt\\", bytes[] = "\r\n\t\\";
    const char *letter = text[1] ? strchr(letters, text[1]) : NULL;
    if (letter) {
        xf_buf_append(out, &bytes[letter - letters], 1);
        return text + 2;
    }
    if (text[1] != 'x' || !text[2] || !text[3])
        return NULL;
    const char hex[] = {text[2], text[3], '\0'};
    char byte = (char)strtoul(hex, NULL, 16);
    xf_buf_append(out, &byte, 1);
    return text + 4;
}

static const char *capture(struct xf_buf *out, const char *text, const struct xf_map *names)
{
    size_t len = strspn(text + 1, NAME_CHARS);
    const char *value = len && names ? xf_map_find(names, (struct xf_span){text + 1, len}) : NULL;
    if (!value)
        return NULL;
    xf_buf_append_str(out, value);
    return text + 1 + len;
}

char *text_expand(const char *text, const struct xf_map *names)
{
    struct xf_buf out;
    xf_buf_init(&out, TEXT_MAX);
    while (*text) {
        const char *next = NULL;
        if (strncmp(text, "{{", 2) == 0)
            next = repeat(&out, text);
        else if (*text == '\\')
            next = escape(&out, text);
        else if (*text == '$')
            next = capture(&out, text, names);
        if (!next) {
            xf_buf_append(&out, text, 1);
            next = text + 1;
        }
        text = next;
    }
    char *copy = xf_strndup(xf_buf_ptr(&out), out.len);
    xf_buf_release(&out);
    return copy;
}

/* ------------------------------------------------------------------ matching */

static bool match(const char *pattern, const char *text, struct xf_map *names);

/* Something of any length, then the rest of the pattern; `name` NULL: it is not captured. */
static bool match_any(const char *rest, const char *text, const char *name, struct xf_map *names)
{
    for (size_t len = 0; len <= strlen(text); len++) {
        if (!match(rest, text + len, names))
            continue;
        if (name)
            xf_free(xf_map_set(names, xf_span_of(name), xf_strndup(text, len)));
        return true;
    }
    return false;
}

static bool match_name(const char *pattern, const char *text, struct xf_map *names)
{
    size_t len = strspn(pattern + 1, NAME_CHARS);
    char *name = xf_strndup(pattern + 1, len);
    const char *value = xf_map_find(names, xf_span_of(name));
    bool is_good = value ? strncmp(text, value, strlen(value)) == 0 &&
                               match(pattern + 1 + len, text + strlen(value), names)
                         : match_any(pattern + 1 + len, text, name, names);
    xf_free(name);
    return is_good;
}

static bool match(const char *pattern, const char *text, struct xf_map *names)
{
    if (*pattern == '\0')
        return *text == '\0';
    if (*pattern == '*')
        return match_any(pattern + 1, text, NULL, names);
    if (*pattern == '$' && strspn(pattern + 1, NAME_CHARS))
        return match_name(pattern, text, names);
    return *pattern == *text && match(pattern + 1, text + 1, names);
}

bool text_matches(const char *pattern, const char *text, struct xf_map *names)
{
    return match(pattern, text, names);
}

void names_free(struct xf_map **names)
{
    size_t cursor = 0;
    void *value;
    while (*names && xf_map_next(*names, &cursor, NULL, &value))
        xf_free(value);
    xf_map_free(names);
}
