/* SPDX-License-Identifier: MIT */
/*
 * mail_payload.c — replaces addresses of our users within payloads, for peers that know them by
 * e-mail address. doc/operators/MAIL-ADDRESSES.md has the table with reasons.
 *
 * Only a stanza with a child in a namespace of the table `places` is looked at, which costs a
 * comparison with the namespaces that the reader found anyway. Such a child is copied tag by tag,
 * and the values of some attributes are replaced. The text comes from our own reader: it has no
 * comments, `<` and `>` stand only around tags, and values are in double quotes.
 */
#include "mail_priv.h"

#include "routing_priv.h"

#include <xfed/base/alloc.h>
#include <xfed/xml/writer.h>

#define STEPS_MAX     3    /* names from the child to the attribute's element */
#define ADDRESSES_MAX 1000 /* in one stanza; further ones stay as they are */

static const struct place {
    const char *ns, *path[STEPS_MAX], *attribute;
} places[] = {
    {"http://jabber.org/protocol/muc#user", {"x", "invite"}, "from"},
    {"http://jabber.org/protocol/muc#user", {"x", "invite"}, "to"},
    {"http://jabber.org/protocol/muc#user", {"x", "decline"}, "from"},
    {"http://jabber.org/protocol/muc#user", {"x", "decline"}, "to"},
    {"http://jabber.org/protocol/muc#user", {"x", "item"}, "jid"},
    {"http://jabber.org/protocol/muc#user", {"x", "item", "actor"}, "jid"},
    {"http://jabber.org/protocol/muc#admin", {"query", "item"}, "jid"},
    {"http://jabber.org/protocol/muc#admin", {"query", "item", "actor"}, "jid"},
    {"http://jabber.org/protocol/address", {"addresses", "address"}, "jid"},
    {"urn:xmpp:delay", {"delay"}, "from"},
    {"jabber:x:delay", {"x"}, "from"},
    {"http://jabber.org/protocol/rosterx", {"x", "item"}, "jid"},
    {"urn:xmpp:jingle:1", {"jingle"}, "initiator"},
    {"urn:xmpp:jingle:1", {"jingle"}, "responder"},
};

struct rewriting {
    struct xf_routing *routing;
    bool is_in;
    struct xf_draft out;
    struct xf_span ns; /* of the child that is being copied */
    /* Names of the open elements, the child first; absent: in another namespace. */
    struct xf_span names[STEPS_MAX];
    size_t depth, count; /* count: of the addresses looked at */
    /*
     * The last address that is not known yet. Once it is known, the others usually are too, so that
     * a stanza with many addresses is not searched once for each of them.
     */
    struct xf_span *later;
    bool is_later, is_unknown;
};

static bool is_of_interest(struct xf_span ns)
{
    for (size_t i = 0; i < XF_ARRAY_LEN(places); i++)
        if (xf_span_is(ns, places[i].ns))
            return true;
    return false;
}

static bool has_any(const struct xf_stanza *stanza)
{
    if (stanza->child_count > XF_STANZA_CHILDREN)
        return true;
    for (unsigned i = 0; i < stanza->child_count; i++)
        if (stanza->children[i].ns.len && is_of_interest(stanza->children[i].ns))
            return true;
    return false;
}

static bool is_at(const struct rewriting *w, const struct place *place)
{
    for (size_t i = 0; i < STEPS_MAX; i++) {
        if (!place->path[i])
            return w->depth == i;
        if (i >= w->depth || !xf_span_is(w->names[i], place->path[i]))
            return false;
    }
    return w->depth == STEPS_MAX;
}

static bool is_place(const struct rewriting *w, struct xf_span attribute)
{
    for (size_t i = 0; i < XF_ARRAY_LEN(places); i++)
        if (xf_span_is(attribute, places[i].attribute) && xf_span_is(w->ns, places[i].ns) &&
            is_at(w, &places[i]))
            return true;
    return false;
}

/* ------------------------------------------------------------------ a value */

/*
 * Writes up to XF_JID_MAX bytes to `out`. False: the value has a reference that no JID needs, or is
 * longer than any JID.
 */
static bool unescape(struct xf_span value, char *out, size_t *out_len)
{
    static const struct {
        const char *text;
        char c;
    } references[] = {
        {"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}};
    size_t len = 0;
    while (value.len) {
        size_t i = 0, step = 1;
        char c = *value.ptr;
        for (; c == '&' && i < XF_ARRAY_LEN(references); i++) {
            step = strlen(references[i].text);
            if (value.len >= step && memcmp(value.ptr, references[i].text, step) == 0)
                break;
        }
        if (i == XF_ARRAY_LEN(references) || len == XF_JID_MAX)
            return false;
        out[len++] = c == '&' ? references[i].c : c;
        value.ptr += step;
        value.len -= step;
    }
    *out_len = len;
    return true;
}

/*
 * Finds the other address of one of our users: *out_bare, and the resource in *out_jid. False: the
 * text stays as it is.
 */
static bool other_address(struct rewriting *w, struct xf_span text, struct xf_span *out_bare,
                          struct xf_jid *out_jid, char scratch[XF_JID_MAX + 1])
{
    if (xf_jid_prepare(text, scratch, out_jid) != XF_ERR_OK || !out_jid->local.ptr ||
        !xf_policy_served(w->routing->policy, out_jid->domain))
        return false;
    struct xf_span bare = xf_jid_bare(out_jid);
    switch (
        (w->is_in ? xf_mailmap_jid_of : xf_mailmap_mail_of)(w->routing->mailmap, bare, out_bare)) {
    case XF_MAILMAP_FOUND:
        return true;
    case XF_MAILMAP_LATER:
        memcpy(w->routing->later, bare.ptr, bare.len);
        *w->later = (struct xf_span){w->routing->later, bare.len};
        w->is_later = true;
        return false;
    case XF_MAILMAP_UNKNOWN:
        w->is_unknown = !w->is_in; /* what a peer wrote shows it nothing new */
        return false;
    case XF_MAILMAP_NONE:
        break;
    }
    return false;
}

static void copy_value(struct rewriting *w, struct xf_span value)
{
    char text[XF_JID_MAX + 1], scratch[XF_JID_MAX + 1];
    struct xf_span bare;
    struct xf_jid jid;
    size_t len = 0;
    bool is_text = w->count++ < ADDRESSES_MAX && unescape(value, text, &len);
    if (!is_text || !other_address(w, (struct xf_span){text, len}, &bare, &jid, scratch)) {
        xf_draft_span(&w->out, value);
        return;
    }
    xf_xml_value(&w->out, bare);
    if (jid.resource.ptr) {
        xf_draft_append(&w->out, "/", 1);
        xf_xml_value(&w->out, jid.resource);
    }
}

/* ------------------------------------------------------------------ tags */

static struct xf_span take_until(struct xf_span *rest, const char *ends)
{
    size_t len = 0;
    while (len < rest->len && !memchr(ends, rest->ptr[len], strlen(ends)))
        len++;
    struct xf_span taken = {rest->ptr, len};
    rest->ptr += len;
    rest->len -= len;
    return taken;
}

/* Copies ` name="value"`. False: the tag has no more attributes. */
static bool copy_attribute(struct rewriting *w, struct xf_span *rest)
{
    struct xf_span start = *rest;
    if (rest->len == 0 || *rest->ptr != ' ')
        return false;
    rest->ptr++, rest->len--;
    struct xf_span name = take_until(rest, "=");
    if (rest->len < 2 || rest->ptr[1] != '"') {
        *rest = start;
        return false;
    }
    rest->ptr += 2, rest->len -= 2;
    struct xf_span value = take_until(rest, "\"");
    xf_draft_append(&w->out, start.ptr, (size_t)(value.ptr - start.ptr));
    if (is_place(w, name))
        copy_value(w, value);
    else
        xf_draft_span(&w->out, value);
    if (rest->len) { /* the second quote */
        xf_draft_append(&w->out, rest->ptr, 1);
        rest->ptr++, rest->len--;
    }
    return true;
}

/*
 * Copies a tag with its `<` and `>`. Elements deeper than any place are counted, but their
 * attributes are not looked at.
 */
static void copy_tag(struct rewriting *w, struct xf_span tag)
{
    struct xf_span rest = tag;
    bool is_end = tag.len > 1 && tag.ptr[1] == '/',
         is_empty = tag.len > 2 && tag.ptr[tag.len - 2] == '/';
    if (is_end) {
        w->depth--;
        xf_draft_span(&w->out, tag);
        return;
    }
    xf_draft_append(&w->out, rest.ptr, 1);
    rest.ptr++, rest.len--;
    struct xf_span name = take_until(&rest, " />");
    bool is_foreign = w->depth > 0 && rest.len > 7 && memcmp(rest.ptr, " xmlns=", 7) == 0;
    xf_draft_span(&w->out, name);
    if (w->depth < STEPS_MAX)
        w->names[w->depth] = is_foreign ? XF_SPAN_NONE : name;
    w->depth++;
    while (w->depth <= STEPS_MAX && copy_attribute(w, &rest)) {
    }
    xf_draft_span(&w->out, rest);
    if (is_empty)
        w->depth--;
}

static void copy_child(struct rewriting *w, const struct xf_stanza_child *child)
{
    struct xf_span rest = child->whole;
    w->ns = child->ns;
    w->depth = 0;
    while (rest.len) {
        xf_draft_span(&w->out, take_until(&rest, "<"));
        struct xf_span tag = take_until(&rest, ">");
        if (rest.len) {
            tag.len++;
            rest.ptr++, rest.len--;
            copy_tag(w, tag);
        }
    }
}

static enum xf_mailmap_answer rewrite(struct xf_routing *routing, struct xf_stanza *stanza,
                                      bool is_in, struct xf_span *later)
{
    struct rewriting w = {.routing = routing, .is_in = is_in, .later = later};
    struct xf_span rest = stanza->payload, before = rest;
    struct xf_stanza_child child;
    if (!rest.len || !has_any(stanza))
        return XF_MAILMAP_FOUND;
    xf_buf_release(&routing->rewritten); /* a large buffer is rarely needed again */
    w.out = xf_draft_begin(&routing->rewritten);
    while (xf_stanza_next_child(&rest, &child)) {
        xf_draft_append(&w.out, before.ptr, (size_t)(child.whole.ptr - before.ptr));
        if (child.ns.len && is_of_interest(child.ns))
            copy_child(&w, &child);
        else
            xf_draft_span(&w.out, child.whole);
        before = rest;
    }
    xf_draft_span(&w.out, before);
    if (w.is_later || w.is_unknown)
        return w.is_later ? XF_MAILMAP_LATER : XF_MAILMAP_UNKNOWN;
    /* the buffer is large enough: at most ADDRESSES_MAX addresses become longer */
    if (xf_draft_end(&w.out) == XF_ERR_OK)
        stanza->payload = xf_buf_span(&routing->rewritten);
    return XF_MAILMAP_FOUND;
}

enum xf_mailmap_answer xf_mail_payload_out(struct xf_routing *routing, struct xf_stanza *stanza,
                                           struct xf_span *later)
{
    return rewrite(routing, stanza, false, later);
}

enum xf_mailmap_answer xf_mail_payload_in(struct xf_routing *routing, struct xf_stanza *stanza,
                                          struct xf_span *later)
{
    return rewrite(routing, stanza, true, later);
}
