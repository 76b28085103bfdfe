/* SPDX-License-Identifier: MIT */
/*
 * route_back.c — decides about stanzas that went out on a stream which ended before they were
 * proved (setting `resend`).
 *
 * Nobody can say whether the peer has them. Sent again, a stanza may arrive twice; returned to its
 * sender, it may have arrived all the same. A message that arrives twice is the lesser evil, and
 * its clients recognise it by its id and by the time stamp (XEP-0203). A request that is carried
 * out twice may do harm, and its sender can ask again. Whoever receives a second result or error
 * ignores it, and none of these may be answered: they are sent again in any case.
 */
#include "route_back_priv.h"

#include "route_priv.h"
#include "routing_priv.h"

#include <stdio.h>
#include <time.h>

#include <xfed/base/alloc.h>
#include <xfed/journal/journal.h>
#include <xfed/xml/writer.h>
#include <xfed/xmpp/ns.h>

static bool may_resend(const struct xf_route *route, const struct xf_stanza *stanza)
{
    enum xf_resend resend = route->settings->resend;
    if (!xf_stanza_may_bounce(stanza) || resend == XF_RESEND_ALL)
        return true;
    return resend == XF_RESEND_MESSAGES && stanza->kind != XF_STANZA_IQ;
}

/* XEP-0082 §3.2, in UTC. */
static void write_time(int64_t unix_s, char *out, size_t room)
{
    time_t seconds = (time_t)unix_s;
    struct tm utc;
    if (!gmtime_r(&seconds, &utc) || !strftime(out, room, "%Y-%m-%dT%H:%M:%SZ", &utc))
        out[0] = '\0';
}

/* Say when the message was first sent; the payload is in routing->rewritten then. */
static void stamp(struct xf_route *route, struct xf_stanza *stanza, uint64_t at_ms)
{
    struct xf_routing *routing = route->routing;
    struct xf_buf *out = &routing->rewritten;
    int64_t ago_s = (int64_t)((xf_routing_now(routing) - at_ms) / 1000);
    char text[32];
    write_time(routing->env->unix_s(routing->env) - ago_s, text, sizeof(text));
    xf_buf_clear(out);
    struct xf_draft draft = xf_draft_begin(out);
    xf_draft_span(&draft, stanza->payload);
    xf_draft_str(&draft, "<delay xmlns='" XF_NS_DELAY "'");
    xf_xml_attr(&draft, "from", route->local);
    xf_xml_attr(&draft, "stamp", xf_span_of(text));
    xf_draft_str(&draft, "/>");
    if (xf_draft_end(&draft) == XF_ERR_OK)
        stanza->payload = xf_buf_span(out);
}

/* The copy to send; NULL: it was returned. Takes over the old one. */
static struct xf_stanza_copy *settle(struct xf_route *route, struct xf_stanza_copy *copy)
{
    struct xf_stanza stanza;
    struct xf_stanza_copy *again = NULL;
    xf_stanza_copy_read(copy, &stanza);
    if (may_resend(route, &stanza)) {
        if (stanza.kind == XF_STANZA_MESSAGE)
            stamp(route, &stanza, copy->at_ms);
        again = xf_stanza_copy_new(&stanza, copy->at_ms);
        xf_journal_add(route->routing->journal, again, &stanza);
    } else {
        xf_route_bounce(route, &stanza, XF_STANZA_ERROR_REMOTE_SERVER_TIMEOUT,
                        "the connection broke before the domain confirmed this");
    }
    xf_journal_remove(route->routing->journal, copy);
    xf_free(copy);
    return again;
}

void xf_route_settle_back(struct xf_route *route)
{
    struct xf_stanza_queue settled;
    struct xf_stanza_copy *copy;
    xf_stanza_queue_init(&settled, NULL);
    while ((copy = xf_stanza_queue_front(&route->queue)) && copy->is_unproved) {
        xf_stanza_queue_remove(&route->queue, copy);
        copy = settle(route, copy);
        if (copy)
            xf_stanza_queue_append(&settled, copy);
    }
    while ((copy = xf_stanza_queue_back(&settled))) {
        xf_stanza_queue_remove(&settled, copy);
        xf_stanza_queue_put_back(&route->queue, copy);
    }
}
