/* SPDX-License-Identifier: MIT */
/*
 * suspects.c — finds the stanza over which a server closes the link, and keeps it out.
 *
 * A server may close the stream of all users because of one stanza, for example one that is larger
 * than it accepts. What was lost with the stream is sent again, and so the stream is lost again. So
 * each stanza counts how many streams were lost behind it. From the second one on it is a suspect:
 * it goes out alone, with a ping behind it, and whatever else there is waits until it is proved. If
 * the server closes the stream over this one too, the stanza goes into quarantine: a file gets a
 * copy (link { quarantine }), and its sender an error.
 *
 * A stream error is proof enough. A connection that only breaks may do so by chance, so that has to
 * happen to the lonely stanza twice. Where no pings are answered, nothing can go out alone: a
 * stanza behind which HOPELESS streams were lost is returned. A stream that we end ourselves, since
 * pings are not answered, says nothing about a stanza, and that does not repeat (leg_ping.c).
 */
#include "component_priv.h"

#include <xfed/base/alloc.h>
#include <xfed/xmpp/ns.h>

#define SUSPECT      2 /* streams that were lost behind it */
#define CONDEMNED    3
#define HOPELESS     6    /* returned, whoever is to blame */
#define DETAIL_BYTES 4096 /* of a record beside the stanza */

bool xf_component_is_suspect(const struct xf_leg *leg, const struct xf_stanza_copy *copy)
{
    return copy->losses >= SUSPECT && leg->is_sure;
}

/* ------------------------------------------------------------------ one at a time */

static void on_next(void *owner)
{
    struct xf_component *component = owner;
    component->alone_on = NULL;
    xf_component_flush(component);
}

void xf_component_init_suspects(struct xf_component *component)
{
    xf_timer_init(&component->next, on_next, component);
}

/* Called by a proof that still works: go on afterwards. */
void xf_component_settled(struct xf_component *component)
{
    const struct xf_stanza_copy *first = xf_stanza_queue_front(&component->hold.stanzas);
    if (component->alone_on || (first && first->losses >= SUSPECT))
        xf_timer_start(component->env->timers, &component->next, 0);
}

bool xf_component_send_alone(struct xf_component *component, struct xf_leg *leg,
                             const struct xf_stanza *stanza, struct xf_stanza_copy *copy)
{
    if (component->sender.unproved.count > 0 ||
        xf_leg_send(leg, &component->sender, stanza, copy) != XF_ERR_OK)
        return false;
    xf_component_sent(component, leg);
    component->alone_on = leg;
    xf_proof_ask(&leg->proof);
    return true;
}

/* ------------------------------------------------------------------ quarantine */

static void write_record(const struct xf_component *component, const struct xf_leg *leg,
                         const struct xf_stanza *stanza)
{
    const struct xf_link_settings *settings = component->common->settings;
    char node[XF_ADDR_TEXT_BYTES];
    struct xf_buf record;
    xf_buf_init(&record, settings->max_stanza_bytes + DETAIL_BYTES);
    struct xf_draft draft = xf_draft_begin(&record);
    xf_addr_text(&leg->addrs[leg->addr_at], node);
    xf_draft_printf(&draft, "# link \"%s\", node %s, %s, at %lld:\n", settings->title, node,
                    leg->last_end, (long long)component->env->unix_s(component->env));
    if (xf_draft_end(&draft) == XF_ERR_OK &&
        xf_xml_stanza(&record, stanza, XF_NS_COMPONENT, XF_SPAN_NONE) == XF_ERR_OK &&
        xf_buf_try_append(&record, "\n", 1) == XF_ERR_OK)
        component->env->quarantine(component->env, settings->quarantine, xf_buf_span(&record));
    xf_buf_release(&record);
}

static void log_record(const struct xf_leg *leg, const struct xf_stanza *stanza)
{
    char node[XF_ADDR_TEXT_BYTES];
    xf_addr_text(&leg->addrs[leg->addr_at], node);
    /* bounded: the peer pays for each line with three streams of the link and their back-off */
    xf_log(XF_LOG_ERROR, "link.stanza.quarantined", XF_STR("link", leg->settings->title),
           XF_STR("node", node), XF_SPN("from", stanza->from.full), XF_SPN("to", stanza->to.full),
           XF_SPN("id", stanza->id), XF_WORD("reason", leg->last_end),
           XF_STR("detail", *leg->stream.peer_text ? leg->stream.peer_text : NULL),
           XF_INT("bytes", stanza->payload.len), XF_STR("file", leg->settings->quarantine),
           XF_HELP(XF_HELP_LINK_POISON));
}

static void condemn(struct xf_component *component, const struct xf_leg *leg,
                    struct xf_stanza_copy *copy)
{
    struct xf_stanza stanza;
    xf_hold_remove(&component->hold, copy);
    xf_stanza_copy_read(copy, &stanza);
    log_record(leg, &stanza);
    if (*component->common->settings->quarantine)
        write_record(component, leg, &stanza);
    component->events->returned(component->owner, &stanza, XF_STANZA_ERROR_NOT_ACCEPTABLE);
    xf_free(copy);
}

static void give_up(struct xf_component *component, struct xf_stanza_copy *copy)
{
    struct xf_stanza stanza;
    xf_hold_remove(&component->hold, copy);
    xf_stanza_copy_read(copy, &stanza);
    component->events->expired(component->owner, &stanza);
    xf_free(copy);
}

static bool is_guilty(const struct xf_leg *leg, const struct xf_stanza_copy *copy)
{
    return copy->losses >= (leg->blame == XF_LEG_BLAME_CERTAIN ? CONDEMNED : CONDEMNED + 1);
}

/*
 * What came back from the leg is in front of the hold. The first one that did not leave whole is as
 * suspect as those that did: a server may refuse a large stanza before it has all of it.
 */
void xf_component_blame(struct xf_component *component, const struct xf_leg *leg)
{
    bool was_alone = component->alone_on == leg;
    if (was_alone)
        component->alone_on = NULL;
    if (leg->blame == XF_LEG_BLAME_NONE)
        return;
    XF_STANZA_QUEUE_EACH (copy, &component->hold.stanzas) {
        bool is_last = !copy->is_unproved;
        if (copy->serial != leg->proof.serial)
            return;
        if (copy->losses < UINT8_MAX)
            copy->losses++;
        if (was_alone && is_guilty(leg, copy))
            condemn(component, leg, copy);
        else if (copy->losses >= HOPELESS)
            give_up(component, copy);
        if (is_last)
            return;
    }
}
