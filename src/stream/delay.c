/* SPDX-License-Identifier: MIT */
/* delay.c — stamps messages that are delivered late: sent again, or by another process. */
#include <xfed/stream/delay.h>

#include <time.h>

#include <xfed/xml/writer.h>
#include <xfed/xmpp/ns.h>

#define TIME_CHARS 32

static bool is_stamped(const struct xf_stanza *stanza)
{
    struct xf_span rest = stanza->payload;
    struct xf_stanza_child child;
    while (xf_stanza_next_child(&rest, &child))
        if (xf_span_is(child.ns, XF_NS_DELAY) && xf_span_is(child.name, "delay"))
            return true;
    return false;
}

/* XEP-0082 §3.2, in UTC. "" for a time that no calendar has. */
static void write_time(int64_t unix_s, char out[TIME_CHARS])
{
    time_t seconds = (time_t)unix_s;
    struct tm utc;
    if (!gmtime_r(&seconds, &utc) || !strftime(out, TIME_CHARS, "%Y-%m-%dT%H:%M:%SZ", &utc))
        out[0] = '\0';
}

void xf_delay_stamp(struct xf_stanza *stanza, struct xf_span from, int64_t unix_s,
                    struct xf_buf *payload)
{
    char text[TIME_CHARS];
    if (stanza->kind != XF_STANZA_MESSAGE || !xf_stanza_may_bounce(stanza) || is_stamped(stanza))
        return;
    write_time(unix_s, text);
    xf_buf_clear(payload);
    struct xf_draft draft = xf_draft_begin(payload);
    xf_draft_str(&draft, "<delay xmlns=\"" XF_NS_DELAY "\""); /* as in every payload */
    xf_xml_attr(&draft, "from", from);
    xf_xml_attr(&draft, "stamp", xf_span_of(text));
    xf_draft_str(&draft, "/>");
    xf_draft_span(&draft, stanza->payload);
    if (xf_draft_end(&draft) == XF_ERR_OK)
        stanza->payload = xf_buf_span(payload);
}
