/* SPDX-License-Identifier: MIT */
/* delay.c — stamps messages that are delivered late: sent again, or by another process. */
#include <xfed/stream/delay.h>

#include <xfed/base/timestamp.h>
#include <xfed/xml/writer.h>
#include <xfed/xmpp/ns.h>

static bool is_stamped(const struct xf_stanza *stanza)
{
    struct xf_span rest = stanza->payload;
    struct xf_stanza_child child;
    while (xf_stanza_next_child(&rest, &child))
        if (xf_span_is(child.ns, XF_NS_DELAY) && xf_span_is(child.name, "delay"))
            return true;
    return false;
}

void xf_delay_stamp(struct xf_stanza *stanza, struct xf_span from, int64_t unix_s,
                    struct xf_buf *payload)
{
    char text[XF_TIMESTAMP_BYTES];
    if (stanza->kind != XF_STANZA_MESSAGE || !xf_stanza_may_bounce(stanza) || is_stamped(stanza))
        return;
    xf_buf_clear(payload);
    struct xf_draft draft = xf_draft_begin(payload);
    xf_draft_str(&draft, "<delay xmlns=\"" XF_NS_DELAY "\""); /* as in every payload */
    xf_xml_attr(&draft, "from", from);
    xf_xml_attr(&draft, "stamp", xf_span_of(xf_timestamp_s(unix_s, text)));
    xf_draft_str(&draft, "/>");
    xf_draft_span(&draft, stanza->payload);
    if (xf_draft_end(&draft) == XF_ERR_OK)
        stanza->payload = xf_buf_span(payload);
}
