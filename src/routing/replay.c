/* SPDX-License-Identifier: MIT */
/*
 * replay.c — messages that the journal kept from an earlier process go the way of those that the
 * cluster sends now: policy may have changed since, and so may the addresses that the peer knows.
 *
 * Each gets a stamp of when it came (XEP-0203), from the served domain, unless it has one already,
 * which is older. Those that came too long ago are returned to their senders. A message of a domain
 * that is no longer served can be neither delivered nor returned.
 */
#include "replay_priv.h"

#include "bounce_priv.h"
#include "links_priv.h"
#include "outbound_priv.h"
#include "rare_priv.h"
#include "routing_priv.h"

#include <xfed/base/log.h>
#include <xfed/stream/delay.h>

#define STAMPED_BYTES (65u << 20) /* above the largest stanza */

void xf_replay_log_lost(struct xf_routing *routing, const struct xf_stanza *stanza)
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
        xf_replay_log_lost(routing, stanza);
        return;
    }
    if (is_late) {
        xf_bounce(routing, link, stanza, XF_STANZA_ERROR_REMOTE_SERVER_TIMEOUT,
                  "the domain could not be reached in time");
        return;
    }
    xf_buf_init(&payload, STAMPED_BYTES);
    xf_delay_stamp(stanza, stanza->from.domain, queued_s, &payload);
    xf_stanza_find_children(stanza);
    xf_outbound_carry(routing, link, stanza);
    xf_buf_release(&payload);
}

void xf_replay_messages(struct xf_routing *routing)
{
    xf_journal_replay(routing->journal, on_message, routing);
}
