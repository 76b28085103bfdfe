/* SPDX-License-Identifier: MIT */
/*
 * prefix.c — declarations of namespaces, in force from their element's start to its end.
 *
 * Bindings are a stack: an element's declarations are pushed when it begins and removed when it
 * ends. A new binding becomes the newest of its hash bucket and remembers the one before, which it
 * hides. So a prefix is found at once, however many are declared: 60 on each of 60 elements are
 * legal. Bucket 0 is reserved for the default namespace, so that names without prefix, nearly all
 * names, are not hashed.
 *
 * What expat's own namespace processing refuses is refused here (XML-NS sections 3, 5 and 6.3):
 * prefixes that are not declared or declared as nothing, `xml` and `xmlns` bound to anything else
 * and their namespaces to other prefixes, names with more than one colon or one at an end, and two
 * attributes with the same expanded name.
 */
#include "prefix_priv.h"

#include <string.h>

#include <xfed/base/alloc.h>
#include <xfed/base/crypto.h>
#include <xfed/xmpp/ns.h>

#define NS_XMLNS       "http://www.w3.org/2000/xmlns/"
#define DEFAULT_BUCKET 0
#define FIRST_BINDINGS 8
#define FIRST_NAMES    8

/* Between stanzas, memory is kept up to this multiple of what the root needs plus a little. */
#define KEEP_FACTOR     4
#define KEEP_TEXT_BYTES 1024

struct xf_binding {
    struct xf_slice prefix, ns;
    uint32_t depth;  /* of the element that declares it */
    uint32_t hidden; /* the one before in the same bucket, as in xf_prefixes.newest */
    uint32_t bucket;
};

/* ------------------------------------------------------------------ memory */

void xf_prefixes_init(struct xf_prefixes *prefixes, size_t max_bytes)
{
    *prefixes = (struct xf_prefixes){0};
    xf_buf_init(&prefixes->text, max_bytes);
    xf_rand_bytes(&prefixes->key, sizeof(prefixes->key));
}

void xf_prefixes_set_max(struct xf_prefixes *prefixes, size_t max_bytes)
{
    struct xf_buf *text = &prefixes->text;

    text->max = max_bytes > text->len ? max_bytes : text->len + 1;
}

void xf_prefixes_release(struct xf_prefixes *prefixes)
{
    xf_buf_release(&prefixes->text);
    xf_free(prefixes->bindings);
    prefixes->bindings = NULL;
    xf_free(prefixes->names);
    prefixes->names = NULL;
    prefixes->names_cap = 0;
    prefixes->count = prefixes->cap = prefixes->depth = 0;
    memset(prefixes->newest, 0, sizeof(prefixes->newest));
}

static struct xf_binding *push(struct xf_prefixes *prefixes)
{
    if (prefixes->count == prefixes->cap) {
        prefixes->cap = prefixes->cap ? 2 * prefixes->cap : FIRST_BINDINGS;
        prefixes->bindings =
            xf_realloc(prefixes->bindings, prefixes->cap * sizeof(struct xf_binding));
    }
    return &prefixes->bindings[prefixes->count++];
}

/* ------------------------------------------------------------------ names */

/* The first ':' or the end. */
static inline const char *find_colon(const char *name)
{
    while (*name != '\0' && *name != ':')
        name++;
    return name;
}

/* Does the name have one colon at most, with something on both sides? `colon` is the first. */
static bool is_qname(const char *name, const char *colon)
{
    return *colon == '\0' ||
           (colon > name && *find_colon(colon + 1) == '\0' && xf_ncname_is_valid(colon + 1));
}

static unsigned bucket_of(const struct xf_prefixes *prefixes, struct xf_span prefix)
{
    if (prefix.len == 0)
        return DEFAULT_BUCKET;
    return 1 + (unsigned)(xf_siphash13(&prefixes->key, prefix) % (XF_PREFIX_BUCKETS - 1));
}

static const struct xf_binding *find(const struct xf_prefixes *prefixes, struct xf_span prefix)
{
    uint32_t at = prefixes->newest[bucket_of(prefixes, prefix)];

    while (at != 0) {
        const struct xf_binding *binding = &prefixes->bindings[at - 1];

        if (xf_span_eq(xf_prefixes_text(prefixes, binding->prefix), prefix))
            return binding;
        at = binding->hidden;
    }
    return NULL;
}

struct xf_slice xf_prefixes_default(const struct xf_prefixes *prefixes)
{
    uint32_t at = prefixes->newest[DEFAULT_BUCKET];

    return at ? prefixes->bindings[at - 1].ns : (struct xf_slice){0, 0};
}

/* Find the namespace and local part of a name. False: its prefix is not declared. */
static bool resolve(const struct xf_prefixes *prefixes, const char *name, const char *colon,
                    struct xf_qname *out_name)
{
    struct xf_span prefix = {name, (size_t)(colon - name)};
    const char *local = colon + 1;

    *out_name = (struct xf_qname){.local = local, .local_len = strlen(local)};
    if (xf_span_eq(prefix, XF_SPAN("xml"))) {
        out_name->is_xml = true;
        return true;
    }
    const struct xf_binding *binding = find(prefixes, prefix);
    if (binding)
        out_name->ns = binding->ns;
    return binding != NULL;
}

struct xf_qname xf_prefixes_attr(const struct xf_prefixes *prefixes, const char **attrs,
                                 unsigned at)
{
    const char *name = attrs[at], *colon = find_colon(name);

    if (*colon != '\0')
        return prefixes->names[at / 2];
    return (struct xf_qname){.local = name, .local_len = (size_t)(colon - name)};
}

struct xf_span xf_prefixes_ns(const struct xf_prefixes *prefixes, const struct xf_qname *name)
{
    if (name->is_xml)
        return XF_SPAN(XF_NS_XML);
    return name->ns.len > 0 ? xf_prefixes_text(prefixes, name->ns) : XF_SPAN_NONE;
}

/* ------------------------------------------------------------------ declarations */

/* May this prefix be bound to this namespace (XML-NS section 3)? */
static bool may_bind(struct xf_span prefix, struct xf_span ns)
{
    if (xf_span_eq(prefix, XF_SPAN("xml")))
        return xf_span_eq(ns, XF_SPAN(XF_NS_XML));
    if (xf_span_eq(prefix, XF_SPAN("xmlns")) || (prefix.len > 0 && ns.len == 0))
        return false;
    return !xf_span_eq(ns, XF_SPAN(XF_NS_XML)) && !xf_span_eq(ns, XF_SPAN(NS_XMLNS));
}

static enum xf_err append(struct xf_prefixes *prefixes, struct xf_span text,
                          struct xf_slice *out_slice)
{
    *out_slice = (struct xf_slice){(uint32_t)prefixes->text.len, (uint32_t)text.len};
    return xf_buf_try_append(&prefixes->text, text.ptr, text.len);
}

static enum xf_err bind(struct xf_prefixes *prefixes, struct xf_span prefix, struct xf_span ns)
{
    struct xf_binding new = {.depth = prefixes->depth, .bucket = bucket_of(prefixes, prefix)};

    if (append(prefixes, prefix, &new.prefix) != XF_ERR_OK ||
        append(prefixes, ns, &new.ns) != XF_ERR_OK)
        return XF_ERR_LIMIT;
    new.hidden = prefixes->newest[new.bucket];
    *push(prefixes) = new;
    prefixes->newest[new.bucket] = prefixes->count;
    return XF_ERR_OK;
}

/* `name` is xmlns or xmlns:... */
static enum xf_err declare(struct xf_prefixes *prefixes, const char *name, const char *value)
{
    const char *colon = name + sizeof("xmlns") - 1;
    struct xf_span prefix = *colon ? xf_span_of(colon + 1) : XF_SPAN(""), ns = xf_span_of(value);

    if (!is_qname(name, colon) || !may_bind(prefix, ns))
        return XF_ERR_BAD_XML;
    if (xf_span_eq(prefix, XF_SPAN("xml"))) /* it is always bound */
        return XF_ERR_OK;
    return bind(prefixes, prefix, ns);
}

bool xf_prefixes_has_prefix_for(const struct xf_prefixes *prefixes, struct xf_span ns)
{
    for (unsigned i = prefixes->count; i-- > 0;) {
        const struct xf_binding *binding = &prefixes->bindings[i];

        if (binding->depth != prefixes->depth)
            break;
        if (binding->prefix.len > 0 && xf_span_eq(xf_prefixes_text(prefixes, binding->ns), ns))
            return true;
    }
    return false;
}

/* ------------------------------------------------------------------ attributes with a prefix */

static bool is_same_name(const struct xf_prefixes *prefixes, const struct xf_qname *a,
                         const struct xf_qname *b)
{
    return a->local_len == b->local_len && memcmp(a->local, b->local, a->local_len) == 0 &&
           a->is_xml == b->is_xml && xf_prefixes_same(prefixes, a->ns, b->ns);
}

/* Does an attribute before names[at] have the same expanded name? */
static bool is_repeated(const struct xf_prefixes *prefixes, unsigned at)
{
    const struct xf_qname *names = prefixes->names;

    for (unsigned i = 0; i < at; i++)
        if (names[i].local && is_same_name(prefixes, &names[i], &names[at]))
            return true;
    return false;
}

static struct xf_qname *name_at(struct xf_prefixes *prefixes, unsigned at)
{
    if (at >= prefixes->names_cap) {
        prefixes->names_cap = prefixes->names_cap ? 2 * prefixes->names_cap : FIRST_NAMES;
        prefixes->names =
            xf_realloc(prefixes->names, prefixes->names_cap * sizeof(struct xf_qname));
    }
    prefixes->names[at].local = NULL;
    return &prefixes->names[at];
}

/* Look up the prefix of each attribute, once: a long chain of hidden bindings costs too much. */
static enum xf_err name_attrs(struct xf_prefixes *prefixes, const char **attrs)
{
    for (unsigned i = 0; attrs[2 * i]; i++) {
        const char *name = attrs[2 * i], *colon = find_colon(name);
        struct xf_qname *qname = name_at(prefixes, i);

        if (*colon == '\0' || xf_prefix_is_declaration(name))
            continue;
        if (!is_qname(name, colon) || !resolve(prefixes, name, colon, qname) ||
            is_repeated(prefixes, i))
            return XF_ERR_BAD_XML;
    }
    return XF_ERR_OK;
}

/* ------------------------------------------------------------------ elements */

static enum xf_err name_element(const struct xf_prefixes *prefixes, const char *name,
                                struct xf_qname *out_name)
{
    const char *colon = find_colon(name);

    if (*colon != '\0') {
        bool is_good = is_qname(name, colon) && resolve(prefixes, name, colon, out_name);
        return is_good ? XF_ERR_OK : XF_ERR_BAD_XML;
    }
    *out_name = (struct xf_qname){
        .local = name, .local_len = (size_t)(colon - name), .ns = xf_prefixes_default(prefixes)};
    return XF_ERR_OK;
}

enum xf_err xf_prefixes_enter(struct xf_prefixes *prefixes, const char *name, const char **attrs,
                              struct xf_qname *out_name)
{
    bool has_prefixed = false;

    prefixes->depth++;
    for (unsigned at = 0; attrs[at]; at += 2) {
        if (!xf_prefix_is_declaration(attrs[at])) {
            has_prefixed |= *find_colon(attrs[at]) != '\0';
            continue;
        }
        enum xf_err err = declare(prefixes, attrs[at], attrs[at + 1]);
        if (err != XF_ERR_OK)
            return err;
    }
    enum xf_err err = has_prefixed ? name_attrs(prefixes, attrs) : XF_ERR_OK;
    return err == XF_ERR_OK ? name_element(prefixes, name, out_name) : err;
}

/* Between stanzas: free the memory that a stanza with many declarations or attributes needed. */
static void shrink(struct xf_prefixes *prefixes)
{
    struct xf_buf grown = prefixes->text;

    xf_free(prefixes->names);
    prefixes->names = NULL;
    prefixes->names_cap = 0;
    prefixes->cap = prefixes->count > 0 ? prefixes->count : 1;
    prefixes->bindings = xf_realloc(prefixes->bindings, prefixes->cap * sizeof(struct xf_binding));
    xf_buf_init(&prefixes->text, grown.max);
    xf_buf_append_span(&prefixes->text, xf_buf_span(&grown)); /* banned-ok: it was in `grown` */
    xf_buf_release(&grown);
}

static bool is_oversized(const struct xf_prefixes *prefixes)
{
    return prefixes->names_cap > FIRST_NAMES ||
           prefixes->cap > KEEP_FACTOR * (prefixes->count + FIRST_BINDINGS) ||
           prefixes->text.cap > KEEP_FACTOR * (prefixes->text.len + KEEP_TEXT_BYTES);
}

void xf_prefixes_leave(struct xf_prefixes *prefixes)
{
    while (prefixes->count > 0) {
        const struct xf_binding *top = &prefixes->bindings[prefixes->count - 1];

        if (top->depth != prefixes->depth)
            break;
        prefixes->newest[top->bucket] = top->hidden;
        prefixes->text.len = top->prefix.off;
        prefixes->count--;
    }
    if (--prefixes->depth == 1 && is_oversized(prefixes))
        shrink(prefixes);
}
