/* SPDX-License-Identifier: MIT */
/*
 * bounce.c — error stanzas (RFC 6120 §8.3): addresses swapped, same kind and id, type='error', no
 * payload sent back.
 *
 * They go through the link (answers.c) or a route like any other stanza, so that they too are
 * sanitised, held and kept in order. An error stanza that cannot be delivered is dropped: if errors
 * were answered, two sides could answer each other for ever.
 */
#include "bounce_priv.h"

#include "answers_priv.h"
#include "repair_priv.h"
#include "routing_priv.h"

#include <xfed/xml/writer.h>
#include <xfed/xmpp/ns.h>

static enum xf_err write_error(struct xf_buf *out, enum xf_stanza_error error,
                               struct xf_span address, const char *text)
{
    xf_buf_clear(out);
    struct xf_draft draft = xf_draft_begin(out);
    xf_xml_stanza_error(&draft, error, address, text);
    return xf_draft_end(&draft);
}

void xf_bounce_make(struct xf_buf *payload, const struct xf_stanza *stanza,
                    const struct xf_jid *from, enum xf_stanza_error error, struct xf_span address,
                    const char *text, struct xf_stanza *out_stanza)
{
    if (write_error(payload, error, address, text) != XF_ERR_OK)
        /* the condition matters more than the rest, and fits without it */
        (void)!write_error(payload, error, XF_SPAN_NONE, NULL);
    *out_stanza = (struct xf_stanza){
        .kind = stanza->kind,
        .raw_from = from->full,
        .raw_to = stanza->from.full,
        .from = *from,
        .to = stanza->from,
        .type = XF_SPAN("error"),
        .id = stanza->id,
        .payload = xf_buf_span(payload),
        .children = {{.name = XF_SPAN("error")}},
        .child_count = 1,
        .wire_bytes = payload->len,
    };
}

/*
 * The answer comes from the address to which the stanza was sent (RFC 6120 §8.3.1), as it was
 * written, so that whoever waits for the answer recognises it. If that address is not a valid JID,
 * the answer is routed as from the domain named in it; if it names no domain, or one that is served
 * here, as from the sender's own domain.
 */
static struct xf_jid answering_jid(const struct xf_routing *routing, const struct xf_stanza *stanza,
                                   char domain[XF_DOMAIN_MAX + 1])
{
    if (stanza->to.full.ptr)
        return stanza->to;
    struct xf_span name = stanza->from.domain;
    if (xf_jid_named_domain(stanza->raw_to, domain) == XF_ERR_OK &&
        !xf_policy_served(routing->policy, xf_span_of(domain)))
        name = xf_span_of(domain);
    return (struct xf_jid){.full = name, .domain = name};
}

/* A server that accepted this text as `to` accepts it as `from`. */
struct xf_span xf_address_as_written(struct xf_span raw)
{
    return raw.len > 0 && raw.len <= XF_JID_MAX ? raw : XF_SPAN_NONE;
}

static void bounce(struct xf_routing *routing, struct xf_routing_link *link,
                   const struct xf_stanza *stanza, enum xf_stanza_error error,
                   struct xf_span address, const char *text, struct xf_span shown_to)
{
    if (!xf_stanza_may_bounce(stanza) || xf_repair_is_ours(stanza))
        return;
    char domain[XF_DOMAIN_MAX + 1];
    struct xf_jid from = answering_jid(routing, stanza, domain);
    struct xf_stanza answer;
    struct xf_buf payload;
    xf_buf_init(&payload, XF_BOUNCE_BYTES);
    xf_log(XF_LOG_DEBUG, "routing.stanza.bounced", XF_SPN("local", stanza->from.domain),
           XF_SPN("peer", from.domain), XF_WORD("reason", xf_stanza_error_name(error)),
           XF_STR("detail", text));
    xf_bounce_make(&payload, stanza, &from, error, address, text, &answer);
    if (!stanza->to.full.ptr)
        answer.shown_from = xf_address_as_written(stanza->raw_to);
    answer.shown_to = shown_to;
    xf_answer_cluster(link, &answer);
    xf_buf_release(&payload);
}

void xf_bounce(struct xf_routing *routing, struct xf_routing_link *link,
               const struct xf_stanza *stanza, enum xf_stanza_error error, const char *text)
{
    bounce(routing, link, stanza, error, XF_SPAN_NONE, text, XF_SPAN_NONE);
}

void xf_bounce_to(struct xf_routing *routing, struct xf_routing_link *link,
                  const struct xf_stanza *stanza, enum xf_stanza_error error,
                  struct xf_span address, const char *text)
{
    bounce(routing, link, stanza, error, address, text, XF_SPAN_NONE);
}

void xf_bounce_refused(struct xf_routing *routing, struct xf_routing_link *link,
                       const struct xf_stanza *stanza, const struct xf_ruling *ruling)
{
    if (ruling->answer != XF_DENIAL_SILENT)
        xf_bounce(routing, link, stanza, XF_STANZA_ERROR_NOT_ALLOWED, ruling->text);
}

/*
 * A room writes to full JIDs, and its private messages have a child in muc#user (XEP-0045 §7.5). Of
 * presence only a join (§7.2) waits for an answer.
 */
bool xf_bounce_would_remove(const struct xf_stanza *stanza)
{
    struct xf_stanza_child child;
    switch (stanza->kind) {
    case XF_STANZA_PRESENCE:
        return !stanza->type.ptr && !xf_stanza_child_in(stanza, XF_NS_MUC, &child);
    case XF_STANZA_MESSAGE:
        return (xf_span_is(stanza->type, "groupchat") && stanza->to.resource.ptr) ||
               xf_stanza_child_in(stanza, XF_NS_MUC_USER, &child);
    case XF_STANZA_IQ:
        break;
    }
    return false;
}

void xf_bounce_malformed_from(struct xf_routing *routing, struct xf_routing_link *link,
                              const struct xf_stanza *stanza)
{
    if (!xf_bounce_would_remove(stanza))
        bounce(routing, link, stanza, XF_STANZA_ERROR_JID_MALFORMED, XF_SPAN_NONE,
               "the address is not valid", xf_address_as_written(stanza->raw_from));
}
