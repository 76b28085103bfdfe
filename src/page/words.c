/* SPDX-License-Identifier: MIT */
/* words.c — values out of answers. */
#include "page_priv.h"

#include <stdio.h>

static const json_t *find(const json_t *object, const char *path)
{
    const char *dot = strchr(path, '.');
    char head[32];
    if (!dot)
        return json_object_get(object, path);
    snprintf(head, sizeof(head), "%.*s", (int)(dot - path), path);
    return find(json_object_get(object, head), dot + 1);
}

const char *xf_page_text(const json_t *object, const char *path)
{
    const char *text = json_string_value(find(object, path));
    return text ? text : "";
}

uint64_t xf_page_number(const json_t *object, const char *path)
{
    json_int_t number = json_integer_value(find(object, path));
    return number < 0 ? 0 : (uint64_t)number;
}

bool xf_page_is(const json_t *object, const char *path)
{
    return json_is_true(find(object, path));
}
