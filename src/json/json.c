/* SPDX-License-Identifier: MIT */
/* json.c — values into JSON objects, and out of them; see json.h. */
#include <xfed/json/json.h>

#include <string.h>

#include <xfed/base/alloc.h>
#include <xfed/base/utf8.h>
#include <xfed/xmpp/stanza_queue.h>

#define PRINT (JSON_COMPACT | JSON_ENSURE_ASCII)

static json_t *text_of(struct xf_span text)
{
    if (xf_utf8_valid(text.ptr, text.len))
        return json_stringn_nocheck(text.ptr, text.len);
    char *plain = xf_strndup(text.ptr, text.len);
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)plain[i] >= 0x80)
            plain[i] = '?';
    json_t *string = json_stringn(plain, text.len);
    xf_free(plain);
    return string;
}

void xf_json_put_new(json_t *object, const char *key, json_t *value)
{
    xf_require(json_object_set_new(object, key, value) == 0);
}

void xf_json_put_span(json_t *object, const char *key, struct xf_span text)
{
    if (text.ptr)
        xf_json_put_new(object, key, text_of(text));
}

void xf_json_put(json_t *object, const char *key, const char *text)
{
    xf_json_put_span(object, key, xf_span_of(text));
}

void xf_json_put_int(json_t *object, const char *key, uint64_t number)
{
    xf_json_put_new(object, key, json_integer((json_int_t)number));
}

void xf_json_put_signed(json_t *object, const char *key, int64_t number)
{
    xf_json_put_new(object, key, json_integer(number));
}

void xf_json_put_bool(json_t *object, const char *key, bool value)
{
    xf_json_put_new(object, key, json_boolean(value));
}

void xf_json_put_sum(json_t *object, const char *key, const struct xf_stanza_sum *sum)
{
    json_t *value = json_object();
    xf_json_put_int(value, "stanzas", sum->count);
    xf_json_put_int(value, "bytes", sum->bytes);
    xf_json_put_new(object, key, value);
}

enum xf_err xf_json_append_line(struct xf_buf *out, const json_t *value)
{
    size_t len = json_dumpb(value, NULL, 0, PRINT);
    char *room = xf_buf_reserve(out, len + 1);
    if (!room)
        return XF_ERR_LIMIT;
    xf_require(json_dumpb(value, room, len, PRINT) == len);
    room[len] = '\n';
    xf_buf_commit(out, len + 1);
    return XF_ERR_OK;
}

/* ------------------------------------------------------------------ out of an object */

const json_t *xf_json_get(const json_t *object, const char *path)
{
    const char *dot = strchr(path, '.');
    if (!dot)
        return json_object_get(object, path);
    return xf_json_get(json_object_getn(object, path, (size_t)(dot - path)), dot + 1);
}

const char *xf_json_text(const json_t *object, const char *path)
{
    const char *text = json_string_value(xf_json_get(object, path));
    return text ? text : "";
}

uint64_t xf_json_number(const json_t *object, const char *path)
{
    int64_t number = xf_json_signed(object, path);
    return number > 0 ? (uint64_t)number : 0;
}

int64_t xf_json_signed(const json_t *object, const char *path)
{
    return json_integer_value(xf_json_get(object, path));
}

bool xf_json_is(const json_t *object, const char *path)
{
    return json_is_true(xf_json_get(object, path));
}
