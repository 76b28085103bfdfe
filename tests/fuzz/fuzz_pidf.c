/* SPDX-License-Identifier: MIT */
/*
 * fuzz_pidf.c — any bytes as a PIDF document. What must hold for what is accepted:
 *   - the value is within its limits, its notes are text for people in languages of their own;
 *   - written as content of presence it is legal XML, and read again it is the same value;
 *   - so it is when written as a PIDF document and read again;
 *   - an entity that names a JID names one that is legal, and prepared.
 */
#include "fuzz.h"

#include <xfed/base/utf8.h>
#include <xfed/interwork/address.h>
#include <xfed/interwork/presence.h>
#include <xfed/xml/document.h>

#define INPUT_MAX_BYTES 16384
#define OUT_MAX         (1u << 20)

static void check_value(const struct xf_availability *availability)
{
    xf_require(availability->note_count <= XF_AVAILABILITY_NOTES_MAX);
    xf_require(availability->priority >= 0 && availability->priority <= 127);
    xf_require(availability->is_open || availability->show == XF_SHOW_NONE);
    for (unsigned i = 0; i < availability->note_count; i++) {
        struct xf_span text = availability->notes[i].text, lang = availability->notes[i].lang;

        xf_require(text.len > 0 && text.len <= XF_AVAILABILITY_NOTE_MAX);
        xf_require(xf_utf8_valid(text.ptr, text.len) && lang.len <= 35);
        for (unsigned j = 0; j < i; j++)
            xf_require(!xf_span_eq_nocase(availability->notes[j].lang, lang));
    }
}

static void check_same(const struct xf_availability *a, const struct xf_availability *b)
{
    xf_require(a->is_open == b->is_open && a->show == b->show);
    xf_require(a->note_count == b->note_count);
    for (unsigned i = 0; i < a->note_count; i++) {
        xf_require(xf_span_eq(a->notes[i].lang, b->notes[i].lang));
        xf_require(xf_span_eq(a->notes[i].text, b->notes[i].text));
    }
}

static void check_presence(const struct xf_availability *availability)
{
    static const char unavailable[] = "unavailable";
    static char texts[XF_AVAILABILITY_TEXT_BYTES];
    struct xf_availability again;
    struct xf_buf out;

    xf_buf_init(&out, OUT_MAX);
    struct xf_draft draft = xf_draft_begin(&out);
    xf_availability_write(&draft, availability);
    xf_require(xf_draft_end(&draft) == XF_ERR_OK);
    struct xf_stanza stanza = {.kind = XF_STANZA_PRESENCE,
                               .type =
                                   availability->is_open ? XF_SPAN_NONE : xf_span_of(unavailable),
                               .payload = xf_buf_span(&out)};
    xf_require(xf_availability_read(&stanza, texts, &again) == XF_ERR_OK);
    check_same(availability, &again);
    xf_require(again.priority == (availability->is_open ? availability->priority : 0));
    xf_buf_release(&out);
}

static void check_document(const struct xf_availability *availability)
{
    struct xf_pidf_resource resource = {.name = XF_SPAN("r"), .availability = *availability};
    char scratch[XF_JID_MAX + 1];
    struct xf_pidf again;
    struct xf_jid user;
    struct xf_buf out;

    xf_buf_init(&out, OUT_MAX);
    xf_require(xf_jid_prepare(XF_SPAN("u@a.example"), scratch, &user) == XF_ERR_OK);
    xf_require(xf_pidf_write(&out, &user, &resource, 1, 1000) == XF_ERR_OK);
    xf_require(xf_pidf_read(xf_buf_span(&out), XF_SPAN_NONE, XF_PIDF_BUSY_AWAY, &again) ==
               XF_ERR_OK);
    check_same(availability, &again.availability);
    xf_require(again.availability.priority == availability->priority);
    xf_pidf_release(&again);
    xf_buf_release(&out);
}

static void check_entity(struct xf_span entity)
{
    char storage[XF_JID_MAX + 1], scratch[XF_JID_MAX + 1];
    struct xf_jid jid, again;

    if (!xf_interwork_read_entity(entity, storage, &jid))
        return;
    xf_require(!jid.resource.ptr);
    xf_require(xf_jid_prepare(jid.full, scratch, &again) == XF_ERR_OK);
    xf_require(again.full.ptr == jid.full.ptr); /* it is prepared already */
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct xf_span text = {len > 0 ? (const char *)bytes : "", len};

    if (len > INPUT_MAX_BYTES)
        return 0;
    for (enum xf_pidf_busy busy = XF_PIDF_BUSY_AWAY; busy <= XF_PIDF_BUSY_DND; busy++) {
        struct xf_pidf pidf;

        if (xf_pidf_read(text, XF_SPAN_NONE, busy, &pidf) != XF_ERR_OK)
            return 0;
        check_value(&pidf.availability);
        xf_require(pidf.display_name.len <= XF_PIDF_NAME_MAX);
        check_presence(&pidf.availability);
        check_document(&pidf.availability);
        check_entity(pidf.entity);
        xf_pidf_release(&pidf);
    }
    return 0;
}
