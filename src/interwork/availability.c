/* SPDX-License-Identifier: MIT */
/*
 * availability.c — presence of XMPP as a value and back (RFC 6121 section 4.7.2).
 *
 * Only show, status and priority of the stanza's own namespace count; all else of presence (caps,
 * avatars, ...) has no counterpart in SIP.
 */
#include "availability_priv.h"

#include "document_priv.h"
#include "text_priv.h"

#include <xfed/xml/writer.h>

/* ------------------------------------------------------------------ parts */

static const char *const shows[] = {
#define X(name, text) [XF_SHOW_##name] = text,
    XF_SHOW_MAP(X)
#undef X
};

const char *xf_show_text(enum xf_show show)
{
    xf_require((size_t)show < XF_ARRAY_LEN(shows));
    return shows[show];
}

enum xf_show xf_show_find(struct xf_span text)
{
    text = xf_span_trim(text);
    for (size_t i = 0; i < XF_ARRAY_LEN(shows); i++) {
        if (xf_span_is(text, shows[i]))
            return (enum xf_show)i;
    }
    return XF_SHOW_NONE;
}

void xf_availability_add_note(struct xf_availability *availability, struct xf_span lang,
                              struct xf_span text)
{
    /* The cut may leave white space at the end. */
    text = xf_span_trim(xf_interwork_cut(xf_span_trim(text), XF_AVAILABILITY_NOTE_MAX));
    if (text.len == 0 || availability->note_count == XF_AVAILABILITY_NOTES_MAX)
        return;
    for (unsigned i = 0; i < availability->note_count; i++) {
        if (xf_span_eq_nocase(availability->notes[i].lang, lang))
            return;
    }
    availability->notes[availability->note_count++] =
        (struct xf_availability_note){.lang = lang, .text = text};
}

/* ------------------------------------------------------------------ reading */

/* -128 to 127; 0 for what is no such number (RFC 6121 section 4.7.2.3). */
static int priority_of(struct xf_span text)
{
    bool is_negative;
    uint64_t number;

    text = xf_span_trim(text);
    is_negative = text.len > 0 && *text.ptr == '-';
    if (text.len > 0 && (*text.ptr == '-' || *text.ptr == '+'))
        text = (struct xf_span){text.ptr + 1, text.len - 1};
    if (!xf_span_number(text, is_negative ? 128 : 127, &number))
        return 0;
    return is_negative ? -(int)number : (int)number;
}

/* Copy into the room at *end, which follows it. */
static struct xf_span keep(char **end, struct xf_span text)
{
    struct xf_span kept = {*end, text.len};

    if (!text.ptr)
        return XF_SPAN_NONE;
    memcpy(*end, text.ptr, text.len);
    *end += text.len;
    return kept;
}

/* The note that is added points to `end`, where it is kept. */
static void add_status(struct xf_availability *out, const struct xf_elem *status,
                       struct xf_span stanza_lang, char **end)
{
    struct xf_span lang = xf_interwork_lang(status);
    unsigned before = out->note_count;

    xf_availability_add_note(out, lang.ptr ? lang : stanza_lang, status->text);
    if (out->note_count == before)
        return;
    struct xf_availability_note *note = &out->notes[before];
    note->text = keep(end, note->text);
    if (lang.ptr)
        note->lang = keep(end, lang);
}

static void read_child(struct xf_availability *out, const struct xf_elem *child,
                       struct xf_span stanza_lang, char **end)
{
    if (xf_span_is(child->name, "status"))
        add_status(out, child, stanza_lang, end);
    else if (xf_span_is(child->name, "priority"))
        out->priority = priority_of(child->text);
    else if (xf_span_is(child->name, "show") && out->is_open)
        out->show = xf_show_find(child->text);
}

enum xf_err xf_availability_read(const struct xf_stanza *stanza,
                                 char texts[XF_AVAILABILITY_TEXT_BYTES],
                                 struct xf_availability *out)
{
    struct xf_availability availability = {.is_open = !stanza->type.ptr};
    struct xf_span rest = stanza->payload,
                   lang = xf_interwork_is_language(stanza->lang) ? stanza->lang : XF_SPAN_NONE;
    struct xf_stanza_child child;
    struct xf_document *document;
    char *end = texts;

    if (stanza->kind != XF_STANZA_PRESENCE ||
        (stanza->type.ptr && !xf_span_is(stanza->type, "unavailable")))
        return XF_ERR_BAD_VALUE;
    while (rest.ptr && xf_stanza_next_child(&rest, &child)) {
        if (child.ns.ptr || xf_interwork_parse(child.whole, &document) != XF_ERR_OK)
            continue;
        read_child(&availability, xf_document_root(document), lang, &end);
        xf_document_free(&document);
    }
    *out = availability;
    return XF_ERR_OK;
}

/* ------------------------------------------------------------------ writing */

void xf_availability_write(struct xf_draft *draft, const struct xf_availability *availability)
{
    if (availability->is_open && availability->show != XF_SHOW_NONE)
        xf_draft_printf(draft, "<show>%s</show>", xf_show_text(availability->show));
    for (unsigned i = 0; i < availability->note_count; i++) {
        xf_draft_str(draft, "<status");
        xf_xml_attr(draft, "xml:lang", availability->notes[i].lang);
        xf_draft_str(draft, ">");
        xf_xml_text(draft, availability->notes[i].text);
        xf_draft_str(draft, "</status>");
    }
    if (availability->is_open && availability->priority != 0)
        xf_draft_printf(draft, "<priority>%d</priority>", availability->priority);
}
