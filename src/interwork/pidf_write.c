/* SPDX-License-Identifier: MIT */
/*
 * pidf_write.c — the resources of a user as a PIDF document (RFC 3863 section 4.1, RFC 8048 section
 * 6.2), for SIMPLE.
 *
 * SIP clients do not know <show/>; that somebody is away or busy they show by an activity of the
 * person (RFC 4479, RFC 4480), of which a user has one for all resources.
 */
#include "availability_priv.h"

#include <stdio.h>
#include <time.h>

#include <xfed/interwork/address.h>
#include <xfed/xml/writer.h>
#include <xfed/xmpp/ns.h>

/* sip:user@host;gr=resource, each byte escaped */
#define URI_MAX_BYTES (3 * XF_JID_MAX + 16)
#define TIME_BYTES    32

/* ------------------------------------------------------------------ parts */

int64_t xf_pidf_next_time(int64_t *last_ms, int64_t now_ms)
{
    *last_ms = now_ms > *last_ms ? now_ms : *last_ms + 1;
    return *last_ms;
}

/* RFC 3339, in ms. False: no year of four digits. */
static bool write_time(int64_t ms, char out[TIME_BYTES])
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;

    if (ms < 0 || !gmtime_r(&seconds, &tm) || tm.tm_year > 9999 - 1900)
        return false;
    size_t len = strftime(out, TIME_BYTES, "%Y-%m-%dT%H:%M:%S", &tm);
    (void)snprintf(out + len, TIME_BYTES - len, ".%03uZ", (unsigned)(ms % 1000));
    return true;
}

/*
 * xs:ID wants a letter in front, and of all that a resource can hold it takes few characters (RFC
 * 8048 section 6.2): the others become "_" and two hex digits, and so does "_".
 */
static void put_id(struct xf_draft *draft, struct xf_span resource)
{
    xf_draft_str(draft, "ID-");
    for (size_t i = 0; i < resource.len; i++) {
        unsigned char c = (unsigned char)resource.ptr[i];

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            c == '-' || c == '.')
            xf_draft_append(draft, resource.ptr + i, 1);
        else
            xf_draft_printf(draft, "_%02x", c);
    }
}

/* As text or attribute value of XML: `put` is xf_xml_text or xf_xml_value. */
static void put_uri(struct xf_draft *draft, const struct xf_jid *jid,
                    enum xf_err (*write)(struct xf_buf *out, const struct xf_jid *jid),
                    void (*put)(struct xf_draft *draft, struct xf_span text))
{
    struct xf_buf uri;

    xf_buf_init(&uri, URI_MAX_BYTES);
    xf_require(write(&uri, jid) == XF_ERR_OK); /* a JID has parts of 1023 bytes */
    put(draft, xf_buf_span(&uri));
    xf_buf_release(&uri);
}

/* ------------------------------------------------------------------ tuples */

static void put_status(struct xf_draft *draft, const struct xf_availability *availability)
{
    xf_draft_printf(draft, "<status><basic>%s</basic>", availability->is_open ? "open" : "closed");
    if (availability->is_open && availability->show != XF_SHOW_NONE)
        xf_draft_printf(draft, "<show xmlns=\"" XF_NS_CLIENT "\">%s</show>",
                        xf_show_text(availability->show));
    xf_draft_str(draft, "</status>");
}

static void put_contact(struct xf_draft *draft, const struct xf_jid *user,
                        const struct xf_pidf_resource *resource)
{
    struct xf_jid jid = *user;
    int priority = resource->availability.priority;

    jid.resource = resource->name;
    xf_draft_str(draft, "<contact");
    if (priority > 0) /* 0 is the lowest, and so is none; less must not be sent */
        xf_draft_printf(draft, " priority=\"%d.%03d\"", priority / 127,
                        priority * 1000 / 127 % 1000);
    xf_draft_str(draft, ">");
    put_uri(draft, &jid, xf_interwork_write_uri, xf_xml_text);
    xf_draft_str(draft, "</contact>");
}

static void put_notes(struct xf_draft *draft, const struct xf_availability *availability)
{
    for (unsigned i = 0; i < availability->note_count; i++) {
        xf_draft_str(draft, "<note");
        xf_xml_attr(draft, "xml:lang", availability->notes[i].lang);
        xf_draft_str(draft, ">");
        xf_xml_text(draft, availability->notes[i].text);
        xf_draft_str(draft, "</note>");
    }
}

static void put_tuple(struct xf_draft *draft, const struct xf_jid *user,
                      const struct xf_pidf_resource *resource, const char *time)
{
    xf_draft_str(draft, "<tuple id=\"");
    put_id(draft, resource->name);
    xf_draft_str(draft, "\">");
    put_status(draft, &resource->availability);
    put_contact(draft, user, resource);
    put_notes(draft, &resource->availability);
    xf_draft_printf(draft, "<timestamp>%s</timestamp></tuple>", time);
}

/* ------------------------------------------------------------------ the person */

/*
 * What this show is as an activity; NULL: none. There is none for xa: permanent-absence is for
 * those who are not expected to come back.
 */
static const char *activity_of(enum xf_show show)
{
    switch (show) {
    case XF_SHOW_AWAY:
    case XF_SHOW_XA:
        return "away";
    case XF_SHOW_DND:
        return "busy";
    case XF_SHOW_NONE:
    case XF_SHOW_CHAT:
        break;
    }
    return NULL;
}

/*
 * Who is available at one resource is away nowhere; who is busy at one is not away, whatever
 * another one says.
 */
static void put_person(struct xf_draft *draft, const struct xf_pidf_resource *resources,
                       size_t count)
{
    const char *activity = NULL;

    for (size_t i = 0; i < count; i++) {
        const struct xf_availability *availability = &resources[i].availability;
        if (!availability->is_open)
            continue;
        const char *here = activity_of(availability->show);
        if (!here)
            return;
        if (!activity || availability->show == XF_SHOW_DND)
            activity = here;
    }
    if (activity)
        xf_draft_printf(draft,
                        "<person xmlns=\"" XF_NS_PIDF_PERSON "\" id=\"person\">"
                        "<activities xmlns=\"" XF_NS_PIDF_RPID "\"><%s/></activities></person>",
                        activity);
}

enum xf_err xf_pidf_write(struct xf_buf *out, const struct xf_jid *user,
                          const struct xf_pidf_resource *resources, size_t count, int64_t at_ms)
{
    static const struct xf_pidf_resource closed = {.availability = {.is_open = false}};
    struct xf_draft draft = xf_draft_begin(out);
    char time[TIME_BYTES];

    if (!write_time(at_ms, time))
        return XF_ERR_LIMIT;
    xf_draft_str(&draft, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<presence xmlns=\"" XF_NS_PIDF
                         "\" entity=\"pres:");
    put_uri(&draft, user, xf_interwork_write_user, xf_xml_value);
    xf_draft_str(&draft, "\">");
    for (size_t i = 0; i < count; i++)
        put_tuple(&draft, user, &resources[i], time);
    if (count == 0)
        put_tuple(&draft, user, &closed, time);
    put_person(&draft, resources, count);
    xf_draft_str(&draft, "</presence>\n");
    return xf_draft_end(&draft);
}
