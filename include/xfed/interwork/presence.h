/* SPDX-License-Identifier: MIT */
/*
 * presence.h — XMPP presence as PIDF documents and back (RFC 3863, RFC 8048 section 6).
 *
 * What both sides say about a user is a value, struct xf_availability:
 *
 *     xf_availability_read    presence of one resource -> value
 *     xf_pidf_write           values of all resources -> PIDF, complete (RFC 3856 section 6.8)
 *     xf_pidf_read            PIDF, whatever its form -> value
 *     xf_availability_write   value -> content of a <presence/>
 */
#pragma once

#include <xfed/base/draft.h>
#include <xfed/xmpp/stanza.h>

#define XF_AVAILABILITY_NOTES_MAX 4    /* languages of a status text; further ones are dropped */
#define XF_AVAILABILITY_NOTE_MAX  1024 /* bytes of a status text; longer ones are cut */

/* clang-format off */
#define XF_SHOW_MAP(X) /* RFC 6121 section 4.7.2.1; NONE: available */ \
    X(NONE, "") X(CHAT, "chat") X(AWAY, "away") X(XA, "xa") X(DND, "dnd")
/* clang-format on */

enum xf_show {
#define X(name, text) XF_SHOW_##name,
    XF_SHOW_MAP(X)
#undef X
};

struct xf_availability_note {
    struct xf_span lang; /* a language tag; absent: that of the stanza or of the message */
    struct xf_span text; /* legal in XML, not empty */
};

struct xf_availability {
    bool is_open; /* false: unavailable, or nothing is known */
    enum xf_show show;
    int priority; /* -128 to 127; 0: none was given */
    unsigned note_count;
    struct xf_availability_note notes[XF_AVAILABILITY_NOTES_MAX];
};

/* Room for the notes of one value. */
#define XF_AVAILABILITY_TEXT_BYTES (XF_AVAILABILITY_NOTES_MAX * (XF_AVAILABILITY_NOTE_MAX + 64))

/*
 * Read presence without a type, or of type unavailable. XF_ERR_BAD_VALUE: it is of another type. A
 * child that is not as RFC 6121 has it counts as absent.
 *
 * texts   holds the notes of *out; their language may be borrowed from the stanza
 */
XF_MUST_USE enum xf_err xf_availability_read(const struct xf_stanza *stanza,
                                             char texts[XF_AVAILABILITY_TEXT_BYTES],
                                             struct xf_availability *out);

/*
 * Write show, status and priority, the children of a <presence/>. The caller sets its type:
 * unavailable unless is_open.
 */
void xf_availability_write(struct xf_draft *draft, const struct xf_availability *availability);

/* ------------------------------------------------------------------ reading PIDF */

/* What the activities busy, on-the-phone, meeting, appointment and presentation are shown as. */
enum xf_pidf_busy {
    XF_PIDF_BUSY_AWAY, /* away, with the status text "Busy" if there is no other */
    XF_PIDF_BUSY_DND,
};

#define XF_PIDF_NAME_MAX 256 /* bytes of a display name; longer ones are cut */

struct xf_document;

struct xf_pidf {
    struct xf_document *document; /* to which all spans point */
    struct xf_span entity;        /* as written: "pres:u@d.example", "sip:...", "u@d.example" */
    struct xf_span display_name;  /* CIPID (RFC 4482), trimmed; absent: none */
    struct xf_availability availability;
};

/*
 * Read a PIDF document, at most 64 KiB and 2,000 elements (document.h). Release the result with
 * xf_pidf_release.
 *
 * Of several tuples the best one counts: first those with a contact for messages (im, pres, sip,
 * sips, xmpp) or with none; of these an open one; of these the one with the highest priority, then
 * the most available one, then the first one. show is that of <show xmlns='jabber:client'/> in the
 * status, else follows from an RPID activity in the status, the tuple or the person, in the form of
 * RFC 4480 or of the drafts before it. Notes are those of the tuple, else of the person, else of
 * the document. A tuple without <basic/> is not open.
 *
 * lang   Content-Language of the message, for notes that name none; absent: none
 *
 * XF_ERR_LIMIT: a limit was reached. XF_ERR_BAD_XML: not XML. XF_ERR_BAD_VALUE: XML, but not PIDF.
 */
XF_MUST_USE enum xf_err xf_pidf_read(struct xf_span text, struct xf_span lang,
                                     enum xf_pidf_busy busy, struct xf_pidf *out_pidf);
void xf_pidf_release(struct xf_pidf *pidf);

/* ------------------------------------------------------------------ writing PIDF */

struct xf_pidf_resource {
    struct xf_span name; /* the resource of a JID; absent: presence of the bare JID */
    struct xf_availability availability;
};

/*
 * A time for the next document about one user, in ms since 1970: `now_ms`, or later if *last_ms,
 * which becomes the result, is not before it. No two documents may have the same (RFC 3863 section
 * 4.1.7).
 */
int64_t xf_pidf_next_time(int64_t *last_ms, int64_t now_ms);

/*
 * Append a document about `user`, whose own resource does not matter: one tuple a resource, in this
 * order; without any, a closed one; and a person with the activity away or busy, unless one of them
 * is available (RFC 4480). XF_ERR_LIMIT: no room, or the year is not one of four digits;
 * `out` is unchanged.
 *
 * at_ms   from xf_pidf_next_time
 */
XF_MUST_USE enum xf_err xf_pidf_write(struct xf_buf *out, const struct xf_jid *user,
                                      const struct xf_pidf_resource *resources, size_t count,
                                      int64_t at_ms);
