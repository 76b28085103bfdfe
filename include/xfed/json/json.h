/* SPDX-License-Identifier: MIT */
/*
 * json.h — values into JSON objects, and out of them. jansson takes only UTF-8, and words of peers
 * may be cut within a character: what is not UTF-8 gets question marks. All functions abort when
 * memory runs out.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <xfed/base/buf.h>
#include <xfed/base/span.h>

struct xf_stanza_sum;

/* An absent text is left out. */
void xf_json_put(json_t *object, const char *key, const char *text);
void xf_json_put_span(json_t *object, const char *key, struct xf_span text);
void xf_json_put_int(json_t *object, const char *key, uint64_t number);
void xf_json_put_signed(json_t *object, const char *key, int64_t number);
void xf_json_put_bool(json_t *object, const char *key, bool value);
/* "stanzas" and "bytes" of the sum, in an object of their own. */
void xf_json_put_sum(json_t *object, const char *key, const struct xf_stanza_sum *sum);
/* An object or an array, which is taken over. */
void xf_json_put_new(json_t *object, const char *key, json_t *value);

/* Append the value as one line of ASCII with its newline. XF_ERR_LIMIT: there is no room. */
XF_MUST_USE enum xf_err xf_json_append_line(struct xf_buf *out, const json_t *value);

/*
 * Out of an object: `path` is a key, or "key.key" for one in an object in the object. What is
 * missing, or of another kind, is NULL, "", 0 or false. All borrowed.
 */
const json_t *xf_json_get(const json_t *object, const char *path);
const char *xf_json_text(const json_t *object, const char *path);
uint64_t xf_json_number(const json_t *object, const char *path); /* 0 for a negative one */
int64_t xf_json_signed(const json_t *object, const char *path);
bool xf_json_is(const json_t *object, const char *path); /* is it true? */
