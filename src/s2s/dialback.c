/* SPDX-License-Identifier: MIT */
/* dialback.c — reads and writes the elements of XEP-0220 §2. */
#include "dialback_priv.h"

#include <xfed/xmpp/ns.h>

enum xf_err xf_dialback_read_names(const struct xf_elem *elem, struct xf_dialback_names *out)
{
    struct xf_dialback_names names;
    if (xf_elem_attr(elem, "id").len > XF_DIALBACK_ID_MAX)
        return XF_ERR_LIMIT;
    if (xf_domain_prepare(xf_elem_attr(elem, "from"), names.from) != XF_ERR_OK ||
        xf_domain_prepare(xf_elem_attr(elem, "to"), names.to) != XF_ERR_OK)
        return XF_ERR_BAD_JID;
    *out = names;
    return XF_ERR_OK;
}

void xf_dialback_write(struct xf_stream *stream, const struct xf_dialback_elem *elem)
{
    struct xf_draft draft = xf_stream_draft(stream);
    xf_draft_printf(&draft, "<db:%s", elem->name);
    xf_xml_attr(&draft, "from", elem->from);
    xf_xml_attr(&draft, "to", elem->to);
    xf_xml_attr(&draft, "id", elem->id);
    xf_xml_attr(&draft, "type", xf_span_of(elem->type));
    if (xf_span_is(xf_span_of(elem->type), "error")) {
        xf_draft_str(&draft, ">");
        xf_xml_stanza_error(&draft, elem->error, XF_SPAN_NONE, NULL);
        xf_draft_printf(&draft, "</db:%s>", elem->name);
    } else if (elem->key.len) {
        xf_draft_str(&draft, ">");
        xf_xml_text(&draft, elem->key);
        xf_draft_printf(&draft, "</db:%s>", elem->name);
    } else {
        xf_draft_str(&draft, "/>");
    }
    xf_stream_send_draft(stream, &draft);
}

void xf_dialback_send_key(struct xf_stream *stream, const struct xf_dialback_claim *claim)
{
    struct xf_dialback_key key =
        xf_dialback_key_of(claim->secret, claim->peer, claim->local, claim->id);
    xf_dialback_write(stream, &(struct xf_dialback_elem){
                                  .name = "result",
                                  .from = claim->local,
                                  .to = claim->peer,
                                  .key = xf_span_of(key.hex),
                              });
}
