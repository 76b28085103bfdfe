/* SPDX-License-Identifier: MIT */
/*
 * payload.c — the children of a stanza, serialised while they are parsed. This is the hot path of
 * the program.
 *
 * Elements are written without prefix. Each open element has a level, which records the default
 * namespace in force within it; an element in another namespace declares it. The output therefore
 * depends on no prefix or default namespace that the peer declared anywhere in the stream. The
 * content namespace is written as XF_CONTENT_NS_MARK where an element returns to it from another
 * namespace, and is not written otherwise (stanza.h). A default namespace cannot express two
 * things:
 * - attributes in a namespace: a prefix n1, n2, ... is declared in the same tag, in front of its
 *   first use;
 * - names in the namespace of `xml:`, which must not be the default one (XML-NS section 3): they
 *   keep the prefix.
 *
 * Prefixes in text or in attribute values (QNames in content) lose their declaration; XMPP
 * extensions use none.
 */
#include "payload_priv.h"

#include <stdio.h>
#include <string.h>

#include <xfed/base/alloc.h>
#include <xfed/xmpp/ns.h>
#include <xfed/xmpp/stanza.h>

#include "escape_priv.h"

#define FIRST_LEVELS 8
#define KEEP_BYTES   4096 /* of memory, kept between stanzas */

/* ------------------------------------------------------------------ memory */

void xf_payload_init(struct xf_payload *payload, size_t max_bytes)
{
    *payload = (struct xf_payload){0};
    xf_buf_init(&payload->out, max_bytes);
}

void xf_payload_set_max(struct xf_payload *payload, size_t max_bytes)
{
    struct xf_buf *out = &payload->out;

    out->max = max_bytes > out->len ? max_bytes : out->len + 1;
}

void xf_payload_release(struct xf_payload *payload)
{
    xf_buf_release(&payload->out);
    xf_free(payload->levels);
    payload->levels = NULL;
    payload->level_cap = 0;
}

void xf_payload_begin(struct xf_payload *payload, struct xf_slice content_ns)
{
    if (payload->out.cap > KEEP_BYTES)
        xf_buf_release(&payload->out);
    else
        xf_buf_clear(&payload->out);
    if (!payload->levels) {
        payload->level_cap = FIRST_LEVELS;
        payload->levels = xf_alloc(FIRST_LEVELS * sizeof(struct xf_level));
    }
    payload->levels[0] = (struct xf_level){.ns = content_ns};
    payload->depth = 0;
    payload->tag_open = payload->has_mark = false;
}

/* The number of levels is bounded by limits.depth. */
static struct xf_level *push_level(struct xf_payload *payload)
{
    if (++payload->depth == payload->level_cap) {
        payload->level_cap *= 2;
        payload->levels = xf_realloc(payload->levels, payload->level_cap * sizeof(struct xf_level));
    }
    return &payload->levels[payload->depth];
}

/* Room for `len` bytes or NULL; the caller commits. */
static inline char *room(struct xf_buf *buf, size_t len)
{
    char *tail = xf_buf_tail(buf, len);

    return __builtin_expect(tail != NULL, 1) ? tail : xf_buf_reserve(buf, len);
}

static inline char *put(char *out, const char *bytes, size_t len)
{
    memcpy(out, bytes, len);
    return out + len;
}

#define PUT(out, literal) put((out), "" literal, sizeof(literal) - 1)

static inline void commit_to(struct xf_buf *buf, const char *end)
{
    buf->len = (size_t)(end - buf->data) - buf->start;
}

enum xf_err xf_payload_keep(struct xf_payload *payload, const char *text,
                            struct xf_slice *out_slice)
{
    size_t len = strlen(text), off = payload->out.len;

    if (xf_buf_try_append(&payload->out, text, len) != XF_ERR_OK)
        return XF_ERR_LIMIT;
    *out_slice = (struct xf_slice){(uint32_t)off, (uint32_t)len};
    return XF_ERR_OK;
}

/* ------------------------------------------------------------------ attributes */

/* Append the escaped value and the closing quote. */
static enum xf_err append_value_end(struct xf_buf *out, const char *value, size_t len)
{
    if (xf_escape_append(out, value, len, XF_ESCAPE_VALUE) != XF_ERR_OK)
        return XF_ERR_LIMIT;
    return xf_buf_try_append(out, "\"", 1);
}

/* `name="value"`; most values need no escaping and are copied in one go. */
static enum xf_err append_attr(struct xf_buf *out, const char *name, size_t name_len,
                               const char *value)
{
    size_t clean = xf_escape_clean_z(value, XF_ESCAPE_VALUE);
    char *p = room(out, name_len + clean + 3);

    if (!p)
        return XF_ERR_LIMIT;
    p = PUT(put(p, name, name_len), "=\"");
    p = put(p, value, clean);
    if (value[clean] == '\0') {
        commit_to(out, PUT(p, "\""));
        return XF_ERR_OK;
    }
    commit_to(out, p);
    return append_value_end(out, value + clean, strlen(value + clean));
}

static enum xf_err append_prefix(struct xf_buf *out, const char *before, unsigned number,
                                 const char *behind)
{
    char text[32];
    int len = snprintf(text, sizeof(text), "%s%u%s", before, number, behind);

    return xf_buf_try_append(out, text, (size_t)len);
}

/* ` xmlns:n1="..."` */
static enum xf_err declare_prefix(struct xf_buf *out, struct xf_span ns, unsigned number)
{
    if (append_prefix(out, " xmlns:n", number, "=\"") != XF_ERR_OK)
        return XF_ERR_LIMIT;
    return append_value_end(out, ns.ptr, ns.len);
}

/* Does this attribute need a prefix? */
static bool is_in_ns(const struct xf_qname *name)
{
    return name->ns.len > 0 && !name->is_xml;
}

/*
 * The number in an attribute's prefix: the attributes that need a prefix are counted up to the
 * first one in the same namespace. *out_is_new: the attribute itself is that one.
 */
static unsigned prefix_number(const struct xf_prefixes *prefixes, const char **attrs, unsigned at,
                              const struct xf_qname *name, bool *out_is_new)
{
    unsigned number = 1;

    for (unsigned i = 0; i < at; i += 2) {
        if (xf_prefix_is_declaration(attrs[i]))
            continue;
        struct xf_qname other = xf_prefixes_attr(prefixes, attrs, i);
        if (!is_in_ns(&other))
            continue;
        if (xf_prefixes_same(prefixes, other.ns, name->ns)) {
            *out_is_new = false;
            return number;
        }
        number++;
    }
    *out_is_new = true;
    return number;
}

static enum xf_err append_ns_attr(struct xf_buf *out, const struct xf_prefixes *prefixes,
                                  const char **attrs, unsigned at, const struct xf_qname *name)
{
    bool is_new;
    unsigned number = prefix_number(prefixes, attrs, at, name, &is_new);

    if (is_new && declare_prefix(out, xf_prefixes_ns(prefixes, name), number) != XF_ERR_OK)
        return XF_ERR_LIMIT;
    if (append_prefix(out, " n", number, ":") != XF_ERR_OK)
        return XF_ERR_LIMIT;
    return append_attr(out, name->local, name->local_len, attrs[at + 1]);
}

enum xf_err xf_payload_attr(struct xf_payload *payload, const struct xf_prefixes *prefixes,
                            const char **attrs, unsigned at)
{
    struct xf_buf *out = &payload->out;
    struct xf_qname name = xf_prefixes_attr(prefixes, attrs, at);

    if (is_in_ns(&name))
        return append_ns_attr(out, prefixes, attrs, at, &name);
    if (xf_buf_try_append(out, name.is_xml ? " xml:" : " ", name.is_xml ? 5 : 1) != XF_ERR_OK)
        return XF_ERR_LIMIT;
    return append_attr(out, name.local, name.local_len, attrs[at + 1]);
}

/* ------------------------------------------------------------------ elements */

/*
 * ` xmlns="..."` for an element whose namespace is not the one in force; *out_ns is that namespace
 * as written.
 */
static enum xf_err change_ns(struct xf_payload *payload, const struct xf_prefixes *prefixes,
                             struct xf_slice ns, struct xf_slice *out_ns)
{
    struct xf_buf *out = &payload->out;
    struct xf_span text = xf_prefixes_text(prefixes, ns);
    char *p = room(out, sizeof(" xmlns=\"\x01\"") - 1);

    if (!p)
        return XF_ERR_LIMIT;
    p = PUT(p, " xmlns=\"");
    if (xf_prefixes_same(prefixes, ns, payload->levels[0].ns)) {
        *p++ = XF_CONTENT_NS_MARK;
        *p++ = '"';
        commit_to(out, p);
        payload->has_mark = true;
        return XF_ERR_OK;
    }
    commit_to(out, p);
    size_t off = out->len;
    if (append_value_end(out, text.ptr, text.len) != XF_ERR_OK)
        return XF_ERR_LIMIT;
    *out_ns = (struct xf_slice){(uint32_t)off, (uint32_t)(out->len - 1 - off)};
    return XF_ERR_OK;
}

/* Append the '>' that the tag before may still lack, '<' and the name. */
static enum xf_err open_tag(struct xf_payload *payload, const struct xf_qname *name,
                            struct xf_slice *out_name)
{
    struct xf_buf *out = &payload->out;
    size_t name_len = name->local_len + (name->is_xml ? 4 : 0);
    char *p = room(out, name_len + 2);

    if (!p)
        return XF_ERR_LIMIT;
    if (payload->tag_open)
        *p++ = '>';
    *p++ = '<';
    *out_name =
        (struct xf_slice){(uint32_t)((size_t)(p - out->data) - out->start), (uint32_t)name_len};
    if (name->is_xml)
        p = PUT(p, "xml:");
    commit_to(out, put(p, name->local, name->local_len));
    payload->tag_open = true;
    return XF_ERR_OK;
}

enum xf_err xf_payload_start(struct xf_payload *payload, const struct xf_prefixes *prefixes,
                             const struct xf_qname *name, const char **attrs,
                             struct xf_payload_name *out_name)
{
    struct xf_slice outer = payload->levels[payload->depth].ns, written = XF_SLICE_NONE;
    struct xf_level *level = push_level(payload);

    level->ns = name->is_xml ? outer : name->ns;
    if (open_tag(payload, name, &level->name) != XF_ERR_OK)
        return XF_ERR_LIMIT;
    if (!xf_prefixes_same(prefixes, level->ns, outer) &&
        change_ns(payload, prefixes, level->ns, &written) != XF_ERR_OK)
        return XF_ERR_LIMIT;
    for (unsigned at = 0; attrs[at]; at += 2) {
        if (!xf_prefix_is_declaration(attrs[at]) &&
            xf_payload_attr(payload, prefixes, attrs, at) != XF_ERR_OK)
            return XF_ERR_LIMIT;
    }
    *out_name = (struct xf_payload_name){written, level->name};
    return XF_ERR_OK;
}

enum xf_err xf_payload_end(struct xf_payload *payload)
{
    struct xf_buf *out = &payload->out;
    struct xf_slice name = payload->levels[payload->depth].name;
    char *p = room(out, name.len + 3);

    if (!p)
        return XF_ERR_LIMIT;
    if (payload->tag_open) {
        p = PUT(p, "/>");
    } else {
        p = PUT(p, "</");
        p = put(p, out->data + out->start + name.off, name.len);
        *p++ = '>';
    }
    commit_to(out, p);
    payload->tag_open = false;
    payload->depth--;
    return XF_ERR_OK;
}

enum xf_err xf_payload_text(struct xf_payload *payload, const char *text, size_t len)
{
    if (payload->tag_open) {
        payload->tag_open = false;
        if (xf_buf_try_append(&payload->out, ">", 1) != XF_ERR_OK)
            return XF_ERR_LIMIT;
    }
    return xf_escape_append(&payload->out, text, len, XF_ESCAPE_TEXT);
}
