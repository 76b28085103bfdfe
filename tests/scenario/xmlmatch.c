/* SPDX-License-Identifier: MIT */
/*
 * xmlmatch.c — splits output into units, reads each into a small tree with expat, and compares
 * trees.
 *
 * An element is parsed inside the header of its stream, so that its prefixes resolve as they would
 * for the peer. For a header the namespace declarations are compared too, as a set: whether
 * xmlns:db is there has a meaning (XEP-0220 §2.1).
 */
#include "xmlmatch.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xfed/base/alloc.h>
#include <xfed/base/buf.h>

#include "deferral_priv.h"

#define ATTRS_MAX      64
#define NAME_CHARS     "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"
#define TEXT_MAX_BYTES (64u << 20)
#define SEPARATOR      '|' /* between namespace and name */

struct tree_attr {
    char *name, *value;
};

struct tree {
    char *name; /* "namespace|name" */
    struct tree_attr attrs[ATTRS_MAX];
    size_t attr_count;
    char *text;
    struct tree *parent, *first, *last, *next;
};

struct tree_parser {
    XML_Parser parser;
    struct tree *root, *current;
    struct tree_attr declared[ATTRS_MAX]; /* xmlns of the next start tag; kept for the root only */
    size_t declared_count;
    bool is_recording;
    size_t depth, record_depth;
};

/* ---- units ---- */

/*
 * Length of the tag at `text` (which begins with '<'); a '>' in quotes does not end it. 0:
 * incomplete.
 */
static size_t tag_len(struct xf_span text)
{
    char quote = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (quote)
            quote = c == quote ? 0 : quote;
        else if (c == '\'' || c == '"')
            quote = c;
        else if (c == '>')
            return i + 1;
    }
    return 0;
}

static struct xf_span skip(struct xf_span text, size_t len)
{
    return (struct xf_span){text.ptr + len, text.len - len};
}

static size_t space_len(struct xf_span text)
{
    size_t len = 0;
    while (len < text.len && isspace((unsigned char)text.ptr[len]))
        len++;
    return len;
}

static bool begins(struct xf_span text, const char *with)
{
    size_t len = strlen(with);
    return text.len >= len && memcmp(text.ptr, with, len) == 0;
}

static size_t element_len(struct xf_span text)
{
    size_t depth = 0, at = 0;
    do {
        const char *open = memchr(text.ptr + at, '<', text.len - at);
        if (!open)
            return 0;
        at = (size_t)(open - text.ptr);
        size_t len = tag_len(skip(text, at));
        if (len == 0)
            return 0;
        bool is_end = text.ptr[at + 1] == '/';
        bool is_empty = text.ptr[at + len - 2] == '/';
        depth = is_end ? depth - 1 : depth + !is_empty;
        at += len;
    } while (depth > 0);
    return at;
}

static size_t header_len(struct xf_span text)
{
    size_t at = 0;
    if (begins(text, "<?xml")) {
        at = tag_len(text);
        if (at == 0)
            return 0;
        at += space_len(skip(text, at));
    }
    size_t len = tag_len(skip(text, at));
    return len == 0 ? 0 : at + len;
}

bool unit_next(struct xf_span text, struct unit *out_unit, bool *out_is_garbage)
{
    *out_is_garbage = false;
    size_t space = space_len(text);
    struct xf_span rest = skip(text, space);
    if (rest.len == 0) {
        *out_unit = (struct unit){UNIT_SPACE, space};
        return space > 0;
    }
    if (rest.ptr[0] != '<') {
        *out_is_garbage = true;
        return false;
    }
    enum unit_kind kind = UNIT_ELEMENT;
    size_t len = 0;
    if (begins(rest, "</")) {
        kind = UNIT_FOOTER;
        len = tag_len(rest);
    } else if (begins(rest, "<?xml") || begins(rest, "<stream:stream")) {
        kind = UNIT_HEADER;
        len = header_len(rest);
    } else {
        len = element_len(rest);
    }
    *out_unit = (struct unit){kind, space + len};
    return len > 0;
}

/* ---- trees ---- */

static void tree_free(struct tree *tree)
{
    while (tree) {
        struct tree *next = tree->next;
        tree_free(tree->first);
        for (size_t i = 0; i < tree->attr_count; i++) {
            xf_free(tree->attrs[i].name);
            xf_free(tree->attrs[i].value);
        }
        xf_free(tree->name);
        xf_free(tree->text);
        xf_free(tree);
        tree = next;
    }
}

static void add_attr(struct tree *tree, const char *name, const char *value)
{
    if (tree->attr_count < ATTRS_MAX)
        tree->attrs[tree->attr_count++] = (struct tree_attr){xf_strdup(name), xf_strdup(value)};
}

static void on_declare(void *owner, const XML_Char *prefix, const XML_Char *uri)
{
    struct tree_parser *p = owner;
    if (p->is_recording && p->depth == 0 && p->declared_count < ATTRS_MAX) {
        p->declared[p->declared_count].name = xf_asprintf("xmlns:%s", prefix ? prefix : "");
        p->declared[p->declared_count++].value = xf_strdup(uri ? uri : "");
    }
}

static void on_start(void *owner, const XML_Char *name, const XML_Char **attrs)
{
    struct tree_parser *p = owner;
    if (p->is_recording && p->depth >= p->record_depth) {
        struct tree *tree = xf_new(struct tree);
        tree->name = xf_strdup(name);
        tree->text = xf_strdup("");
        tree->parent = p->current;
        for (size_t i = 0; attrs[i]; i += 2)
            add_attr(tree, attrs[i], attrs[i + 1]);
        for (size_t i = 0; i < p->declared_count && tree->attr_count < ATTRS_MAX; i++)
            tree->attrs[tree->attr_count++] = p->declared[i];
        p->declared_count = 0;
        if (!p->current)
            p->root = tree;
        else if (p->current->last)
            p->current->last = p->current->last->next = tree;
        else
            p->current->first = p->current->last = tree;
        p->current = tree;
    }
    p->depth++;
}

static void on_end(void *owner, const XML_Char *name)
{
    struct tree_parser *p = owner;
    (void)name;
    p->depth--;
    if (p->current && p->is_recording && p->depth >= p->record_depth)
        p->current = p->current->parent;
}

static void on_text(void *owner, const XML_Char *text, int len)
{
    struct tree_parser *p = owner;
    if (!p->current)
        return;
    size_t had = strlen(p->current->text);
    p->current->text = xf_realloc(p->current->text, had + (size_t)len + 1);
    memcpy(p->current->text + had, text, (size_t)len);
    p->current->text[had + (size_t)len] = '\0';
}

/* The unit as a tree; NULL: *out_why says why not. */
static struct tree *tree_parse(enum unit_kind kind, struct xf_span context, struct xf_span unit,
                               char **out_why)
{
    struct tree_parser p = {.parser = XML_ParserCreateNS("UTF-8", SEPARATOR)};
    XML_SetUserData(p.parser, &p);
    XML_SetElementHandler(p.parser, on_start, on_end);
    XML_SetCharacterDataHandler(p.parser, on_text);
    XML_SetStartNamespaceDeclHandler(p.parser, on_declare);
    xf_expat_defer_nothing(p.parser);
    bool is_good = true;
    if (kind != UNIT_HEADER) {
        is_good = XML_Parse(p.parser, context.ptr, (int)context.len, 0) == XML_STATUS_OK;
        p.record_depth = 1;
    }
    p.is_recording = true;
    is_good = is_good && XML_Parse(p.parser, unit.ptr, (int)unit.len, 0) == XML_STATUS_OK;
    if (!is_good) {
        *out_why = xf_asprintf("not well-formed: %s in: %.*s",
                               XML_ErrorString(XML_GetErrorCode(p.parser)), XF_SPAN_ARGS(unit));
        tree_free(p.root);
        p.root = NULL;
    }
    for (size_t i = 0; i < p.declared_count; i++) {
        xf_free(p.declared[i].name);
        xf_free(p.declared[i].value);
    }
    XML_ParserFree(p.parser);
    return p.root;
}

/* ---- comparing ---- */

static bool value_matches(const char *got, const char *want, struct xf_map *names)
{
    if (strcmp(want, "*") == 0)
        return true;
    if (want[0] != '$' || want[1] == '\0' || strspn(want + 1, NAME_CHARS) != strlen(want + 1))
        return strcmp(got, want) == 0;
    struct xf_span name = xf_span_of(want + 1);
    const char *known = xf_map_find(names, name);
    if (known)
        return strcmp(got, known) == 0;
    xf_map_set(names, name, xf_strdup(got));
    return true;
}

static const char *attr_value(const struct tree *tree, const char *name)
{
    for (size_t i = 0; i < tree->attr_count; i++) {
        if (strcmp(tree->attrs[i].name, name) == 0)
            return tree->attrs[i].value;
    }
    return NULL;
}

/* An attribute that the transcript may leave out: hardly any cares for the language of a stream. */
static bool may_be_there(const char *attr)
{
    return strcmp(attr, "http://www.w3.org/XML/1998/namespace|lang") == 0;
}

static char *compare_attrs(const struct tree *got, const struct tree *want, struct xf_map *names)
{
    for (size_t i = 0; i < want->attr_count; i++) {
        const char *value = attr_value(got, want->attrs[i].name);
        if (!value)
            return xf_asprintf("<%s> lacks the attribute %s", got->name, want->attrs[i].name);
        if (!value_matches(value, want->attrs[i].value, names))
            return xf_asprintf("<%s> has %s=\"%s\", not \"%s\"", got->name, want->attrs[i].name,
                               value, want->attrs[i].value);
    }
    for (size_t i = 0; i < got->attr_count; i++) {
        if (!attr_value(want, got->attrs[i].name) && !may_be_there(got->attrs[i].name))
            return xf_asprintf("<%s> has an attribute too many: %s=\"%s\"", got->name,
                               got->attrs[i].name, got->attrs[i].value);
    }
    return NULL;
}

static bool is_named(const struct tree *tree, const char *name)
{
    const char *local = strrchr(tree->name, SEPARATOR);
    return strcmp(local ? local + 1 : tree->name, name) == 0;
}

/*
 * Features may always contain stream limits (XEP-0478), bidi and sm, and an error may hold a text,
 * even if the transcript does not write them. What it does write must be there. `features no-bidi`
 * says that bidi must not be there.
 */
static bool is_optional(const struct tree *tree)
{
    return strcmp(tree->name, "urn:xmpp:stream-limits:0|limits") == 0 ||
           strcmp(tree->name, "urn:xmpp:features:bidi|bidi") == 0 ||
           strcmp(tree->name, "urn:xmpp:sm:3|sm") == 0 ||
           strcmp(tree->name, "urn:ietf:params:xml:ns:xmpp-streams|text") == 0 ||
           strcmp(tree->name, "urn:ietf:params:xml:ns:xmpp-sasl|text") == 0 ||
           strcmp(tree->name, "urn:ietf:params:xml:ns:xmpp-stanzas|text") == 0;
}

static bool has_child(const struct tree *tree, const char *name)
{
    for (const struct tree *child = tree->first; child; child = child->next)
        if (is_named(child, name))
            return true;
    return false;
}

static char *compare_trees(const struct tree *got, const struct tree *want, struct xf_map *names)
{
    if (strcmp(got->name, want->name) != 0)
        return xf_asprintf("<%s> instead of <%s>", got->name, want->name);
    char *why = compare_attrs(got, want, names);
    if (why)
        return why;
    if (!value_matches(got->text, want->text, names))
        return xf_asprintf("the text of <%s> is \"%.200s\", not \"%.200s\"", got->name, got->text,
                           want->text);
    const struct tree *g = got->first, *w = want->first;
    if (w && is_named(w, "no-bidi")) {
        if (has_child(got, "bidi"))
            return xf_asprintf("<%s> has <bidi/>", got->name);
        w = w->next;
    }
    for (; w && !is_named(w, "rest"); g = g->next, w = w->next) {
        while (g && is_optional(g) && strcmp(g->name, w->name) != 0)
            g = g->next;
        if (!g)
            return xf_asprintf("<%s> lacks the child <%s>", got->name, w->name);
        why = is_named(w, "any") ? NULL : compare_trees(g, w, names);
        if (why)
            return why;
    }
    while (g && !w && is_optional(g))
        g = g->next;
    if (g && !w)
        return xf_asprintf("<%s> has a child too many: <%s>", got->name, g->name);
    return NULL;
}

bool unit_matches(enum unit_kind kind, struct xf_span got_context, struct xf_span got,
                  struct xf_span want_context, struct xf_span want, struct xf_map *names,
                  char **out_why)
{
    *out_why = NULL;
    if (kind == UNIT_FOOTER || kind == UNIT_SPACE)
        return true;
    struct tree *got_tree = tree_parse(kind, got_context, got, out_why);
    struct tree *want_tree = got_tree ? tree_parse(kind, want_context, want, out_why) : NULL;
    if (got_tree && want_tree)
        *out_why = compare_trees(got_tree, want_tree, names);
    tree_free(got_tree);
    tree_free(want_tree);
    return *out_why == NULL;
}

char *unit_substitute(const char *text, const struct xf_map *names)
{
    struct xf_buf out;
    xf_buf_init(&out, TEXT_MAX_BYTES);
    while (*text) {
        size_t plain = strcspn(text, "$");
        xf_buf_append(&out, text, plain);
        text += plain;
        if (*text == '\0')
            break;
        size_t len = strspn(text + 1, NAME_CHARS);
        const char *value = len ? xf_map_find(names, (struct xf_span){text + 1, len}) : NULL;
        if (value)
            xf_buf_append_str(&out, value);
        else
            xf_buf_append(&out, text, len + 1);
        text += len + 1;
    }
    char *result = xf_span_dup(xf_buf_span(&out));
    xf_buf_release(&out);
    return result;
}
