/* SPDX-License-Identifier: MIT */
/*
 * pidf_read.c — what a PIDF document says about its user, as one value.
 *
 * First all that is said of the user is gathered: persons (RFC 4479), notes and a name of the
 * document. Then each tuple is read as if it were the only one, and the best of them counts.
 * Elements that we do not know are passed over with all that is in them (RFC 3863 section 4.2.3).
 */
#include "availability_priv.h"

#include <xfed/xmpp/ns.h>

#include "activity_priv.h"
#include "document_priv.h"
#include "text_priv.h"

#define PRIORITY_ONE 1000u /* of a contact: thousandths */

struct reading {
    enum xf_pidf_busy busy;
    struct xf_span lang;          /* of notes that name none */
    enum xf_activity activity;    /* of the person */
    struct xf_availability notes; /* of the person, else of the document: only notes are used */
};

/* What is known of one tuple. */
struct tuple {
    bool takes_messages;
    struct xf_availability availability;
};

/* ------------------------------------------------------------------ parts */

static void add_notes(const struct reading *reading, const struct xf_elem *parent, const char *ns,
                      struct xf_availability *out)
{
    for (const struct xf_elem *child = parent->first_child; child; child = child->next) {
        struct xf_span lang = xf_interwork_lang(child);

        if (xf_elem_is(child, ns, "note"))
            xf_availability_add_note(out, lang.ptr ? lang : reading->lang, child->text);
    }
}

/* The first activity in these elements that means something to us. */
static enum xf_activity activity_in(const struct xf_elem *parent)
{
    for (const struct xf_elem *child = parent->first_child; child; child = child->next) {
        enum xf_activity activity = xf_activity_read(child);

        if (activity != XF_ACTIVITY_NONE)
            return activity;
    }
    return XF_ACTIVITY_NONE;
}

/*
 * Digit, dot, up to three digits, at most 1 (RFC 3863 section 4.1.5), in thousandths. 0, the
 * lowest, for anything else.
 */
static unsigned contact_priority(struct xf_span text)
{
    unsigned number = 0, places = 0;

    if (text.len == 0 || text.len > 5 || (text.len > 1 && text.ptr[1] != '.'))
        return 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (i == 1)
            continue;
        if (c < '0' || c > '9')
            return 0;
        number = 10 * number + (unsigned)(c - '0');
        places += i > 1;
    }
    for (; places < 3; places++)
        number *= 10;
    return number <= PRIORITY_ONE ? number : 0;
}

/* 1 to 0.007, 2 to 0.015, ..., 127 to 1 (RFC 8048 section 6.2), the other way. */
static int priority_of(unsigned thousandths)
{
    return (int)((thousandths * 127 + PRIORITY_ONE - 1) / PRIORITY_ONE);
}

static bool is_for_messages(const struct xf_elem *contact)
{
    static const struct xf_span schemes[] = {XF_SPAN_INIT("im:"), XF_SPAN_INIT("pres:"),
                                             XF_SPAN_INIT("sip:"), XF_SPAN_INIT("sips:"),
                                             XF_SPAN_INIT("xmpp:")};
    struct xf_span text = xf_span_trim(contact->text);

    for (size_t i = 0; i < XF_ARRAY_LEN(schemes); i++) {
        if (text.len >= schemes[i].len &&
            xf_span_eq_nocase((struct xf_span){text.ptr, schemes[i].len}, schemes[i]))
            return true;
    }
    return text.len == 0 || !memchr(text.ptr, ':', text.len);
}

/* ------------------------------------------------------------------ tuples */

static enum xf_show show_of_activity(enum xf_activity activity, enum xf_pidf_busy busy)
{
    switch (activity) {
    case XF_ACTIVITY_BUSY:
        return busy == XF_PIDF_BUSY_DND ? XF_SHOW_DND : XF_SHOW_AWAY;
    case XF_ACTIVITY_AWAY:
        return XF_SHOW_AWAY;
    case XF_ACTIVITY_XA:
        return XF_SHOW_XA;
    case XF_ACTIVITY_NONE:
        return XF_SHOW_NONE;
    }
    return XF_SHOW_NONE;
}

static void read_activity(const struct reading *reading, enum xf_activity activity,
                          struct xf_availability *out)
{
    out->show = show_of_activity(activity, reading->busy);
    if (activity == XF_ACTIVITY_BUSY && reading->busy == XF_PIDF_BUSY_AWAY && out->note_count == 0)
        xf_availability_add_note(out, XF_SPAN("en"), XF_SPAN("Busy"));
}

static void read_show(const struct reading *reading, const struct xf_elem *tuple,
                      const struct xf_elem *status, struct xf_availability *out)
{
    const struct xf_elem *show = xf_elem_child(status, XF_NS_CLIENT, "show");
    enum xf_activity activity = activity_in(status);

    if (show) {
        out->show = xf_show_find(show->text);
        return;
    }
    if (activity == XF_ACTIVITY_NONE)
        activity = activity_in(tuple);
    read_activity(reading, activity != XF_ACTIVITY_NONE ? activity : reading->activity, out);
}

static struct tuple read_tuple(const struct reading *reading, const struct xf_elem *elem)
{
    const struct xf_elem *status = xf_elem_child(elem, XF_NS_PIDF, "status"),
                         *basic = status ? xf_elem_child(status, XF_NS_PIDF, "basic") : NULL,
                         *contact = xf_elem_child(elem, XF_NS_PIDF, "contact");
    struct tuple tuple = {.takes_messages = !contact || is_for_messages(contact)};
    struct xf_availability *out = &tuple.availability;

    out->is_open = basic && xf_span_is(xf_span_trim(basic->text), "open");
    if (contact)
        out->priority = priority_of(contact_priority(xf_elem_attr(contact, "priority")));
    add_notes(reading, elem, XF_NS_PIDF, out);
    for (unsigned i = 0; out->note_count == 0 && i < reading->notes.note_count; i++)
        out->notes[i] = reading->notes.notes[i];
    if (out->note_count == 0)
        out->note_count = reading->notes.note_count;
    if (out->is_open)
        read_show(reading, elem, status, out);
    return tuple;
}

/* How available is somebody who shows this? */
static unsigned availability_rank(enum xf_show show)
{
    static const unsigned ranks[] = {[XF_SHOW_CHAT] = 4,
                                     [XF_SHOW_NONE] = 3,
                                     [XF_SHOW_DND] = 2,
                                     [XF_SHOW_AWAY] = 1,
                                     [XF_SHOW_XA] = 0};

    return ranks[show];
}

static bool is_better(const struct tuple *a, const struct tuple *b)
{
    const struct xf_availability *one = &a->availability, *other = &b->availability;

    if (a->takes_messages != b->takes_messages)
        return a->takes_messages;
    if (one->is_open != other->is_open)
        return one->is_open;
    if (one->priority != other->priority)
        return one->priority > other->priority;
    return availability_rank(one->show) > availability_rank(other->show);
}

static void read_tuples(const struct reading *reading, const struct xf_elem *root,
                        struct xf_availability *out)
{
    struct tuple best = {.availability = reading->notes};
    bool has_one = false;

    for (const struct xf_elem *child = root->first_child; child; child = child->next) {
        if (!xf_elem_is(child, XF_NS_PIDF, "tuple"))
            continue;
        struct tuple tuple = read_tuple(reading, child);

        if (!has_one || is_better(&tuple, &best))
            best = tuple;
        has_one = true;
    }
    *out = best.availability;
}

/* ------------------------------------------------------------------ the document */

static void read_name(const struct xf_elem *parent, struct xf_span *out_name)
{
    const struct xf_elem *name = xf_elem_child(parent, XF_NS_PIDF_CIPID, "display-name");

    if (!name || out_name->ptr)
        return;
    struct xf_span text = xf_interwork_cut(xf_span_trim(name->text), XF_PIDF_NAME_MAX);
    if (text.len > 0)
        *out_name = text;
}

static void read_person(struct reading *reading, const struct xf_elem *person)
{
    if (reading->activity == XF_ACTIVITY_NONE)
        reading->activity = activity_in(person);
    if (reading->notes.note_count == 0)
        add_notes(reading, person, XF_NS_PIDF_PERSON, &reading->notes);
}

static void read_root(struct reading *reading, const struct xf_elem *root, struct xf_pidf *out)
{
    out->entity = xf_span_trim(xf_elem_attr(root, "entity"));
    read_name(root, &out->display_name);
    for (const struct xf_elem *child = root->first_child; child; child = child->next) {
        if (xf_elem_is(child, XF_NS_PIDF_PERSON, "person"))
            read_person(reading, child);
        if (xf_elem_is(child, XF_NS_PIDF_PERSON, "person") ||
            xf_elem_is(child, XF_NS_PIDF, "tuple"))
            read_name(child, &out->display_name);
    }
    if (reading->notes.note_count == 0)
        add_notes(reading, root, XF_NS_PIDF, &reading->notes);
    read_tuples(reading, root, &out->availability);
}

enum xf_err xf_pidf_read(struct xf_span text, struct xf_span lang, enum xf_pidf_busy busy,
                         struct xf_pidf *out_pidf)
{
    struct reading reading = {.busy = busy};
    struct xf_pidf pidf = {0};
    enum xf_err err = xf_interwork_parse(text, &pidf.document);

    if (err != XF_ERR_OK)
        return err;
    const struct xf_elem *root = xf_document_root(pidf.document);
    if (!xf_elem_is(root, XF_NS_PIDF, "presence")) {
        xf_pidf_release(&pidf);
        return XF_ERR_BAD_VALUE;
    }
    reading.lang = xf_interwork_lang(root);
    if (!reading.lang.ptr && xf_interwork_is_language(lang))
        reading.lang = lang;
    read_root(&reading, root, &pidf);
    *out_pidf = pidf;
    return XF_ERR_OK;
}

void xf_pidf_release(struct xf_pidf *pidf)
{
    xf_document_free(&pidf->document);
    *pidf = (struct xf_pidf){0};
}
