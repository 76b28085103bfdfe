/* SPDX-License-Identifier: MIT */
/* values.c — values of an answer. */
#include <xfed/ask/ask.h>

#include <string.h>

#include <xfed/base/alloc.h>

const json_t *xf_ask_get(const json_t *object, const char *path)
{
    const char *dot = strchr(path, '.');
    if (!dot)
        return json_object_get(object, path);
    char *head = xf_strndup(path, (size_t)(dot - path));
    const json_t *inner = json_object_get(object, head);
    xf_free(head);
    return json_object_get(inner, dot + 1);
}

const char *xf_ask_text_of(const json_t *object, const char *path)
{
    const char *text = json_string_value(xf_ask_get(object, path));
    return text ? text : "";
}

uint64_t xf_ask_number_of(const json_t *object, const char *path)
{
    json_int_t number = json_integer_value(xf_ask_get(object, path));
    return number > 0 ? (uint64_t)number : 0;
}
