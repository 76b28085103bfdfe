/* SPDX-License-Identifier: MIT */
/*
 * component_back.c — takes back what a leg had sent, and its server may not have, when the leg's
 * stream has closed.
 *
 * All of it goes to the front of the hold, in order, whether it never left or nobody knows (struct
 * xf_proof). From there it goes out on the next leg or expires to its sender, like everything else
 * that waits, but not both. What nobody knows about is judged first: the setting `resend` may want
 * it to be returned at once.
 */
#include "component_priv.h"

#include <xfed/base/alloc.h>
#include <xfed/stream/delay.h>
#include <xfed/stream/resend.h>
#include <xfed/xmpp/ns.h>

static struct xf_component *component_of(struct xf_sender *sender)
{
    return XF_CONTAINER(sender, struct xf_component, sender);
}

/* From here on it waits: its age counts from now. xf_component_settle stamps with the old one. */
static void take_back(struct xf_sender *sender, struct xf_stanza_copy *copy, enum xf_fate fate)
{
    struct xf_component *component = component_of(sender);
    copy->is_unproved = fate == XF_FATE_UNPROVED;
    if (!copy->is_unproved)
        copy->at_ms = component->env->clock->now_ms;
    xf_hold_put_back(&component->hold, copy);
}

static void on_settled(struct xf_sender *sender)
{
    xf_component_settled(component_of(sender));
}

void xf_component_init_sender(struct xf_component *component)
{
    component->sender.back = take_back;
    component->sender.settled = on_settled;
}

/* With a stamp, unless that makes it larger than the server accepts. */
static struct xf_stanza_copy *renew(const struct xf_component *component,
                                    const struct xf_stanza_copy *copy,
                                    const struct xf_stanza *stanza)
{
    const struct xf_leg_common *common = component->common;
    struct xf_stanza stamped = *stanza;
    xf_delay_stamp(&stamped, xf_span_of(common->settings->name),
                   xf_resend_came_s(component->env, copy->at_ms), common->rewritten);
    bool fits = xf_xml_stanza_fits(&stamped, XF_NS_COMPONENT, common->settings->max_stanza_bytes);
    struct xf_stanza_copy *again =
        xf_stanza_copy_new(fits ? &stamped : stanza, component->env->clock->now_ms);
    again->losses = copy->losses;
    return again;
}

/* Sort what nobody knows about, the oldest first, into what is sent again and what is returned. */
static void sort(struct xf_component *component, struct xf_stanza_queue *again,
                 struct xf_stanza_queue *returned)
{
    struct xf_stanza_copy *copy;
    while ((copy = xf_hold_take_unproved(&component->hold))) {
        struct xf_stanza stanza;
        xf_stanza_copy_read(copy, &stanza);
        if (!xf_resend_may(component->common->settings->resend, &stanza)) {
            xf_stanza_queue_append(returned, copy);
            continue;
        }
        xf_stanza_queue_append(again, renew(component, copy, &stanza));
        xf_free(copy);
    }
}

void xf_component_settle(struct xf_component *component)
{
    struct xf_stanza_queue again, returned;
    struct xf_stanza_copy *copy;
    xf_stanza_queue_init(&again, NULL);
    xf_stanza_queue_init(&returned, NULL);
    sort(component, &again, &returned);
    while ((copy = xf_stanza_queue_back(&again))) {
        xf_stanza_queue_remove(&again, copy);
        xf_hold_put_back(&component->hold, copy);
    }
    while (!xf_stanza_queue_is_empty(&returned)) {
        struct xf_stanza stanza;
        copy = xf_stanza_queue_pop(&returned);
        xf_stanza_copy_read(copy, &stanza);
        component->events->expired(component->owner, &stanza);
        xf_free(copy);
    }
}
