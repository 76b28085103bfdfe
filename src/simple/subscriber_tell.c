/* SPDX-License-Identifier: MIT */
/*
 * subscriber_tell.c — what our user is told about a contact, and what is kept of it.
 *
 * The last presence is kept, so that a probe is answered at once, and so that a cluster that was
 * away gets the last state and none of those before. What has to be told is a set of bits: a flood
 * of NOTIFYs makes nothing grow.
 */
#include "subscriber_priv.h"

#include <xfed/base/alloc.h>
#include <xfed/xml/writer.h>

#define KEPT_MAX 2048 /* bytes of presence that are kept */

void xf_subscription_tell(struct xf_subscription *sub, unsigned tidings)
{
    sub->tell |= tidings;
    if (!xf_list_is_linked(&sub->untold))
        xf_list_push(&sub->simple->subscriber.untold, &sub->untold);
}

/* ------------------------------------------------------------------ what is kept */

static bool write_presence(struct xf_buf *out, const struct xf_availability *availability)
{
    xf_buf_clear(out);
    struct xf_draft draft = xf_draft_begin(out);
    xf_availability_write(&draft, availability);
    return xf_draft_end(&draft) == XF_ERR_OK;
}

static void keep(struct xf_subscription *sub, struct xf_span payload)
{
    if (xf_span_eq((struct xf_span){sub->payload, sub->payload_len}, payload))
        return;
    xf_subscription_replace(&sub->payload, &sub->payload_len, payload);
    sub->is_changed = true;
}

/* Texts that are too long to be kept are left out, the last ones first; show and priority stay. */
void xf_subscription_show(struct xf_subscription *sub, const struct xf_availability *availability)
{
    struct xf_buf *out = &sub->simple->subscriber.payload;
    struct xf_availability kept = *availability;
    sub->is_changed |= !sub->has_state || sub->is_open != availability->is_open;
    sub->has_state = true;
    sub->is_open = availability->is_open;
    while (!write_presence(out, &kept) || out->len > KEPT_MAX)
        kept.note_count--;
    keep(sub, xf_buf_span(out));
    xf_subscription_tell(sub, XF_TELL_STATE);
}

void xf_subscription_fade(struct xf_subscription *sub)
{
    if (sub->is_open)
        xf_subscription_tell(sub, XF_TELL_STATE);
    sub->is_changed |= sub->is_open;
    sub->is_open = false;
    keep(sub, XF_SPAN_NONE);
}

bool xf_subscription_answer(struct xf_subscription *sub)
{
    if (!sub->wants_answer || sub->state != XF_SUBSCRIPTION_ACTIVE ||
        !xf_simple_passes(sub->simple, xf_subscription_user(sub),
                          xf_simple_domain_of(xf_subscription_contact(sub)), XF_DIRECTION_IN,
                          XF_KINDS_SUBSCRIPTION, false))
        return false;
    sub->wants_answer = false;
    sub->is_changed = true;
    xf_subscription_tell(sub, XF_TELL_SUBSCRIBED);
    return true;
}

bool xf_subscription_hide(struct xf_subscription *sub)
{
    bool is_hidden = !xf_simple_passes(sub->simple, xf_subscription_user(sub),
                                       xf_simple_domain_of(xf_subscription_contact(sub)),
                                       XF_DIRECTION_IN, XF_KINDS_PRESENCE, true);
    if (is_hidden == sub->is_hidden)
        return false;
    sub->is_hidden = is_hidden;
    if (sub->is_open)
        xf_subscription_tell(sub, is_hidden ? XF_TELL_GONE : XF_TELL_STATE);
    return true;
}

/* ------------------------------------------------------------------ telling */

static bool tell(struct xf_subscription *sub, const char *type, struct xf_span payload)
{
    return xf_tell(sub->simple, &(struct xf_tidings){.from = xf_subscription_contact(sub),
                                                     .to = xf_subscription_user(sub),
                                                     .type = type,
                                                     .payload = payload});
}

/*
 * The error that the user gets for a contact that its server does not know (RFC 6121 section
 * 3.1.3).
 */
static bool tell_missing(struct xf_subscription *sub)
{
    struct xf_buf *out = &sub->simple->subscriber.payload;
    xf_buf_clear(out);
    struct xf_draft draft = xf_draft_begin(out);
    xf_xml_stanza_error(&draft, XF_STANZA_ERROR_ITEM_NOT_FOUND, XF_SPAN_NONE,
                        "the other side knows no such user");
    return xf_draft_end(&draft) != XF_ERR_OK || tell(sub, "error", xf_buf_span(out));
}

static bool tell_one(struct xf_subscription *sub, enum xf_subscription_tidings what)
{
    switch (what) {
    case XF_TELL_SUBSCRIBED:
        return tell(sub, "subscribed", XF_SPAN_NONE);
    case XF_TELL_STATE:
        return tell(sub, sub->is_open ? NULL : "unavailable",
                    (struct xf_span){sub->payload, sub->payload_len});
    case XF_TELL_MISSING:
        return tell_missing(sub);
    case XF_TELL_UNSUBSCRIBED:
        return tell(sub, "unsubscribed", XF_SPAN_NONE);
    case XF_TELL_GONE:
        return xf_tell(sub->simple, &(struct xf_tidings){.from = xf_subscription_contact(sub),
                                                         .to = xf_subscription_user(sub),
                                                         .type = "unavailable",
                                                         .is_last = true});
    }
    return true;
}

/* What is refused on its way is noted again before tell_one returns (xf_subscriber_lost). */
bool xf_subscription_tell_noted(struct xf_subscription *sub)
{
    for (unsigned bit = 1; bit <= XF_TELL_UNSUBSCRIBED; bit <<= 1) {
        if (!(sub->tell & bit))
            continue;
        sub->tell &= ~bit;
        if (!tell_one(sub, bit)) {
            sub->tell |= bit;
            return false;
        }
    }
    if (sub->tell)
        return false;
    xf_list_remove(&sub->untold);
    return true;
}
