/* SPDX-License-Identifier: MIT */
/*
 * replay.c — messages that the journal kept from an earlier process go the way of those that the
 * cluster sends now: policy may have changed since, and so may the addresses that the peer knows.
 *
 * Each gets a stamp of when it came (XEP-0203), from the served domain, unless it has one already,
 * which is older. Those that came too long ago are returned to their senders. A message of a domain
 * that is no longer served can be neither delivered nor returned.
 */
#include "routing_priv.h"

#include "bounce_priv.h"
#include "links_priv.h"
#include "outbound_priv.h"
#include "rare_priv.h"

#include <stdio.h>
#include <time.h>
#include <xfed/base/draft.h>
#include <xfed/base/log.h>
#include <xfed/xml/writer.h>

#define NS_DELAY      "urn:xmpp:delay"
#define STAMPED_BYTES (65u << 20) /* above the largest stanza */
#define STAMP_CHARS   32

static bool is_stamped(const struct xf_stanza *stanza)
{
    struct xf_span rest = stanza->payload;
    struct xf_stanza_child child;
    while (xf_stanza_next_child(&rest, &child))
        if (xf_span_is(child.ns, NS_DELAY) && xf_span_is(child.name, "delay"))
            return true;
    return false;
}

/* XEP-0082, in UTC. */
static void write_time(int64_t unix_s, char out[STAMP_CHARS])
{
    struct tm utc;
    time_t time = (time_t)unix_s;
    if (!gmtime_r(&time, &utc) || strftime(out, STAMP_CHARS, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0)
        snprintf(out, STAMP_CHARS, "1970-01-01T00:00:00Z"); /* a file that somebody edited */
}

static void stamp(struct xf_buf *payload, struct xf_stanza *stanza, int64_t queued_s)
{
    char time_text[STAMP_CHARS];
    write_time(queued_s, time_text);
    struct xf_draft draft = xf_draft_begin(payload);
    xf_draft_span(&draft, stanza->payload);
    xf_draft_str(&draft, "<delay xmlns=\"" NS_DELAY "\"");
    xf_xml_attr(&draft, "from", stanza->from.domain);
    xf_xml_attr(&draft, "stamp", xf_span_of(time_text));
    xf_draft_str(&draft, "/>");
    if (xf_draft_end(&draft) != XF_ERR_OK)
        return;
    stanza->payload = xf_buf_span(payload);
    xf_stanza_find_children(stanza);
}

static void log_lost(struct xf_routing *routing, const struct xf_stanza *stanza)
{
    unsigned suppressed = 0;
    if (xf_rare_is_due(&routing->lost, xf_routing_now(routing), &suppressed))
        /* bounded: xf_rare */
        xf_log(XF_LOG_WARN, "journal.message.lost", XF_SPN("from", stanza->raw_from),
               XF_SPN("to", stanza->raw_to), XF_INT("suppressed", suppressed));
}

static void on_message(void *owner, struct xf_stanza *stanza, int64_t queued_s, bool is_late)
{
    struct xf_routing *routing = owner;
    struct xf_routing_link *link = NULL;
    struct xf_buf payload;
    bool is_from;
    if (xf_stanza_address(stanza, &routing->scratch, &is_from) == XF_ERR_OK &&
        stanza->from.full.ptr && stanza->to.full.ptr)
        link = xf_routing_link_serving(routing, stanza->from.domain);
    if (!link) {
        log_lost(routing, stanza);
        return;
    }
    if (is_late) {
        xf_bounce(routing, link, stanza, XF_STANZA_ERROR_REMOTE_SERVER_TIMEOUT,
                  "the domain could not be reached in time");
        return;
    }
    xf_buf_init(&payload, STAMPED_BYTES);
    if (!is_stamped(stanza))
        stamp(&payload, stanza, queued_s);
    xf_outbound_carry(routing, link, stanza);
    xf_buf_release(&payload);
}

void xf_routing_attach_journal(struct xf_routing *routing, struct xf_journal *journal)
{
    routing->journal = journal;
    if (journal)
        xf_journal_replay(journal, on_message, routing);
}
