/* SPDX-License-Identifier: MIT */
/*
 * payload.c — walk the direct children of a stanza's payload, without a parser.
 *
 * The payload was written by our own reader (xml/payload.c): it has no comments, CDATA or
 * declarations, `<` and `>` stand only around tags, and an element's own namespace is the first
 * attribute of its tag. Anything else ends the walk.
 */
#include <xfed/xmpp/stanza.h>

static const char xmlns[] = " xmlns=\"";

static const char *find(const char *from, const char *end, char c)
{
    return from < end ? memchr(from, c, (size_t)(end - from)) : NULL;
}

/* Read the tag that begins at `open`: returns its `>`, and by how much it increases the depth. */
static const char *read_tag(const char *open, const char *end, int *out_step)
{
    const char *close = find(open, end, '>');
    if (!close || close < open + 2)
        return NULL;
    *out_step = open[1] == '/' ? -1 : close[-1] == '/' ? 0 : 1;
    return close;
}

static struct xf_span name_of(const char *open, const char *close)
{
    const char *end = open + 1;
    while (end < close && *end != ' ' && *end != '/')
        end++;
    return (struct xf_span){open + 1, (size_t)(end - open - 1)};
}

static struct xf_span ns_of(struct xf_span name, const char *close)
{
    const char *at = name.ptr + name.len, *value = at + sizeof(xmlns) - 1;
    if (value >= close || memcmp(at, xmlns, sizeof(xmlns) - 1) != 0)
        return XF_SPAN_NONE;
    const char *quote = find(value, close, '"');
    return quote ? (struct xf_span){value, (size_t)(quote - value)} : XF_SPAN_NONE;
}

bool xf_stanza_next_child(struct xf_span *rest, struct xf_stanza_child *out)
{
    const char *end = rest->ptr + rest->len, *open = find(rest->ptr, end, '<');
    int step = 0;
    const char *close = open ? read_tag(open, end, &step) : NULL;
    if (!close || step < 0)
        return false;
    struct xf_span name = name_of(open, close);
    *out = (struct xf_stanza_child){.name = name, .ns = ns_of(name, close)};
    for (int depth = step; depth > 0; depth += step) {
        const char *tag = find(close, end, '<');
        close = tag ? read_tag(tag, end, &step) : NULL;
        if (!close)
            return false;
        out->has_elements |= step >= 0;
    }
    out->whole = (struct xf_span){open, (size_t)(close + 1 - open)};
    *rest = (struct xf_span){close + 1, (size_t)(end - close - 1)};
    return true;
}

void xf_stanza_find_children(struct xf_stanza *stanza)
{
    struct xf_span rest = stanza->payload;
    struct xf_stanza_child child;
    stanza->child_count = 0;
    while (rest.ptr && xf_stanza_next_child(&rest, &child)) {
        if (stanza->child_count < XF_STANZA_CHILDREN)
            stanza->children[stanza->child_count] = (struct xf_child){child.ns, child.name};
        stanza->child_count++;
    }
}

/* Most stanzas have no such child; the names of their children tell that, where they are known. */
static bool may_have_child_in(const struct xf_stanza *stanza, const char *ns)
{
    if (stanza->child_count == 0 || stanza->child_count > XF_STANZA_CHILDREN)
        return true;
    for (unsigned i = 0; i < stanza->child_count; i++)
        if (xf_span_is(stanza->children[i].ns, ns))
            return true;
    return false;
}

bool xf_stanza_child_in(const struct xf_stanza *stanza, const char *ns, struct xf_stanza_child *out)
{
    struct xf_span rest = stanza->payload;
    if (!may_have_child_in(stanza, ns))
        return false;
    while (rest.ptr && xf_stanza_next_child(&rest, out))
        if (xf_span_is(out->ns, ns))
            return true;
    return false;
}
